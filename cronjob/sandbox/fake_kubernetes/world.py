"""
The state of the embedded Kubernetes. `kubernetes_app` serves it; tests may use this class directly, from any thread.
"""

from __future__ import annotations

from typing import Any, Unpack

from cronjob.sandbox.fake_kubernetes.authorization import Attempt, Denial
from cronjob.sandbox.fake_kubernetes.kinds import BY_KIND, Kind, served_versions
from cronjob.sandbox.fake_kubernetes.manifests import copy_of, manifests_from
from cronjob.sandbox.fake_kubernetes.request_log import Request
from cronjob.sandbox.fake_kubernetes.schema import shown
from cronjob.sandbox.fake_kubernetes.store import KubernetesStore
from cronjob.sandbox.faults.fault import PlannedFault, PlannedFaultFields
from cronjob.sandbox.faults.injector import FaultInjector

Manifest = dict[str, Any]
# `list` is a method below, so its class cannot use the name as a type.
Manifests = list[Manifest]
Requests = list[Request]

WRITING = ("POST", "PUT", "PATCH", "DELETE")
REVIEWS = ("/apis/authorization.k8s.io/", "/apis/authentication.k8s.io/")


class KubernetesWorld:
    """
    The objects of a cluster, and the access rules.

    Returned objects are copies. Objects given to `apply` are not validated, so tests can store malformed ones;
    requests over HTTP are validated by the main rules of the schemas.
    """

    def __init__(self, *, flux: str = "2.6") -> None:
        self.flux = flux
        self.served: dict[str, list[str]] = served_versions(flux)
        self.store = KubernetesStore()
        self.faults = FaultInjector()
        self.denials: list[Denial] = []
        self.requests: list[Request] = []
        self.latency = 0.0
        self.token: str | None = None
        self.user = "system:serviceaccount:platform-flux-tenant-config:flux-gitlab-syncer"
        for name in ("default", "kube-system"):
            self.add_namespace(name)

    @property
    def writes(self) -> Requests:
        """The logged writes; reviews are reads."""
        return [
            request for request in self.requests if request.method in WRITING and not request.path.startswith(REVIEWS)
        ]

    @property
    def continue_ttl(self) -> float:
        """The lifetime of a continue token in seconds."""
        return self.store.snapshots.time_to_live

    @continue_ttl.setter
    def continue_ttl(self, seconds: float) -> None:
        self.store.snapshots.time_to_live = seconds

    def expire_continue_tokens(self) -> None:
        """Make every outstanding continue token answer 410."""
        self.store.snapshots.forget()

    def uninstall(self, group: str) -> None:
        """Stop serving *group*; its objects stay stored."""
        self.served.pop(group, None)

    def add_namespace(self, name: str, *, phase: str = "Active") -> None:
        """Create the namespace, or put it in another *phase* (Terminating)."""
        manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        self.apply(manifest | {"status": {"phase": phase}})

    def apply(self, manifest: Manifest, *, create_namespace: bool = True) -> Manifest:
        """
        Create or replace an object and return a copy of what is stored.

        Its status is kept unless *manifest* has one. A missing namespace is created.
        """
        kind = BY_KIND[manifest["kind"]]
        metadata = manifest["metadata"]
        if kind.namespaced and "namespace" not in metadata:
            manifest = manifest | {"metadata": metadata | {"namespace": "default"}}
        namespace = manifest["metadata"].get("namespace", "")
        with self.store.lock:
            if kind.namespaced and create_namespace and self.get("Namespace", None, namespace) is None:
                self.add_namespace(namespace)
            return self._copy(kind, self.store.put(kind, manifest))

    def apply_yaml(self, text: str) -> Manifests:
        """Apply every object of a YAML stream."""
        return [self.apply(manifest) for manifest in manifests_from(text)]

    def get(self, kind: str, namespace: str | None, name: str) -> Manifest | None:
        """The object in its preferred version, or None."""
        found = self.store.find(BY_KIND[kind], namespace or "", name)
        return self._copy(BY_KIND[kind], found) if found else None

    def list(self, kind: str, namespace: str | None = None) -> Manifests:
        """All objects of a kind, in one *namespace* or in all."""
        rows = self.store.rows(BY_KIND[kind], namespace or "")
        return [self._copy(BY_KIND[kind], manifest) for _, manifest in rows]

    def delete(self, kind: str, namespace: str | None, name: str) -> None:
        """Remove the object at once, regardless of finalizers; a namespace is removed with its objects."""
        if self.store.remove(BY_KIND[kind], namespace or "", name) is None:
            raise KeyError(f"{kind} {namespace}/{name}")

    def set_status(self, kind: str, namespace: str | None, name: str, status: Manifest) -> None:
        """Replace the object's status, as its controller would."""
        with self.store.lock:
            found = self.store.find(BY_KIND[kind], namespace or "", name)
            if found is None:
                raise KeyError(f"{kind} {namespace}/{name}")
            self.store.put(BY_KIND[kind], found | {"status": status})

    def deny(self, *, verb: str, resource: str, namespace: str | None = None, name: str | None = None) -> None:
        """Deny a permission: requests get 403, reviews answer no. `world.denials.clear()` allows everything again."""
        self.denials.append(Denial(verb, resource, namespace, name))

    def allows(self, attempt: Attempt) -> bool:
        """Whether no rule denies *attempt*."""
        return not any(denial.covers(attempt) for denial in self.denials)

    def fail(self, **fields: Unpack[PlannedFaultFields]) -> PlannedFault:
        """
        Plan a fault for coming requests; `PlannedFault` describes the *fields*.

        A *status* without a *body* is answered with a Status object.
        """
        return self.faults.plan(**fields)

    def _copy(self, kind: Kind, manifest: Manifest) -> Manifest:
        versions = self.served.get(kind.group) or ["v1"]
        return copy_of(shown(kind, versions[0], manifest))

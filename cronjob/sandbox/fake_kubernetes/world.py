"""
The state of the embedded Kubernetes. `kubernetes_app` serves it; tests may use this class directly, from any thread.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Unpack

from cronjob.sandbox.fake_kubernetes.authorization import Attempt, Denial, DenialFields
from cronjob.sandbox.fake_kubernetes.flux_schema import FluxSchema
from cronjob.sandbox.fake_kubernetes.kinds import BY_KIND, FLUX_OPERATOR, Kind, served_versions
from cronjob.sandbox.fake_kubernetes.managed_fields import CONTROLLER, Writer
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
    def clock(self) -> Callable[[], float]:
        """The clock of creation times and managedFields, in seconds since the epoch; tests may replace it."""
        return self.store.clock

    @clock.setter
    def clock(self, clock: Callable[[], float]) -> None:
        self.store.clock = clock

    def now(self) -> str:
        """The current time in the API's format."""
        return self.store.now()

    @property
    def flux_schema(self) -> FluxSchema:
        """The CRDs that requests are validated with."""
        major, _, minor = (self.flux or "0.0").partition(".")
        return FluxSchema((int(major), int(minor)), flux_operator=FLUX_OPERATOR in self.served)

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

    def install_flux_operator(self) -> None:
        """Serve ResourceSetInputProviders, and accept them in Receivers, as Flux Operator's distribution does."""
        self.served[FLUX_OPERATOR] = ["v1"]

    def add_namespace(self, name: str, *, phase: str = "Active") -> None:
        """Create the namespace, or put it in another *phase* (Terminating)."""
        manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        self.apply(manifest | {"status": {"phase": phase}})

    def apply(self, manifest: Manifest, *, create_namespace: bool = True, manager: str = Writer().manager) -> Manifest:
        """
        Create or replace an object and return a copy of what is stored.

        Its status is kept unless *manifest* has one. A missing namespace is created. *manager* is the field manager.
        """
        kind = BY_KIND[manifest["kind"]]
        metadata = manifest["metadata"]
        if kind.namespaced and "namespace" not in metadata:
            manifest = manifest | {"metadata": metadata | {"namespace": "default"}}
        namespace = manifest["metadata"].get("namespace", "")
        with self.store.lock:
            if kind.namespaced and create_namespace and self.get("Namespace", None, namespace) is None:
                self.add_namespace(namespace)
            return self._copy(kind, self.store.put(kind, manifest, writer=Writer(manager)))

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
            found = self._existing(kind, namespace, name)
            self.store.put(BY_KIND[kind], found | {"status": status}, writer=CONTROLLER)

    def set_managed_fields(self, kind: str, namespace: str | None, name: str, entries: Manifests) -> None:
        """Replace the object's managedFields, such as those of an older object or of a server-side apply."""
        with self.store.lock:
            self.store.set_managed_fields(BY_KIND[kind], self._existing(kind, namespace, name), entries)

    def deny(self, **fields: Unpack[DenialFields]) -> None:
        """
        Deny a permission: requests get 403, reviews answer no. `world.denials.clear()` allows everything again.

        `Denial` describes the *fields*; *verb* and *resource* are required.
        """
        self.denials.append(Denial(**fields))

    def allows(self, attempt: Attempt, user: str | None = None) -> bool:
        """Whether no rule denies *attempt* of *user*, who is the world's own user by default."""
        return not any(denial.covers(attempt, user or self.user) for denial in self.denials)

    def fail(self, **fields: Unpack[PlannedFaultFields]) -> PlannedFault:
        """
        Plan a fault for coming requests; `PlannedFault` describes the *fields*.

        A *status* without a *body* is answered with a Status object.
        """
        return self.faults.plan(**fields)

    def _existing(self, kind: str, namespace: str | None, name: str) -> Manifest:
        found = self.store.find(BY_KIND[kind], namespace or "", name)
        if found is None:
            raise KeyError(f"{kind} {namespace}/{name}")
        return found

    def _copy(self, kind: Kind, manifest: Manifest) -> Manifest:
        versions = self.served.get(kind.group) or ["v1"]
        return copy_of(shown(kind, versions[0], manifest))

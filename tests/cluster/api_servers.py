"""
API servers for the same tests: the embedded one always, a real one where there is one.

`KUBEBUILDER_ASSETS` is a folder with the programs kube-apiserver and etcd, as controller-runtime has it;
`TEST_KUBECONFIG` a kubeconfig whose current context is an administrator of a cluster for tests. That one may be
somebody's: nothing in it is touched but what was made here, under names that nobody has.
"""

from __future__ import annotations

import os
import re
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Protocol, cast

import yaml

from cronjob.kube.client import KubeApi, connect
from cronjob.kube.target import KubeOptions
from cronjob.sandbox.fake_kubernetes.app import kubeconfig, kubernetes_app
from cronjob.sandbox.fake_kubernetes.authorization import Denial
from cronjob.sandbox.fake_kubernetes.kinds import BY_KIND, FLUX_GROUPS, Kind
from cronjob.sandbox.fake_kubernetes.world import KubernetesWorld
from cronjob.sandbox.serving import serving
from cronjob.transport.answer import Answer
from tests.cluster.grants import bound_to
from tests.cluster.manifests import Manifest
from tests.cluster.real_server import RealServer, a_kubeconfig, a_real_server

# Read before a test's clean environment takes them away.
ASSETS = os.environ.get("KUBEBUILDER_ASSETS", "")
KUBECONFIG = os.environ.get("TEST_KUBECONFIG", "")
HAS_REAL = bool(ASSETS or KUBECONFIG)
# What the manifests bring beside Flux's kinds.
_OTHERS = (Kind("monitoring.coreos.com", "PrometheusRule", "prometheusrules"),)
_CUSTOM = tuple(kind for kind in (*BY_KIND.values(), *_OTHERS) if kind.group in {*FLUX_GROUPS, "monitoring.coreos.com"})

# From this Kubernetes 1.N on lists are answered from the API server's memory, whatever etcd has forgotten.
_REMEMBERS_LISTS = 34
_RIGHTS = ("ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")
CLUSTER_WIDE = (
    "Namespace",
    "ClusterRole",
    "ClusterRoleBinding",
    "CustomResourceDefinition",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
)


class ApiServer(Protocol):
    """One API server. *api* is an administrator's; *kubeconfig* too, where kubectl can use it."""

    api: KubeApi
    kubeconfig: Path

    def make(self, manifest: Manifest) -> None:
        """Create the object; rights too."""

    def kubeconfig_of(self, namespace: str, account: str) -> Path:
        """A kubeconfig with a token of the service account."""

    def expire_lists(self) -> bool:
        """End the life of all continue tokens; False where that cannot be had."""


class Embedded:
    """The sandbox's, which knows no service accounts: each gets an entrance of its own to the same objects."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.world = KubernetesWorld()
        self._folder = folder
        self._stack = stack
        self._rights: list[Manifest] = []
        self.kubeconfig = self._entrance(self.world)
        self.api = stack.enter_context(connect(KubeOptions(kubeconfig=str(self.kubeconfig))))

    def make(self, manifest: Manifest) -> None:
        if manifest["kind"] in _RIGHTS:
            self._rights.append(manifest)
        else:
            created(self.api, manifest)

    def kubeconfig_of(self, namespace: str, account: str) -> Path:
        view = KubernetesWorld()
        view.store, view.served = self.world.store, self.world.served
        view.user = f"system:serviceaccount:{namespace}:{account}"
        view.token = secrets.token_hex(8)
        view.denials.append(cast("Denial", bound_to(namespace, account, self._rights)))
        return self._entrance(view)

    def expire_lists(self) -> bool:
        self.world.expire_continue_tokens()
        return True

    def _entrance(self, world: KubernetesWorld) -> Path:
        url = self._stack.enter_context(serving(kubernetes_app(world)))
        path = self._folder / f"kubeconfig-{secrets.token_hex(4)}"
        path.write_text(kubeconfig(url, token=world.token))
        return path


class Real:
    """A real one. *ours* is what runs it, where we do."""

    def __init__(self, kubeconfig: Path, folder: Path, ours: RealServer | None = None) -> None:
        self.kubeconfig = kubeconfig
        self.api = connect(KubeOptions(kubeconfig=str(kubeconfig)))
        self._folder = folder
        self._ours = ours

    def make(self, manifest: Manifest) -> None:
        created(self.api, manifest)

    def kubeconfig_of(self, namespace: str, account: str) -> Path:
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 3600}}
        token = said(self.api.send("POST", path, body=body), 201)["status"]["token"]
        file = self._folder / f"kubeconfig-{secrets.token_hex(4)}"
        file.write_text(yaml.safe_dump(a_kubeconfig(self._cluster(), token)))
        return file

    def expire_lists(self) -> bool:
        if self._ours is None or minor_of(self.api) >= _REMEMBERS_LISTS:
            return False
        self._ours.compact()
        return True

    def _cluster(self) -> dict[str, str]:
        """Where it is, as the administrator's kubeconfig has it."""
        config = yaml.safe_load(self.kubeconfig.read_text())
        [context] = [one["context"] for one in config["contexts"] if one["name"] == config["current-context"]]
        [cluster] = [one["cluster"] for one in config["clusters"] if one["name"] == context["cluster"]]
        if "certificate-authority" in cluster:
            cluster["certificate-authority"] = str(self.kubeconfig.parent / cluster["certificate-authority"])
        return dict(cluster)


def said(answer: Answer, *statuses: int) -> dict[str, Any]:
    """The body of an answer that must have one of these statuses."""
    body = answer.parsed()
    assert answer.status in statuses, (answer.status, answer.body)
    return body or {}


def created(api: KubeApi, manifest: Manifest) -> dict[str, Any]:
    """POST the object."""
    return said(api.send("POST", collection_of(manifest), body=manifest), 201)


def collection_of(manifest: Manifest) -> str:
    """The path below which objects of that kind, and in that namespace, are."""
    group, _, version = manifest["apiVersion"].rpartition("/")
    plural = re.sub("ys$", "ies", f"{manifest['kind'].lower()}s")
    prefix = f"/apis/{group}/{version}" if group else f"/api/{version}"
    if manifest["kind"] in CLUSTER_WIDE:
        return f"{prefix}/{plural}"
    return f"{prefix}/namespaces/{manifest['metadata']['namespace']}/{plural}"


@contextmanager
def an_embedded(folder: Path) -> Iterator[ApiServer]:
    """The sandbox's API server, up."""
    with ExitStack() as stack:
        yield Embedded(folder, stack)


@contextmanager
def a_real(folder: Path) -> Iterator[ApiServer]:
    """A real API server with Flux's kinds in it."""
    with ExitStack() as stack:
        if KUBECONFIG:
            server = Real(Path(KUBECONFIG).absolute(), folder)
        else:
            ours = stack.enter_context(a_real_server(Path(ASSETS), folder))
            server = Real(ours.kubeconfig, folder, ours)
        stack.enter_context(server.api)
        stack.enter_context(_with_flux(server.api))
        yield server


@contextmanager
def _with_flux(api: KubeApi) -> Iterator[None]:
    """Flux's kinds are served; those that were not are made, and taken away again."""
    missing = [kind for kind in _CUSTOM if not serves(api, f"{kind.group}/v1", kind.plural)]
    with ExitStack() as stack:
        for kind in missing:
            stack.enter_context(existing(api, crd(kind)))
        for kind in missing:
            wait_until(partial(_is_up, api, kind))
        yield


def _is_up(api: KubeApi, kind: Kind) -> bool:
    listed = api.get(f"/apis/{kind.group}/v1/namespaces/default/{kind.plural}", {"limit": "1"})
    return listed.status == 200 and serves(api, f"{kind.group}/v1", kind.plural)


def serves(api: KubeApi, version: str, plural: str) -> bool:
    """Whether the server has objects of that name in *version* of an API group."""
    answer = api.get(f"/apis/{version}")
    resources = said(answer, 200)["resources"] if answer.status != 404 else []
    return any(one["name"] == plural for one in resources)


def minor_of(api: KubeApi) -> int:
    """N of Kubernetes 1.N."""
    return int(said(api.get("/version"), 200)["minor"].rstrip("+"))


@contextmanager
def existing(api: KubeApi, manifest: Manifest) -> Iterator[None]:
    """The object is there, and afterwards it is not."""
    created(api, manifest)
    try:
        yield
    finally:
        api.send("DELETE", f"{collection_of(manifest)}/{manifest['metadata']['name']}")


def wait_until(is_so: Callable[[], object]) -> None:
    """What a server does after it has answered."""
    end = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.05)


def crd(kind: Kind) -> Manifest:
    """As little of one of Flux's CustomResourceDefinitions as lets its objects in."""
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    spec = {"spec": anything, "status": anything | {"default": {"observedGeneration": -1}}}
    schema = {"openAPIV3Schema": {"type": "object", "properties": spec}}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema, "subresources": {"status": {}}}
    names = {"kind": kind.kind, "plural": kind.plural, "singular": kind.singular, "shortNames": [*kind.short_names]}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": kind.qualified},
        "spec": {"group": kind.group, "scope": "Namespaced", "names": names, "versions": [version]},
    }

"""
API servers for the same tests: the embedded one always, a real one where there is one.

`KUBEBUILDER_ASSETS` is a folder with the programs kube-apiserver and etcd, as controller-runtime has it, and where it
has a folder `crds` too, with the CustomResourceDefinitions of Flux that are used instead of ones that allow everything;
`TEST_KUBECONFIG` a kubeconfig whose current context is an administrator of a cluster for tests. That one may be
somebody's: nothing in it is touched but what was made here, under names that nobody has.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Protocol, cast

import yaml

from cronjob.kube.client import KubeApi, connect
from cronjob.kube.target import KubeOptions
from cronjob.sandbox.fake_kubernetes.app import kubeconfig, kubernetes_app
from cronjob.sandbox.fake_kubernetes.authorization import Denial
from cronjob.sandbox.fake_kubernetes.world import KubernetesWorld
from cronjob.sandbox.serving import serving
from tests.cluster.flux_kinds import flux_kinds
from tests.cluster.grants import bound_to
from tests.cluster.manifests import Manifest
from tests.cluster.objects import created, minor_of, said
from tests.cluster.real_server import RealServer, a_kubeconfig, a_real_server

# Read before a test's clean environment takes them away.
ASSETS = os.environ.get("KUBEBUILDER_ASSETS", "")
KUBECONFIG = os.environ.get("TEST_KUBECONFIG", "")
HAS_REAL = bool(ASSETS or KUBECONFIG)
# From this Kubernetes 1.N on lists are answered from the API server's memory, whatever etcd has forgotten.
_REMEMBERS_LISTS = 34
_RIGHTS = ("ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")


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
        # As `make real` has it.
        self.world = KubernetesWorld(flux="2.9")
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
        view = KubernetesWorld(flux=self.world.flux)
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
        stack.enter_context(flux_kinds(server.api, Path(ASSETS) / "crds" if ASSETS else None))
        yield server

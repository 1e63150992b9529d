"""The program with a kubeconfig of a shipped service account, against an API server and the sandbox's GitLab."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from cronjob.kube.client import KubeApi, connect
from cronjob.kube.target import KubeOptions
from cronjob.sandbox.fake_flux.source_and_notification import webhook_path
from cronjob.sandbox.samples import token_of
from tests.cluster.api_servers import ApiServer
from tests.cluster.manifests import Manifest, of_kind
from tests.cluster.objects import collection_of, created, said
from tests.worlds.program import Done, Program, a_program

JOB = "flux-gitlab-syncer"
AUDIT = "flux-gitlab-syncer-audit"
TENANTS = ("tenant-0001", "tenant-0002")
_ADMINISTRATORS = ("Secret", "GitRepository", "Receiver")


@dataclass(frozen=True)
class Scene:
    """A namespace with tenants, and *program* as the job's account in it."""

    server: ApiServer
    namespace: str
    program: Program

    def as_account(self, name: str) -> dict[str, str]:
        """The environment that makes the program that account."""
        return {"KUBECONFIG": str(self.server.kubeconfig_of(self.namespace, name))}

    @contextmanager
    def api_of(self, name: str) -> Iterator[KubeApi]:
        """Requests of that account's."""
        with connect(KubeOptions(kubeconfig=str(self.server.kubeconfig_of(self.namespace, name)))) as api:
            yield api

    def child(self, *arguments: str, **more: str) -> Done:
        """The program as a process of its own; *more* adds to the environment."""
        before = len(self.program.gitlab.requests)
        environment = {"PATH": os.environ["PATH"], **self.program.environment, **more}
        command = [sys.executable, "-m", "cronjob", *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
        return Done(done.returncode, done.stdout, done.stderr, self.program.gitlab.requests[before:])

    def make(self, manifest: Manifest) -> Manifest:
        """Create an object in the namespace, as an administrator."""
        return created(self.server.api, in_namespace(manifest, self.namespace))

    def path(self, kind: str, version: str, name: str = "") -> str:
        """Of the objects of a kind in the namespace, or of one."""
        place = collection_of({"apiVersion": version, "kind": kind, "metadata": {"namespace": self.namespace}})
        return f"{place}/{name}" if name else place

    def lease(self) -> dict[str, Any]:
        """The job's Lease as it lies there."""
        return said(self.server.api.get(self.path("Lease", "coordination.k8s.io/v1", JOB)), 200)

    def events(self) -> list[dict[str, Any]]:
        """All Events of the namespace."""
        found: list[dict[str, Any]] = said(self.server.api.get(self.path("Event", "v1")), 200)["items"]
        return found


def in_namespace(manifest: Manifest, namespace: str) -> Manifest:
    """The object, there."""
    return {**manifest, "metadata": {**manifest["metadata"], "namespace": namespace}}


@contextmanager
def a_namespace(server: ApiServer, **labels: str) -> Iterator[str]:
    """A fresh one, under a name that nobody has; it goes with all that is in it."""
    name = f"syncer-test-{secrets.token_hex(4)}"
    metadata = {"name": name, "labels": labels}
    created(server.api, {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    try:
        yield name
    finally:
        server.api.send("DELETE", f"/api/v1/namespaces/{name}")


@contextmanager
def a_scene(server: ApiServer, *, without: int | None = None) -> Iterator[Scene]:
    """Everything that a run needs; *without* is the number of a rule that the job's Role then lacks."""
    with a_program(len(TENANTS), samples=False) as program, a_namespace(server) as namespace:
        for one in _rights(without):
            server.make(in_namespace(one, namespace))
        scene = Scene(server, namespace, program)
        for one in of_kind("Lease", "base").values():
            scene.make(one)
        _bring_tenants(scene)
        program.environment |= {"SYNCER_NAMESPACE": namespace} | scene.as_account(JOB)
        yield scene


def _rights(without: int | None) -> Sequence[Manifest]:
    folders = ("base", "components/audit")
    found = [
        one
        for folder in folders
        for kind in ("ServiceAccount", "Role", "RoleBinding")
        for one in of_kind(kind, folder).values()
    ]
    if without is None:
        return found
    return [
        {**one, "rules": [rule for number, rule in enumerate(one["rules"]) if number != without]}
        if (one["kind"], one["metadata"]["name"]) == ("Role", JOB)
        else one
        for one in found
    ]


def _bring_tenants(scene: Scene) -> None:
    """The sandbox's tenants, with what Flux would write into their Receivers' status."""
    for kind in _ADMINISTRATORS:
        for one in scene.program.kubernetes.list(kind):
            scene.make({**one, "metadata": {"name": one["metadata"]["name"]}})
    for name in TENANTS:
        path = webhook_path(token_of(name).encode(), name, scene.namespace)
        ready = {"type": "Ready", "status": "True", "reason": "Succeeded", "message": "initialized"}
        ready |= {"lastTransitionTime": "2026-01-01T00:00:00Z", "observedGeneration": 1}
        status = {"observedGeneration": 1, "webhookPath": path, "conditions": [ready]}
        where = scene.path("Receiver", "notification.toolkit.fluxcd.io/v1", f"{name}/status")
        said(scene.server.api.send("PATCH", where, body={"status": status}), 200)

"""A hostile tenant, who is Maintainer of one project and writes the objects of one namespace, and tries everything."""

from __future__ import annotations

from random import Random
from typing import Any

from cronjob.sandbox.samples import NAMESPACE, ssh_key
from tests.chaos.clusters import HONEST, BothClusters
from tests.flow.harm.tenancies import NEIGHBOUR, apply
from tests.worlds.program import Program

PROJECT = f"{NEIGHBOUR}/app"


class HostileTenant:
    """It forges marks, copies keys, and writes objects that name what is not its own."""

    def __init__(self, both: BothClusters) -> None:
        self._both = both
        self._program: Program = both.clusters[0].program
        self._tries = [
            self._forge_keys,
            self._forge_webhooks,
            self._copy_keys,
            self._write_repository,
            self._write_receiver,
            self._clean_up,
        ]

    @property
    def path(self) -> str:
        """The path of its own project."""
        return str(self._project.path_with_namespace)

    def act(self, draw: Random) -> None:
        """Do one of all that it can do."""
        draw.choice(self._tries)(draw)

    def _forge_keys(self, draw: Random) -> None:
        for _ in range(draw.choice([1, 3, 25])):
            self._program.gitlab.add_deploy_key(
                self._project, ssh_key()["identity.pub"], title=self._mark(draw, "-ssh")
            )

    def _forge_webhooks(self, draw: Random) -> None:
        for _ in range(draw.choice([1, 3, 25])):
            base = draw.choice(self._both.clusters).receiver_url
            url = draw.choice([f"{base}/hook/{draw.randbytes(32).hex()}", f"{base}/else", self._honest_url(draw)])
            self._program.gitlab.add_hook(self._project, url, description=self._mark(draw, ""), push_events=True)

    def _copy_keys(self, draw: Random) -> None:
        """Put the public keys of the honest tenants on the own project, as far as GitLab lets anybody do that."""
        keys = [(key, can_push) for project in self._both.honest_projects() for key, can_push in self._keys(project)]
        if keys:
            key, _ = draw.choice(keys)
            self._program.gitlab.attach_key(self._project, key, can_push=draw.random() < 0.5)

    def _keys(self, project: Any) -> list[tuple[Any, bool]]:
        return list(self._program.gitlab.keys_of(project))

    def _write_repository(self, draw: Random) -> None:
        honest = draw.choice(self._both.honest_projects())
        path = draw.choice([f"{HONEST}/{honest.path}", self._project.path_with_namespace, "x", "${GROUP}/app", "a/b/c"])
        annotations = {
            "flux-gitlab-syncer/project-id": draw.choice([str(honest.id), "0", "x", str(self._project.id)]),
            "flux-gitlab-syncer/next-secret": draw.choice([f"{honest.path}-ssh", "missing", ""]),
        }
        chosen = {name: value for name, value in annotations.items() if draw.random() < 0.5}
        spec = {
            "interval": "5m",
            "url": f"ssh://git@code.vt.edu/{path}.git",
            "secretRef": {"name": draw.choice([f"{honest.path}-ssh", "missing"])},
            "suspend": draw.random() < 0.3,
        }
        apply(self._program, "GitRepository", self._name(draw), metadata={"annotations": chosen}, spec=spec)

    def _write_receiver(self, draw: Random) -> None:
        honest = draw.choice(self._both.honest_projects()).path
        resource = {
            "kind": draw.choice(["GitRepository", "GitRepository", "Bucket", "ImageRepository"]),
            "name": draw.choice([honest, "missing", "*"]),
            "namespace": draw.choice([NAMESPACE, NEIGHBOUR]),
        }
        spec = {
            "type": draw.choice(["gitlab", "generic", "github"]),
            "secretRef": {"name": draw.choice([f"{honest}-webhook", "missing"])},
            "resources": [{**resource, "matchLabels": {"a": "b"}} if resource["name"] == "*" else resource],
            "suspend": draw.random() < 0.3,
        }
        receiver = self._program.kubernetes.get("Receiver", NAMESPACE, honest) or {}
        status = draw.choice([{}, receiver.get("status") or {}, {"webhookPath": f"/hook/{draw.randbytes(32).hex()}"}])
        apply(self._program, "Receiver", self._name(draw), spec=spec, status=status)

    def _clean_up(self, _draw: Random) -> None:
        for kind in ("GitRepository", "Receiver"):
            for item in self._program.kubernetes.list(kind, NEIGHBOUR):
                self._program.kubernetes.delete(kind, NEIGHBOUR, item["metadata"]["name"])
        for hook in list(self._program.gitlab.hooks_of(self._project)):
            self._program.gitlab.remove_hook(self._project, hook)
        for key, _ in self._keys(self._project):
            self._program.gitlab.detach_key(self._project, key)

    @property
    def _project(self) -> Any:
        return self._program.project(PROJECT)

    def _mark(self, draw: Random, suffix: str) -> str:
        cluster = draw.choice(self._both.clusters).name
        namespace = draw.choice([NAMESPACE, NEIGHBOUR, "elsewhere"])
        name = draw.choice([f"{draw.choice(self._both.honest_projects()).path}{suffix}", "missing", ""])
        return f"flux-gitlab-syncer {cluster} {namespace}/{name}"

    def _honest_url(self, draw: Random) -> str:
        wanted = [item.url for cluster in self._both.clusters for item in cluster.wanted()]
        return draw.choice(wanted)

    def _name(self, draw: Random) -> str:
        return draw.choice([*(project.path for project in self._both.honest_projects()), "own"])

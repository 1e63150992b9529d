"""A tenant of the real cluster: what examples/tenant gives one, a project at the forge, and two Secrets."""

from __future__ import annotations

import json
import secrets
import shutil
from dataclasses import dataclass
from functools import partial
from typing import Any

from cronjob.sandbox.fake_gitlab.records import Hook, Project
from cronjob.sandbox.samples import ssh_key
from reconcile.findings import Level
from tests.cluster.manifests import FOLDER, Manifest
from tests.real.world import GROUP, NAMESPACE, RealWorld, wait_for

VERSIONS = {
    "GitRepository": "source.toolkit.fluxcd.io/v1",
    "Receiver": "notification.toolkit.fluxcd.io/v1",
    "Kustomization": "kustomize.toolkit.fluxcd.io/v1",
}
# What a tenant's repository holds: one ConfigMap, whose text tells which commit was applied.
_FILE = "greeting.yaml"


@dataclass(frozen=True)
class Tenant:
    """One tenant; *name* is that of its namespace, of its objects and of its *project*."""

    world: RealWorld
    name: str
    project: Project

    def push(self, text: str) -> str:
        """Push a commit whose ConfigMap says *text*; webhooks are sent."""
        manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "greeting"}, "data": {"text": text}}
        return self.world.forge.push(self.project, {_FILE: json.dumps(manifest)})

    def get(self, kind: str) -> Manifest:
        """One of the tenant's three Flux objects."""
        namespace = self.name if kind == "Kustomization" else NAMESPACE
        return self.world.get(kind, VERSIONS[kind], self.name, namespace)

    def ready(self, kind: str) -> dict[str, Any]:
        """The Ready condition of one of them; empty where there is none for the present generation."""
        found = self.get(kind)
        return next(
            (
                condition
                for condition in found.get("status", {}).get("conditions", [])
                if condition["type"] == "Ready"
                and condition["observedGeneration"] == found["metadata"]["generation"]
                and condition["status"] != "Unknown"
            ),
            {},
        )

    def wait_ready(self, kind: str, status: str = "True", reason: str = "") -> dict[str, Any]:
        """The Ready condition once it is *status*, and with *reason* for that reason."""
        return wait_for(
            partial(self.ready, kind), lambda it: it.get("status") == status and reason in {"", it.get("reason")}
        )

    def applied(self) -> str:
        """The text that is applied in the tenant's namespace."""
        listed = self.world.api.get(f"/api/v1/namespaces/{self.name}/configmaps/greeting").parsed() or {}
        return str(listed.get("data", {}).get("text", ""))

    def wait_applied(self, text: str) -> None:
        wait_for(self.applied, lambda it: it == text)

    def patch(self, kind: str, **spec: object) -> None:
        """Change the spec of a Flux object."""
        namespace = self.name if kind == "Kustomization" else NAMESPACE
        body = json.dumps({"spec": spec})
        self.world.kubectl("patch", kind.lower(), self.name, "-n", namespace, "--type=merge", "-p", body)

    def reconcile(self, kind: str) -> None:
        """Ask Flux to look now, as `flux reconcile` does, and wait until it has."""
        namespace = self.name if kind == "Kustomization" else NAMESPACE
        now = secrets.token_hex(8)
        annotation = f"reconcile.fluxcd.io/requestedAt={now}"
        self.world.kubectl("annotate", "--overwrite", kind.lower(), self.name, "-n", namespace, annotation)
        wait_for(partial(self.get, kind), lambda it: it.get("status", {}).get("lastHandledReconcileAt") == now)

    def set_secret(self, suffix: str, data: dict[str, str]) -> None:
        """Create or replace the Secret `<name>-<suffix>`."""
        metadata = {"name": f"{self.name}-{suffix}", "namespace": NAMESPACE}
        self.world.apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data})

    def new_key(self) -> dict[str, str]:
        """The Secret's data with a fresh key pair, and the forge's host key."""
        return ssh_key() | {"known_hosts": self.world.forge.ssh.known_hosts}

    @property
    def hooks(self) -> list[Hook]:
        """The webhooks of its project."""
        return self.world.forge.gitlab.hooks_of(self.project)

    @property
    def key_titles(self) -> list[str]:
        """The titles of the project's deploy keys."""
        return [key.title for key, _ in self.world.forge.gitlab.keys_of(self.project)]

    @property
    def public_keys(self) -> list[str]:
        """The deploy keys themselves, without comments."""
        return [" ".join(key.key.split()[:2]) for key, _ in self.world.forge.gitlab.keys_of(self.project)]

    @property
    def last_delivery(self) -> int | str:
        """How the last delivery of its webhook was answered."""
        [hook] = self.hooks
        return hook.deliveries[-1].status

    def trace(self) -> tuple[dict[str, str], str]:
        """What `trace` says: the worst level at each link, and all messages."""
        done = self.world.ask("trace", self.name)
        [chain] = json.loads(done.out)["chains"]
        levels: dict[str, str] = {}
        order = [str(level) for level in Level]
        for link in chain["links"]:
            levels[link["link"]] = max(levels.get(link["link"], "ok"), link["level"], key=order.index)
        return levels, "\n".join(f"{link['link']}: {link['message']}" for link in chain["links"])

    def mark(self, suffix: str = "ssh") -> str:
        """The title of the deploy key that the job makes for one of its Secrets."""
        return f"flux-gitlab-syncer {self.world.cluster} {NAMESPACE}/{self.name}-{suffix}"

    def run(self, *options: str) -> Any:
        """Run the job for this project alone; the report."""
        return self.world.run("--project", self.project.path_with_namespace, *options).report


def new_tenant(world: RealWorld, name: str) -> Tenant:
    """
    Copy examples/tenant under another name and apply it, as its first lines say; the two Secrets are made.

    Its project is made where another cluster has not made it before.
    """
    known = world.forge.gitlab.projects_by_path.get(f"{GROUP}/{name}")
    tenant = Tenant(world, name, known or world.forge.create(f"{GROUP}/{name}"))
    folder = world.folder / "tenants" / name
    shutil.copytree(FOLDER / "examples" / "tenant", folder)
    for file in folder.iterdir():
        text = file.read_text(encoding="utf-8").replace("sample-tenant", name)
        url = f"ssh://git@gitlab.example.com/{GROUP}/{name}.git"
        file.write_text(text.replace(url, world.forge.ssh.url(f"{GROUP}/{name}")), encoding="utf-8")
    tenant.set_secret("ssh", tenant.new_key())
    tenant.set_secret("webhook", {"token": secrets.token_hex(32)})
    world.kubectl("apply", "-k", str(folder))
    return tenant

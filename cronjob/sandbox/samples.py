"""
Sample tenants in both worlds: the platform's own, one with errors, one that left, and any number of ordinary ones.

The projects also have items that people made by hand, to show that the program leaves them alone.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_ssh_private_key,
)

from cronjob.sandbox.fake_flux.git_failures import GitFailure
from cronjob.sandbox.fake_flux.kustomize_controller import reconcile_kustomizations
from cronjob.sandbox.fake_flux.source_and_notification import (
    reconcile_git_repositories,
    reconcile_receivers,
    webhook_path,
)
from cronjob.sandbox.fake_gitlab.ssh_keys import read_key
from cronjob.sandbox.fake_gitlab.world import GitLabWorld
from cronjob.sandbox.fake_kubernetes.world import KubernetesWorld

GROUP = "it-common-platform/tenants"
EXTRA = "hokiebird/sample-tenant"
NAMESPACE = "platform-flux-tenant-config"
CLUSTER = "aws-prod"
RECEIVER_URL = "https://flux-webhook.platform.example"
# The beginning of the marks of the program in this cluster and namespace.
MARK = f"flux-gitlab-syncer {CLUSTER} {NAMESPACE}/"
MAINTAINER = 40
_KNOWN_HOSTS = "code.vt.edu ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIImIrwV2uvJO9fJd6SGcHclJXgaz5VsdYpP5VClloXzq"


@dataclass(frozen=True, slots=True)
class Sandbox:
    """Both worlds, and the GitLab token of the bot account."""

    gitlab: GitLabWorld
    kubernetes: KubernetesWorld
    token: str


def sample_tenants(more: int = 0, *, samples: bool = True) -> Sandbox:
    """Make both worlds with the sample tenants and *more* ordinary tenants; without *samples* only the latter."""
    gitlab, kubernetes = GitLabWorld(), KubernetesWorld()
    gitlab.ssh_host = "code.vt.edu"
    bot = gitlab.add_user("flux-bot")
    sandbox = Sandbox(gitlab, kubernetes, gitlab.add_token(bot))
    gitlab.add_member(gitlab.add_group(GROUP), bot, MAINTAINER)
    gitlab.add_group(f"{GROUP}/{CLUSTER}")
    kubernetes.add_namespace(NAMESPACE)
    if samples:
        _add_platform_tenants(sandbox)
        _add_retired_tenant(sandbox)
    for number in range(1, more + 1):
        add_tenant(sandbox, f"tenant-{number:04}")
    reconcile_flux(sandbox)
    return sandbox


def add_tenant(sandbox: Sandbox, name: str) -> None:
    """Add an ordinary tenant: a project, a GitRepository, a Receiver and their Secrets."""
    sandbox.gitlab.add_project(f"{GROUP}/{CLUSTER}/{name}")
    add_secret(sandbox, f"{name}-ssh", ssh_key())
    add_secret(sandbox, f"{name}-webhook", {"token": token_of(name)})
    add_objects(sandbox, name)


def add_objects(sandbox: Sandbox, name: str) -> None:
    """Create the GitRepository and the Receiver of an ordinary tenant."""
    sandbox.kubernetes.apply(
        {
            "apiVersion": "source.toolkit.fluxcd.io/v1",
            "kind": "GitRepository",
            "metadata": {"name": name, "namespace": NAMESPACE},
            "spec": {
                "interval": "5m",
                "url": f"ssh://git@code.vt.edu/{GROUP}/{CLUSTER}/{name}.git",
                "secretRef": {"name": f"{name}-ssh"},
            },
        }
    )
    sandbox.kubernetes.apply(
        {
            "apiVersion": "notification.toolkit.fluxcd.io/v1",
            "kind": "Receiver",
            "metadata": {"name": name, "namespace": NAMESPACE},
            "spec": {
                "type": "gitlab",
                "events": ["Push Hook", "Tag Push Hook"],
                "secretRef": {"name": f"{name}-webhook"},
                "resources": [{"kind": "GitRepository", "name": name}],
            },
        }
    )


def add_kustomization(sandbox: Sandbox, name: str, **spec: object) -> None:
    """Create a Kustomization of a tenant's repository, in the tenant's namespace and with its service account."""
    source = {"kind": "GitRepository", "name": name, "namespace": NAMESPACE}
    usual = {"interval": "10m", "path": "./", "prune": True, "serviceAccountName": "flux", "sourceRef": source}
    sandbox.kubernetes.apply(
        {
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
            "kind": "Kustomization",
            "metadata": {"name": name, "namespace": name},
            "spec": usual | spec,
        }
    )


def remove_tenant(sandbox: Sandbox, name: str) -> None:
    """Delete the tenant's objects; its project, deploy key and webhook stay."""
    sandbox.kubernetes.delete("GitRepository", NAMESPACE, name)
    sandbox.kubernetes.delete("Receiver", NAMESPACE, name)


def reconcile_flux(sandbox: Sandbox) -> None:
    """Let Flux's controllers reconcile every Receiver, GitRepository and Kustomization once."""

    def fetch(url: str, identity: str) -> GitFailure | None:
        return _git_failure(sandbox.gitlab, url, identity)

    reconcile_receivers(sandbox.kubernetes)
    reconcile_git_repositories(sandbox.kubernetes, fetch)
    reconcile_kustomizations(sandbox.kubernetes)


def _git_failure(gitlab: GitLabWorld, url: str, identity: str) -> GitFailure | None:
    """Why GitLab does not serve the repository at *url* to the owner of this private key."""
    if not identity:
        return GitFailure.NO_CREDENTIALS
    try:
        public = load_ssh_private_key(identity.encode(), None).public_key()
    except ValueError:
        return GitFailure.NO_KEY
    public_key = read_key(public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode())
    key = gitlab.keys_by_fingerprint.get(public_key.sha256) if public_key else None
    if key is None:
        return GitFailure.UNKNOWN_KEY
    path = url.partition("://")[2].partition("/")[2].removesuffix(".git").lower()
    project = gitlab.projects_by_path.get(path) or gitlab.redirects.get(path)
    if project is None or key.id not in project.keys:
        return GitFailure.NOT_FOUND
    return GitFailure.NO_COMMIT if project.empty_repo else None


def ssh_key() -> dict[str, str]:
    """Generate a key pair as `flux create secret git` stores it."""
    key = Ed25519PrivateKey.generate()
    return {
        "identity": key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode(),
        "identity.pub": key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode(),
        "known_hosts": _KNOWN_HOSTS,
    }


def token_of(name: str) -> str:
    """A webhook token computed from *name*, the same in every sandbox."""
    return hashlib.sha256(f"sandbox {name}".encode()).hexdigest()[:40]


def add_secret(sandbox: Sandbox, name: str, data: dict[str, str]) -> None:
    """Create or replace a Secret in the configuration namespace."""
    metadata = {"name": name, "namespace": NAMESPACE}
    sandbox.kubernetes.apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data})


def _add_platform_tenants(sandbox: Sandbox) -> None:
    gitlab = sandbox.gitlab
    docs = gitlab.add_project(f"{GROUP}/{CLUSTER}/docs-getting-started")
    gitlab.add_project(f"{GROUP}/{CLUSTER}/broken-tenant")
    owner = gitlab.add_user("hokiebird")
    personal = gitlab.add_project(EXTRA)
    gitlab.add_member(personal, next(user for user in gitlab.users.values() if user.username == "flux-bot"), MAINTAINER)
    # Items that people made by hand: the program must not change them.
    gitlab.add_deploy_key(docs, ssh_key()["identity.pub"], title="laptop of the docs team", user=owner)
    gitlab.add_hook(docs, "https://ci.example.org/gitlab", push_events=True)
    sandbox.kubernetes.apply_yaml((Path(__file__).parent / "samples" / "tenants.yaml").read_text())
    add_secret(sandbox, "flux-ssh-credentials", ssh_key())
    add_secret(sandbox, "sample-tenant-ssh", ssh_key())
    for name in ("docs-getting-started", "sample-tenant", "broken-tenant"):
        add_secret(sandbox, f"{name}-webhook", {"token": token_of(name)})


def _add_retired_tenant(sandbox: Sandbox) -> None:
    """Add a tenant that left: a deploy key and a webhook with our mark that no object wants."""
    project = sandbox.gitlab.add_project(f"{GROUP}/{CLUSTER}/retired-tenant")
    sandbox.gitlab.add_deploy_key(project, ssh_key()["identity.pub"], title=f"{MARK}retired-tenant-ssh")
    path = webhook_path(token_of("retired-tenant").encode(), "retired-tenant", NAMESPACE)
    sandbox.gitlab.add_hook(project, RECEIVER_URL + path, description=f"{MARK}retired-tenant", push_events=True)

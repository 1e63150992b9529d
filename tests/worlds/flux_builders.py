"""Flux's side of the world in one-liners: objects as the Kubernetes API returns them, Secrets as a run reads them."""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from reconcile.desired.desired import Desired, desired_from
from reconcile.desired.needed_secrets import secrets_to_read
from reconcile.desired.receivers import receiver_requests_from
from reconcile.desired.repositories import (
    KnownProjects,
    RepositoryRequest,
    held_if_unreadable,
    repository_requests_from,
    with_project,
)
from reconcile.marks import Identity
from reconcile.model import LookUpResult, Project, ProjectLocation, PublicKey, Ref, Secret, SecretAnswer, SecretMissing
from reconcile.rules import Rules

HOST = "gitlab.example.com"
NAMESPACE = "config"
# the Secrets of the one tenant
KEYS = "app-key"
TOKENS = "app-token"
RECEIVER_URL = "https://flux.example.com"
APP = Project(7, "tenants/app")
WEB = Project(8, "tenants/web")
DISABLED = {"flux-gitlab-syncer/reconcile": "disabled"}


def pin_to(project_id: object) -> dict[str, str]:
    """The annotation that pins a GitRepository to a project."""
    return {"flux-gitlab-syncer/project-id": str(project_id)}


def a_git_repository(
    name: str = "app",
    url: str = f"ssh://git@{HOST}/tenants/app.git",
    *,
    secret: str | None = KEYS,
    namespace: str = NAMESPACE,
    annotations: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
    deleting: bool = False,
    **spec: Any,
) -> dict[str, Any]:
    """A GitRepository that Flux has not fetched yet; it is not Ready until its key is on the project."""
    if secret:
        spec["secretRef"] = {"name": secret}
    return {
        "apiVersion": "source.toolkit.fluxcd.io/v1",
        "kind": "GitRepository",
        "metadata": _metadata(name, namespace, annotations, labels, deleting=deleting),
        "spec": {"url": url, "interval": "1m", **spec},
        "status": {"observedGeneration": -1},
    }


def a_receiver(
    name: str = "app",
    resources: Iterable[str | Mapping[str, Any]] = ("app",),
    *,
    token: bytes = b"token",
    secret: str | None = TOKENS,
    namespace: str = NAMESPACE,
    annotations: Mapping[str, str] | None = None,
    deleting: bool = False,
    status: Mapping[str, Any] | None = None,
    **spec: Any,
) -> dict[str, Any]:
    """A Receiver of type gitlab that Flux has made ready for *token*; a resource's name alone is a GitRepository."""
    if secret:
        spec["secretRef"] = {"name": secret}
    named = [{"kind": "GitRepository", "name": one} if isinstance(one, str) else one for one in resources]
    ready = {"observedGeneration": 1, "conditions": [a_condition()], "webhookPath": a_path(token, name, namespace)}
    return {
        "apiVersion": "notification.toolkit.fluxcd.io/v1",
        "kind": "Receiver",
        "metadata": _metadata(name, namespace, annotations, None, deleting=deleting),
        "spec": {"type": "gitlab", "resources": named, **spec},
        "status": ready if status is None else dict(status),
    }


def a_condition(status: str = "True", **fields: str) -> dict[str, str]:
    """The condition Ready."""
    return {"type": "Ready", "status": status, **fields}


def a_path(token: bytes = b"token", name: str = "app", namespace: str = NAMESPACE) -> str:
    """The webhook path that Flux gives a Receiver."""
    return "/hook/" + hashlib.sha256(token + name.encode() + namespace.encode()).hexdigest()


def a_public_key(name: str = "one") -> PublicKey:
    """An ed25519 key, the same for the same *name*."""
    fields = [b"ssh-ed25519", hashlib.sha256(name.encode()).digest()]
    blob = b"".join(len(part).to_bytes(4, "big") + part for part in fields)
    return PublicKey("ssh-ed25519", base64.b64encode(blob).decode())


def a_key_secret(name: str = "one") -> Secret:
    """A Secret with a usable private key."""
    return Secret(has_identity=True, public_key=a_public_key(name))


def a_token_secret(token: bytes = b"token") -> Secret:
    """A Secret with a token."""
    return Secret(token=token)


def an_identity(**fields: Any) -> Identity:
    """We are the cluster `prod` and read one namespace."""
    return Identity(**{"cluster": "prod", "namespaces": frozenset({NAMESPACE}), **fields})


def a_rules(**fields: Any) -> Rules:
    """The settings of a run that looks after webhooks too."""
    return Rules(**{"identity": an_identity(), "receiver_url": RECEIVER_URL, **fields})


def _metadata(
    name: str,
    namespace: str,
    annotations: Mapping[str, str] | None,
    labels: Mapping[str, str] | None,
    *,
    deleting: bool,
) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name, "namespace": namespace, "generation": 1}
    if annotations:
        metadata["annotations"] = dict(annotations)
    if labels:
        metadata["labels"] = dict(labels)
    if deleting:
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    return metadata


def _everything() -> dict[str, SecretAnswer]:
    return {f"{NAMESPACE}/{KEYS}": a_key_secret(), f"{NAMESPACE}/{TOKENS}": a_token_secret()}


def _two_projects() -> dict[str, LookUpResult]:
    return {project.path: ProjectLocation(project) for project in (APP, WEB)}


@dataclass
class World:
    """
    What Flux, its Secrets and GitLab's listing show; without arguments one tenant whose key and webhook are in order.

    *secrets* go by `namespace/name`, *places* by lower-case path. Only the Secrets that are asked for are answered.
    """

    repositories: list[dict[str, Any]] = field(default_factory=lambda: [a_git_repository()])
    receivers: list[dict[str, Any]] = field(default_factory=lambda: [a_receiver()])
    secrets: dict[str, SecretAnswer] = field(default_factory=_everything)
    places: dict[str, LookUpResult] = field(default_factory=_two_projects)
    rules: Rules = field(default_factory=a_rules)
    unreadable: frozenset[int] = frozenset()

    def claims(self) -> list[RepositoryRequest]:
        """The GitRepositories with their projects."""
        claims = repository_requests_from(self.repositories, self.rules, KnownProjects(frozenset({HOST})))
        found = [with_project(claim, self.places, self.rules) for claim in claims]
        return [held_if_unreadable(claim, self.unreadable) for claim in found]

    def asked_secrets(self) -> tuple[set[Ref], set[Ref]]:
        """The Secrets to be read, for keys and for tokens."""
        needs = secrets_to_read(self.claims(), receiver_requests_from(self.receivers), self.rules)
        return set(needs.keys), set(needs.tokens)

    def desired(self) -> Desired:
        """What all of it asks for."""
        keys, tokens = self.asked_secrets()
        secrets = {ref: self.secrets.get(f"{ref.namespace}/{ref.name}", SecretMissing()) for ref in keys | tokens}
        return desired_from(self.claims(), receiver_requests_from(self.receivers), secrets, self.rules)

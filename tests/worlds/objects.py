"""Kubernetes objects as the API returns them: each builder gives an ordinary one, a test names what it is about."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from tests.worlds.builders import HOST, NAMESPACE

# the Secrets of the one tenant
KEYS = "app-key"
TOKENS = "app-token"
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


def a_secret(name: str, namespace: str = NAMESPACE, **data: bytes) -> dict[str, Any]:
    """A Secret; `identity_pub` is spelled `identity.pub` in it."""
    encoded = {key.replace("_", "."): base64.b64encode(value).decode() for key, value in data.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": namespace}, "data": encoded}


def an_applied_repository(
    name: str = "docs", url: str = "ssh://git@gitlab.test/tenants/docs", *, namespace: str = "tenants", **spec: Any
) -> dict[str, Any]:
    """A GitRepository as somebody applies it: without a generation, a status or, by default, a Secret."""
    return _applied(a_git_repository(name, url, secret=None, namespace=namespace, **spec))


def an_applied_receiver(name: str = "docs", *, namespace: str = "tenants", **spec: Any) -> dict[str, Any]:
    """A Receiver as somebody applies it, which names nothing."""
    return _applied(a_receiver(name, (), secret=None, namespace=namespace, **spec))


def _applied(item: dict[str, Any]) -> dict[str, Any]:
    del item["status"], item["metadata"]["generation"]
    return item


def a_condition(status: str = "True", **fields: str) -> dict[str, str]:
    """The condition Ready."""
    return {"type": "Ready", "status": status, **fields}


def a_path(token: bytes = b"token", name: str = "app", namespace: str = NAMESPACE) -> str:
    """The webhook path that Flux gives a Receiver."""
    return "/hook/" + hashlib.sha256(token + name.encode() + namespace.encode()).hexdigest()


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

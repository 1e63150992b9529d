"""One-line objects for the embedded Kubernetes, and what was asked of it."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from cronjob.flux.cluster import FluxCluster
from cronjob.sandbox.fake_kubernetes.world import KubernetesWorld
from reconcile.errors import ReadError
from reconcile.model import PublicKey, Ref

GIT = "gitrepositories.source.toolkit.fluxcd.io"
HOOKS = "receivers.notification.toolkit.fluxcd.io"
TENANTS = "platform-flux-tenant-config"


def a_key_pair(seed: int = 1) -> tuple[bytes, PublicKey]:
    """A private key in OpenSSH's format and its public half; the same *seed* gives the same pair."""
    key = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    return private, PublicKey.parse(key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode())


def a_git_repository(name: str, namespace: str = TENANTS, **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "source.toolkit.fluxcd.io/v1",
        "kind": "GitRepository",
        "metadata": {"name": name, "namespace": namespace, **metadata},
        "spec": {"url": f"ssh://git@gitlab.test/tenants/{name}.git", "interval": "1m", "secretRef": {"name": name}},
    }


def a_receiver(name: str, namespace: str = TENANTS) -> dict[str, Any]:
    return {
        "apiVersion": "notification.toolkit.fluxcd.io/v1",
        "kind": "Receiver",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"type": "gitlab", "secretRef": {"name": name}, "resources": [{"kind": "GitRepository", "name": name}]},
        "status": {"webhookPath": "/hook/" + "0" * 64},
    }


def a_secret(name: str, namespace: str = TENANTS, **data: bytes) -> dict[str, Any]:
    """A Secret; `identity_pub` is spelled `identity.pub` in it."""
    encoded = {key.replace("_", "."): base64.b64encode(value).decode() for key, value in data.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": namespace}, "data": encoded}


def asked(world: KubernetesWorld, part: str = "") -> list[str]:
    """The paths that were asked for, as far as *part* is in them."""
    return [request.path for request in world.requests if part in request.path]


def ref(name: str, namespace: str = TENANTS) -> Ref:
    return Ref("Secret", namespace, name)


def names(items: Any) -> list[str]:
    return [item["metadata"]["name"] for item in items]


def trouble(flux: FluxCluster, *parts: str, code: str = "SourceUnreadable") -> str:
    """The message of the ReadError with *code* that reading ends in; it is one sentence with all *parts*."""
    with pytest.raises(ReadError) as caught:
        flux.read_whole()
    message = str(caught.value)
    assert caught.value.code == code
    assert message.endswith(".")
    assert "\n" not in message
    for part in parts:
        assert part in message
    return message

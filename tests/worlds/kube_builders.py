"""Key pairs, and what the embedded Kubernetes was asked."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from cronjob.flux.cluster import FluxCluster
from cronjob.sandbox.fake_kubernetes.world import KubernetesWorld
from reconcile.errors import ReadError
from reconcile.model import PublicKey, Ref
from tests.worlds.builders import NAMESPACE

GIT = "gitrepositories.source.toolkit.fluxcd.io"
HOOKS = "receivers.notification.toolkit.fluxcd.io"
TENANTS = NAMESPACE


def a_key_pair(seed: int = 1) -> tuple[bytes, PublicKey]:
    """A private key in OpenSSH's format and its public half; the same *seed* gives the same pair."""
    key = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    return private, PublicKey.parse(key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode())


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

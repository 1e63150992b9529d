"""A small cluster with Flux in it, served over HTTP, and a FluxCluster that reads it."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from urllib3.util import Retry

from cronjob.flux import FluxCluster
from cronjob.kube_access import Access, KubeApi, connect
from cronjob.sandbox.kubernetes_app import kubeconfig, kubernetes_app
from cronjob.sandbox.kubernetes_world import KubernetesWorld
from cronjob.sandbox.serving import serving
from reconcile.model import PublicKey

TENANTS = "platform-flux-tenant-config"
Connect = Callable[..., KubeApi]


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


@contextmanager
def without_pauses(patch: pytest.MonkeyPatch) -> Iterator[None]:
    """Retries follow each other at once; what a server asks for in Retry-After is still waited."""
    patch.setattr(Retry, "_sleep_backoff", lambda _: None)
    yield


@pytest.fixture
def world() -> KubernetesWorld:
    made = KubernetesWorld()
    made.add_namespace(TENANTS)
    return made


@pytest.fixture
def url(world: KubernetesWorld) -> Iterator[str]:
    with serving(kubernetes_app(world)) as address:
        yield address


@pytest.fixture
def connected(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connect]:
    """A function that connects to the world; `server` and `token` go into the kubeconfig, the rest into Access."""
    made: list[KubeApi] = []

    def to(*, server: str = url, token: str | None = None, **access: Any) -> KubeApi:
        file = tmp_path / f"kubeconfig-{len(made)}"
        file.write_text(kubeconfig(server, token=token))
        made.append(connect(Access(kubeconfig=str(file), **({"timeout": 5.0, "version": "9.9"} | access))))
        return made[-1]

    with without_pauses(monkeypatch):
        yield to
    for api in made:
        api.close()


@pytest.fixture
def flux(connected: Connect) -> FluxCluster:
    return FluxCluster(connected(), [TENANTS])

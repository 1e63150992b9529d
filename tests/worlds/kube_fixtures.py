"""A small cluster with Flux in it, served over HTTP, and a FluxCluster that reads it; a plugin for pytest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cronjob.flux.cluster import FluxCluster
from cronjob.kube.client import KubeApi, KubeOptions, connect
from cronjob.sandbox.fake_kubernetes.app import kubeconfig, kubernetes_app
from cronjob.sandbox.fake_kubernetes.world import KubernetesWorld
from cronjob.sandbox.serving import serving
from cronjob.transport import retry
from tests.worlds.kube_builders import TENANTS


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
def connected(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., KubeApi]]:
    """A function that connects to the world; `server` and `token` go into the kubeconfig, the rest into KubeOptions."""
    made: list[KubeApi] = []

    def to(*, server: str = url, token: str | None = None, **options: Any) -> KubeApi:
        file = tmp_path / f"kubeconfig-{len(made)}"
        file.write_text(kubeconfig(server, token=token))
        made.append(connect(KubeOptions(kubeconfig=str(file), **({"timeout": 5.0, "version": "9.9"} | options))))
        return made[-1]

    # Retries follow each other at once; what a server asks for in Retry-After is still waited.
    monkeypatch.setattr(retry, "BACKOFF", 0.001)
    yield to
    for api in made:
        api.close()


@pytest.fixture
def flux(connected: Callable[..., KubeApi]) -> FluxCluster:
    return FluxCluster(connected(), [TENANTS])

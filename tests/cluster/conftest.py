"""The API servers that the same tests are run with, and a namespace in one with tenants and the shipped rights."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.api_servers import HAS_REAL, KUBECONFIG, ApiServer, a_real, an_embedded
from tests.cluster.scene import Scene, a_scene


@pytest.fixture(autouse=True)
def only_loopback(request: pytest.FixtureRequest) -> None:
    """As everywhere, unless the cluster that was named may be anywhere."""
    if not KUBECONFIG:
        request.getfixturevalue("only_loopback")


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[ApiServer]:
    """One for each test: it costs little, and other tests count the threads that are left."""
    with an_embedded(tmp_path) as server:
        yield server


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """One for all tests of a process: it takes seconds to come up."""
    if not HAS_REAL:
        pytest.skip("there is no real API server: set KUBEBUILDER_ASSETS or TEST_KUBECONFIG")
    # Each worker of xdist would make and take away the same kinds; of servers of its own it has one each.
    assert not (KUBECONFIG and "PYTEST_XDIST_WORKER" in os.environ), "with TEST_KUBECONFIG run one process: -n 0"
    with a_real(tmp_path_factory.mktemp("real")) as server:
        yield server


@pytest.fixture(params=["embedded", "real"] if HAS_REAL else ["embedded"])
def server(request: pytest.FixtureRequest) -> ApiServer:
    """Each in turn."""
    found: ApiServer = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def scene(server: ApiServer) -> Iterator[Scene]:
    """Two tenants in a namespace of their own, with the base's and the audit's accounts."""
    with a_scene(server) as made:
        yield made

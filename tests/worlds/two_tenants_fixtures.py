"""Two tenants before their first run, after it, and after one of them left."""

from __future__ import annotations

import pytest

from reconcile.report import Result
from tests.worlds.builders import a_public_key
from tests.worlds.two_tenants import A, B, TwoTenants


@pytest.fixture
def world() -> TwoTenants:
    """GitLab has nothing of them yet."""
    fresh = TwoTenants()
    for number, project in enumerate((A, B), start=1):
        name = project.path[-1]
        fresh.gitlab.add_project(project)
        fresh.flux.add_repository(name, project.path, a_public_key(number))
        fresh.flux.add_receiver(name, [name], f"token-{name}")
    return fresh


@pytest.fixture
def settled(world: TwoTenants) -> TwoTenants:
    """The same world after a run."""
    assert world.run().result is Result.APPLIED
    return world


@pytest.fixture
def left(settled: TwoTenants) -> TwoTenants:
    """Both were in sync, then `a` left."""
    settled.leave()
    assert settled.items == ([], [])
    return settled

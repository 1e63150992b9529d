"""Two tenants in step, and the same after one of them left."""

from __future__ import annotations

import pytest

from tests.worlds.builders import a_public_key
from tests.worlds.undoing import A, B, World


@pytest.fixture
def world() -> World:
    """Both are in step."""
    fresh = World()
    for number, project in enumerate((A, B), start=1):
        name = project.path[-1]
        fresh.gitlab.add_project(project)
        fresh.flux.add_repository(name, project.path, a_public_key(number))
        fresh.flux.add_receiver(name, [name], f"token-{name}")
    fresh.run()
    return fresh


@pytest.fixture
def left(world: World) -> World:
    """Both were in step, then `a` left."""
    world.leave()
    assert world.items == ([], [])
    return world

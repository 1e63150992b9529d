"""What grows with the number of projects, and how: counted in requests, calls and bytes, never in seconds."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from bench.planner import worlds
from reconcile.actual import Items, actual_from
from reconcile.plan.plan import make_plan
from tests.worlds.builders import a_key, a_project, a_webhook, some_rules
from tests.worlds.gitlab_builders import GitLab, a_gitlab
from tests.worlds.program import a_program


@pytest.fixture
def gitlab() -> Iterator[GitLab]:
    with a_gitlab() as made:
        yield made


def calls_of_a_plan(projects: int) -> int:
    """How many functions of Python are called while so many projects are planned."""
    desired, actual = worlds(projects)
    rules, calls = some_rules(), 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        make_plan(desired, actual, rules)
    finally:
        sys.setprofile(None)
    return calls


def test_planning_is_linear_in_the_projects() -> None:
    calls_of_a_plan(10)
    small, large = calls_of_a_plan(500), calls_of_a_plan(4000)

    assert 7.5 < large / small < 8.5


def test_projects_are_read_while_more_are_listed(gitlab: GitLab) -> None:
    for number in range(500):
        gitlab.world.add_project(f"tenants/p{number}")
    gitlab.world.latency = 0.02

    gitlab.reader().read_actual(())

    paths = gitlab.paths()
    last_page = max(index for index, path in enumerate(paths) if path.startswith("/groups/") and "projects" in path)
    first_read = next(index for index, path in enumerate(paths) if "deploy_keys" in path)
    assert first_read < last_page
    assert sum("deploy_keys" in path for path in paths[:last_page]) > 10


def test_items_that_no_page_showed_twice_are_not_copied() -> None:
    items = Items(a_project(), (a_key(1), a_key(2)), (a_webhook(1), a_webhook(2)))
    shifted = replace(items, webhooks=(a_webhook(2), a_webhook(1), a_webhook(2)))

    assert actual_from([items]).projects[0] is items
    assert actual_from([shifted]).projects == (items,)


@pytest.mark.parametrize("tenants", [3, 30])
def test_kubernetes_lists_are_read_in_pages_of_250(tenants: int) -> None:
    with a_program(tenants, samples=False) as program:
        before = len(program.kubernetes.requests)
        program.run("--dry-run")
        lists = [
            one for one in program.kubernetes.requests[before:] if one.path.endswith(("gitrepositories", "receivers"))
        ]

    assert {one.query["limit"] for one in lists} == {"250"}
    assert len(lists) == 2

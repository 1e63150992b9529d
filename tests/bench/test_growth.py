"""What grows with the number of projects, and how: counted in requests, calls and bytes, never in seconds."""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Callable, Iterator

import pytest
from bench.planner import worlds
from builders import some_rules
from edge.gitlab_builders import GitLab, a_gitlab
from program import a_program

from reconcile.actual import webhook_from
from reconcile.plan import make_plan


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


def kept_bytes(read: Callable[[], object]) -> int:
    """What is still held once *read* has returned."""
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    held = read()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held
    return after - before


def test_what_is_kept_of_a_project_is_a_fraction_of_what_gitlab_says_of_it(gitlab: GitLab) -> None:
    projects = [gitlab.world.add_project(f"tenants/project-{number:04}") for number in range(300)]
    for number, project in enumerate(projects):
        gitlab.world.add_hook(project, f"https://flux.example.net/hook/{number:064x}", push_events=True)
    session, group = gitlab.session(), gitlab.reader()
    # What is made once, at first use, does not count.
    session.get(f"/projects/{projects[0].id}/hooks")

    as_it_came = kept_bytes(lambda: [session.get(f"/projects/{one.id}/hooks") for one in projects])
    as_it_is_kept = kept_bytes(lambda: group.read_actual(()))

    # Project, webhook and what they are found by; the other is the webhooks alone. Both count the server's log too.
    assert as_it_is_kept < as_it_came / 2


def test_webhooks_with_the_same_events_share_them() -> None:
    element = {"id": 1, "url": "https://a.test/", "push_events": True, "issues_events": False}

    one, same, other = (webhook_from(element | more) for more in ({}, {"id": 2}, {"issues_events": True}))

    assert one.flags is same.flags
    assert one.flags != other.flags


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

"""What grows with the number of projects, and how: counted in requests, calls and bytes, never in seconds."""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from bench.planner import worlds
from reconcile.actual import Items, actual_from, webhook_from
from reconcile.desired.desired import desired_from
from reconcile.desired.receivers import receiver_requests_from
from reconcile.model import Project, ProjectLocation, PublicKey, Ref
from reconcile.plan.plan import make_plan
from tests.worlds.builders import (
    HOST,
    NAMESPACE,
    a_key,
    a_key_secret,
    a_project,
    a_public_key,
    a_token_secret,
    a_webhook,
    some_rules,
)
from tests.worlds.desired_inputs import Inputs
from tests.worlds.gitlab_builders import GitLab, a_gitlab
from tests.worlds.objects import a_git_repository, a_receiver
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


def test_what_is_wanted_is_a_fraction_of_what_flux_asks_for() -> None:
    world = a_world_of(300)
    claims, listeners = world.claims(), receiver_requests_from(world.receivers)
    secrets = {Ref("Secret", *name.split("/")): answer for name, answer in world.secrets.items()}

    # Python keeps some tuples that nobody needs any more for the next ones: what is made first does not count.
    desired_from(claims, listeners, secrets, world.rules)
    kept = kept_bytes(lambda: desired_from(claims, listeners, secrets, world.rules))
    built = kept_bytes(lambda: [dict(part) for part in (world.desired().keys, world.desired().webhooks)])

    # By project, who asks for what; the keys and webhooks themselves are made when they are asked for.
    assert kept / 300 < 350
    assert built / 300 > 700


def a_world_of(tenants: int) -> Inputs:
    names = [f"tenant-{number:04}" for number in range(tenants)]
    return Inputs(
        repositories=[
            a_git_repository(name, f"ssh://git@{HOST}/tenants/{name}.git", secret=f"{name}-ssh") for name in names
        ],
        receivers=[a_receiver(name, (name,), secret=f"{name}-webhook") for name in names],
        secrets={
            **{f"{NAMESPACE}/{name}-ssh": a_key_secret(name) for name in names},
            **{f"{NAMESPACE}/{name}-webhook": a_token_secret() for name in names},
        },
        places={
            f"tenants/{name}": ProjectLocation(Project(number, f"tenants/{name}"))
            for number, name in enumerate(names, 1)
        },
    )


def test_items_that_no_page_showed_twice_are_not_copied() -> None:
    items = Items(a_project(), (a_key(1), a_key(2)), (a_webhook(1), a_webhook(2)))
    shifted = replace(items, webhooks=(a_webhook(2), a_webhook(1), a_webhook(2)))

    assert actual_from([items]).projects[0] is items
    assert actual_from([shifted]).projects == (items,)


def test_a_key_that_a_secret_and_a_project_have_is_kept_once() -> None:
    line = f"ssh-ed25519 {a_public_key(1).material}"

    one, other = (PublicKey.parse(f"{line} {comment}") for comment in ("from a Secret", "from GitLab"))

    assert one.material is other.material


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

"""A run that must end decides nothing more: every loop over objects and projects asks, and stops at the next one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from reconcile.desired.desired import desired_from
from reconcile.desired.receivers import receiver_requests_from
from reconcile.desired.requests import Requests
from reconcile.errors import ReadError
from reconcile.model import Project
from reconcile.plan.plan import make_plan
from reconcile.stopping import until_stopped
from tests.worlds.builders import some_actual, some_desired, some_items, some_rules
from tests.worlds.desired_inputs import Inputs
from tests.worlds.objects import a_git_repository, a_receiver

WHY = "a signal stopped the run"


def after(count: int) -> Callable[[], str]:
    """Say that the run must end once it was asked so often."""
    asked = 0

    def stopped() -> str:
        nonlocal asked
        asked += 1
        return WHY if asked > count else ""

    return stopped


def test_what_comes_after_the_stop_is_not_begun() -> None:
    begun: list[int] = []
    with pytest.raises(ReadError, match=f"Not everything was decided: {WHY}") as caught:
        begun.extend(until_stopped(range(10), after(3)))
    assert begun == [0, 1, 2]
    assert caught.value.code == "Stopped"


def test_without_a_stop_everything_comes() -> None:
    assert list(until_stopped(range(10), after(10))) == list(range(10))


@pytest.mark.parametrize("count", [0, 2, 3, 5])
def test_desired_state_stops_at_the_next_object(count: int) -> None:
    names = ["a", "b", "c"]
    inputs = Inputs([a_git_repository(name) for name in names], [a_receiver(name) for name in names])
    requests = Requests(tuple(inputs.requests()), receiver_requests_from(inputs.receivers))
    desired_from(replace(requests, stopped=after(6)), {}, some_rules())
    with pytest.raises(ReadError, match=WHY):
        desired_from(replace(requests, stopped=after(count)), {}, some_rules())


def test_the_plan_stops_at_the_next_project() -> None:
    projects = [some_items(project=Project(number, f"tenants/{number}")) for number in range(3)]
    make_plan(some_desired(), some_actual(*projects), some_rules(), after(3))
    with pytest.raises(ReadError, match=WHY):
        make_plan(some_desired(), some_actual(*projects), some_rules(), after(2))

"""Within GitLab's limits and ours: no 429 after the first, and no later than the limit dictates. In made-up time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from cronjob.concurrency.stop import StopControl
from cronjob.transport import rate_limit
from tests.worlds.gitlab_builders import GitLab, a_gitlab

PROJECTS = 400
# Whose token (2; this one's tells of itself), the group, its pages, and both lists of every project.
REQUESTS = 3 + PROJECTS // 100 + 2 * PROJECTS


@dataclass
class Clock:
    """Time that passes only where somebody waits for it, and a little with each request."""

    now: float

    def __call__(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now


class Waiting(StopControl):
    """Waits by the clock."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def sleep(self, seconds: float) -> None:
        self._clock.now += max(seconds, 0.0)


@pytest.fixture
def gitlab() -> Iterator[GitLab]:
    with a_gitlab() as made:
        for number in range(PROJECTS):
            made.world.add_project(f"tenants/p{number}")
        yield made


def seconds_of_a_run(gitlab: GitLab, monkeypatch: pytest.MonkeyPatch, **access: Any) -> float:
    """How long the reading of everything takes, one request at a time, with answers that take no time themselves."""
    # At the beginning of a minute, as windows are counted.
    clock = Clock(60.0 * (time.time() // 60))
    monkeypatch.setattr(rate_limit, "time", clock)
    gitlab.world.rate_limits.clock = gitlab.world.clock = clock
    for limit in filter(
        None, [gitlab.world.rate_limits.throttle, *(one for _, one in gitlab.world.rate_limits.endpoint_limits)]
    ):
        limit.clock = clock
    began = clock.now
    session = gitlab.session(stop_control=Waiting(clock), concurrency=1, **access)
    actual = gitlab.reader(session=session, concurrency=1).read_actual(())
    assert len(actual.projects) == PROJECTS
    return clock.now - began


def refusals(gitlab: GitLab) -> int:
    return sum(one.status == 429 for one in gitlab.world.requests)


def test_our_own_limit_is_kept_and_used_up(gitlab: GitLab, monkeypatch: pytest.MonkeyPatch) -> None:
    gitlab.world.rate_limit(per_minute=400)

    seconds = seconds_of_a_run(gitlab, monkeypatch, max_per_minute=120)

    assert refusals(gitlab) == 0
    assert len(gitlab.world.requests) <= REQUESTS
    assert seconds <= 1.1 * len(gitlab.world.requests) / 120 * 60


def test_gitlab_coms_limits_are_met_once_at_most(gitlab: GitLab, monkeypatch: pytest.MonkeyPatch) -> None:
    gitlab.world.rate_limit(per_minute=400)
    gitlab.world.endpoint_limit("/groups/[^/]+/projects", per_minute=120)
    gitlab.world.endpoint_limit(r"/projects/[^/]+$", per_minute=80)

    seconds = seconds_of_a_run(gitlab, monkeypatch)

    assert refusals(gitlab) <= 1
    # Two whole minutes of 400 each, and the rest at once.
    assert 120 <= seconds <= 1.1 * 120


def test_a_limit_that_is_not_announced_is_waited_out(gitlab: GitLab, monkeypatch: pytest.MonkeyPatch) -> None:
    gitlab.world.endpoint_limit("deploy_keys|hooks", per_minute=300)

    seconds = seconds_of_a_run(gitlab, monkeypatch)

    # Nothing says when it ends: each window that is used up is met once.
    assert refusals(gitlab) == 2
    assert seconds <= 1.1 * 120


def test_without_a_limit_nobody_waits(gitlab: GitLab, monkeypatch: pytest.MonkeyPatch) -> None:
    assert seconds_of_a_run(gitlab, monkeypatch) == 0
    assert refusals(gitlab) == 0

"""
A run is killed or stopped at each of its requests: nothing is lost, doubled or changed, and the next run converges.
"""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.chaos.child_processes import Ended, lease_expires, run_and_signal
from tests.chaos.expectations import Platform
from tests.chaos.twelve_tenants import OPTIONS, a_platform
from tests.worlds.hurry import in_a_hurry
from tests.worlds.program import Program, a_program

# More requests than a run makes; the tests end at the last one.
MOST = 200


def signalled(program: Program, number: signal.Signals, request: int, *, after: bool) -> Ended:
    """Run and send the signal at that request (from 0) to GitLab; a killed run gets no answer."""
    return run_and_signal(
        program,
        number,
        lambda call: program.gitlab.fail(skip=request, call=call, drop=number == signal.SIGKILL, after=after),
        *OPTIONS,
    )


def converges(platform: Platform, context: str) -> None:
    """Run once without faults and check that GitLab is in sync."""
    platform.program.gitlab.faults.planned.clear()
    before = platform.everything()
    done = platform.program.run(*OPTIONS)
    assert done.code == 0, context
    assert list(platform.differences(before)) == [], context


@pytest.fixture
def step(request: pytest.FixtureRequest) -> int:
    """Of the two cases of a test one tries the even requests and one the odd ones; with `--chaos-all` both try all."""
    return 1 if request.config.getoption("--chaos-all") else 2


def at_each_request(
    requests: range, check: Callable[[Platform, int], bool], record_property: Callable[[str, object], None]
) -> int:
    """Call *check* on a fresh platform for each of *requests*, until it returns that there was no such request."""
    for request in requests:
        with a_program(0, samples=False) as program, in_a_hurry():
            platform = a_platform(program)
            monitor = platform.monitor()
            if not check(platform, request):
                return request
            converges(platform, f"at request {request}")
            assert monitor.violations == [], f"at request {request}"
            record_property("runs", 2)
            record_property("requests", len(program.gitlab.requests) + len(program.kubernetes.requests))
            record_property("writes watched", monitor.writes)
    raise AssertionError("the run made more requests than that")


@pytest.mark.parametrize("after", [False, True], ids=["before it is handled", "after it was handled"])
def test_killed_at_any_request_the_next_run_converges(
    step: int, record_property: Callable[[str, object], None], *, after: bool
) -> None:
    def check(platform: Platform, request: int) -> bool:
        ended = signalled(platform.program, signal.SIGKILL, request, after=after)
        lease_expires(platform.program)
        if ended.code != -signal.SIGKILL:
            assert ended.code == 0
            return False
        assert ended.out == ""
        record_property("runs killed", 1)
        return True

    assert at_each_request(range(int(after) % step, MOST, step), check, record_property) > 50


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stopped_at_any_request_the_report_is_whole_and_true(
    step: int, record_property: Callable[[str, object], None], number: signal.Signals
) -> None:
    results: Counter[str] = Counter()

    def check(platform: Platform, request: int) -> bool:
        before = platform.everything()
        ended = signalled(platform.program, number, request, after=False)
        if ended.code == 0:
            return False
        _check(platform, ended, before, number)
        results[ended.report["result"]] += 1
        record_property("runs stopped", 1)
        return True

    requests = range(int(number == signal.SIGINT) % step, MOST, step)
    assert at_each_request(requests, check, record_property) > 50
    assert results["failed"] > 5
    assert results["incomplete"] > 5


def _check(platform: Platform, ended: Ended, before: Any, number: signal.Signals) -> None:
    """Check that the partial report is valid and true, and has an entry for each planned change."""
    report = ended.report
    assert ended.code == 128 + number, ended.err
    assert "Traceback" not in ended.err
    assert report["result"] in {"failed", "incomplete", "applied"}
    assert list(platform.false_statements(report["changes"], before)) == []
    if report["result"] == "failed":
        assert [problem["code"] for problem in report["problems"]] == ["Stopped"]
        assert platform.everything() == before
        return
    statuses = Counter(change["status"] for change in report["changes"])
    assert statuses.keys() <= {"applied", "not_reached", "held", "failed"}
    assert statuses.total() == PLANNED
    unreached = {change["error"] for change in report["changes"] if change["status"] == "not_reached"}
    assert unreached <= {"a signal stopped the run"}


# Two new tenants, two new keys, two new tokens, two changed webhooks, two tenants that left.
PLANNED = 2 * 2 + 2 * 2 + 2 * 2 + 2 + 2 * 2

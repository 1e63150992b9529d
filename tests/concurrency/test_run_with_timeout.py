"""Waiting has an end, whatever is waited for."""

from __future__ import annotations

from threading import Event

import pytest

from cronjob.commands.check import receiver
from cronjob.concurrency.run_with_timeout import run_with_timeout
from reconcile.findings import Level
from tests.flow.test_metrics import SLOW
from tests.worlds.gitlab_builders import raw_server


def test_what_comes_in_time_is_what_it_came_to() -> None:
    assert run_with_timeout(60, lambda: "done") == "done"


def test_what_does_not_come_is_none_and_the_work_may_go_on() -> None:
    goes_on, has_ended = Event(), Event()

    def work() -> bool:
        goes_on.wait()
        has_ended.set()
        return True

    assert run_with_timeout(0.05, work) is None
    goes_on.set()
    assert has_ended.wait(20)


def test_a_receiver_that_never_ends_its_head_does_not_keep_a_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiver, "_TIMEOUT", 0.5)
    with raw_server(SLOW["head"]) as slow:
        found = list(receiver.check_receiver(slow.url))

    assert {one.level for one in found} == {Level.WARN}
    assert "it does not answer in time" in found[-1].message

"""Run the program, check each run against GitLab and the monitor, and add up the figures."""

from __future__ import annotations

import json
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cronjob.sandbox.samples import CLUSTER
from tests.chaos.child_processes import Ended, run_and_signal
from tests.chaos.expectations import Platform
from tests.worlds.hurry import FACTOR
from tests.worlds.program import Program
from tests.worlds.secrets_shown import secrets_of, shown

VIOLATIONS = {"doubled": "there are now", "lost": "the wanted", "foreign touched": "the foreign"}


class CheckedRuns:
    """Runs on *platform*, checked. They add to *figures*; *removals* are the reports that can be undone."""

    def __init__(self, platform: Platform, figures: Counter[str]) -> None:
        self._platform = platform
        self._program = platform.program
        self._figures = figures
        self.removals: list[dict[str, Any]] = []
        # Replaced secrets, too: GitLab may still have them.
        self._secrets: set[str] = set()

    def run(self, *options: str) -> Any:
        """`run` with these options, under the faults in force."""
        return self._watched(lambda: self._program.run(*options), {0, 1})

    def heal(self, *options: str) -> Any:
        """Run with --heal-webhooks. Only webhooks that were ours, correct and switched off may get a test push."""
        gitlab, off = self._program.gitlab, self._platform.switched_off()
        earlier = len(gitlab.requests)
        with _test_pushes(self._program) as pushed:
            done = self.run("--heal-webhooks", *options)
        paths = [request.path for request in gitlab.requests[earlier:] if request.path.endswith("/test/push_events")]
        assert {int(path.split("/")[-3]) for path in paths} <= off
        # GitLab allows five in any minute, of those that reached it.
        assert all(
            later - first > 60 for times in pushed.values() for first, later in zip(times, times[5:], strict=False)
        )
        self._figures["test pushes"] += len(paths)
        return done

    def undo(self, report: Mapping[str, Any], folder: Path, *, confirmed: bool) -> Any:
        """Run `undo` for an earlier *report*: nothing is removed or changed, and what is restored was in the report."""
        path = folder / "report.json"
        path.write_text(json.dumps(report), encoding="utf-8")
        options = ("--confirm", CLUSTER) if confirmed else ()
        before = self._platform.everything()
        done = self._watched(lambda: self._program("undo", str(path), "-o", "json", *options), {0, 1})
        assert list(self._platform.wrongly_restored(before, report)) == []
        assert list(self._platform.silently_missing(done.report, report)) == []
        self._figures["put back"] += sum(change["status"] == "applied" for change in done.report["changes"])
        return done

    def run_and_signal(self, number: signal.Signals, request: int, *options: str, after: bool = False) -> Ended:
        """Run and send the signal at that request to GitLab; the run may end before it."""
        gitlab = self._program.gitlab

        def announce(call: Callable[[], None]) -> None:
            gitlab.fail(skip=request, call=call, drop=number == signal.SIGKILL, after=after)

        ended: Ended = self._watched(
            lambda: run_and_signal(self._program, number, announce, *options), {0, 1, 128 + number, -number}
        )
        self._figures["faults injected"] += sum(fault.injected for fault in gitlab.faults.planned)
        gitlab.faults.planned.clear()
        return ended

    def _watched(self, run: Callable[[], Any], codes: set[int]) -> Any:
        before, monitor = self._platform.everything(), self._platform.monitor()
        self._secrets |= secrets_of(self._program.sandbox)
        earlier = self._request_count()
        done = run()
        found = shown(self._secrets, done.out, done.err)
        self._figures.update(
            {
                "runs": 1,
                "requests": self._request_count() - earlier,
                "writes watched": monitor.writes,
                "secrets shown": len(found),
            }
        )
        for name, text in VIOLATIONS.items():
            self._figures[name] += sum(text in violation for violation in monitor.violations)
        assert monitor.violations == []
        assert found == []
        assert done.code in codes, (done.code, done.err)
        assert "Traceback" not in done.err
        if done.code != -signal.SIGKILL:
            changes = done.report["changes"]
            assert list(self._platform.false_statements(changes, before)) == []
            if any((change["action"], change["status"]) == ("delete", "applied") for change in changes):
                self.removals.append(done.report)
        return done

    def _request_count(self) -> int:
        return len(self._program.gitlab.requests) + len(self._program.kubernetes.requests)


@contextmanager
def _test_pushes(program: Program) -> Iterator[dict[int, list[float]]]:
    """Record the times of test pushes by project, by a clock that runs as fast as the program's."""
    gitlab, began = program.gitlab, time.time()
    pushed: dict[int, list[float]] = {}
    clock, receiver = gitlab.clock, gitlab.receiver

    def received(hook: Any, trigger: str) -> int | str:
        pushed.setdefault(hook.project_id, []).append(gitlab.seconds())
        return receiver(hook, trigger)

    gitlab.clock, gitlab.receiver = lambda: began + (time.time() - began) * FACTOR, received
    try:
        yield pushed
    finally:
        gitlab.clock, gitlab.receiver = clock, receiver

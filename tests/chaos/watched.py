"""Runs under the eyes of the monitor, each held against GitLab, and what all of them came to."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable
from typing import Any

from chaos.children import Ended, run_and_signal
from chaos.expectations import Platform
from secrets_shown import secrets_of, shown

VIOLATIONS = {"doubled": "there are now", "lost": "the wanted", "foreign touched": "the foreign"}


class Watch:
    """Does runs on *platform* and adds to *figures* what it sees."""

    def __init__(self, platform: Platform, figures: Counter[str]) -> None:
        self._platform = platform
        self._program = platform.program
        self._figures = figures
        # Also those that were replaced: GitLab may still have them.
        self._secrets: set[str] = set()

    def run(self, *options: str) -> Any:
        """`run` with these options, in whatever weather there is."""
        return self._watched(lambda: self._program.run(*options), {0, 1})

    def run_and_signal(self, number: signal.Signals, request: int, *options: str, after: bool = False) -> Ended:
        """A run that gets the signal at that request to GitLab, or ends before it comes to it."""
        gitlab = self._program.gitlab

        def announce(call: Callable[[], None]) -> None:
            gitlab.fail(skip=request, call=call, drop=number == signal.SIGKILL, after=after)

        ended: Ended = self._watched(
            lambda: run_and_signal(self._program, number, announce, *options), {0, 1, 128 + number, -number}
        )
        self._figures["faults injected"] += sum(fault.struck for fault in gitlab.faults)
        gitlab.faults.clear()
        return ended

    def _watched(self, run: Callable[[], Any], codes: set[int]) -> Any:
        before, monitor = self._platform.everything(), self._platform.monitor()
        self._secrets |= secrets_of(self._program.sandbox)
        asked = self._asked()
        done = run()
        found = shown(self._secrets, done.out, done.err)
        self._figures.update(
            {
                "runs": 1,
                "requests": self._asked() - asked,
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
            assert list(self._platform.untruths(done.report["changes"], before)) == []
        return done

    def _asked(self) -> int:
        return len(self._program.gitlab.requests) + len(self._program.kubernetes.requests)

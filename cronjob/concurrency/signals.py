"""Signals: after SIGTERM, SIGINT or SIGHUP no new write begins, requests in flight end, the report is printed."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from threading import Event
from types import FrameType
from typing import Any

from cronjob.exit_codes import ExitCode


class Signals:
    """
    A context in which the first signal sets *stop*; a second SIGINT ends the process at once.

    Right before that *last_words* is called, from the handler: it must not wait for anything. SIGHUP, which comes when
    a terminal is closed, means the same as SIGTERM, unless it is ignored (nohup).
    """

    def __init__(self) -> None:
        self.stop = Event()
        self.exit_code = ExitCode.OK
        self.last_words: Callable[[], object] = bool
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Signals:
        hang_up = () if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else (signal.SIGHUP,)
        for number in (signal.SIGTERM, signal.SIGINT, *hang_up):
            self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if self.stop.is_set() and number == signal.SIGINT:
            self.last_words()
            # Somebody at a terminal will not wait for the requests in flight.
            os._exit(ExitCode.SIGINT)
        self.exit_code = ExitCode.SIGINT if number == signal.SIGINT else ExitCode.SIGTERM
        self.stop.set()

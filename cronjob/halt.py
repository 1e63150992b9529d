"""When a run must come to an end: a signal came, or its deadline has passed."""

from __future__ import annotations

import time
from threading import Event


class Halt:
    """
    Asked before anything new begins; whatever waits, waits here.

    *stop* is what a signal sets, *deadline* is in seconds from now.
    """

    def __init__(self, stop: Event | None = None, deadline: float | None = None) -> None:
        self.stop = stop or Event()
        self._until = time.monotonic() + deadline if deadline else None

    def __call__(self) -> bool:
        """Whether nothing new may begin."""
        return self.stop.is_set() or (self._until is not None and time.monotonic() > self._until)

    def sleep(self, seconds: float) -> None:
        """Wait so long, or until the run must end."""
        left = seconds if self._until is None else min(seconds, self._until - time.monotonic())
        if left > 0:
            self.stop.wait(left)

"""Stop control: whether a run must end, because of a signal, its deadline, or the loss of something it needs."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from threading import Event

from reconcile.errors import ReadError

# Seconds between two checks while sleeping. Waiting on the event itself could lock up: the signal's handler sets it in
# a thread that may be about to wait, and an Event's lock is not reentrant.
_CHECK_EVERY = 0.1


class StopControl:
    """
    Says whether anything new may begin; everything that waits does so in `sleep`.

    *stop* is what a signal sets, *deadline* is in seconds from now.
    """

    def __init__(self, stop: Event | None = None, deadline: float | None = None) -> None:
        self.stop = stop or Event()
        self._until = time.monotonic() + deadline if deadline else math.inf
        self._watched: list[Callable[[], str]] = []

    def must_stop(self) -> bool:
        """Whether nothing new may begin."""
        return bool(self.reason())

    def reason(self) -> str:
        """Why nothing new may begin, as a clause; empty while it may."""
        if self.stop.is_set():
            return "a signal stopped the run"
        if time.monotonic() >= self._until:
            return "the run's --deadline had passed"
        return next(filter(None, (find_reason() for find_reason in self._watched)), "")

    def watch(self, find_reason: Callable[[], str]) -> None:
        """End the run also for what *find_reason* returns, unless that is empty. It must return at once."""
        self._watched.append(find_reason)

    def sleep(self, seconds: float) -> None:
        """Wait this many *seconds*, or until the run must end."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and not self.must_stop():
            time.sleep(min(left, _CHECK_EVERY, max(self._until - time.monotonic(), 0)))


def raise_if_stopped(stop_control: StopControl, cause: Exception | None = None) -> None:
    """Raise ReadError where the run must end: what was read so far decides nothing."""
    if why := stop_control.reason():
        raise ReadError(f"Not everything was read: {why}.", code="Stopped") from cause

"""When a run must come to an end: a signal came, or its deadline has passed."""

from __future__ import annotations

import math
import time
from threading import Event

# Who sleeps looks up so often. Waiting on the event itself could lock up: the signal's handler sets it in a thread
# that may be about to wait, and an Event's lock is not reentrant.
_LOOK_UP = 0.1


class Halt:
    """
    Asked before anything new begins; whatever waits, waits here.

    *stop* is what a signal sets, *deadline* is in seconds from now.
    """

    def __init__(self, stop: Event | None = None, deadline: float | None = None) -> None:
        self.stop = stop or Event()
        self._until = time.monotonic() + deadline if deadline else math.inf

    def __call__(self) -> bool:
        """Whether nothing new may begin."""
        return self.stop.is_set() or time.monotonic() >= self._until

    def sleep(self, seconds: float) -> None:
        """Wait so long, or until the run must end."""
        end = min(time.monotonic() + seconds, self._until)
        while not self.stop.is_set() and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, _LOOK_UP))

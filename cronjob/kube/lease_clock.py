"""A clock for the Lease that goes on while the machine sleeps: `time.monotonic` stands still then."""

from __future__ import annotations

import time
from collections.abc import Callable


class SleepAwareClock:
    """
    The monotonic clock, and the time beyond it that the wall clock counted: the machine slept, or its time was set.

    For systems without CLOCK_BOOTTIME. A wall clock that was set back is ignored.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic, wall: Callable[[], float] = time.time) -> None:
        self._monotonic = monotonic
        self._wall = wall
        self._ahead = wall() - monotonic()

    def __call__(self) -> float:
        """Seconds since some moment in the past."""
        monotonic = self._monotonic()
        return monotonic + max(0.0, self._wall() - monotonic - self._ahead)


def _boot_time() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


# CLOCK_BOOTTIME: Linux 2.6.39 or newer (clock_gettime(2)).
sleep_aware_clock: Callable[[], float] = _boot_time if hasattr(time, "CLOCK_BOOTTIME") else SleepAwareClock()

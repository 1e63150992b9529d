"""A clock that goes faster: the pauses of the program are short, everything else stays as it is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from cronjob.concurrency import stop as stop_control
from cronjob.transport import rate_limit

FACTOR = 200.0


class FastClock:
    """What the stop control and the rate limiter use of the module `time`; its seconds are 1/FACTOR of real ones."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def monotonic(self) -> float:
        return self._began + (time.monotonic() - self._began) * FACTOR

    @staticmethod
    def sleep(seconds: float) -> None:
        time.sleep(seconds / FACTOR)


def hurry() -> None:
    """From now on, in this process, all pauses of the program are short."""
    stop_control.time = rate_limit.time = FastClock()


@contextmanager
def in_a_hurry() -> Iterator[None]:
    """The same for a while."""
    before = stop_control.time
    hurry()
    try:
        yield
    finally:
        stop_control.time = rate_limit.time = before

"""How many requests are under way at a time: as many as make it faster, and no more."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

# Where it begins, and what is doubled from there.
_START = 8
# A window is so many answers for each request that may be under way.
_ROUNDS = 3
# Twice as many at a time are worth it if they bring a quarter more; half as many, if they bring nearly as much.
_WORTH = 1.25
_ENOUGH = 0.9
# After so many windows something else is tried: what a server bears changes.
_PATIENCE = 20


@dataclass(frozen=True, slots=True)
class _Trial:
    """What is being tried instead of *width*, which brought *rate* answers a second."""

    width: int
    rate: float


class ConcurrencyLimiter:
    """
    At most *most* requests at a time, and fewer where more would only wait at the server.

    It climbs from a few, doubling for as long as that brings more answers a second, which a server that is not at its
    limits always gives, however long each takes; it is halved by what an overloaded server says. *clock* gives seconds.
    """

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.now = min(most, _START)
        self._most = most
        self._clock = clock
        self._under_way = 0
        self._free = threading.Condition()
        # As if it had been found too narrow: the first window's end begins the climb.
        self._quiet, self._upwards = _PATIENCE, False
        self._trial: _Trial | None = None
        self._answers, self._began, self._was_full = 0, clock(), False

    def acquire(self) -> None:
        """Wait until one more may be under way. `release` must follow."""
        with self._free:
            while self._under_way >= self.now:
                self._free.wait()
            self._under_way += 1
            self._was_full = self._was_full or self._under_way >= self.now

    def release(self, *, overloaded: bool = False) -> None:
        """One is over; *overloaded* where its answer says that they are too many, or none came."""
        with self._free:
            self._under_way -= 1
            self._answers += 1
            if overloaded:
                self._trial, self._quiet = None, 0
                self._set(self.now // 2)
            elif self._answers == 0:
                # Those that were under way when the width changed are through.
                self._restart()
            elif self._answers >= _ROUNDS * self.now:
                self._judge()
            self._free.notify()

    def _restart(self) -> None:
        self._answers, self._began, self._was_full = 0, self._clock(), False

    def _set(self, width: int) -> None:
        self.now = min(max(width, 1), self._most)
        self._restart()
        self._answers = -self._under_way
        self._free.notify_all()

    def _judge(self) -> None:
        """The window is over: keep what was tried, or take it back, or try something else."""
        seconds = self._clock() - self._began
        if not self._was_full or seconds <= 0:
            # Nobody wanted more, so it says nothing.
            self._restart()
            return
        rate, trial, self._trial = self._answers / seconds, self._trial, None
        if trial and rate < trial.rate * (_WORTH if self.now > trial.width else _ENOUGH):
            self._set(trial.width)
        elif trial:
            self._try(upwards=self.now > trial.width, rate=rate)
        elif self._quiet < _PATIENCE:
            self._quiet += 1
            self._restart()
        else:
            # In turn; at either end there is only one way.
            self._upwards = self.now == 1 or (not self._upwards and self.now < self._most)
            self._try(upwards=self._upwards, rate=rate)

    def _try(self, *, upwards: bool, rate: float) -> None:
        """Twice as many, or half as many, if that is possible."""
        before, self._quiet = self.now, 0
        self._set(before * 2 if upwards else before // 2)
        if self.now != before:
            self._trial = _Trial(before, rate)

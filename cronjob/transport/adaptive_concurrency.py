"""Adaptive concurrency (AIMD): how many requests may be under way at a time, by how long their answers take."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

# The limit at the beginning. Until the server first gets slower it is doubled, as in TCP's slow start.
_START = 8
# A window is so many answers for each request that may be under way, and at least so many in all.
_ROUNDS = 3
_SHORTEST = 16
# Answers that take this much longer than the quickest window's mean that they wait in a queue at the server.
_SLOWER = 1.35


class ConcurrencyLimiter:
    """
    At most *most* requests at a time, and fewer where more would only wait at the server.

    The limit grows by one (additive increase) after each window in which it was reached, and is halved (multiplicative
    decrease) where answers get slower or the server says that it is overloaded. *clock* gives seconds.
    """

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.limit = min(most, _START)
        self._most = most
        self._clock = clock
        self._under_way = 0
        self._free = threading.Condition()
        self._quickest = math.inf
        self._is_starting = True
        self._answers, self._began, self._was_full = 0, clock(), False

    def acquire(self) -> None:
        """Wait until one more may be under way. `release` must follow."""
        with self._free:
            while self._under_way >= self.limit:
                self._free.wait()
            self._under_way += 1
            self._was_full = self._was_full or self._under_way >= self.limit

    def release(self, *, overloaded: bool = False) -> None:
        """One request is over; *overloaded* where its answer says that there are too many, or none came."""
        with self._free:
            self._under_way -= 1
            self._answers += 1
            if overloaded:
                self._decrease()
            elif self._answers == 0:
                # The requests that were under way when the limit changed are over: the window begins.
                self._answers, self._began, self._was_full = 0, self._clock(), False
            elif self._answers >= max(_ROUNDS * self.limit, _SHORTEST):
                self._end_window()
            self._free.notify()

    def _end_window(self) -> None:
        # Little's law: the time that an answer took, on average.
        seconds = self.limit * (self._clock() - self._began) / self._answers if self._was_full else 0.0
        if not seconds:
            # The limit was not reached, so the window says nothing.
            self._set(self.limit)
            return
        self._quickest = min(self._quickest, seconds)
        if seconds > _SLOWER * self._quickest:
            self._decrease()
        else:
            self._set(self.limit * 2 if self._is_starting else self.limit + 1)

    def _decrease(self) -> None:
        self._is_starting = False
        # Other requests may just take longer: a write, for one. What is quick is measured anew.
        self._quickest = math.inf
        self._set((self.limit + 1) // 2)

    def _set(self, limit: int) -> None:
        """A new limit, and a window that begins once those that are under way now are over."""
        self.limit = min(max(limit, 1), self._most)
        self._answers = -self._under_way
        self._free.notify_all()
        if not self._under_way:
            self._answers, self._began, self._was_full = 0, self._clock(), False

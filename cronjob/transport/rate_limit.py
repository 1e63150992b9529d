"""Rate limit: when each request of all workers may be sent, within our own limit and GitLab's."""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from cronjob.concurrency.stop import StopControl

# What a header's number may be: more digits are nobody's limit, and Python refuses to read thousands of them.
_SMALL = re.compile(r"[0-9]{1,12}")
# The window of GitLab's limits, and of ours, in seconds.
_MINUTE = 60.0
# How much longer one request may be on its way than the next.
_ON_ITS_WAY = 1.0


class Allowance:
    """A rate limit of its own for each of several keys, *per_minute*; safe to share between threads."""

    def __init__(self, per_minute: int, stop_control: StopControl) -> None:
        self._per_minute = per_minute
        self._stop_control = stop_control
        self._turns: dict[int, deque[float]] = {}
        self._lock = threading.Lock()

    def wait(self, key: int) -> float:
        """Wait until the next one of *key* may be sent, or the run must end; returns the seconds waited."""
        with self._lock:
            turns = self._turns.setdefault(key, deque(maxlen=self._per_minute))
            now = time.monotonic()
            turn = max(now, turns[0] + _MINUTE + _ON_ITS_WAY) if len(turns) == self._per_minute else now
            turns.append(turn)
        self._stop_control.sleep(turn - now)
        return min(turn, time.monotonic()) - now


class RateLimiter:
    """
    Rate limit for the requests of all workers: evenly spaced under our limit, and none for a while after a 429.

    Our limit is a token bucket that holds one token, so it is exact: there is no minute in which more are sent.
    """

    def __init__(self, per_minute: int | None, concurrency: int, stop_control: StopControl | None = None) -> None:
        self._stop_control = stop_control or StopControl()
        self._gap = _MINUTE / per_minute if per_minute else 0.0
        # With fewer left than this, the requests that are under way could use the limit up.
        self._few = 2 * concurrency
        # Requests that have their turn and no answer yet: GitLab may not have counted them.
        self._under_way = 0
        self._next = 0.0
        self._slow_gap = 0.0
        self._slow_until = 0.0
        self._lock = threading.Lock()

    def wait(self) -> float:
        """Wait for this request's turn, or the run's end; returns the seconds waited. `observe` must follow."""
        with self._lock:
            self._under_way += 1
            now = time.monotonic()
            turn = max(self._next, now)
            self._next = turn + (max(self._gap, self._slow_gap) if turn < self._slow_until else self._gap)
        if turn > now:
            self._stop_control.sleep(turn - now)
        return min(turn, time.monotonic()) - now

    def block_for(self, seconds: float) -> None:
        """Send nothing for this many *seconds*."""
        with self._lock:
            self._next = max(self._next, time.monotonic() + seconds)

    def observe(self, headers: Mapping[str, str]) -> None:
        """
        Take in the *headers* of an answer, or none where there was no answer: the request is over.

        What is left of GitLab's limit is spread over the rest of its window, so that it does not answer 429.
        """
        with self._lock:
            self._under_way -= 1
            left, reset = headers.get("RateLimit-Remaining", ""), headers.get("RateLimit-Reset", "")
            if not (_SMALL.fullmatch(left) and _SMALL.fullmatch(reset)) or int(left) > self._few:
                return
            window = min(max(int(reset) - _server_time(headers), 0.0), _MINUTE)
            self._slow_gap = window / (max(int(left) - self._under_way, 0) + 1)
            now = time.monotonic()
            self._slow_until = now + window
            self._next = max(self._next, now + self._slow_gap)


def _server_time(headers: Mapping[str, str]) -> float:
    """The server's own time in seconds since 1970, which RateLimit-Reset goes by."""
    try:
        return parsedate_to_datetime(headers.get("Date", "")).timestamp()
    except (ValueError, OverflowError):
        return datetime.now(UTC).timestamp()

"""Request counts: what was sent to GitLab by all workers together."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field

from cronjob.transport.answer import Answer
from cronjob.transport.retry import Outcome


@dataclass(slots=True)
class RequestCounts:
    """
    *requests* by method, *retries* among them, and for how many seconds workers waited to keep within limits.

    *answers* are the same requests by method and status, which is `none` where no answer came.
    """

    requests: Counter[str] = field(default_factory=Counter)
    answers: Counter[tuple[str, ...]] = field(default_factory=Counter)
    retries: int = 0
    throttled_seconds: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def count(self, method: str, outcome: Outcome, *, again: bool) -> None:
        """Count one request by its outcome; *again* for a retry."""
        code = str(outcome.status) if isinstance(outcome, Answer) else "none"
        with self._lock:
            self.requests[method] += 1
            self.answers[method, code] += 1
            self.retries += again

    def wait(self, seconds: float) -> None:
        """One worker waited this many *seconds* for a rate limit."""
        with self._lock:
            self.throttled_seconds += seconds

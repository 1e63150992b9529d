"""
Retry policy: which failures are retried, how often, and after how long; for GitLab and for Kubernetes.

tenacity repeats the requests. A GET is retried after every failure that may be temporary. A write is retried only where
it certainly was not done: it was never sent, or the answer says so.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from urllib3 import exceptions as urllib3_errors
from urllib3.util import Retry

from cronjob.concurrency.stop import StopControl
from cronjob.transport.adapter import may_pass, was_never_sent
from cronjob.transport.answer import Answer

# Loaded by the first request that is made again: in most runs there is none.
if TYPE_CHECKING:
    from tenacity import RetryCallState

Outcome = Answer | Exception

TRIES = 6
# Tries where no answer comes: each of them may take the whole timeout.
SILENT_TRIES = 4
# The longest that one request may take with all its tries, in seconds; the next run tries again anyway.
LONGEST = 180.0
# The most seconds that pass before the first repetition.
BACKOFF = 0.5
# GitLab's limits that give no time count by the minute (doc/security/rate_limits).
MINUTE = 60.0
# These say that a write was not done (lib/api/api.rb: "409 Conflict: Resource lock").
_NOT_DONE = frozenset({409, 429})
# What stands before a server answers these while it restarts or is overloaded; 520 is Cloudflare's.
_PASSING = _NOT_DONE | {500, 502, 503, 504, 520}


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """
    Retry policy for the requests to one server. Once *stop_control* says so there are no retries and no waits.

    *backoff* is the most seconds that pass before the first repetition; each further one may wait twice as long. How
    long it is between nothing and that is random ("full jitter"), so that workers scatter. *limit* is how many seconds
    a 429 is waited out that gives no time; None: as long as other failures.
    """

    stop_control: StopControl
    backoff: float
    limit: float | None = None

    def repeat(
        self, method: str, attempt: Callable[[], Outcome], wait: Callable[[Outcome, float], None] | None = None
    ) -> Outcome:
        """
        Return what *attempt* returned, after as many retries as are safe and may help.

        *wait* lets the seconds pass between an outcome and the next try; without it they are slept.
        """
        began, reads = time.monotonic(), method == "GET"
        first = attempt()
        if not _is_retryable(first, reads=reads):
            # Nearly always, and tenacity's own work is not free.
            return first
        from tenacity import Retrying, retry_if_result, wait_random_exponential

        outcomes: Iterator[Outcome] = chain([first], iter(attempt, None))
        growing = wait_random_exponential(multiplier=self.backoff)

        def pass_time(state: RetryCallState) -> None:
            if wait:
                wait(_outcome(state), state.upcoming_sleep)
            else:
                self.stop_control.sleep(state.upcoming_sleep)

        retrying = Retrying(
            retry=retry_if_result(lambda outcome: _is_retryable(outcome, reads=reads)),
            wait=lambda state: growing(state) if (asked := self._asked_for(_outcome(state))) is None else asked,
            stop=lambda state: self._is_enough(state, began),
            before_sleep=pass_time,
            sleep=lambda _: None,
            retry_error_callback=_outcome,
        )
        return retrying(lambda: next(outcomes))

    def _asked_for(self, outcome: Outcome) -> float | None:
        """The seconds that the server asks for, or *limit* after a 429; None where a random time that grows will do."""
        if not isinstance(outcome, Answer):
            return None
        return retry_after(outcome.headers) or (self.limit if outcome.status == 429 else None)

    def _is_enough(self, state: RetryCallState, began: float) -> bool:
        tries = TRIES if isinstance(_outcome(state), Answer) else SILENT_TRIES
        taken = time.monotonic() - began + state.upcoming_sleep
        return state.attempt_number >= tries or taken > LONGEST or self.stop_control.must_stop()


def retry_after(headers: Mapping[str, str]) -> float:
    """The seconds in Retry-After, a number or a date; 0 where there is none to be understood."""
    try:
        return float(Retry().parse_retry_after(headers.get("Retry-After", "")))
    except (urllib3_errors.InvalidHeader, ValueError, OverflowError):
        return 0.0


def _outcome(state: RetryCallState) -> Outcome:
    outcome: Outcome = state.outcome.result() if state.outcome else NotImplementedError()
    return outcome


def _is_retryable(outcome: Outcome, *, reads: bool) -> bool:
    """Whether a retry may succeed, and cannot do a write twice."""
    if isinstance(outcome, Exception):
        return may_pass(outcome) if reads else was_never_sent(outcome)
    if not reads and outcome.status == 409:
        return b"Resource lock" in outcome.body
    return outcome.status in (_PASSING if reads else _NOT_DONE)

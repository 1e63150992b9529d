"""Bad weather to order: answers that fail or get lost, and limits on how many may be asked for."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Unpack

from cronjob.sandbox.faults.fault import Trouble, TroubleFields
from cronjob.sandbox.faults.random_faults import UnderClimate


class FaultFields(TroubleFields, total=False):
    method: str | None
    path: str
    query: str
    skip: int
    times: int | None


@dataclass(kw_only=True)
class Fault(Trouble):
    """
    One thing that goes wrong, for requests of *method* (any if None) whose path and query match.

    *path* and *query* are regular expressions, searched for. What happens is in ``Trouble``. The first *skip*
    matching requests pass; then it strikes *times* times, None for ever; *struck* counts them.
    """

    method: str | None = None
    path: str = ""
    query: str = ""
    skip: int = 0
    times: int | None = 1
    struck: int = 0
    skipped: int = 0

    def strikes(self, method: str, path: str, query: str) -> bool:
        """Whether this request is hit; a hit is counted, and so is one that is skipped."""
        spent = self.times is not None and self.struck >= self.times
        if spent or self.method not in {None, method}:
            return False
        if not (re.search(self.path, path) and re.search(self.query, query)):
            return False
        if self.skipped < self.skip:
            self.skipped += 1
            return False
        self.struck += 1
        return True


@dataclass
class Limit:
    """At most *most* requests per *period* seconds and key, in fixed windows by the clock."""

    most: int
    period: float
    clock: Callable[[], float]
    window: int = 0
    seen: dict[str, int] = field(default_factory=dict)

    def count(self, key: str) -> int:
        """Count a request and return how many there were in this window, with it."""
        window = int(self.clock() // self.period)
        if window != self.window:
            self.window, self.seen = window, {}
        self.seen[key] = self.seen.get(key, 0) + 1
        return self.seen[key]

    @property
    def resets_at(self) -> int:
        return math.ceil((self.window + 1) * self.period)


class Weather(UnderClimate):
    """Faults in the order they were announced, a climate, and the limits in force. There are none to begin with."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__()
        self.clock = clock
        self.faults: list[Fault] = []
        self.throttle: Limit | None = None
        self.endpoint_limits: list[tuple[re.Pattern[str], Limit]] = []
        self._hook_tests = Limit(0, 60, clock)

    def fail(self, **fields: Unpack[FaultFields]) -> Fault:
        """Announce a fault; the first one that matches a request strikes."""
        fault = Fault(**fields)
        self.faults.append(fault)
        return fault

    def rate_limit(self, *, per_minute: int, period: float = 60) -> None:
        """Throttle every user: plain text 429 with Retry-After, and RateLimit headers on every answer."""
        self.throttle = Limit(max(1, round(per_minute * period / 60)), period, self.clock)

    def endpoint_limit(self, path: str, *, per_minute: int, period: float = 60) -> None:
        """Limit each user's requests to *path*: JSON 429, without a header that says when to return."""
        limit = Limit(max(1, round(per_minute * period / 60)), period, self.clock)
        self.endpoint_limits.append((re.compile(path), limit))

    def trouble_for(self, method: str, path: str, query: str) -> Trouble | None:
        """What befalls this request: the first announced fault that strikes, else what the climate has for it."""
        announced = (fault for fault in self.faults if fault.strikes(method, path, query))
        return next(announced, None) or self.climates_trouble(method, path, query)

    def over_endpoint_limit(self, user: str, path: str) -> bool:
        matching = [limit for pattern, limit in self.endpoint_limits if pattern.search(path)]
        over = [limit for limit in matching if limit.count(user) > limit.most]
        if over:
            self.count("429 of an endpoint")
        return bool(over)

    def over_hook_test_limit(self, key: str, most: int) -> bool:
        """Count a test of a webhook; *most* are free per minute and *key*."""
        return self._hook_tests.count(key) > most

    def throttling(self, user: str) -> tuple[bool, dict[str, str]]:
        """Count a request of *user*: whether it is one too many, and the headers that say so."""
        if self.throttle is None:
            return False, {}
        observed = self.throttle.count(user)
        headers = _limit_headers(self.throttle, observed)
        if observed <= self.throttle.most:
            return False, headers
        self.count("429 Retry later")
        reset = self.throttle.resets_at
        wait = max(1, math.ceil(reset - self.clock()))
        return True, headers | {
            "Retry-After": str(wait),
            "RateLimit-ResetTime": formatdate(reset, usegmt=True),
        }


def _limit_headers(limit: Limit, observed: int) -> dict[str, str]:
    return {
        "RateLimit-Limit": str(math.ceil(limit.most * 60 / limit.period)),
        "RateLimit-Name": "throttle_authenticated_api",
        "RateLimit-Observed": str(observed),
        "RateLimit-Remaining": str(max(0, limit.most - observed)),
        "RateLimit-Reset": str(limit.resets_at),
    }

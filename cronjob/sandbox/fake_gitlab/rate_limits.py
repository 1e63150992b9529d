"""Rate limits of the embedded GitLab: rack-attack's throttle, limits per endpoint, and the limit of webhook tests."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import formatdate


@dataclass
class RateLimit:
    """At most *most* requests per *period* seconds and key, in fixed windows of the clock."""

    most: int
    period: float
    clock: Callable[[], float]
    window: int = 0
    seen: dict[str, int] = field(default_factory=dict)

    def count(self, key: str) -> int:
        """Count a request and return how many there were in this window, this one included."""
        window = int(self.clock() // self.period)
        if window != self.window:
            self.window, self.seen = window, {}
        self.seen[key] = self.seen.get(key, 0) + 1
        return self.seen[key]

    @property
    def resets_at(self) -> int:
        return math.ceil((self.window + 1) * self.period)


class RateLimits:
    """The rate limits in force; there are none at first. *count_refusal* is called with the kind of each refusal."""

    def __init__(self, clock: Callable[[], float], count_refusal: Callable[[str], None]) -> None:
        self.clock = clock
        self.throttle: RateLimit | None = None
        self.endpoint_limits: list[tuple[re.Pattern[str], RateLimit]] = []
        self._count_refusal = count_refusal
        self._webhook_tests = RateLimit(0, 60, clock)

    def limit_users(self, *, per_minute: int, period: float = 60) -> None:
        """Throttle every user: plain text 429 with Retry-After, and RateLimit headers on every answer."""
        self.throttle = RateLimit(max(1, round(per_minute * period / 60)), period, self.clock)

    def limit_endpoint(self, path: str, *, per_minute: int, period: float = 60) -> None:
        """Limit each user's requests to *path*: JSON 429, without a header that says when to retry."""
        limit = RateLimit(max(1, round(per_minute * period / 60)), period, self.clock)
        self.endpoint_limits.append((re.compile(path), limit))

    def is_endpoint_exceeded(self, user: str, path: str) -> bool:
        """Count a request of *user* and return whether a limit of its endpoint is exceeded."""
        matching = [limit for pattern, limit in self.endpoint_limits if pattern.search(path)]
        exceeded = [limit for limit in matching if limit.count(user) > limit.most]
        if exceeded:
            self._count_refusal("429 of an endpoint")
        return bool(exceeded)

    def is_webhook_test_exceeded(self, key: str, most: int) -> bool:
        """Count a test of a webhook and return whether there were more than *most* in this minute for *key*."""
        return self._webhook_tests.count(key) > most

    def throttled(self, user: str) -> tuple[bool, dict[str, str]]:
        """Count a request of *user* and return whether it is refused, with the RateLimit headers of the answer."""
        if self.throttle is None:
            return False, {}
        observed = self.throttle.count(user)
        headers = _limit_headers(self.throttle, observed)
        if observed <= self.throttle.most:
            return False, headers
        self._count_refusal("429 Retry later")
        reset = self.throttle.resets_at
        wait = max(1, math.ceil(reset - self.clock()))
        return True, headers | {
            "Retry-After": str(wait),
            "RateLimit-ResetTime": formatdate(reset, usegmt=True),
        }


def _limit_headers(limit: RateLimit, observed: int) -> dict[str, str]:
    return {
        "RateLimit-Limit": str(math.ceil(limit.most * 60 / limit.period)),
        "RateLimit-Name": "throttle_authenticated_api",
        "RateLimit-Observed": str(observed),
        "RateLimit-Remaining": str(max(0, limit.most - observed)),
        "RateLimit-Reset": str(limit.resets_at),
    }

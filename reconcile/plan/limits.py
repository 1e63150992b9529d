"""The limits of the guard: on how many projects one run may remove something, and for how many rotated sources."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

# Up to so many a limit would only be in the way of everyday work.
ALWAYS_ALLOWED = 3
# The limit for a single project where --max-prune has no number.
USUAL_COUNT = 20


@dataclass(frozen=True, slots=True)
class Limits:
    """
    How much one run may remove: *count* and *percent* of what there is before it, None for no limit.

    *shards* equal runs share the number; the percentage, and the limit for one project, are the same for each.
    """

    count: int | None = USUAL_COUNT
    percent: float | None = 25.0
    shards: int = 1

    @classmethod
    def parse(cls, text: str) -> Limits:
        """`20,25%`, `50`, `10%` or `100%` (no limit at all). Raises ValueError, whose text is a predicate."""
        complaint = f"is neither a number, a percentage nor both, as in 20,25%: {text!r}"
        count: int | None = None
        percent: float | None = None
        for part in text.split(","):
            match = re.fullmatch(r"\s*([0-9]{1,9})(%?)\s*", part)
            if not match or (percent if match[2] else count) is not None:
                raise ValueError(complaint)
            if match[2]:
                percent = float(match[1])
            else:
                count = int(match[1])
        if percent is not None and percent > 100:
            raise ValueError(f"is more than 100%: {text!r}")
        return cls(count, percent)

    def divided(self, shards: int) -> Limits:
        """Return the limits of each of *shards* equal runs, of which each may remove something on one project."""
        return replace(self, shards=shards)

    @property
    def none(self) -> bool:
        """Whether the operator lifted all limits."""
        return self.count is None and self.percent == 100

    @property
    def of_one_project(self) -> int:
        """How many items of one project may go, and for how many of its sources a rotation is excused."""
        return max(USUAL_COUNT if self.count is None else self.count, ALWAYS_ALLOWED)

    def exceeded_by(self, amount: int, whole: int) -> bool:
        """Whether *amount* out of *whole* is more than is always allowed, and more than either limit."""
        if self.none or amount <= self._part(ALWAYS_ALLOWED):
            return False
        if self.count is not None and amount > self._part(self.count):
            return True
        return self.percent is not None and amount * 100 > self.percent * whole

    def _part(self, count: int) -> int:
        return min(count, max(-(-count // self.shards), 1))

    def __str__(self) -> str:
        parts = [str(self._part(self.count))] if self.count is not None else []
        return ",".join([*parts, f"{self.percent:g}%"] if self.percent is not None else parts)


NO_LIMITS = Limits(None, 100)

""" "Did you mean": the nearest existing name, for a bounded number of mistakes a run."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from heapq import nlargest

# Comparing names is the most expensive thing in a plan, and everybody who writes objects can ask for it.
MAX_HINTS = 20
_MAX_COMPARED = 100
_MAX_LENGTH = 64


class Hints:
    """Gives at most *left* hints; what is asked for afterwards gets none."""

    def __init__(self, left: int = 0) -> None:
        self._left = left

    @property
    def is_used_up(self) -> bool:
        """Whether no hint is given any more."""
        return self._left <= 0

    def nearest(self, name: str, existing: Iterable[str], prefix: str = "") -> str:
        """
        Return a sentence with the nearest of the existing names, with a blank in front, or an empty text.

        *prefix* is what all of them begin with; it is not compared.
        """
        if self.is_used_up or len(name) > _MAX_LENGTH:
            return ""
        self._left -= 1
        candidates = (each for each in existing if len(each) <= _MAX_LENGTH)
        alike = nlargest(_MAX_COMPARED, candidates, key=lambda each: _common(name, each))
        near = get_close_matches(name, alike, n=1)
        return f" Did you mean {prefix}{near[0]}?" if near else ""


def _common(name: str, other: str) -> int:
    """Return how many characters both have in common at their ends, which is quick to tell."""
    return _common_start(name, other) + _common_start(name[::-1], other[::-1])


def _common_start(name: str, other: str) -> int:
    for count, (here, there) in enumerate(zip(name, other, strict=False)):
        if here != there:
            return count
    return min(len(name), len(other))

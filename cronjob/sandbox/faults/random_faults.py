"""
Random faults that can be repeated: independent of threads and of the order of requests.

Whether the n-th attempt of a request fails, and how, is computed from a digest of the seed, the request and n.
"""

import hashlib
from dataclasses import dataclass
from typing import NamedTuple

from cronjob.sandbox.faults.fault import Fault

READING = frozenset({"GET", "HEAD"})


class RequestKey(NamedTuple):
    """What identifies a request, so that a retry is recognised; *query* is the raw query."""

    method: str
    path: str
    query: str


@dataclass(frozen=True)
class FaultKind:
    """One kind of fault and its name in reports; *query* must be part of the request's query."""

    name: str
    fault: Fault
    writes_only: bool = False
    query: str = ""

    def is_possible_for(self, request: RequestKey) -> bool:
        return self.query in request.query and not (self.writes_only and request.method in READING)


@dataclass(frozen=True)
class FaultProfile:
    """
    The share of one server's requests that fail, in *percent*; the *kinds* of fault have equal shares.

    After *in_a_row* failures of the same request the next attempt passes, so that retries always succeed in the end.
    With *only_first*, only the first so many attempts of the same request can fail.
    """

    kinds: tuple[FaultKind, ...]
    percent: float = 100
    seed: int = 1
    in_a_row: int = 3
    only_first: int | None = None

    def kind_for(self, request: RequestKey, attempt: int) -> FaultKind | None:
        """The kind of fault for this *attempt* (from 1) of the request; None where it passes."""
        failures = 0
        while failures < attempt and self._is_selected(request, attempt - failures):
            failures += 1
        possible = [kind for kind in self.kinds if kind.is_possible_for(request)]
        if not possible or failures % (self.in_a_row + 1) == 0:
            return None
        return possible[self._number(request, attempt, "kind") % len(possible)]

    def _is_selected(self, request: RequestKey, attempt: int) -> bool:
        if self.only_first is not None and attempt > self.only_first:
            return False
        return self._number(request, attempt, "whether") < self.percent / 100 * 2**64

    def _number(self, request: RequestKey, attempt: int, purpose: str) -> int:
        """A number below 2**64, the same for the same arguments on every machine."""
        text = " ".join([str(self.seed), purpose, str(attempt), *request])
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")

"""
Bad weather that is the same every time, however many threads ask and in whatever order.

Whether the n-th coming of a request fails, and how, is a digest of the seed, the request and n: nothing is drawn.
"""

import hashlib
from collections import Counter
from dataclasses import dataclass
from threading import Lock
from typing import NamedTuple

from cronjob.sandbox.faults.fault import Trouble

READING = frozenset({"GET", "HEAD"})


class Requests(NamedTuple):
    """What makes two requests the same one, made again; *query* is as it was sent."""

    method: str
    path: str
    query: str


@dataclass(frozen=True)
class Kind:
    """One kind of trouble and its name in reports; *query* has to be part of the request's."""

    name: str
    trouble: Trouble
    writes_only: bool = False
    query: str = ""

    def may_befall(self, asked: Requests) -> bool:
        return self.query in asked.query and not (self.writes_only and asked.method in READING)


@dataclass(frozen=True)
class Climate:
    """
    How *percent* of the requests to one server fail, in *kinds* of equal share.

    After *in_a_row* failures of the same request one passes, so that patience is always rewarded. With *only_first*
    the same request fails in its first so many comings only.
    """

    kinds: tuple[Kind, ...]
    percent: float = 100
    seed: int = 1
    in_a_row: int = 3
    only_first: int | None = None

    def kind_for(self, asked: Requests, nth: int) -> Kind | None:
        """What befalls the *nth* coming (from 1) of this request, if anything does."""
        run = 0
        while run < nth and self._is_due(asked, nth - run):
            run += 1
        possible = [kind for kind in self.kinds if kind.may_befall(asked)]
        if not possible or run % (self.in_a_row + 1) == 0:
            return None
        return possible[self._number(asked, nth, "kind") % len(possible)]

    def _is_due(self, asked: Requests, nth: int) -> bool:
        if self.only_first is not None and nth > self.only_first:
            return False
        return self._number(asked, nth, "whether") < self.percent / 100 * 2**64

    def _number(self, asked: Requests, nth: int, what: str) -> int:
        """A number below 2**64, the same for the same arguments on every machine."""
        text = " ".join([str(self.seed), what, str(nth), *asked])
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


class UnderClimate:
    """One server's share of a climate, and the count of what was done to its requests, limits included."""

    def __init__(self) -> None:
        self._climate: Climate | None = None
        self._came: Counter[Requests] = Counter()
        self._injected: Counter[str] = Counter()
        self._counting = Lock()

    @property
    def climate(self) -> Climate | None:
        """The climate in force; none is good weather. A new one begins to count anew."""
        return self._climate

    @climate.setter
    def climate(self, climate: Climate | None) -> None:
        with self._counting:
            self._climate = climate
            self._came.clear()

    @property
    def injected(self) -> Counter[str]:
        """By kind, how many requests failed so far; faults that were announced by themselves do not count."""
        with self._counting:
            return self._injected.copy()

    def count(self, kind: str) -> None:
        """One more request failed in this way."""
        with self._counting:
            self._injected[kind] += 1

    def climates_trouble(self, method: str, path: str, query: str) -> Trouble | None:
        """What the climate has for a request that comes now."""
        asked = Requests(method, path, query)
        with self._counting:
            climate = self._climate
            if climate is None:
                return None
            self._came[asked] += 1
            nth = self._came[asked]
        kind = climate.kind_for(asked, nth)
        if kind is None:
            return None
        self.count(kind.name)
        return kind.trouble

"""The bar chart of the HTML report: for each kind one bar of existing, changed and foreign items."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cronjob.output.render.wording import KINDS, Record

COLUMNS: Mapping[str, str] = {
    "ours": "ours before",
    "create": "create",
    "update": "update",
    "delete": "delete",
    "kept": "kept",
    "foreign": "not ours",
}
# From left to right: ours that stay as they are first, foreign items last.
_DRAWING_ORDER = ("ours", "update", "delete", "kept", "create", "foreign")
# In percent: even a single item is visible.
_MIN_WIDTH = 0.7


@dataclass(frozen=True, slots=True)
class BarPart:
    """One part of a bar; *start* and *width* are percentages of the chart."""

    name: str
    start: float
    width: float


@dataclass(frozen=True, slots=True)
class KindBar:
    """The bar of one kind: its *numbers* by column, and the same as parts."""

    name: str
    numbers: Mapping[str, int]
    parts: tuple[BarPart, ...]

    @property
    def description(self) -> str:
        """The bar as a sentence, for screen readers."""
        counts = ", ".join(f"{self.numbers[name]} {text}" for name, text in COLUMNS.items())
        return f"{self.name}: {counts}"


def bars_of(document: Record, items: Mapping[str, Mapping[str, int]]) -> list[KindBar]:
    """Return one bar per kind, to the same scale; none where nothing was read. *items* counts by kind and owner."""
    if not items:
        return []
    changed = Counter((change["kind"], change["action"]) for change in document["changes"])
    changed.update((kept["kind"], "kept") for kept in document["kept"])
    numbers = {kind: {name: items[kind].get(name, changed[kind, name]) for name in COLUMNS} for kind in KINDS}
    drawn = {kind: {**counts, "ours": _unchanged(counts)} for kind, counts in numbers.items()}
    scale = max([1, *(sum(counts.values()) for counts in drawn.values())])
    return [KindBar(f"{text}s", numbers[kind], tuple(_parts(drawn[kind], scale))) for kind, text in KINDS.items()]


def _unchanged(numbers: Mapping[str, int]) -> int:
    """Return how many of ours stay as they are; never negative, though items that are taken over were not ours."""
    return max(numbers["ours"] - numbers["update"] - numbers["delete"] - numbers["kept"], 0)


def _parts(numbers: Mapping[str, int], scale: int) -> Iterator[BarPart]:
    present = [name for name in _DRAWING_ORDER if numbers[name]]
    room, start = 100 - _MIN_WIDTH * len(present), 0.0
    for name in present:
        width = _MIN_WIDTH + room * numbers[name] / scale
        yield BarPart(name, round(start, 2), round(width, 2))
        start += width

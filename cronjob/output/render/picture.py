"""A small picture of the whole: for each kind one bar of what is there, what is changed and what is not ours."""

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
# What is left of ours is drawn first, and what is not ours last.
_DRAWN = ("ours", "update", "delete", "kept", "create", "foreign")
# In percent: what is there is seen.
_LEAST = 0.7


@dataclass(frozen=True, slots=True)
class Part:
    """One piece of a bar; *start* and *width* are percentages of the picture."""

    name: str
    start: float
    width: float


@dataclass(frozen=True, slots=True)
class Bar:
    """One kind: its *numbers* by column, and the same as parts of a bar."""

    name: str
    numbers: Mapping[str, int]
    parts: tuple[Part, ...]

    @property
    def told(self) -> str:
        """The picture in words."""
        counts = ", ".join(f"{self.numbers[name]} {text}" for name, text in COLUMNS.items())
        return f"{self.name}: {counts}"


def bars_of(document: Record, items: Mapping[str, Mapping[str, int]]) -> list[Bar]:
    """A bar for each kind, all to the same scale; none where nothing was read. *items* are counts by kind and owner."""
    if not items:
        return []
    changed = Counter((change["kind"], change["action"]) for change in document["changes"])
    changed.update((one["kind"], "kept") for one in document["kept"])
    numbers = {kind: {name: items[kind].get(name, changed[kind, name]) for name in COLUMNS} for kind in KINDS}
    drawn = {kind: {**of_kind, "ours": _left(of_kind)} for kind, of_kind in numbers.items()}
    most = max([1, *(sum(of_kind.values()) for of_kind in drawn.values())])
    return [Bar(f"{text}s", numbers[kind], tuple(_parts(drawn[kind], most))) for kind, text in KINDS.items()]


def _left(numbers: Mapping[str, int]) -> int:
    """What of ours stays as it is. What is taken over was not ours before, so there may be less of it than changes."""
    return max(numbers["ours"] - numbers["update"] - numbers["delete"] - numbers["kept"], 0)


def _parts(numbers: Mapping[str, int], most: int) -> Iterator[Part]:
    there = [name for name in _DRAWN if numbers[name]]
    room, start = 100 - _LEAST * len(there), 0.0
    for name in there:
        width = _LEAST + room * numbers[name] / most
        yield Part(name, round(start, 2), round(width, 2))
        start += width

"""A mapping for a few entries: a dict of one entry is larger than most of what a run keeps of a project."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")

# From here on looking through all of them would take longer.
_MANY = 8


class Few(Mapping[Key, Value]):
    """A mapping that never changes, in as little memory as its entries need."""

    __slots__ = ("_flat",)

    def __init__(self, flat: tuple[Any, ...]) -> None:
        # Key, value, key, value.
        self._flat = flat

    def __getitem__(self, key: Key) -> Value:
        for index in range(0, len(self._flat), 2):
            if self._flat[index] == key:
                value: Value = self._flat[index + 1]
                return value
        raise KeyError(key)

    def __iter__(self) -> Iterator[Key]:
        return iter(self._flat[::2])

    def __len__(self) -> int:
        return len(self._flat) // 2

    def __repr__(self) -> str:
        return repr(dict(self))


def with_one(mapping: Mapping[Key, Value] | None, key: Key, value: Value) -> Mapping[Key, Value]:
    """The mapping with one entry more, whose key is not in it yet."""
    if mapping is None:
        return Few((key, value))
    if len(mapping) + 1 < _MANY:
        return Few((*(part for pair in mapping.items() for part in pair), key, value))
    larger = mapping if isinstance(mapping, dict) else dict(mapping)
    larger[key] = value
    return larger

"""What is wanted on each project, put together when it is asked for: kept for all of them it is megabytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from typing import Any, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")

Make = Callable[[int, Sequence[Any]], Mapping[Key, Value]]


class ByProject(Mapping[int, Mapping[Key, Value]]):
    """
    A mapping by project id that makes each value anew, from the *parts* of that project.

    *parts* names those projects only for which something is made of them.
    """

    __slots__ = ("_make", "_parts")

    def __init__(self, parts: Mapping[int, Sequence[Any]], make: Make[Key, Value]) -> None:
        self._parts = parts
        self._make = make

    def __getitem__(self, id_: int) -> Mapping[Key, Value]:
        return self._make(id_, self._parts[id_])

    def __iter__(self) -> Iterator[int]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)


def on_these(wanted: Mapping[int, Mapping[Key, Value]], projects: Set[int]) -> Mapping[int, Mapping[Key, Value]]:
    """The part that is on *projects*; it is still put together when it is asked for."""
    chosen = {id_: () for id_ in wanted if id_ in projects}
    return ByProject(chosen, lambda id_, _: wanted[id_])


One = TypeVar("One")
# From here on to copy all of them for one more would take longer.
_MANY = 8


def with_one(sequence: Sequence[One] | None, one: One) -> Sequence[One]:
    """The sequence with one more at its end; None is an empty one. What was given is not to be used any more."""
    if sequence is None:
        return (one,)
    if len(sequence) + 1 < _MANY:
        return (*sequence, one)
    longer = sequence if isinstance(sequence, list) else list(sequence)
    longer.append(one)
    return longer

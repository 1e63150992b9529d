"""A sequence for a few: most projects are wanted something by one object, and a list of one is twice as large."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

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

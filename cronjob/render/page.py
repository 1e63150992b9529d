"""What a rendering for people should know beside the report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Page:
    """
    The terminal, and the command with those of its options that were given as flags.

    *inventory* has a row for each deploy key and webhook, where a format shows them.
    """

    colour: bool = False
    width: int = 100
    command: str = "run"
    flags: frozenset[str] = frozenset()
    inventory: Iterable[Mapping[str, str]] = ()

"""What a rendering for people should know beside the report."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Page:
    """The terminal, and the command with those of its options that were given as flags."""

    colour: bool = False
    width: int = 100
    command: str = "run"
    flags: frozenset[str] = frozenset()

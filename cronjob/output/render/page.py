"""What a format for people needs besides the document: width, colour, and the command that was given."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cronjob.output.render.escaping import for_terminal


@dataclass(frozen=True, slots=True)
class Page:
    """
    The terminal, the command and the names of the options that were given as flags.

    A *complete* report groups and cuts nothing.
    *inventory* has a row for each deploy key and webhook; CSV shows them. *items* counts those that existed before the
    run, by kind, as `ours` and `foreign`; it is empty where nothing was read.
    """

    command: str = "run"
    flags: frozenset[str] = frozenset()
    colour: bool = False
    width: int = 100
    complete: bool = False
    inventory: Iterable[Mapping[str, str]] = ()
    items: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    @property
    def longest_list(self) -> int:
        """A longer list of the same kind is shown as a count with examples; JSON lists all."""
        return sys.maxsize if self.complete else 20

    def folded(self, text: str, indent: str, first: str = "") -> list[str]:
        """Return *text*, escaped, in lines that start with *indent*, the first one with *first* if given."""
        return textwrap.wrap(
            for_terminal(text),
            self.width,
            initial_indent=first or indent,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )

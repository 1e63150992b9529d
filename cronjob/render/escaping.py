"""Project names, titles and messages are written by tenants: no terminal may be steered by them."""

from __future__ import annotations


def for_terminal(text: str) -> str:
    """*text* on one line, with everything that a terminal would not simply print written as its escape."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)

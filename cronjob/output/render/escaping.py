"""Project names, titles and messages are written by tenants: no terminal and no spreadsheet may be steered by them."""

from __future__ import annotations

# What a spreadsheet takes for the beginning of a formula, also in its wide form.
_FORMULA = tuple("=+-@\t\r＝＋－＠")


def for_terminal(text: str) -> str:
    """*text* on one line, with everything that a terminal would not simply print written as its escape."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def for_spreadsheet(text: str) -> str:
    """*text* as for a terminal, and no formula: an apostrophe stands before what might be one."""
    return ("'" if text.lstrip(" ").startswith(_FORMULA) else "") + for_terminal(text)

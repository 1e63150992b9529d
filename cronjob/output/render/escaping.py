"""Escape text that tenants wrote, so that it cannot control a terminal or act as a formula in a spreadsheet."""

from __future__ import annotations

# What starts a formula in a spreadsheet; the full-width forms count too.
_FORMULA = tuple("=+-@\t\r＝＋－＠")


def for_terminal(text: str) -> str:
    """Return *text* on one line, with every character that is not printable written as its escape sequence."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def for_spreadsheet(text: str) -> str:
    """Return *text* escaped as for a terminal, with an apostrophe in front of what might be a formula."""
    return ("'" if text.lstrip(" ").startswith(_FORMULA) else "") + for_terminal(text)

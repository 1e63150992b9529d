"""Make and show findings: what `check` and `trace` have in common beside the findings themselves."""

from __future__ import annotations

import click

from reconcile.findings import Finding, Level

_COLOURS = {
    "ok": "green",
    "note": "cyan",
    "skip": "bright_black",
    "warn": "yellow",
    "off": "magenta",
    "unknown": "magenta",
    "fail": "red",
}


def ok(topic: str, message: str) -> Finding:
    """Return a finding that needs no action."""
    return Finding(topic, Level.OK, message)


def warn(topic: str, message: str) -> Finding:
    """Return a finding that somebody should look at, though nothing stops working."""
    return Finding(topic, Level.WARN, message)


def fail(topic: str, message: str) -> Finding:
    """Return a finding that stops a run or breaks a chain."""
    return Finding(topic, Level.FAIL, message)


def shown_level(level: str, *, colour: bool, bold: bool = False, width: int = 4) -> str:
    """Return the level's name in a column of *width* characters, coloured for a terminal where *colour* is set."""
    text = level.ljust(width)
    return click.style(text, fg=_COLOURS[level], bold=bold) if colour else text

"""Findings for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cronjob.commands.findings import shown_level
from cronjob.output.render.page import Page

_ENDS = {
    "ok": "Ready.",
    "warn": "Ready, with something to look at.",
    "fail": "Not ready: a run would fail.",
}
_INDENT = " " * 17


def as_text(document: Mapping[str, Any], page: Page) -> str:
    """One line each, long ones folded, and what it comes to."""
    return "\n".join([*_lines(document, page), "", _ENDS[document["result"]], ""])


def _lines(document: Mapping[str, Any], page: Page) -> Iterator[str]:
    for one in document["findings"]:
        shown = shown_level(one["level"], colour=page.colour, bold=True)
        message = "\n".join(page.folded(one["message"], _INDENT))
        yield f"{shown} {one['check']:<12}{message[len(_INDENT) :]}"

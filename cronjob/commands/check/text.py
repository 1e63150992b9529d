"""The findings of `check` as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cronjob.commands.findings import shown_level
from cronjob.output.render.page import Page

_VERDICTS = {
    "ok": "Ready.",
    "warn": "Ready, with something to look at.",
    "fail": "Not ready: a run would fail.",
}
_INDENT = " " * 17


def as_text(document: Mapping[str, Any], page: Page) -> str:
    """Return one line for each finding, long ones folded, and the verdict."""
    return "\n".join([*_lines(document, page), "", _VERDICTS[document["result"]], ""])


def _lines(document: Mapping[str, Any], page: Page) -> Iterator[str]:
    for finding in document["findings"]:
        shown = shown_level(finding["level"], colour=page.colour, bold=True)
        message = "\n".join(page.folded(finding["message"], _INDENT))
        yield f"{shown} {finding['check']:<12}{message[len(_INDENT) :]}"

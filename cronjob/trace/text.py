"""A chain for people: one paragraph for each link, the first broken one marked, and what to type next."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

import click

from cronjob.render.escaping import for_terminal
from cronjob.render.page import Page

Record = Mapping[str, Any]

_COLOURS = {"ok": "green", "note": "cyan", "skip": "bright_black", "warn": "yellow", "fail": "red"}
_ENDS = {"ok": "Every link holds.", "warn": "Every link holds, with something to look at."}
_HERE = "-> "
_INDENT = " " * 23


def as_text(document: Record, page: Page) -> str:
    """All chains, one after the other."""
    if document["error"]:
        return f"{textwrap.fill(for_terminal(document['error']), page.width)}\n"
    return "\n".join("\n".join(_chain(chain, page)) for chain in document["chains"])


def _chain(chain: Record, page: Page) -> Iterator[str]:
    yield for_terminal(chain["repository"] or f"project {chain['project']}")
    yield ""
    first = next((one for one in chain["links"] if one["level"] == "fail"), None)
    shown = ""
    for one in chain["links"]:
        yield from _link(one, page, here=one is first, named=one["link"] != shown)
        shown = one["link"]
    yield ""
    if first is None:
        yield _ENDS[chain["result"]]
    else:
        yield f"Broken at {first['link']}{'.' if not first['command'] else '. Next:'}"
        if first["command"]:
            yield f"  {for_terminal(first['command'])}"
    yield ""


def _link(one: Record, page: Page, *, here: bool, named: bool) -> Iterator[str]:
    level = one["level"].ljust(4)
    painted = click.style(level, fg=_COLOURS[one["level"]], bold=here) if page.colour else level
    about = f"{one['object']}: " if one["object"] else ""
    message = textwrap.fill(
        for_terminal(about + one["message"]),
        page.width,
        initial_indent=_INDENT,
        subsequent_indent=_INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )
    link = one["link"] if named else ""
    yield f"{_HERE if here else '   '}{painted}  {link:<14}{message[len(_INDENT) :]}"
    if one["command"] and not here:
        # In one piece however long it is: it is there to be copied.
        yield f"{_INDENT}$ {for_terminal(one['command'])}"

"""A chain for people: one paragraph for each link, the first broken one marked, and what to type next."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cronjob.commands.findings import shown_level
from cronjob.output.render.escaping import for_terminal
from cronjob.output.render.page import Page

Record = Mapping[str, Any]

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
    next_ = _next(chain["links"], first)
    for one in chain["links"]:
        about = one["object"] if one["object"] not in {chain["repository"], chain["project"]} else None
        command = one["command"] if one["command"] not in next_ else None
        shown_as = {"link": one["link"] if one["link"] != shown else "", "object": about, "command": command}
        yield from _link({**one, **shown_as}, page, here=one is first)
        shown = one["link"]
    yield ""
    if first is None:
        yield _ENDS[chain["result"]]
    else:
        yield f"Broken at {first['link']}{'. Next:' if next_ else '.'}"
    yield from (f"  {for_terminal(command)}" for command in next_)
    yield ""


def _next(links: Sequence[Record], first: Record | None) -> list[str]:
    """What mends the first broken link; once the key is there, Flux may wait for 15 minutes before it looks."""
    if first is None or not first["command"]:
        return []
    fetch = [one["command"] for one in links if one["link"] == "fetch" and one["command"]]
    return [first["command"], *(fetch if first["link"] == "deploy-key" else [])]


def _sentence(about: str | None, message: str) -> str:
    """What was found, with the object in it: `Secret/a/b holds ...`, or before it."""
    if not about or about in message:
        return message
    return f"{about}{'' if message[:1].islower() else ':'} {message}"


def _link(one: Record, page: Page, *, here: bool) -> Iterator[str]:
    painted = shown_level(one["level"], colour=page.colour, bold=here)
    message = "\n".join(page.folded(_sentence(one["object"], one["message"]), _INDENT))
    yield f"{_HERE if here else '   '}{painted}  {one['link']:<14}{message[len(_INDENT) :]}"
    if one["command"]:
        # In one piece however long it is: it is there to be copied.
        yield f"{_INDENT}$ {for_terminal(one['command'])}"

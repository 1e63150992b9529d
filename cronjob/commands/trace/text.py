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
_ARROW = "-> "
_INDENT = " " * 23


def as_text(document: Record, page: Page) -> str:
    """Return all chains, one after the other."""
    if document["error"]:
        return f"{textwrap.fill(for_terminal(document['error']), page.width)}\n"
    return "\n".join("\n".join(_chain(chain, page)) for chain in document["chains"])


def _chain(chain: Record, page: Page) -> Iterator[str]:
    yield for_terminal(chain["repository"] or f"project {chain['project']}")
    yield ""
    first = next((finding for finding in chain["links"] if finding["level"] == "fail"), None)
    last_link = ""
    next_ = _next(chain["links"], first)
    for finding in chain["links"]:
        link = "" if finding["link"] == last_link else finding["link"]
        object_ = None if finding["object"] in {chain["repository"], chain["project"]} else finding["object"]
        command = None if finding["command"] in next_ else finding["command"]
        shown = {**finding, "link": link, "object": object_, "command": command}
        yield from _finding(shown, page, is_first=finding is first)
        last_link = finding["link"]
    yield ""
    if first is None:
        yield _ENDS[chain["result"]]
    else:
        yield f"Broken at {first['link']}{'. Next:' if next_ else '.'}"
    yield from (f"  {for_terminal(command)}" for command in next_)
    yield ""


def _next(links: Sequence[Record], first: Record | None) -> list[str]:
    """Return what fixes the first broken link; after a new key, Flux may wait up to 15 minutes before it looks."""
    if first is None or not first["command"]:
        return []
    fetch = [finding["command"] for finding in links if finding["link"] == "fetch" and finding["command"]]
    return [first["command"], *(fetch if first["link"] == "deploy-key" else [])]


def _sentence(object_: str | None, message: str) -> str:
    """Return the message with the object in it (`Secret/a/b holds ...`) or before it."""
    if not object_ or object_ in message:
        return message
    return f"{object_}{'' if message[:1].islower() else ':'} {message}"


def _finding(finding: Record, page: Page, *, is_first: bool) -> Iterator[str]:
    level = shown_level(finding["level"], colour=page.colour, bold=is_first)
    message = "\n".join(page.folded(_sentence(finding["object"], finding["message"]), _INDENT))
    yield f"{_ARROW if is_first else '   '}{level}  {finding['link']:<14}{message[len(_INDENT) :]}"
    if finding["command"]:
        # In one piece however long it is: it is there to be copied.
        yield f"{_INDENT}$ {for_terminal(finding['command'])}"

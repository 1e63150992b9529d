"""A chain for people: one paragraph for each link, the one that decides marked, and what to type next."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any

from cronjob.commands.findings import shown_level
from cronjob.output.render.escaping import for_terminal
from cronjob.output.render.page import Page

Record = Mapping[str, Any]

_VERDICTS = {"off": "Switched off", "unknown": "Not known whether it holds", "broken": "Broken"}
_LEVELS: Mapping[str, Set[str]] = {"off": {"off"}, "unknown": {"unknown", "skip"}, "broken": {"fail"}}
# That they could not be read changes no verdict.
_OPTIONAL = {"deliveries", "kustomization"}
_ARROW = "-> "
_INDENT = " " * 26


def as_text(document: Record, page: Page) -> str:
    """Return all chains, one after the other."""
    if document["error"]:
        return f"{textwrap.fill(for_terminal(document['error']), page.width)}\n"
    return "\n".join("\n".join(_chain(chain, page)) for chain in document["chains"])


def _chain(chain: Record, page: Page) -> Iterator[str]:
    yield for_terminal(chain["repository"] or f"project {chain['project']}")
    yield ""
    deciding = _deciding(chain)
    last_link = ""
    next_ = _next(chain["links"], deciding)
    for finding in chain["links"]:
        link = "" if finding["link"] == last_link else finding["link"]
        object_ = None if finding["object"] in {chain["repository"], chain["project"]} else finding["object"]
        command = None if finding["command"] in next_ else finding["command"]
        shown = {**finding, "link": link, "object": object_, "command": command}
        yield from _finding(shown, page, is_deciding=finding is deciding)
        last_link = finding["link"]
    yield ""
    yield f"{_end(chain, deciding)}{' Next:' if next_ else ''}"
    yield from (f"  {for_terminal(command)}" for command in next_)
    yield ""


def _deciding(chain: Record) -> Record | None:
    """Return the finding that decides the verdict: the first one with a level of that verdict."""
    levels, ignored = _LEVELS.get(chain["verdict"], set()), _OPTIONAL if chain["verdict"] == "unknown" else set()
    links = (finding for finding in chain["links"] if finding["link"] not in ignored)
    return next((finding for finding in links if finding["level"] in levels), None)


def _end(chain: Record, deciding: Record | None) -> str:
    if deciding:
        return f"{_VERDICTS[chain['verdict']]} at {deciding['link']}."
    findings = [finding for finding in chain["links"] if finding["link"] == "webhook"]
    if not any(finding["level"] in {"ok", "warn"} and finding["object"] for finding in findings):
        return "Flux fetches it, and hears of no push: the project has no webhook for it."
    return "Every link holds." if chain["result"] == "ok" else "Every link holds, with something to look at."


def _next(links: Sequence[Record], deciding: Record | None) -> list[str]:
    """Return what fixes the deciding link; after a new key, Flux may wait up to 15 minutes before it looks."""
    if deciding is None or not deciding["command"]:
        return []
    fetch = [finding["command"] for finding in links if finding["link"] == "fetch" and finding["command"]]
    return [deciding["command"], *(fetch if deciding["link"] == "deploy-key" else [])]


def _sentence(object_: str | None, message: str) -> str:
    """Return the message with the object in it (`Secret/a/b holds ...`) or before it."""
    if not object_ or object_ in message:
        return message
    return f"{object_}{'' if message[:1].islower() else ':'} {message}"


def _finding(finding: Record, page: Page, *, is_deciding: bool) -> Iterator[str]:
    level = shown_level(finding["level"], colour=page.colour, bold=is_deciding, width=len("unknown"))
    message = "\n".join(page.folded(_sentence(finding["object"], finding["message"]), _INDENT))
    yield f"{_ARROW if is_deciding else '   '}{level}  {finding['link']:<14}{message[len(_INDENT) :]}"
    if finding["command"]:
        # In one piece however long it is: it is there to be copied.
        yield f"{_INDENT}$ {for_terminal(finding['command'])}"

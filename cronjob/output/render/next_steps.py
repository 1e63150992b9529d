"""What an operator would type next, word for word."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cronjob.output.render.page import Page
from cronjob.output.render.wording import EXAMPLES, Record

# What belongs to the dry run alone.
_NOT_AGAIN = {"dry_run", "confirm", "expect_plan", "output", "report", "drift_exit_code", "show_foreign"}


@dataclass(frozen=True, slots=True)
class Step:
    """What to type, and what is said before it; a remark has no *command*."""

    said: str
    command: str = ""

    def __str__(self) -> str:
        return f"{self.said}: {self.command}" if self.command else f"      {self.said}"


def next_steps(document: Record, page: Page) -> Iterator[Step]:
    """The exact commands that come next, if any; what the environment says need not be typed again."""
    if document["result"] == "drift":
        yield Step("Next", _command(document, page))
    if document["result"] == "refused" and document["objections"][0]["code"] != "PlanChanged":
        yield Step("Next, if that is meant", _command(document, page))
    if document["result"] in {"applied", "incomplete"}:
        yield from _fetch_again(document["changes"])


def _command(document: Record, page: Page) -> str:
    """The command that applies exactly this plan, with the flags that were given."""
    words = ["flux-gitlab-syncer", page.command]
    for key, value in document["options"].items():
        name = key.replace("_", "-")
        if key not in page.flags or key in _NOT_AGAIN:
            continue
        if isinstance(value, bool):
            words.append(f"--{name}" if value else f"--no-{name}")
        else:
            for one in value if isinstance(value, list | tuple) else [value]:
                words += [f"--{name}", str(one)]
    shard = document.get("shard")
    index = f"JOB_COMPLETION_INDEX={shard['index']} " if shard else ""
    if page.command == "undo":
        words.append(document["options"]["undo"])
    if page.command in {"retire", "undo"}:
        return index + shlex.join([*words, "--confirm", document["cluster"]])
    # A dry run that the environment or the file ordered has no flag to be left out.
    ordered = "SYNCER_DRY_RUN=false " if document["dry_run"] and "dry_run" not in page.flags else ""
    return ordered + index + shlex.join([*words, "--expect-plan", document["plan"]])


def _fetch_again(changes: Iterable[Record]) -> Iterator[Step]:
    """Flux may wait up to 15 minutes before it tries a failed repository again."""
    sources = sorted(
        {
            source
            for change in changes
            if (change["kind"], change["action"], change["status"]) == ("deploy_key", "create", "applied")
            for source in change["sources"]
            if source.startswith("GitRepository/")
        }
    )
    for source in sources[:EXAMPLES]:
        _, namespace, name = source.split("/")
        yield Step("Next", f"flux reconcile source git {name} -n {namespace}")
    if len(sources) > EXAMPLES:
        more = len(sources) - EXAMPLES
        yield Step(f"and so for {more} more; Flux tries again by itself within 15 minutes")

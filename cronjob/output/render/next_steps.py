"""The next commands for the operator, ready to be copied."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cronjob.output.render.command_line import command_line
from cronjob.output.render.page import Page
from cronjob.output.render.wording import EXAMPLES, Record

# Flags of the dry run that the command after it does not repeat.
_NOT_REPEATED = {"dry_run", "confirm", "expect_plan", "output", "report", "drift_exit_code", "show_foreign"}


@dataclass(frozen=True, slots=True)
class Step:
    """One step: a *text* and the *command* that it introduces; a remark has no command."""

    text: str
    command: str = ""

    def __str__(self) -> str:
        return f"{self.text}: {self.command}" if self.command else f"      {self.text}"


def next_steps(document: Record, page: Page) -> Iterator[Step]:
    """Yield the commands that come next, if any, without the settings that come from the environment or the file."""
    if document["result"] == "drift":
        yield Step("Next", _command(document, page))
    if document["result"] == "refused" and document["objections"][0]["code"] != "PlanChanged":
        yield Step("Next, if that is meant", _command(document, page))
    if document["result"] in {"applied", "incomplete"}:
        yield from _fetch_now(document["changes"])


def _command(document: Record, page: Page) -> str:
    """Return the command that applies exactly this plan, with the flags that were given."""
    words = ["flux-gitlab-syncer", page.command]
    command = command_line(words, document["options"], page.flags - _NOT_REPEATED)
    shard = document.get("shard")
    index = f"JOB_COMPLETION_INDEX={shard['index']} " if shard else ""
    if page.command == "undo":
        command += f" {shlex.quote(document['options']['undo'])}"
    if page.command in {"retire", "undo"}:
        return f"{index}{command} {shlex.join(['--confirm', document['cluster']])}"
    # Where the environment or the file asked for the dry run, there is no flag to leave out.
    writes = "SYNCER_DRY_RUN=false " if document["dry_run"] and "dry_run" not in page.flags else ""
    return f"{writes}{index}{command} --expect-plan {document['plan']}"


def _fetch_now(changes: Iterable[Record]) -> Iterator[Step]:
    """Yield commands that make Flux fetch now; after a failure it may wait up to 15 minutes before it tries again."""
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
        yield Step(f"and the same for {more} more; Flux tries again by itself within 15 minutes")

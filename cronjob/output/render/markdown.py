"""The report as a comment on a merge request or an issue: counts first, long lists folded, never too long to post."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby

from cronjob.output.render.markup import code, code_in_html, fenced, prose, prose_in_html
from cronjob.output.render.next_steps import next_steps
from cronjob.output.render.page import Page
from cronjob.output.render.summary import plural, summary_line
from cronjob.output.render.wording import (
    KINDS,
    MANY,
    SYMBOLS,
    Record,
    because,
    facts,
    label_of,
    many_and_few,
    name_of,
    status,
    title,
    value,
)

# GitHub takes comments of 65,536 characters, GitLab of 1,000,000. Below this the sections' rooms add up to less.
LONGEST = 60_000
_ROOM = {"Changes": 22_000, "Problems": 16_000, "Kept, though nobody wants it now": 4_000, "Not ours": 4_000}
_LONGEST_COMMAND = 4_000
_LONGEST_FOLDED = 3_500
# Longer lists are folded.
_SHORT = 10
_REST = "left out here; `-o json` lists all, and so does the HTML report"


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of a section that stays whole or is left out, and how many of its things it stands for."""

    text: str
    count: int = 1


class MarkdownReport:
    """Renders one document, shorter than LONGEST. What tenants wrote is in code spans: it links and calls nobody."""

    def __init__(self, document: Record, page: Page) -> None:
        self._document = document
        self._page = page

    def __str__(self) -> str:
        document = self._document
        parts = [
            [f"## {prose(title(document, self._page))}", f"**{summary_line(document)}**"],
            self._objections(),
            self._counts(),
            self._facts(),
            _section("Changes", list(self._changes())),
            _section("Problems", list(self._problems())),
            _section("Kept, though nobody wants it now", list(_folded(map(_kept, document["kept"]), "item"))),
            _section("Not ours", list(_folded(map(_foreign, document.get("foreign") or ()), "item"))),
            self._closing(),
        ]
        return "\n\n".join(block for part in parts for block in part) + "\n"

    def _objections(self) -> Iterator[str]:
        for one in self._document["objections"]:
            yield f"> **Refused: {code(one['code'])}.** {prose(one['message'])}"

    def _counts(self) -> Iterator[str]:
        """Changes by kind and action; nothing where there are none."""
        document = self._document
        counts = Counter((change["kind"], change["action"]) for change in document["changes"])
        counts.update((one["kind"], "kept") for one in document["kept"])
        if counts:
            heads = [*SYMBOLS, "kept"]
            rows = [[f"{KINDS[kind]}s", *(str(counts[kind, head]) for head in heads)] for kind in KINDS]
            lines = [["", *heads], ["---", *("--:" for _ in heads)], *rows]
            yield "\n".join(f"| {' | '.join(line)} |" for line in lines)

    def _facts(self) -> Iterator[str]:
        lines: list[str] = []
        for name, text in facts(self._document):
            lines.append(f"- {name}: {prose(text)}" if name else f"{lines.pop()}, {prose(text)}")
        yield "\n".join(lines)

    def _changes(self) -> Iterator[Block]:
        many, few = many_and_few(self._document["changes"])
        for group in many:
            first = group[0]
            head = f"{plural(len(group), KINDS[first['kind']])}{status(first)}: {first['reason']}"
            items = [f"- {code(one['project'])}: {code(name_of(one))}{prose(because(one))}" for one in group]
            yield _details(f"<code>{SYMBOLS[first['action']]}</code> {prose_in_html(head)}", items)
        for project, on_it in groupby(few, key=lambda change: change["project"]):
            yield _project(project, list(on_it), folded=len(few) > _SHORT)

    def _problems(self) -> Iterator[Block]:
        for (severity, name), same in groupby(
            self._document["problems"], key=lambda one: (one["severity"], one["code"])
        ):
            items = [f"- {_concerned(one)}{prose(one['message'])}" for one in same]
            head = f"**{severity}** {code(name)}"
            if len(items) > _SHORT:
                yield _details(f"<b>{severity}</b> {prose_in_html(name)}: {plural(len(items), 'object')}", items)
            else:
                yield Block("\n".join([head, "", *items]), len(items))

    def _closing(self) -> Iterator[str]:
        if self._document["plan"]:
            yield f"Plan {code(self._document['plan'])}"
        for step in next_steps(self._document, self._page):
            if len(step.command) > _LONGEST_COMMAND:
                yield f"{step.said}: the same command with `--expect-plan {self._document['plan']}`"
            else:
                yield f"{step.said}:\n\n{fenced(step.command)}" if step.command else step.said


def _section(name: str, blocks: Sequence[Block]) -> Iterator[str]:
    """A heading and as many blocks as it has room for; how many things are left out."""
    if not blocks:
        return
    yield f"### {name}"
    room, shown = _ROOM[name], 0
    for block in blocks:
        room -= len(block.text) + len("\n\n")
        if room < 0:
            break
        yield block.text
        shown += block.count
    left = sum(block.count for block in blocks) - shown
    if left:
        yield f"*{left} more {_REST}.*"


def _details(summary: str, items: Sequence[str]) -> Block:
    """A folded list, of the first MANY items or as many of them as do not get too long."""
    ends = accumulate(len(item) + 1 for item in items[:MANY])
    shown = sum(end <= _LONGEST_FOLDED for end in ends)
    more = [f"- and {len(items) - shown} more, {_REST}"] if len(items) > shown else []
    body = "\n".join([*items[:shown], *more])
    return Block(f"<details><summary>{summary}</summary>\n\n{body}\n\n</details>", len(items))


def _folded(items: Iterable[str], noun: str) -> Iterator[Block]:
    listed = list(items)
    if len(listed) > _SHORT:
        yield _details(plural(len(listed), noun), listed)
    elif listed:
        yield Block("\n".join(listed), len(listed))


def _project(project: str, changes: Sequence[Record], *, folded: bool) -> Block:
    """The changes on one project, folded where they are many."""
    items = [_change(change) for change in changes]
    if folded:
        symbols = Counter(SYMBOLS[change["action"]] for change in changes)
        counts = ", ".join(f"<code>{symbol}</code> {count}" for symbol, count in symbols.items())
        return _details(f"{code_in_html(project)} {counts}", items)
    return Block("\n".join([f"- {code(project)}", *(textwrap.indent(item, "  ") for item in items)]), len(items))


def _change(change: Record) -> str:
    head = f"- `{SYMBOLS[change['action']]}` {KINDS[change['kind']]} {code(name_of(change))}{status(change)}"
    lines = [f"{head}: {prose(change['reason'])}{prose(because(change))}"]
    lines += [
        f"  - {code(name)}: {code(value(old))} to {code(value(new))}" for name, (old, new) in change["fields"].items()
    ]
    if change["error"]:
        lines.append(f"  - {prose(change['error'])}")
    return "\n".join(lines)


def _concerned(problem: Record) -> str:
    named = [code(problem[key]) for key in ("object", "project") if problem[key]]
    return f"{' on '.join(named)}: " if named else ""


def _kept(one: Record) -> str:
    return f"- {code(one['project'])}: {KINDS[one['kind']]} {code(name_of(one))}, because of {code(one['because'])}"


def _foreign(one: Record) -> str:
    label = f" {code(label_of(one))}" if label_of(one) else ""
    return f"- {code(one['project'])}: {KINDS[one['kind']]} {code(name_of(one))}{label}, {one['owner']}"

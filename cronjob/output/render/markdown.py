"""The Markdown report, for a comment on a merge request: counts first, long lists folded, short enough to post."""

from __future__ import annotations

import sys
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
    SYMBOLS,
    Record,
    cause_lines,
    facts,
    field_text,
    grouped_changes,
    label_of,
    name_of,
    problem_group,
    source_clause,
    status_note,
    title,
)

# GitHub takes comments of 65,536 characters, GitLab of 1,000,000. The sections together stay below this.
LONGEST = 60_000
_MOST_CHARACTERS = {"Changes": 22_000, "Problems": 16_000, "Kept, though no longer wanted": 4_000, "Not ours": 4_000}
_LONGEST_COMMAND = 4_000
_LONGEST_FOLDED = 3_500
# Longer lists are folded.
_LONGEST_UNFOLDED = 10
_LEFT_OUT = "left out here; `-o json` lists all, and so does the HTML report"


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a section that is shown whole or left out, and how many entries it stands for."""

    text: str
    count: int = 1


class MarkdownReport:
    """Render one document, shorter than LONGEST. Tenants' text is in code spans, so it neither links nor mentions."""

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
            self._section("Changes", list(self._changes())),
            self._section("Problems", list(self._problems())),
            self._section("Kept, though no longer wanted", list(self._folded(map(_kept, document["kept"]), "item"))),
            self._section("Not ours", list(self._folded(map(_foreign, document.get("foreign") or ()), "item"))),
            self._closing(),
        ]
        return "\n\n".join(block for part in parts for block in part) + "\n"

    def _objections(self) -> Iterator[str]:
        for objection in self._document["objections"]:
            yield f"> **Refused: {code(objection['code'])}.** {prose(objection['message'])}"

    def _counts(self) -> Iterator[str]:
        """Yield the table of changes by kind and action; nothing where there are no changes."""
        document = self._document
        counts = Counter((change["kind"], change["action"]) for change in document["changes"])
        counts.update((kept["kind"], "kept") for kept in document["kept"])
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
        groups, others = grouped_changes(self._document["changes"], self._page.longest_list)
        for group in groups:
            first = group[0]
            head = f"{plural(len(group), KINDS[first['kind']])}{status_note(first)}: {first['reason']}"
            items = [
                f"- {code(change['project'])}: {code(name_of(change))}{prose(source_clause(change))}"
                for change in group
            ]
            summary = f"<code>{SYMBOLS[first['action']]}</code> {prose_in_html(head)}"
            yield self._details(summary, items, " ".join(prose(line) for line in cause_lines(first)))
        for project, project_changes in groupby(others, key=lambda change: change["project"]):
            yield self._project(project, list(project_changes), folded=len(others) > _LONGEST_UNFOLDED)

    def _problems(self) -> Iterator[Block]:
        for _, same in groupby(sorted(self._document["problems"], key=problem_group), key=problem_group):
            group = list(same)
            severity, name = group[0]["severity"], group[0]["code"]
            items = [f"- {_object_and_project(problem)}{prose(problem['message'])}" for problem in group]
            head = f"**{severity}** {code(name)}"
            if len(items) > _LONGEST_UNFOLDED:
                yield self._details(f"<b>{severity}</b> {prose_in_html(name)}: {plural(len(items), 'object')}", items)
            else:
                yield Block("\n".join([head, "", *items]), len(items))

    def _section(self, name: str, blocks: Sequence[Block]) -> Iterator[str]:
        """Yield a heading, as many blocks as fit, and how many entries are left out."""
        if not blocks:
            return
        yield f"### {name}"
        room, shown = sys.maxsize if self._page.complete else _MOST_CHARACTERS[name], 0
        for block in blocks:
            room -= len(block.text) + len("\n\n")
            if room < 0:
                break
            yield block.text
            shown += block.count
        left = sum(block.count for block in blocks) - shown
        if left:
            yield f"*{left} more {_LEFT_OUT}.*"

    def _details(self, summary: str, items: Sequence[str], note: str = "") -> Block:
        """Return a folded list of the first items, as many as fit, with a *note* above them."""
        ends = accumulate(len(item) + 1 for item in items[: self._page.longest_list])
        shown = sum(self._page.complete or end <= _LONGEST_FOLDED for end in ends)
        more = [f"- and {len(items) - shown} more, {_LEFT_OUT}"] if len(items) > shown else []
        body = "\n".join([*([note, ""] if note else []), *items[:shown], *more])
        return Block(f"<details><summary>{summary}</summary>\n\n{body}\n\n</details>", len(items))

    def _folded(self, items: Iterable[str], noun: str) -> Iterator[Block]:
        listed = list(items)
        if len(listed) > _LONGEST_UNFOLDED:
            yield self._details(plural(len(listed), noun), listed)
        elif listed:
            yield Block("\n".join(listed), len(listed))

    def _project(self, project: str, changes: Sequence[Record], *, folded: bool) -> Block:
        """Return the changes on one project, as a folded list where *folded* is set."""
        items = [_change(change) for change in changes]
        if folded:
            symbols = Counter(SYMBOLS[change["action"]] for change in changes)
            counts = ", ".join(f"<code>{symbol}</code> {count}" for symbol, count in symbols.items())
            return self._details(f"{code_in_html(project)} {counts}", items)
        return Block("\n".join([f"- {code(project)}", *(textwrap.indent(item, "  ") for item in items)]), len(items))

    def _closing(self) -> Iterator[str]:
        if self._document["plan"]:
            yield f"Plan {code(self._document['plan'])}"
        for step in next_steps(self._document, self._page):
            if len(step.command) > _LONGEST_COMMAND:
                yield f"{step.text}: the same command with `--expect-plan {self._document['plan']}`"
            else:
                yield f"{step.text}:\n\n{fenced(step.command)}" if step.command else step.text
        yield f"Exit code {self._document['exit']['code']}: {prose(self._document['exit']['why'])}"


def _change(change: Record) -> str:
    head = f"- `{SYMBOLS[change['action']]}` {KINDS[change['kind']]} {code(name_of(change))}{status_note(change)}"
    lines = [f"{head}: {prose(change['reason'])}{prose(source_clause(change))}"]
    lines += [
        f"  - {code(name)}: {code(field_text(old))} to {code(field_text(new))}"
        for name, (old, new) in change["fields"].items()
    ]
    lines += [f"  - {prose(line)}" for line in cause_lines(change)]
    return "\n".join(lines)


def _object_and_project(problem: Record) -> str:
    named = [code(problem[key]) for key in ("object", "project") if problem[key]]
    return f"{' on '.join(named)}: " if named else ""


def _kept(record: Record) -> str:
    return f"- {_item(record)}, because of {code(record['because'])}"


def _foreign(record: Record) -> str:
    label = f" {code(label_of(record))}" if label_of(record) else ""
    return f"- {_item(record)}{label}, {record['owner']}"


def _item(record: Record) -> str:
    return f"{code(record['project'])}: {KINDS[record['kind']]} {code(name_of(record))}"

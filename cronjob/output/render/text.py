"""The text report: counts first and last, each change with its reason, each problem with its next step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from cronjob.output.render.escaping import for_terminal
from cronjob.output.render.next_steps import next_steps
from cronjob.output.render.page import Page
from cronjob.output.render.summary import exit_line, plural, summary_line
from cronjob.output.render.wording import (
    EXAMPLES,
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

_GREEN, _YELLOW, _RED = "32", "33", "31"
_COLOURS = {
    **dict.fromkeys(("+", "in_sync", "applied"), _GREEN),
    **dict.fromkeys(("~", "warning", "drift"), _YELLOW),
    **dict.fromkeys(("-", "error", "incomplete", "refused", "failed"), _RED),
    "notice": "36",
    "heading": "1",
}
# These statuses are coloured, so that they are found in a long report.
_NOT_DONE = {"failed", "held", "refused", "not_reached"}
_MARGIN = " " * 14


class TextReport:
    """Render one document. Colours repeat what the text says, so nothing is lost without them."""

    def __init__(self, document: Record, page: Page) -> None:
        self._document = document
        self._page = page

    def __str__(self) -> str:
        sections = [self._changes(), self._kept(), self._foreign(), self._problems(), self._objections()]
        body = [lines for section in sections if (lines := list(section))]
        # Without a body the counts would stand twice in a row.
        repeated = [self._counts()] if body else []
        parts = [list(self._header()), [self._counts()], *body, [*repeated, *self._closing()]]
        return "\n\n".join("\n".join(lines) for lines in parts if lines) + "\n"

    def _paint(self, text: str, key: str) -> str:
        code = _COLOURS.get(key)
        return f"\x1b[{code}m{text}\x1b[0m" if self._page.colour and code else text

    def _header(self) -> Iterator[str]:
        yield self._paint(title(self._document, self._page), "heading")
        for name, text in facts(self._document):
            yield from self._page.folded(text, _MARGIN, f"  {name:10}  ")

    def _counts(self) -> str:
        verdict, colon, counts = summary_line(self._document).partition(":")
        return f"{self._paint(verdict, self._document['result'])}{colon}{counts}"

    def _changes(self) -> Iterator[str]:
        groups, others = grouped_changes(self._document["changes"], self._page.longest_list)
        for changes in groups:
            yield from self._group(changes)
        for project, project_changes in groupby(others, key=lambda change: change["project"]):
            yield self._paint(for_terminal(project), "heading")
            for change in project_changes:
                yield from self._change(change)

    def _group(self, changes: Sequence[Record]) -> Iterator[str]:
        first = changes[0]
        symbol = SYMBOLS[first["action"]]
        kinds = plural(len(changes), KINDS[first["kind"]])
        yield f"{self._paint(symbol, symbol)} {kinds}{self._status(first)}: {first['reason']}"
        for line in cause_lines(first):
            yield from self._page.folded(line, "      ")
        for change in changes[:EXAMPLES]:
            yield from self._listed(f"{change['project']}: {name_of(change)}{source_clause(change)}", "    ")
        yield f"    and {len(changes) - EXAMPLES} more; the JSON report lists all"

    def _change(self, change: Record) -> Iterator[str]:
        symbol = SYMBOLS[change["action"]]
        name = f"{KINDS[change['kind']]} {for_terminal(name_of(change))}"
        yield f"  {self._paint(symbol, symbol)} {name}{self._status(change)}"
        yield from self._page.folded(f"{change['reason']}{source_clause(change)}", "      ")
        for field, (old, new) in change["fields"].items():
            yield f"      {field}: {for_terminal(field_text(old))} -> {for_terminal(field_text(new))}"
        for line in cause_lines(change):
            yield from self._page.folded(line, "      ")

    def _status(self, change: Record) -> str:
        note = status_note(change)
        return self._paint(note, "failed") if change["status"] in _NOT_DONE else note

    def _kept(self) -> Iterator[str]:
        kept = self._document["kept"]
        if not kept:
            return
        yield self._paint("Kept, though no longer wanted:", "heading")
        for record in kept[: self._page.longest_list]:
            text = f"{record['project']}: {KINDS[record['kind']]} {name_of(record)}, because of {record['because']}"
            yield from self._listed(text, "  ")
        if len(kept) > self._page.longest_list:
            yield f"  and {len(kept) - self._page.longest_list} more; the JSON report lists all"

    def _foreign(self) -> Iterator[str]:
        foreign = self._document.get("foreign")
        if not foreign:
            return
        yield self._paint("Not ours, never touched:", "heading")
        for record in foreign:
            label = f" `{label_of(record)}`" if label_of(record) else ""
            text = f"{record['project']}: {KINDS[record['kind']]} {name_of(record)}{label}, {record['owner']}"
            yield from self._listed(text, "  ")

    def _problems(self) -> Iterator[str]:
        problems = self._document["problems"]
        if not problems:
            return
        yield self._paint("Problems:", "heading")
        for _, same in groupby(sorted(problems, key=problem_group), key=problem_group):
            group = list(same)
            severity, code = group[0]["severity"], group[0]["code"]
            shown = group if len(group) <= self._page.longest_list else group[:EXAMPLES]
            for problem in shown:
                yield f"  {self._paint(severity, severity)} {code}"
                yield from (f"      {for_terminal(problem[key])}" for key in ("object", "project") if problem[key])
                yield from self._page.folded(problem["message"], "      ")
            if len(shown) < len(group):
                yield f"      and {len(group) - len(shown)} more {code}; the JSON report lists all"

    def _objections(self) -> Iterator[str]:
        for objection in self._document["objections"]:
            first, *others = self._page.folded(f"{objection['code']}: {objection['message']}", "", "Refused ")
            yield f"{self._paint('Refused', 'refused')}{first.removeprefix('Refused')}"
            yield from others

    def _closing(self) -> Iterator[str]:
        document = self._document
        if document["plan"]:
            yield f"Plan {document['plan']}"
        yield from map(str, next_steps(document, self._page))
        yield exit_line(document)

    def _listed(self, text: str, indent: str) -> list[str]:
        """Return one entry of a list; where it is too long, its other lines are indented more."""
        return self._page.folded(text, indent + "    ", indent)

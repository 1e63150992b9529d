"""The HTML report: one page that needs no server and no other file, and can be read without its script."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import groupby

from jinja2 import Environment, PackageLoader, StrictUndefined

from cronjob.output.render.escaping import for_terminal
from cronjob.output.render.kind_bars import COLUMNS, bars_of
from cronjob.output.render.next_steps import next_steps
from cronjob.output.render.page import Page
from cronjob.output.render.summary import summary_line
from cronjob.output.render.wording import (
    KINDS,
    SYMBOLS,
    Record,
    cause_lines,
    facts,
    field_text,
    label_of,
    name_of,
    source_clause,
    split_at_backticks,
    status_note,
    title,
)

# More projects than this are folded when the page opens.
_MOST_UNFOLDED = 30
_ACTIONS = {**{name: f"{symbol} {name}" for name, symbol in SYMBOLS.items()}, "kept": "kept", "foreign": "not ours"}
_SECTIONS = {"changes": "Changes", "problems": "Problems", "kept": "Kept", "foreign": "Not ours"}


@dataclass(frozen=True, slots=True)
class ProjectChanges:
    """The changes on one project."""

    path: str
    changes: list[Record]

    @property
    def counts(self) -> list[tuple[str, int]]:
        """The number of changes by action."""
        return list(Counter(change["action"] for change in self.changes).items())


def as_html(document: Record, page: Page) -> str:
    """
    Return the whole report. Tenants' text is escaped, and the page runs no script but its own.

    The page sends no requests, and its Content-Security-Policy forbids them.
    """
    environment = _environment()
    projects = [
        ProjectChanges(path, list(changes))
        for path, changes in groupby(document["changes"], key=lambda change: change["project"])
    ]
    return environment.get_template("report.html.jinja").render(
        document=document,
        title=title(document, page),
        summary=summary_line(document),
        facts=list(facts(document)),
        sections=list(_sections(document)),
        columns=[{"name": name, "text": text} for name, text in COLUMNS.items()],
        bars=bars_of(document, page.items),
        projects=projects,
        open=len(projects) <= _MOST_UNFOLDED,
        steps=list(next_steps(document, page)),
        policy=_policy(*(environment.get_template(name).render() for name in ("report.css", "report.js"))),
        **_choices(document),
    )


def _sections(document: Record) -> Iterator[Record]:
    for id_, name in _SECTIONS.items():
        if document.get(id_):
            yield {"id": id_, "name": name, "count": len(document[id_])}


def _choices(document: Record) -> dict[str, list[tuple[str, str]]]:
    """Return the filters by name; a filter with a single value is left out."""
    records = [*document["changes"], *document["kept"], *document.get("foreign", ())]
    kinds = {record["kind"] for record in records}
    actions = {change["action"] for change in document["changes"]} | {id_ for id_ in _SECTIONS if document.get(id_)}
    severities = dict.fromkeys(problem["severity"] for problem in document["problems"])
    choices = {
        "kinds": [(kind, f"{text}s") for kind, text in KINDS.items() if kind in kinds],
        "actions": [(name, text) for name, text in _ACTIONS.items() if name in actions],
        "severities": [(severity, severity) for severity in severities],
    }
    return {name: values if len(values) > 1 else [] for name, values in choices.items()}


def _policy(style: str, script: str) -> str:
    """Return a Content-Security-Policy that allows this style and this script only, by their hashes."""
    return (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("cronjob.output.render", "assets"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_escaped_for_terminal,
    )
    environment.filters.update(
        because=source_clause,
        cause=cause_lines,
        label=label_of,
        name=name_of,
        parts=split_at_backticks,
        status=status_note,
        value=field_text,
    )
    environment.globals.update(symbols=SYMBOLS, kind_names=KINDS)
    return environment


def _escaped_for_terminal(value: object) -> object:
    """Escape control characters and marks that change the text's direction; markup stays as it is."""
    return for_terminal(value) if isinstance(value, str) and not hasattr(value, "__html__") else value

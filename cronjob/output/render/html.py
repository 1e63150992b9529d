"""The report as one HTML page that needs nothing else: no server, no other file, and not even its own script."""

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
from cronjob.output.render.next_steps import next_steps
from cronjob.output.render.page import Page
from cronjob.output.render.picture import COLUMNS, bars_of
from cronjob.output.render.summary import summary_line
from cronjob.output.render.wording import (
    KINDS,
    SYMBOLS,
    Record,
    because,
    facts,
    label_of,
    name_of,
    said_and_typed,
    status,
    title,
    value,
)

# More projects than this are folded to begin with.
_FEW = 30
_ACTIONS = {**{name: f"{symbol} {name}" for name, symbol in SYMBOLS.items()}, "kept": "kept", "foreign": "not ours"}
_SECTIONS = {"changes": "Changes", "problems": "Problems", "kept": "Kept", "foreign": "Not ours"}


@dataclass(frozen=True, slots=True)
class Project:
    """The changes on one project."""

    path: str
    changes: list[Record]

    @property
    def counts(self) -> list[tuple[str, int]]:
        """How many there are of each action."""
        return list(Counter(change["action"] for change in self.changes).items())


def as_html(document: Record, page: Page) -> str:
    """
    The whole report. Nothing that a tenant wrote is anything but text in it, and no script but its own may run.

    The page asks nobody for anything, and its Content-Security-Policy would not let it.
    """
    environment = _environment()
    projects = [
        Project(path, list(changes)) for path, changes in groupby(document["changes"], key=lambda one: one["project"])
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
        open=len(projects) <= _FEW,
        steps=list(next_steps(document, page)),
        policy=_policy(*(environment.get_template(name).render() for name in ("report.css", "report.js"))),
        **_choices(document),
    )


def _sections(document: Record) -> Iterator[Record]:
    for id_, name in _SECTIONS.items():
        if document.get(id_):
            yield {"id": id_, "name": name, "count": len(document[id_])}


def _choices(document: Record) -> dict[str, list[tuple[str, str]]]:
    """What can be filtered by; a choice of one is none."""
    items = [*document["changes"], *document["kept"], *document.get("foreign", ())]
    kinds = {one["kind"] for one in items}
    actions = {change["action"] for change in document["changes"]} | {id_ for id_ in _SECTIONS if document.get(id_)}
    severities = dict.fromkeys(problem["severity"] for problem in document["problems"])
    choices = {
        "kinds": [(kind, f"{text}s") for kind, text in KINDS.items() if kind in kinds],
        "actions": [(name, text) for name, text in _ACTIONS.items() if name in actions],
        "severities": [(severity, severity) for severity in severities],
    }
    return {name: values if len(values) > 1 else [] for name, values in choices.items()}


def _policy(style: str, script: str) -> str:
    """Nothing from anywhere, but for this very style and this very script."""
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
        finalize=_shown,
    )
    environment.filters.update(
        because=because, label=label_of, name=name_of, parts=said_and_typed, status=status, value=value
    )
    environment.globals.update(symbols=SYMBOLS, kinds_one=KINDS)
    return environment


def _shown(value_: object) -> object:
    """Text without what would turn round the text beside it, or steer a terminal; what is markup already, as it is."""
    return for_terminal(value_) if isinstance(value_, str) and not hasattr(value_, "__html__") else value_

"""The report for people: counts first and last, each change with its reason, each problem with its next step."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from cronjob.render.escaping import for_terminal
from cronjob.render.next_steps import next_steps
from cronjob.render.page import Page
from cronjob.render.summary import plural, summary_line

Record = Mapping[str, Any]

# More of the same than this is shown as a count with examples; JSON lists all.
MANY = 20
EXAMPLES = 3
_SYMBOLS = {"create": "+", "update": "~", "delete": "-"}
_COLOURS = {"+": "32", "~": "33", "-": "31", "error": "31", "warning": "33", "notice": "36"}
_KINDS = {"deploy_key": "deploy key", "webhook": "webhook"}
_QUIET = {"planned", "applied"}


class TextReport:
    """Renders one document. Colour adds ANSI colours and nothing else: without it nothing is lost."""

    def __init__(self, document: Record, page: Page) -> None:
        self._document = document
        self._page = page

    def __str__(self) -> str:
        parts = [
            self._header(),
            [summary_line(self._document)],
            self._changes(),
            self._kept(),
            self._foreign(),
            self._problems(),
            self._objections(),
            self._closing(),
        ]
        return "\n\n".join("\n".join(lines) for part in parts if (lines := list(part))) + "\n"

    def _paint(self, text: str, key: str) -> str:
        code = _COLOURS.get(key)
        return f"\x1b[{code}m{text}\x1b[0m" if self._page.colour and code else text

    def _header(self) -> Iterator[str]:
        document = self._document
        servers = document["servers"]
        command = self._page.command
        mode = f"dry run{'' if command == 'run' else f' of {command}'}" if document["dry_run"] else command
        yield f"flux-gitlab-syncer {document['version']}: {mode} for cluster {document['cluster']}{_shard(document)}"
        yield f"  GitLab      {_as_whom(servers['gitlab'], servers['user'])}"
        if servers["kubernetes"]:
            yield f"  Kubernetes  {_as_whom(servers['kubernetes'], servers['kubernetes_user'])}"
        groups = ", ".join(document["groups"]) or "no group"
        yield f"  Read        {plural(document['summary']['projects'], 'project')} of {for_terminal(groups)}"
        if document["namespaces"]:
            yield f"              GitRepositories and Receivers of {', '.join(document['namespaces'])}"
        sent = document["requests"]["gitlab"]
        writes = sum(sent[method] for method in ("POST", "PUT", "DELETE"))
        asked = f"{plural(sent['GET'], 'read')} and {plural(writes, 'write')}"
        yield f"  Requests    {asked} at GitLab, in {_seconds(document)}"

    def _changes(self) -> Iterator[str]:
        grouped: dict[tuple[str, ...], list[Record]] = {}
        for change in self._document["changes"]:
            grouped.setdefault(_sameness(change), []).append(change)
        many = [changes for changes in grouped.values() if len(changes) > MANY]
        single = [change for change in self._document["changes"] if len(grouped[_sameness(change)]) <= MANY]
        for changes in many:
            yield from self._group(changes)
        for project, on_it in groupby(single, key=lambda change: change["project"]):
            yield for_terminal(project)
            for change in on_it:
                yield from self._change(change)

    def _group(self, changes: Sequence[Record]) -> Iterator[str]:
        first = changes[0]
        symbol = _SYMBOLS[first["action"]]
        kinds = plural(len(changes), _KINDS[first["kind"]])
        yield f"{self._paint(symbol, symbol)} {kinds}{_status(first)}: {first['reason']}"
        for change in changes[:EXAMPLES]:
            yield f"    {for_terminal(change['project'])}: {_name(change)}{_because(change)}"
        yield f"    and {len(changes) - EXAMPLES} more; the JSON report lists all"

    def _change(self, change: Record) -> Iterator[str]:
        symbol = _SYMBOLS[change["action"]]
        name = f"{_KINDS[change['kind']]} {_name(change)}"
        yield f"  {self._paint(symbol, symbol)} {name}{_status(change)}"
        yield from self._wrapped(f"{change['reason']}{_because(change)}", "      ")
        for field, (old, new) in change["fields"].items():
            yield f"      {field}: {_value(old)} -> {_value(new)}"
        if change["error"]:
            yield from self._wrapped(change["error"], "      ")

    def _kept(self) -> Iterator[str]:
        kept = self._document["kept"]
        if not kept:
            return
        yield "Kept, though nobody wants it now:"
        for one in kept[:MANY]:
            yield f"  {for_terminal(one['project'])}: {_KINDS[one['kind']]} {_name(one)}, because of {one['because']}"
        yield from _rest(kept)

    def _foreign(self) -> Iterator[str]:
        foreign = self._document.get("foreign")
        if not foreign:
            return
        yield "Not ours, never touched:"
        for one in foreign:
            title = one[_detail(one)].get("title") or one[_detail(one)].get("description") or ""
            label = f" `{for_terminal(title)}`" if title else ""
            yield f"  {for_terminal(one['project'])}: {_KINDS[one['kind']]} {_name(one)}{label}, {one['owner']}"

    def _problems(self) -> Iterator[str]:
        problems = self._document["problems"]
        if not problems:
            return
        yield "Problems:"
        for (severity, code), same in groupby(problems, key=lambda one: (one["severity"], one["code"])):
            group = list(same)
            shown = group if len(group) <= MANY else group[:EXAMPLES]
            for one in shown:
                yield f"  {self._paint(severity, severity)} {code}"
                yield from (f"      {for_terminal(one[key])}" for key in ("object", "project") if one[key])
                yield from self._wrapped(one["message"], "      ")
            if len(shown) < len(group):
                yield f"      and {len(group) - len(shown)} more {code}; the JSON report lists all"

    def _objections(self) -> Iterator[str]:
        for one in self._document["objections"]:
            yield from self._wrapped(f"{one['code']}: {one['message']}", "", self._paint("Refused", "error") + " ")

    def _closing(self) -> Iterator[str]:
        document = self._document
        yield summary_line(document)
        if document["plan"]:
            yield f"Plan {document['plan']}"
        yield from next_steps(document, self._page)

    def _wrapped(self, text: str, indent: str, first: str = "") -> list[str]:
        return textwrap.wrap(
            for_terminal(text),
            self._page.width,
            initial_indent=indent + first,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )


def _sameness(change: Record) -> tuple[str, ...]:
    return (change["action"], change["kind"], change["status"], change["reason"], ",".join(change["fields"]))


def _detail(one: Record) -> str:
    return "key" if one["kind"] == "deploy_key" else "webhook"


def _name(one: Record) -> str:
    detail = one[_detail(one)]
    return for_terminal(str(detail["fingerprint"] if one["kind"] == "deploy_key" else detail["url"]))


def _because(change: Record) -> str:
    sources = change["sources"]
    if not sources:
        return ""
    more = f" and {len(sources) - 1} more" if len(sources) > 1 else ""
    words = "marked for" if change["action"] == "delete" else "wanted by"
    return f"; {words} {for_terminal(sources[0])}{more}"


def _status(change: Record) -> str:
    return "" if change["status"] in _QUIET else f" ({change['status'].replace('_', ' ')})"


def _value(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else f'"{for_terminal(str(value))}"'


def _rest(kept: Sequence[Record]) -> Iterator[str]:
    if len(kept) > MANY:
        yield f"  and {len(kept) - MANY} more; the JSON report lists all"


def _shard(document: Record) -> str:
    shard = document.get("shard")
    return f", shard {shard['index']} of 0 to {shard['of'] - 1}" if shard else ""


def _as_whom(server: str | None, user: str | None) -> str:
    return for_terminal(f"{server} as {user}" if user else str(server))


def _seconds(document: Record) -> str:
    ends = [datetime.fromisoformat(document[key]) for key in ("started_at", "finished_at")]
    return f"{(ends[1] - ends[0]).total_seconds():.1f} s"

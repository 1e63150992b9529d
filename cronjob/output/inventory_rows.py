"""One row for each deploy key and webhook of the group: what it is, whose, and what the run does with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from cronjob.output.render.spreadsheet import COLUMNS
from reconcile.marks import Owner
from reconcile.model import EXECUTABLE, FoundWebhook, Kind, Project, shown_foreign_url, shown_url, without_digests
from reconcile.plan.changes import Create, Found, kind_of, mark_of
from reconcile.plan.inventory import Listed
from reconcile.report import Entry, Report

Row = dict[str, str]
_Place = tuple[int, Kind, int | None]
_RIGHT: Row = {"plan": "unchanged"}


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a report, made anew each time they are gone through, so that they need no room."""

    report: Report = field(repr=False)

    def __iter__(self) -> Iterator[Row]:
        inventory = self.report.plan.inventory
        if inventory is None:
            return
        fates = _fates(self.report)
        coming = [entry for entry in self.report.entries if isinstance(entry.change, Create)]
        everything: list[Listed | Entry | Project] = [*inventory.listed, *coming, *inventory.unread]
        for one in sorted(everything, key=_order):
            yield _row(one, fates)


def _fates(report: Report) -> dict[_Place, Row]:
    """What becomes of everything that is not simply right."""
    plan = report.plan
    fates: dict[_Place, Row] = {}
    for other in plan.foreign:
        fates[_place(other.project, other.found)] = {"plan": "foreign"}
    for kept in plan.kept:
        fates[_place(kept.project, kept.found)] = {"plan": "kept", "reason": kept.because.value}
    for spared in plan.spared:
        fates[_place(spared.project, spared.found)] = {"plan": "kept", "reason": "spared by --no-prune"}
    for entry in report.entries:
        change = entry.change
        if not isinstance(change, Create):
            fates[_place(change.project, change.found)] = _fate(entry)
    return fates


def _place(project: Project, found: Found) -> _Place:
    return (project.id, kind_of(found), found.id)


def _order(one: Listed | Entry | Project) -> tuple[str, int, str, int]:
    """By project, keys before webhooks, what is there before what is to come."""
    if isinstance(one, Project):
        return (one.path.lower(), one.id, "", 0)
    project = one.change.project if isinstance(one, Entry) else one.project
    kind, id_ = (f"{one.change.kind} to come", 0) if isinstance(one, Entry) else (kind_of(one.found), one.found.id)
    return (project.path.lower(), project.id, kind, id_)


def _row(one: Listed | Entry | Project, fates: Mapping[_Place, Row]) -> Row:
    if isinstance(one, Project):
        known = {**_where(one), "plan": "unreadable"}
    elif isinstance(one, Entry):
        known = {**_where(one.change.project), **_coming(one)}
    else:
        known = {**_where(one.project), **_there(one), **fates.get(_place(one.project, one.found), _RIGHT)}
    return {**dict.fromkeys(COLUMNS, ""), **known}


def _where(project: Project) -> Row:
    return {"project": project.path, "project_id": str(project.id)}


def _fate(entry: Entry) -> Row:
    return {"plan": entry.change.action, "status": entry.status.value, "reason": entry.change.reason}


def _there(one: Listed) -> Row:
    return {"id": str(one.found.id), "owner": one.owner.value, "duplicates": str(one.duplicates), **_found(one.found)}


def _found(found: Found) -> Row:
    common = {"kind": kind_of(found).value, "mark": str(mark_of(found) or "")}
    if isinstance(found, FoundWebhook):
        return {
            **common,
            "title": without_digests(found.description),
            "fingerprint_or_url": shown_foreign_url(found.url),
            "disabled": "" if found.alert_status == EXECUTABLE else found.alert_status,
        }
    return {
        **common,
        "title": without_digests(found.title),
        "fingerprint_or_url": found.key.fingerprint,
        "writable": str(found.can_push).lower(),
        "expires": _time(found.expires),
        "expired": str(found.expired).lower(),
        "last_used": _time(found.last_used),
    }


def _coming(entry: Entry) -> Row:
    """What was not there yet. A key that is joined is as the group has it already, but may not push."""
    change = entry.change
    if isinstance(change, Create) and change.existing:
        owner = Owner.OURS if mark_of(change.existing) else Owner.UNMARKED
        item = {**_found(change.existing), "writable": "false", "owner": owner.value}
    else:
        item = {"kind": change.kind.value, "fingerprint_or_url": shown_url(change.name), "owner": Owner.OURS.value}
    return {**item, "id": str(entry.id or change.id or ""), **_fate(entry)}


def _time(time: datetime | None) -> str:
    return time.isoformat(timespec="seconds").replace("+00:00", "Z") if time else ""

"""Build the inventory for CSV: one row for each deploy key and webhook, its owner, and what the run does with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from cronjob.output.render.spreadsheet import COLUMNS
from cronjob.reports.timestamps import utc_text
from reconcile.actual import EXECUTABLE, Found, FoundWebhook, Unreadable
from reconcile.marks import Owner
from reconcile.model import Kind, Project, cut_digests, shown_foreign_url, shown_url
from reconcile.plan.changes import Create
from reconcile.plan.inventory import Listed
from reconcile.report import Entry, Report

Row = dict[str, str]
_ItemKey = tuple[int, Kind, int | None]
# An item that exists, one that the run creates, or a project that could not be read.
_Subject = Listed | Entry | Unreadable
_UNCHANGED: Row = {"plan": "unchanged"}


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a report, built on each iteration, so that they are not kept in memory."""

    report: Report = field(repr=False)

    def __iter__(self) -> Iterator[Row]:
        inventory = self.report.plan.inventory
        if inventory is None:
            return
        outcomes = _outcomes(self.report)
        creates = [entry for entry in self.report.entries if isinstance(entry.change, Create)]
        subjects: list[_Subject] = [*inventory.listed, *creates, *inventory.unread]
        for subject in sorted(subjects, key=_sort_key):
            yield cut_digests(_row(subject, outcomes))


def _outcomes(report: Report) -> dict[_ItemKey, Row]:
    """Return the plan, status and reason of each existing item that is not unchanged."""
    plan = report.plan
    outcomes: dict[_ItemKey, Row] = {}
    for foreign in plan.foreign:
        outcomes[_item_key(foreign.project, foreign.found)] = {"plan": "foreign"}
    for kept in plan.kept:
        outcomes[_item_key(kept.project, kept.found)] = {"plan": "kept", "reason": kept.because.value}
    for spared in plan.spared:
        outcomes[_item_key(spared.project, spared.found)] = {"plan": "kept", "reason": "spared by --no-prune"}
    for entry in report.entries:
        change = entry.change
        if not isinstance(change, Create):
            outcomes[_item_key(change.project, change.found)] = _outcome(entry)
    return outcomes


def _item_key(project: Project, found: Found) -> _ItemKey:
    return (project.id, found.kind, found.id)


def _sort_key(subject: _Subject) -> tuple[str, int, str, int]:
    """Sort by project, keys before webhooks, existing items before new ones."""
    if isinstance(subject, Unreadable):
        return (subject.project.path.lower(), subject.project.id, "", 0)
    if isinstance(subject, Entry):
        project = subject.change.project
        return (project.path.lower(), project.id, f"{subject.change.kind} created", 0)
    project = subject.project
    return (project.path.lower(), project.id, subject.found.kind, subject.found.id)


def _row(subject: _Subject, outcomes: Mapping[_ItemKey, Row]) -> Row:
    if isinstance(subject, Unreadable):
        error, step = subject.reason, subject.cause.next_step
        known = {**_project(subject.project), "plan": "unreadable", "error": error, "next": step}
    elif isinstance(subject, Entry):
        known = {**_project(subject.change.project), **_created(subject)}
    else:
        outcome = outcomes.get(_item_key(subject.project, subject.found), _UNCHANGED)
        known = {**_project(subject.project), **_listed(subject), **outcome}
    return {**dict.fromkeys(COLUMNS, ""), **known}


def _project(project: Project) -> Row:
    return {"project": project.path, "project_id": str(project.id)}


def _outcome(entry: Entry) -> Row:
    row = {"plan": entry.change.action, "status": entry.status.value, "reason": entry.change.reason}
    return {**row, "error": entry.error or "", "next": entry.cause.next_step if entry.cause else ""}


def _listed(item: Listed) -> Row:
    found = item.found
    return {"id": str(found.id), "owner": item.owner.value, "duplicates": str(item.duplicates), **_found(found)}


def _found(found: Found) -> Row:
    common = {"kind": found.kind.value, "mark": str(found.mark or "")}
    if isinstance(found, FoundWebhook):
        return {
            **common,
            "title": found.description,
            "fingerprint_or_url": shown_foreign_url(found.url),
            "disabled": "" if found.alert_status == EXECUTABLE else found.alert_status,
        }
    return {
        **common,
        "title": found.title,
        "fingerprint_or_url": found.key.fingerprint,
        "writable": str(found.can_push).lower(),
        "expires": _time(found.expires),
        "expired": str(found.expired).lower(),
        "last_used": _time(found.last_used),
    }


def _created(entry: Entry) -> Row:
    """Return a new item. A key that is enabled from another project has its data, but may not push here."""
    change = entry.change
    if isinstance(change, Create) and change.existing:
        owner = Owner.OURS if change.existing.mark else Owner.UNMARKED
        item = {**_found(change.existing), "writable": "false", "owner": owner.value}
    else:
        item = {"kind": change.kind.value, "fingerprint_or_url": shown_url(change.name), "owner": Owner.OURS.value}
    return {**item, "id": str(entry.id or change.id or ""), **_outcome(entry)}


def _time(moment: datetime | None) -> str:
    return utc_text(moment, "seconds") if moment else ""

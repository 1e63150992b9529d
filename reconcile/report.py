"""What a run did, as one value, and as the data that every report format shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from reconcile.actual import Found, FoundWebhook
from reconcile.causes import Cause
from reconcile.desired.desired import WantedWebhook
from reconcile.errors import ReadError
from reconcile.model import PublicKey, cut_digests, shown_foreign_url, shown_url
from reconcile.plan.changes import Change, Delete, Foreign, Kept, Update
from reconcile.plan.objections import Objection
from reconcile.plan.plan import Plan
from reconcile.problems import Code, Problem, Severity


class Status(StrEnum):
    """How one change went."""

    PLANNED = "planned"
    APPLIED = "applied"
    FAILED = "failed"
    HELD = "held"
    REFUSED = "refused"
    CONTRADICTED = "contradicted"
    NOT_REACHED = "not_reached"


class Result(StrEnum):
    """How the whole run went."""

    IN_SYNC = "in_sync"
    DRIFT = "drift"
    APPLIED = "applied"
    INCOMPLETE = "incomplete"
    REFUSED = "refused"
    FAILED = "failed"


_OPEN = frozenset({Status.FAILED, Status.HELD, Status.NOT_REACHED})


@dataclass(frozen=True, slots=True)
class Entry:
    """
    One change and how it went; *error* and *cause* say why it was not made, *id* is GitLab's for the item.

    *anothers_title* is that of a deploy key which was attached and is under a mark that is not ours.
    """

    change: Change
    status: Status
    error: str | None = None
    id: int | None = None
    cause: Cause | None = None
    anothers_title: str | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """
    Everything a run found and did. *checksum* identifies the plan; it is None where nothing could be decided.

    *failure* is why, in that case.
    """

    plan: Plan
    entries: tuple[Entry, ...]
    dry_run: bool
    checksum: str | None = None
    objections: tuple[Objection, ...] = ()
    show_foreign: bool = False
    failure: ReadError | None = field(default=None, repr=False)

    @classmethod
    def of_failure(cls, error: ReadError, *, dry_run: bool) -> Report:
        """The report of a run that could not read its sources: nothing was decided, nothing written."""
        problem = Problem(Severity.ERROR, error.code, str(error), cause=error.cause)
        return cls(Plan(problems=(problem,)), (), dry_run, failure=error)

    def with_problem(self, problem: Problem) -> Report:
        """Return the same report with one problem more."""
        problems = sorted([*self.plan.problems, problem], key=lambda problem: problem.sort_key)
        return replace(self, plan=replace(self.plan, problems=tuple(problems)))

    @property
    def result(self) -> Result:
        """How the run went, worst first."""
        if self.failure or self.plan.nothing_readable:
            return Result.FAILED
        if self.objections:
            return Result.REFUSED
        if self._is_incomplete:
            return Result.INCOMPLETE
        if not self.entries:
            return Result.IN_SYNC
        return Result.DRIFT if self.dry_run else Result.APPLIED

    @property
    def is_success(self) -> bool:
        """
        Whether all was read, nothing failed, and no objection refuses all deletes or all creates of a kind.

        Problems of single objects do not count, nor does an objection to one project or one namespace.
        """
        is_refused = any(objection.refuses_all for objection in self.objections)
        return self.result is not Result.FAILED and not is_refused and not self._is_incomplete

    @property
    def _is_incomplete(self) -> bool:
        return self.is_partly_unread or any(entry.status in _OPEN for entry in self.entries)

    @property
    def is_partly_unread(self) -> bool:
        """Whether a project could not be read."""
        return any(problem.code == Code.PROJECT_UNREADABLE for problem in self.plan.problems)

    def count(self, *statuses: Status) -> int:
        """How many changes ended in one of *statuses*."""
        return sum(entry.status in statuses for entry in self.entries)

    def as_dict(self) -> dict[str, Any]:
        """The data of the report that the run itself knows; the process adds who, where and when."""
        foreign = {"foreign": [cut_digests(_foreign(one)) for one in self.plan.foreign]} if self.show_foreign else {}
        return {
            "plan": self.checksum,
            "dry_run": self.dry_run,
            "result": self.result.value,
            "summary": self._summary(),
            "changes": [cut_digests(_change(entry)) for entry in self.entries],
            "kept": [cut_digests(_kept(one)) for one in self.plan.kept],
            **foreign,
            "problems": [cut_digests(_problem(one)) for one in self.plan.problems],
            "objections": [cut_digests(_objection(one)) for one in self.objections],
        }

    def _summary(self) -> dict[str, int]:
        actions = [entry.change.action for entry in self.entries]
        severities = [problem.severity for problem in self.plan.problems]
        return {
            "projects": self.plan.projects,
            "create": actions.count("create"),
            "update": actions.count("update"),
            "delete": actions.count("delete"),
            "unchanged": self.plan.unchanged,
            "kept": len(self.plan.kept),
            "held": self.count(Status.HELD),
            "failed": self.count(Status.FAILED),
            "refused": self.count(Status.REFUSED),
            "problems": len(severities),
            "errors": severities.count(Severity.ERROR),
            "warnings": severities.count(Severity.WARNING),
            "notices": severities.count(Severity.NOTICE),
        }


def _objection(objection: Objection) -> dict[str, Any]:
    return {
        "code": objection.code.value,
        "message": objection.message,
        "option": objection.option,
        "refuses": len(objection.refuses),
        "project": objection.project,
        "namespace": objection.namespace,
    }


def entries_of(changes: Iterable[Change], status: Status, error: str | None = None) -> list[Entry]:
    """An entry for each change, all with the same status."""
    return [Entry(change, status, error) for change in changes]


def _change(entry: Entry) -> dict[str, Any]:
    change = entry.change
    return {
        "project": change.project.path,
        "project_id": change.project.id,
        "kind": change.kind.value,
        "action": change.action,
        "status": entry.status.value,
        "sources": [str(source) for source in change.sources],
        "reason": change.reason,
        **_item(entry),
        "fields": {name: [_shown(value) for value in values] for name, values in sorted(change.fields.items())},
        "error": entry.error,
        "cause": entry.cause.as_dict() if entry.cause else None,
    }


def _item(entry: Entry) -> dict[str, dict[str, Any]]:
    """The item as it is after the change; a deleted one as it was."""
    change, id_ = entry.change, entry.id or entry.change.id
    if isinstance(change, Delete):
        return _found(change.found)
    wanted = change.wanted
    if isinstance(wanted, WantedWebhook):
        return {"webhook": {"id": id_, "url": shown_url(wanted.url), "events": sorted(wanted.flags)}}
    if isinstance(change, Update):
        new = {name: values[1] for name, values in change.fields.items()}
        return {"key": {**_found(change.found)["key"], **new}}
    return {"key": _key(id_, entry.anothers_title or change.title, wanted.key, can_push=change.can_push)}


def _key(id_: int | None, title: str, key: PublicKey, *, can_push: bool) -> dict[str, Any]:
    return {
        "id": id_,
        "title": title,
        "fingerprint": key.fingerprint,
        "can_push": can_push,
        "public_key": key.text,
    }


def _found(found: Found) -> dict[str, dict[str, Any]]:
    if isinstance(found, FoundWebhook):
        events = sorted(flag for flag, value in found.flags.items() if value)
        return {"webhook": {"id": found.id, "url": shown_url(found.url), "events": events}}
    return {"key": _key(found.id, found.title, found.key, can_push=found.can_push)}


def _kept(kept: Kept) -> dict[str, Any]:
    return {
        "project": kept.project.path,
        "kind": kept.found.kind.value,
        "because": kept.because.value,
        **_found(kept.found),
    }


def _foreign(foreign: Foreign) -> dict[str, Any]:
    item = _found(foreign.found)
    if isinstance(foreign.found, FoundWebhook):
        item["webhook"]["url"] = shown_foreign_url(foreign.found.url)
        item["webhook"]["description"] = foreign.found.description
    return {
        "project": foreign.project.path,
        "kind": foreign.found.kind.value,
        "owner": foreign.owner.value,
        **item,
    }


def _problem(problem: Problem) -> dict[str, Any]:
    return {
        "severity": problem.severity.value,
        "code": problem.code,
        "object": problem.object,
        "project": problem.project,
        "message": problem.message,
        "cause": problem.cause.as_dict() if problem.cause else None,
    }


def _shown(value: object) -> object:
    return value if isinstance(value, bool) or value is None else str(value)

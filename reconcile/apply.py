"""Applying a plan: every change is tried, and its outcome recorded; deletes come last, each after its replacement."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from itertools import groupby

from reconcile.causes import CauseCode
from reconcile.errors import DeleteContradicted, DeleteHeld, NotReached, ReadError, WriteFailed
from reconcile.model import Kind
from reconcile.plan.changes import Change, Delete, heals
from reconcile.plan.plan import Plan
from reconcile.ports import GitLab
from reconcile.report import Entry, Status, entries_of

# Project, kind and name (fingerprint or URL) of a change that was not made.
Unmade = tuple[int, Kind, str]
_HELD = "what replaces it was not made"


def apply(
    changes: Sequence[Change], refused: Sequence[Change], gitlab: GitLab, plan_again: Callable[[], Plan]
) -> list[Entry]:
    """
    Write every change and record how each one went; one that fails does not stop the others.

    Deletes come after all else. Each one waits for its own replacement and is held if that was not made, also where the
    guard *refused* it. A create that GitLab's limit of items per project refused comes after the deletes once more.
    Test pushes come last: each waits for Flux, and nothing waits for them, so they never take a change's time.
    """
    pushes = [change for change in changes if heals(change)]
    others = [change for change in changes if not heals(change)]
    entries = _write_and_prune(others, refused, gitlab, plan_again)
    return entries + _write_all(pushes, gitlab) if pushes else entries


def _write_and_prune(
    changes: Sequence[Change], refused: Sequence[Change], gitlab: GitLab, plan_again: Callable[[], Plan]
) -> list[Entry]:
    deletes = [change for change in changes if isinstance(change, Delete)]
    entries = _write_all([change for change in changes if not isinstance(change, Delete)], gitlab)
    if not deletes:
        return entries
    unmade = {_key(change) for change in refused if not isinstance(change, Delete)}
    unmade |= {_key(entry.change) for entry in entries if entry.status is not Status.APPLIED and not _is_full(entry)}
    deleted = _prune(deletes, unmade, gitlab, plan_again)
    return [*_with_room(entries, deleted, gitlab), *deleted]


def _key(change: Change) -> Unmade:
    return (change.project.id, change.kind, change.name)


def _is_full(entry: Entry) -> bool:
    """Whether GitLab refused a create because of its limit of items per project."""
    return entry.cause is not None and entry.cause.code is CauseCode.LIMIT_REACHED


def _waits_in_vain(delete: Delete, unmade: Set[Unmade]) -> bool:
    return any((delete.project.id, delete.kind, name) in unmade for name in delete.waits_for)


def _with_room(entries: list[Entry], deleted: Sequence[Entry], gitlab: GitLab) -> list[Entry]:
    """Try those that found no room once more, on projects where deletes of their kind have made some."""
    room = {(entry.change.project.id, entry.change.kind) for entry in deleted if entry.status is Status.APPLIED}
    again = [e for e in entries if _is_full(e) and (e.change.project.id, e.change.kind) in room]
    others = [entry for entry in entries if entry not in again]
    return [*others, *_write_all([entry.change for entry in again], gitlab)] if again else entries


def _prune(
    deletes: Sequence[Delete], unmade: Set[Unmade], gitlab: GitLab, plan_again: Callable[[], Plan]
) -> list[Entry]:
    """Delete what desired state, read once more, still does not want."""
    if why := gitlab.stopped():
        return entries_of(deletes, Status.NOT_REACHED, why)
    try:
        still = {_identity(delete) for delete in plan_again().deletes}
    except ReadError as error:
        if why := gitlab.stopped():
            return entries_of(deletes, Status.NOT_REACHED, why)
        return entries_of(deletes, Status.HELD, f"desired state could not be read again: {error}")
    wanted_again = [delete for delete in deletes if _identity(delete) not in still]
    left = [delete for delete in deletes if _identity(delete) in still]
    held = [delete for delete in left if _waits_in_vain(delete, unmade)]
    free = [delete for delete in left if not _waits_in_vain(delete, unmade)]
    return [
        *entries_of(wanted_again, Status.CONTRADICTED, "it is wanted, or held, by now"),
        *entries_of(held, Status.HELD, _HELD),
        *_write_all(free, gitlab),
    ]


def _identity(delete: Delete) -> tuple[int, Kind, int]:
    return (delete.project.id, delete.kind, delete.id)


def _write_all(changes: Sequence[Change], gitlab: GitLab) -> list[Entry]:
    """Projects in parallel, the changes of one project in their order."""
    gitlab.expect_writes(len(changes))
    batches = [list(batch) for _, batch in groupby(changes, key=lambda change: change.project.id)]
    return [entry for entries in gitlab.in_parallel(lambda batch: _write(batch, gitlab), batches) for entry in entries]


def _write(batch: Sequence[Change], gitlab: GitLab) -> list[Entry]:
    entries = []
    for change in batch:
        if why := gitlab.stopped():
            entries.append(Entry(change, Status.NOT_REACHED, why))
            continue
        try:
            written = gitlab.write(change)
        except WriteFailed as error:
            entries.append(Entry(change, _status_of(error), str(error), cause=error.cause))
        else:
            entries.append(Entry(change, Status.APPLIED, id=written.id, anothers_title=written.anothers_title))
    return entries


def _status_of(error: WriteFailed) -> Status:
    match error:
        case DeleteContradicted():
            return Status.CONTRADICTED
        case DeleteHeld():
            return Status.HELD
        case NotReached():
            return Status.NOT_REACHED
    return Status.FAILED

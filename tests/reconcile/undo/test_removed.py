from __future__ import annotations

import json
from typing import Any

import pytest

from reconcile.events import DEFAULT_FLAGS
from reconcile.model import Kind, shown_url
from reconcile.plan.changes import Change, Delete
from reconcile.plan.plan import Plan
from reconcile.report import Entry, Report, Status
from reconcile.undo.removed import RemovedKey, RemovedWebhook, removed_from
from tests.worlds.builders import a_create, a_delete, a_project, a_webhook, an_update, receiver_ref


def a_report(*changes: Change, status: Status = Status.APPLIED) -> dict[str, Any]:
    """The report of a run that made these changes, as it is read back from a file."""
    report = Report(Plan(), tuple(Entry(change, status) for change in changes), dry_run=False)
    document: dict[str, Any] = json.loads(json.dumps(report.as_dict()))
    return document


def changed(change: Change, **what: object) -> dict[str, Any]:
    """A report of one change in which something else stands."""
    report = a_report(change)
    for path, value in what.items():
        *above, last = path.split("__")
        place = report["changes"][0]
        for name in above:
            place = place[name]
        place[last] = value
    return report


def test_a_deleted_key_comes_back_whole_from_its_report() -> None:
    delete = a_delete()

    [removed] = removed_from(a_report(delete))

    assert removed == RemovedKey(a_project(), delete.found.title, delete.found.key, can_push=False)
    assert (removed.kind, removed.name) == (Kind.DEPLOY_KEY, delete.name)


def test_of_a_deleted_webhook_the_report_knows_its_receiver_its_events_and_the_beginning_of_its_url() -> None:
    delete = a_delete(webhook=True)

    [removed] = removed_from(a_report(delete))

    assert removed == RemovedWebhook(a_project(), shown_url(delete.name), DEFAULT_FLAGS, receiver_ref())
    assert (removed.kind, removed.name) == (Kind.WEBHOOK, shown_url(delete.name))
    assert removed.name != delete.name


def test_a_webhook_without_a_mark_names_no_receiver() -> None:
    [removed] = removed_from(a_report(Delete(a_project(), a_webhook(description=""), "second")))

    assert isinstance(removed, RemovedWebhook)
    assert removed.receiver is None


def test_events_that_are_unknown_are_left_out() -> None:
    [removed] = removed_from(changed(a_delete(webhook=True), webhook__events=["push_events", "sun_events"]))

    assert isinstance(removed, RemovedWebhook)
    assert removed.flags == {"push_events"}


@pytest.mark.parametrize("status", [one for one in Status if one is not Status.APPLIED])
def test_only_what_was_removed_counts(status: Status) -> None:
    assert removed_from(a_report(a_delete(), status=status)) == ()
    assert len(removed_from(a_report(a_delete()))) == 1


def test_what_was_created_or_updated_is_no_delete() -> None:
    assert removed_from(a_report(a_create(), an_update())) == ()
    assert len(removed_from(a_report(a_create(), an_update(), a_delete()))) == 1


@pytest.mark.parametrize(
    "report",
    [
        {},
        {"changes": {}},
        {"changes": [None]},
        {"changes": [{"action": "delete"}]},
        {"changes": [{"action": "sell", "status": "applied"}]},
        changed(a_delete(), project_id="1"),
        changed(a_delete(), kind="deploy_token"),
        changed(a_delete(), key={}),
        changed(a_delete(), key__title=None),
        changed(a_delete(), key__public_key="ssh-ed25519"),
        changed(a_delete(), key__public_key=None),
        changed(a_delete(), key__fingerprint="SHA256:of another one"),
        changed(a_delete(webhook=True), webhook__url=1),
        changed(a_delete(webhook=True), webhook__events="push_events"),
        changed(a_delete(webhook=True), sources=None),
    ],
)
def test_what_cannot_be_read_is_refused_whole(report: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        removed_from(report)

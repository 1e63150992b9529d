from __future__ import annotations

import json
from dataclasses import replace

import pytest

from reconcile.causes import Cause, CauseCode
from reconcile.errors import ReadError
from reconcile.marks import Owner
from reconcile.plan.changes import Create, Foreign, Kept, Update
from reconcile.plan.objections import Objection, ObjectionCode
from reconcile.plan.plan import Plan
from reconcile.problems import Code, Problem
from reconcile.report import Entry, Report, Result, Status, entries_of
from tests.worlds.builders import (
    OTHERS_MARK,
    a_create,
    a_delete,
    a_key,
    a_mark,
    a_plan,
    a_project,
    a_public_key,
    a_report,
    a_url,
    a_wanted_key,
    a_wanted_webhook,
    a_webhook,
    an_update,
    some_flags,
    some_items,
    some_rules,
)

OBJECTION = Objection(ObjectionCode.TOO_MANY_PRUNES, "Too many.", "--max-prune", (a_delete(), a_delete(2)))
DIGEST = a_url().rpartition("/")[2]
SHOWN = f"https://flux.example.net/hook/{DIGEST[:8]}…"


def of(code: Code) -> Problem:
    return Problem.of(code, "Something.")


def changes(*entries: Entry) -> list[dict]:
    return Report(Plan(), entries, dry_run=False).as_dict()["changes"]


# the result


@pytest.mark.parametrize(
    ("report", "result"),
    [
        (a_report(), Result.IN_SYNC),
        (a_report(dry_run=True), Result.IN_SYNC),
        (a_report(problems=(of(Code.SECRET_NOT_FOUND),)), Result.IN_SYNC),
        (a_report(Status.PLANNED, dry_run=True), Result.DRIFT),
        (a_report(Status.APPLIED, Status.APPLIED), Result.APPLIED),
        (a_report(Status.APPLIED, Status.CONTRADICTED), Result.APPLIED),
        (a_report(Status.APPLIED, Status.FAILED), Result.INCOMPLETE),
        (a_report(Status.APPLIED, Status.HELD), Result.INCOMPLETE),
        (a_report(Status.APPLIED, Status.NOT_REACHED), Result.INCOMPLETE),
        (a_report(Status.APPLIED, Status.REFUSED, objections=(OBJECTION,)), Result.REFUSED),
        (a_report(Status.FAILED, Status.REFUSED, objections=(OBJECTION,)), Result.REFUSED),
        (a_report(Status.PLANNED, Status.REFUSED, objections=(OBJECTION,), dry_run=True), Result.REFUSED),
        (a_report(problems=(of(Code.PROJECT_UNREADABLE),)), Result.INCOMPLETE),
        (a_report(Status.PLANNED, dry_run=True, problems=(of(Code.PROJECT_UNREADABLE),)), Result.INCOMPLETE),
        (Report(Plan(projects=2, unreadable=1), (), dry_run=False), Result.IN_SYNC),
        (Report(Plan(projects=2, unreadable=2), (), dry_run=False), Result.FAILED),
        (Report(Plan(projects=2, unreadable=2), (), dry_run=False, objections=(OBJECTION,)), Result.FAILED),
        (Report.of_failure(ReadError("No."), dry_run=False), Result.FAILED),
        (Report.of_failure(ReadError("No."), dry_run=True), Result.FAILED),
    ],
)
def test_the_result_is_the_worst_that_happened(report: Report, result: Result) -> None:
    assert report.result is result


@pytest.mark.parametrize(
    "report",
    [
        a_report(),
        a_report(Status.APPLIED),
        a_report(Status.PLANNED, dry_run=True),
        a_report(problems=(of(Code.SECRET_NOT_FOUND),)),
    ],
)
def test_a_run_that_read_everything_and_failed_at_nothing_is_a_success_whatever_the_objects_problems(
    report: Report,
) -> None:
    assert report.is_success


@pytest.mark.parametrize(
    "report",
    [
        a_report(problems=(of(Code.PROJECT_UNREADABLE),)),
        a_report(Status.APPLIED, Status.FAILED),
        a_report(Status.APPLIED, Status.NOT_REACHED),
        a_report(Status.APPLIED, objections=(OBJECTION,)),
        Report.of_failure(ReadError("No."), dry_run=False),
    ],
)
def test_any_other_run_is_none(report: Report) -> None:
    assert not report.is_success


def test_an_objection_to_one_project_or_namespace_does_not_withhold_success() -> None:
    narrow = replace(OBJECTION, project="tenants/shop", refuses_all=False)

    assert a_report(Status.APPLIED, Status.REFUSED, objections=(narrow,)).is_success
    assert not a_report(Status.APPLIED, Status.REFUSED, objections=(narrow, OBJECTION)).is_success
    assert not a_report(Status.FAILED, Status.REFUSED, objections=(narrow,)).is_success


# a failed reading


def test_a_failed_reading_is_a_problem_with_its_cause() -> None:
    cause = Cause(CauseCode.TIMEOUT)
    report = Report.of_failure(ReadError("The namespace is gone.", code="NamespaceGone", cause=cause), dry_run=True)

    assert report.as_dict() == {
        "plan": None,
        "dry_run": True,
        "result": "failed",
        "summary": {**dict.fromkeys(SUMMARY, 0), "problems": 1, "errors": 1},
        "changes": [],
        "kept": [],
        "problems": [
            {
                "severity": "error",
                "code": "NamespaceGone",
                "object": None,
                "project": None,
                "message": "The namespace is gone.",
                "cause": {"code": "Timeout", "next": cause.next_step},
            }
        ],
        "objections": [],
    }


SUMMARY = (
    "projects",
    "create",
    "update",
    "delete",
    "unchanged",
    "kept",
    "held",
    "failed",
    "refused",
    "problems",
    "errors",
    "warnings",
    "notices",
)


# the data


def test_errors_warnings_and_notices_are_counted_apart_and_problems_are_their_sum() -> None:
    found = [Code.SECRET_NOT_FOUND, Code.KEY_UNUSABLE, Code.KEY_UNMARKED, *[Code.FOREIGN_HOST] * 3]
    summary = a_report(problems=tuple(map(of, found))).as_dict()["summary"]
    assert {name: summary[name] for name in ("problems", "errors", "warnings", "notices")} == {
        "problems": 6,
        "errors": 2,
        "warnings": 1,
        "notices": 3,
    }


def test_the_summary_counts_actions_and_how_they_went() -> None:
    plan = a_plan(a_wanted_key(), a_key(), a_key(2, expired=True), some_items(project=a_project(2, "b/b")))
    entries = [
        *entries_of([a_create(), a_delete()], Status.APPLIED),
        *entries_of([an_update()], Status.FAILED, "GitLab said no"),
        *entries_of([a_delete(2)], Status.HELD),
        *entries_of([a_delete(3)], Status.REFUSED),
    ]

    report = Report(plan, tuple(entries), dry_run=False, checksum="0123456789ab", objections=(OBJECTION,))

    data = report.as_dict()
    assert data["summary"] == {
        "projects": 2,
        "create": 1,
        "update": 1,
        "delete": 3,
        "unchanged": 1,
        "kept": 0,
        "held": 1,
        "failed": 1,
        "refused": 1,
        "problems": 0,
        "errors": 0,
        "warnings": 0,
        "notices": 0,
    }
    assert (data["plan"], data["dry_run"], data["result"]) == ("0123456789ab", False, "refused")
    assert data["objections"] == [
        {
            "code": "TooManyPrunes",
            "message": "Too many.",
            "option": "--max-prune",
            "refuses": 2,
            "project": None,
            "namespace": None,
        }
    ]
    assert report.count(Status.APPLIED, Status.FAILED) == 3


def test_a_created_key_is_shown_as_it_will_be() -> None:
    assert changes(Entry(a_create(), Status.PLANNED)) == [
        {
            "project": "tenants/shop",
            "project_id": 1,
            "kind": "deploy_key",
            "action": "create",
            "status": "planned",
            "sources": ["GitRepository/flux-config/shop"],
            "reason": "missing",
            "key": {
                "id": None,
                "title": str(a_mark()),
                "fingerprint": a_public_key().fingerprint,
                "can_push": False,
                "public_key": a_public_key().text,
            },
            "fields": {},
            "error": None,
            "cause": None,
        }
    ]


def test_a_failed_change_is_shown_with_its_cause() -> None:
    cause = Cause(CauseCode.KEY_TAKEN)

    (change,) = changes(Entry(a_create(), Status.FAILED, "GitLab answered 400", cause=cause))

    assert (change["error"], change["cause"]) == (
        "GitLab answered 400",
        {"code": "KeyTaken", "next": cause.next_step},
    )


def test_a_joined_key_keeps_its_title_and_may_not_push() -> None:
    (shown,) = changes(Entry(Create(a_wanted_key(), "", a_key(title="bot", can_push=True)), Status.PLANNED))

    assert (shown["key"]["id"], shown["key"]["title"], shown["key"]["can_push"]) == (101, "bot", False)


def test_an_updated_key_is_shown_with_what_changes_and_what_does_not() -> None:
    found = a_key(title="bot", can_push=True)
    adopted = Update(found, a_wanted_key(), {"title": ("bot", str(a_mark()))}, "")
    tamed = Update(found, a_wanted_key(), {"can_push": (True, False)}, "")

    one, other = changes(Entry(adopted, Status.APPLIED), Entry(tamed, Status.APPLIED))

    assert (one["key"]["title"], one["key"]["can_push"]) == (str(a_mark()), True)
    assert (other["key"]["title"], other["key"]["can_push"]) == ("bot", False)
    assert (one["key"]["id"], one["fields"]) == (101, {"title": ["bot", str(a_mark())]})


def test_an_updated_webhook_shows_old_and_new_values_in_order() -> None:
    change = an_update(tag_push_events=(False, True), branch_filter_strategy=(None, "wildcard"), extra=(3, "x"))

    (shown,) = changes(Entry(change, Status.FAILED, "GitLab said no"))

    assert shown["webhook"] == {"id": 201, "url": SHOWN, "events": ["push_events", "tag_push_events"]}
    assert list(shown["fields"].items()) == [
        ("branch_filter_strategy", [None, "wildcard"]),
        ("extra", ["3", "x"]),
        ("tag_push_events", [False, True]),
    ]
    assert (shown["status"], shown["error"]) == ("failed", "GitLab said no")
    assert shown["sources"] == ["Receiver/flux-config/shop", "GitRepository/flux-config/shop"]


def test_a_created_webhook_shows_the_events_it_will_send() -> None:
    (shown,) = changes(Entry(Create(a_wanted_webhook(flags={"push_events"}), ""), Status.PLANNED))

    assert shown["webhook"] == {"id": None, "url": SHOWN, "events": ["push_events"]}


def test_a_deleted_key_is_shown_with_enough_to_put_it_back() -> None:
    (shown,) = changes(Entry(a_delete(), Status.APPLIED))

    assert shown["key"] == {
        "id": 101,
        "title": str(a_mark()),
        "fingerprint": a_public_key().fingerprint,
        "can_push": False,
        "public_key": a_public_key().text,
    }
    assert shown["sources"] == ["Secret/flux-config/shop"]


def test_a_deleted_webhook_is_shown_as_it_was() -> None:
    (shown,) = changes(Entry(a_delete(webhook=True), Status.APPLIED))

    assert shown["webhook"] == {"id": 201, "url": SHOWN, "events": ["push_events", "tag_push_events"]}


def test_what_is_kept_says_why() -> None:
    kept = (Kept(a_project(), a_key(), Code.SECRET_NOT_FOUND), Kept(a_project(), a_webhook(), Code.SUSPENDED))

    key, webhook = Report(Plan(kept=kept), (), dry_run=True).as_dict()["kept"]

    assert (key["project"], key["kind"], key["because"]) == ("tenants/shop", "deploy_key", "SecretNotFound")
    assert key["key"]["id"] == 101
    assert (webhook["kind"], webhook["because"], webhook["webhook"]["url"]) == ("webhook", "Suspended", SHOWN)


def test_what_is_foreign_is_shown_on_request_only() -> None:
    title = f"was at /hook/{'a' * 64}"
    key, webhook = a_key(title=title, id_=5), a_webhook(description=OTHERS_MARK, flags=some_flags())
    foreign = (
        Foreign(a_project(), key, Owner.UNMARKED),
        Foreign(a_project(), webhook, Owner.OTHER_CLUSTER),
    )
    plan = Plan(foreign=foreign)

    shown = Report(plan, (), dry_run=True, show_foreign=True).as_dict()["foreign"]

    assert "foreign" not in Report(plan, (), dry_run=True).as_dict()
    assert shown == [
        {
            "project": "tenants/shop",
            "kind": "deploy_key",
            "owner": "unmarked",
            "key": {
                "id": 5,
                "title": "was at /hook/aaaaaaaa…",
                "fingerprint": a_public_key().fingerprint,
                "can_push": False,
                "public_key": a_public_key().text,
            },
        },
        {
            "project": "tenants/shop",
            "kind": "webhook",
            "owner": "another cluster",
            "webhook": {"id": 201, "url": SHOWN, "events": [], "description": OTHERS_MARK},
        },
    ]


def test_the_data_is_json_and_hides_tokens_and_digests() -> None:
    rules = some_rules(adopt=True, refresh_tokens=True)
    old = a_webhook(2, url=a_url(base="https://old.example.net"))
    worlds = [
        a_plan(a_wanted_webhook(1), a_webhook(1, alert_status="disabled"), a_webhook(2), rules=rules),
        a_plan(a_wanted_webhook(1), a_webhook(1, description=OTHERS_MARK), old, a_webhook(3, description="")),
    ]
    for plan in worlds:
        report = Report(plan, tuple(entries_of(plan.changes, Status.PLANNED)), dry_run=True, show_foreign=True)
        text = json.dumps(report.as_dict())
        assert "/hook/" in text
        assert "token-" not in text
        for number in (1, 2, 3):
            assert a_url(number).rpartition("/")[2][:9] not in text


def test_a_problem_that_is_added_takes_its_place_among_the_others() -> None:
    worst = Problem.of(Code.CANNOT_PUT_BACK, "1 of 3 deletes are missing in this log.")
    before = Report(Plan(problems=(Problem.of(Code.SUSPENDED, "It is suspended."),)), (), dry_run=True)

    after = before.with_problem(worst)

    assert after.plan.problems == (worst, *before.plan.problems)
    assert (before.plan.problems, after.entries) == ((Problem.of(Code.SUSPENDED, "It is suspended."),), ())

"""Reports of every kind: one of everything, and one in which everything that a tenant may have written is hostile."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from cronjob.exit_codes import exit_of
from cronjob.output.document import RunMetadata, document_of
from reconcile.desired.holds import Holder, Holds
from reconcile.errors import ReadError
from reconcile.plan.guard import guard
from reconcile.plan.limits import Limits
from reconcile.plan.plan import Plan, make_plan
from reconcile.problems import Code, Problem, Severity
from reconcile.report import Entry, Report, Status
from tests.worlds.builders import (
    CLUSTER,
    LEFT_MARK,
    OTHERS_MARK,
    a_key,
    a_project,
    a_wanted_key,
    a_wanted_webhook,
    a_webhook,
    repository_ref,
    some_actual,
    some_desired,
    some_flags,
    some_items,
    some_rules,
)
from tests.worlds.program import VALIDATOR

SHOP = a_project(1, "tenants/shop")
HOSTILE = a_project(2, "tenants/\x1b[31mred\u202ecba")
GONE = a_project(3, "tenants/gone")
# What was there before, in a run that these reports might be of.
ITEMS = {"deploy_key": {"ours": 4, "foreign": 1}, "webhook": {"ours": 1, "foreign": 1}}


def a_document(report: Report) -> dict[str, Any]:
    metadata = RunMetadata(
        version="1.2.3",
        run_id="0123abcd",
        cluster=CLUSTER,
        options={"dry_run": report.dry_run, "project": ["tenants/**"]},
        servers={
            "gitlab": "https://gitlab.example.net",
            "user": "flux-bot",
            "kubernetes": "https://10.0.0.1",
            "kubernetes_user": "system:serviceaccount:flux-config:syncer",
        },
        groups=("tenants",),
        namespaces=("flux-config",),
        started_at=datetime(2026, 11, 23, 9, 0, 0, tzinfo=UTC),
        finished_at=datetime(2026, 11, 23, 9, 0, 1, 500_000, tzinfo=UTC),
        requests={
            "gitlab": {"GET": 9, "POST": 2, "PUT": 1, "DELETE": 1, "retries": 0, "throttled_seconds": 0.0},
            "kubernetes": {"GET": 7},
        },
        exit=exit_of(report, Severity.ERROR, 0),
        lease=None if report.dry_run else "flux-config/flux-gitlab-syncer",
    )
    document = document_of(report, metadata)
    VALIDATOR.validate(document)
    return document


def a_rich_plan() -> Plan:
    """One of everything: creates, an update, deletes, something kept, something foreign, problems."""
    holds = Holds()
    holds.hold_keys(Holder(Code.SECRET_NOT_FOUND), projects=[GONE.id])
    problem = Problem.of(
        Code.SECRET_NOT_FOUND,
        "Secret/flux-config/gone does not exist; create it (`flux create secret git`).",
        object=repository_ref("gone"),
        project=GONE.path,
    )
    desired = some_desired(
        a_wanted_key(1, project=SHOP),
        a_wanted_webhook(1, project=SHOP),
        a_wanted_key(2, project=HOSTILE),
        holds=holds,
        problems=(problem,),
    )
    actual = some_actual(
        some_items(
            a_webhook(1, flags=some_flags("push_events", "issues_events")), a_key(7, title=LEFT_MARK), project=SHOP
        ),
        some_items(a_key(8, title="\x1b]0;owned\x07"), a_webhook(9, description=OTHERS_MARK), project=HOSTILE),
        some_items(a_key(6, title=LEFT_MARK), project=GONE),
    )
    return make_plan(desired, actual, some_rules())


def a_report(*, dry_run: bool = True, status: Status = Status.PLANNED, error: str | None = None) -> Report:
    plan = a_rich_plan()
    entries = tuple(Entry(change, status, error) for change in plan.changes)
    checksum = plan.checksum("gitlab.example.net", some_rules())
    return Report(plan, entries, dry_run, checksum, show_foreign=True)


def a_refused_report() -> Report:
    left = [
        some_items(a_key(number, title=LEFT_MARK), project=a_project(number, f"tenants/p{number}"))
        for number in range(1, 26)
    ]
    plan = make_plan(some_desired(), some_actual(*left), some_rules())
    objections = guard(plan, Limits(), "0123456789ab")
    entries = tuple(Entry(change, Status.REFUSED) for change in plan.changes)
    return Report(plan, entries, dry_run=False, checksum="0123456789ab", objections=objections)


REPORTS = {
    "dry-run": a_report,
    "applied": lambda: a_report(dry_run=False, status=Status.APPLIED),
    "incomplete": lambda: a_report(dry_run=False, status=Status.FAILED, error="GitLab answered 403 Forbidden"),
    "in-sync": lambda: Report(Plan(projects=4, unchanged=8), (), dry_run=False, checksum="4f915f59134d"),
    "refused": a_refused_report,
    "failed": lambda: Report.of_failure(ReadError("Kubernetes refuses to list it: give the right."), dry_run=False),
}


def hostile_document(text: str) -> dict[str, Any]:
    """A report in which everything that a tenant may have written is *text*."""
    document = a_document(a_report(dry_run=False, status=Status.FAILED, error=text))
    for change in document["changes"]:
        change["project"] = text
        change["sources"] = [f"GitRepository/{text}/{text}"]
        change["fields"] = {"description": [text, text]}
        for item in ("key", "webhook"):
            if item in change:
                change[item].update(title=text, url=text, fingerprint=text)
    for one in (*document["kept"], *document["foreign"]):
        one["project"] = text
        for item in ("key", "webhook"):
            if item in one:
                one[item].update(title=text, url=text, fingerprint=text, description=text)
    for problem in document["problems"]:
        problem.update(object=text, project=text, message=f"The title `{text}` of {text} is no title.")
    objection = {"code": "TooManyPrunes", "message": text, "option": "--max-prune"}
    document["objections"] = [{**objection, "refuses": 1, "project": text, "namespace": text}]
    return document

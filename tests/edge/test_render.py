"""The report in every format, compared with golden files; tenants' text is escaped and nothing secret is in it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml
from builders import (
    CLUSTER,
    LEFT_MARK,
    OTHERS_MARK,
    a_key,
    a_project,
    a_public_key,
    a_repository,
    a_url,
    a_wanted_key,
    a_wanted_webhook,
    a_webhook,
    some_actual,
    some_desired,
    some_flags,
    some_items,
    some_rules,
)
from conftest import Golden
from program import VALIDATOR

from cronjob.document import Circumstances, document_of
from cronjob.render import rendered
from cronjob.render.escaping import for_terminal
from cronjob.render.page import Page
from reconcile.errors import ReadError
from reconcile.guard import Limits, Objection, guard
from reconcile.holds import Holds
from reconcile.plan import Plan, make_plan
from reconcile.problems import Code, Problem
from reconcile.report import Entry, Report, Status

SHOP = a_project(1, "tenants/shop")
HOSTILE = a_project(2, "tenants/\x1b[31mred\u202ecba")
GONE = a_project(3, "tenants/gone")
TOKEN = "made-up-token-of-a-receiver"


def a_document(report: Report) -> dict[str, Any]:
    around = Circumstances(
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
    )
    document = document_of(report, around)
    VALIDATOR.validate(document)
    return document


def a_rich_plan() -> Plan:
    """One of everything: creates, an update, deletes, something kept, something foreign, problems."""
    holds = Holds()
    holds.hold_keys(Code.SECRET_NOT_FOUND, projects=[GONE.id])
    problem = Problem.of(
        Code.SECRET_NOT_FOUND,
        "Secret/flux-config/gone does not exist; create it (`flux create secret git`).",
        object=a_repository("gone"),
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
    checksum = plan.checksum("gitlab.example.net", CLUSTER)
    return Report(plan, entries, dry_run, checksum, show_foreign=True)


def a_refused_report() -> Report:
    left = [a_key(number, title=LEFT_MARK) for number in range(1, 26)]
    plan = make_plan(some_desired(), some_actual(some_items(*left)), some_rules())
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

FORMATS = ["text", "json", "yaml", "markdown"]


@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.parametrize("output", FORMATS)
def test_the_report_reads_as_it_did(name: str, output: str, golden: Golden) -> None:
    ending = {"text": "txt", "markdown": "md"}.get(output, output)
    page = Page(flags=frozenset({"project", "dry_run"}))
    golden.check(f"{name}.{ending}", rendered(a_document(REPORTS[name]()), output, page))


def test_a_run_counts_what_it_did_and_what_it_did_not_reach() -> None:
    plan = a_rich_plan()
    statuses = [Status.APPLIED, Status.APPLIED, Status.FAILED, Status.NOT_REACHED]
    entries = tuple(Entry(change, status) for change, status in zip(plan.changes, statuses, strict=True))
    text = rendered(a_document(Report(plan, entries, dry_run=False, checksum="0123456789ab")), "text", Page())
    assert "Incomplete: 2 created, 0 updated, 0 deleted, 1 failed, 1 not reached, 0 unchanged, 1 kept" in text


def test_a_dry_run_ordered_by_the_environment_is_lifted_in_the_next_command() -> None:
    document = a_document(a_report())
    command = f"flux-gitlab-syncer run --expect-plan {document['plan']}"
    assert f"Next: SYNCER_DRY_RUN=false {command}" in rendered(document, "text", Page())
    assert f"Next: {command}" in rendered(document, "text", Page(flags=frozenset({"dry_run"})))


def test_after_a_refusal_the_next_command_approves_the_plan() -> None:
    text = rendered(a_document(a_refused_report()), "text", Page())
    assert text.endswith("Next, if that is meant: flux-gitlab-syncer run --expect-plan 0123456789ab\n")


def test_a_plan_that_has_changed_is_not_approved_in_passing() -> None:
    changed = Objection("PlanChanged", "The plan made now is another one.", "--expect-plan")
    report = replace(a_refused_report(), objections=(changed,))
    assert "Next" not in rendered(a_document(report), "text", Page())


def test_after_a_dry_run_of_retire_the_next_command_confirms_it() -> None:
    document = {**a_document(a_report()), "options": {"project": ["tenants/**"], "confirm": "prod", "dry_run": True}}
    text = rendered(document, "text", Page(command="retire", flags=frozenset({"project", "confirm", "dry_run"})))
    assert text.startswith("flux-gitlab-syncer 1.2.3: dry run of retire for cluster prod")
    assert "Next: flux-gitlab-syncer retire --project 'tenants/**' --confirm prod" in text


def test_yaml_is_the_same_data_as_json() -> None:
    document = a_document(a_report())
    as_json, as_yaml = rendered(document, "json", Page()), rendered(document, "yaml", Page())
    assert json.loads(as_json) == yaml.safe_load(as_yaml) == document


def test_none_renders_nothing() -> None:
    assert rendered(a_document(a_report()), "none", Page()) == ""


@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.parametrize("output", FORMATS)
def test_nothing_secret_and_no_whole_digest_is_in_any_format(name: str, output: str) -> None:
    text = rendered(a_document(REPORTS[name]()), output, Page())
    assert a_wanted_webhook(1).token not in text
    assert a_url(1).rpartition("/")[2] not in text
    assert a_public_key(2).fingerprint in text or name not in {"dry-run", "applied", "incomplete"}


@pytest.mark.parametrize("output", FORMATS)
def test_what_tenants_wrote_cannot_steer_a_terminal(output: str) -> None:
    text = rendered(a_document(a_report()), output, Page())
    assert all(char.isprintable() or char == "\n" for char in text)
    assert "red" in text


def test_escaping_leaves_ordinary_text_alone_and_shows_the_rest() -> None:
    assert for_terminal("tenants/größe ✓") == "tenants/größe ✓"
    assert for_terminal("a\x1b[31mb\nc\u202ed\x9b") == r"a\x1b[31mb\nc\u202ed\x9b"


def test_colour_adds_escape_codes_and_nothing_else() -> None:
    document = a_document(a_report())
    plain, coloured = rendered(document, "text", Page()), rendered(document, "text", Page(colour=True))
    assert coloured != plain
    for code in ("\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[0m"):
        coloured = coloured.replace(code, "")
    assert coloured == plain


def test_lines_fit_the_terminal_where_words_allow_it() -> None:
    text = rendered(a_document(a_refused_report()), "text", Page(width=60))
    sentence = text[text.index("Refused TooManyPrunes") :].split("\n\n")[0]
    assert max(len(line) for line in sentence.splitlines()) <= 60


def test_more_than_twenty_of_the_same_are_a_count_with_three_examples() -> None:
    text = rendered(a_document(a_refused_report()), "text", Page())
    assert "- 25 deploy keys (refused): ours" in text
    assert text.count("SHA256:") == 3
    assert "and 22 more; the JSON report lists all" in text


def test_twenty_of_the_same_are_all_shown() -> None:
    left = [a_key(number, title=LEFT_MARK) for number in range(1, 21)]
    plan = make_plan(some_desired(), some_actual(some_items(*left)), some_rules())
    report = Report(
        plan, tuple(Entry(change, Status.PLANNED) for change in plan.changes), dry_run=True, checksum="0123456789ab"
    )
    assert rendered(a_document(report), "text", Page()).count("SHA256:") == 20

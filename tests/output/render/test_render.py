"""The report in every format, compared with golden files; tenants' text is escaped and nothing secret is in it."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
import yaml

from cronjob.output.render import rendered
from cronjob.output.render.escaping import for_terminal
from cronjob.output.render.page import Page
from cronjob.output.render.summary import summary_line
from reconcile.plan.objections import Objection, ObjectionCode
from reconcile.plan.plan import make_plan
from reconcile.report import Entry, Report, Status
from tests.worlds.builders import (
    LEFT_MARK,
    a_key,
    a_public_key,
    a_url,
    a_wanted_webhook,
    some_actual,
    some_desired,
    some_items,
    some_rules,
)
from tests.worlds.golden import Golden
from tests.worlds.report_samples import REPORTS, a_document, a_refused_report, a_report, a_rich_plan

ESCAPES = re.compile("\x1b\\[[0-9]+m")
FORMATS = ["text", "json", "yaml", "markdown", "html"]


@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.parametrize("output", [one for one in FORMATS if one != "html"])
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
    assert "\nNext, if that is meant: flux-gitlab-syncer run --expect-plan 0123456789ab\n" in text


def test_a_plan_that_has_changed_is_not_approved_in_passing() -> None:
    changed = Objection(ObjectionCode.PLAN_CHANGED, "The plan made now is another one.", "--expect-plan")
    report = replace(a_refused_report(), objections=(changed,))
    assert "Next" not in rendered(a_document(report), "text", Page())


def test_after_a_dry_run_of_retire_the_next_command_confirms_it() -> None:
    document = {**a_document(a_report()), "options": {"project": ["tenants/**"], "confirm": "prod", "dry_run": True}}
    text = rendered(document, "text", Page(command="retire", flags=frozenset({"project", "confirm", "dry_run"})))
    assert text.startswith("flux-gitlab-syncer 1.2.3: dry run of retire for cluster prod")
    assert "Next: flux-gitlab-syncer retire --project 'tenants/**' --confirm prod" in text


def test_after_a_dry_run_of_undo_the_next_command_confirms_it_for_the_same_report_and_shard() -> None:
    options = {"undo": "a report.json", "cluster": "prod"}
    document = {**a_document(a_report()), "options": options, "shard": {"index": 1, "of": 2}}
    text = rendered(document, "text", Page(command="undo", flags=frozenset({"cluster"})))
    assert text.startswith("flux-gitlab-syncer 1.2.3: dry run of undo for cluster prod")
    wanted = "JOB_COMPLETION_INDEX=1 flux-gitlab-syncer undo --cluster prod 'a report.json' --confirm prod"
    assert f"Next: {wanted}\n" in text


def test_what_comes_back_through_its_mark_alone_has_nothing_to_fetch_again() -> None:
    report = a_report()
    entries = tuple(replace(entry, status=Status.APPLIED) for entry in report.entries)
    document = a_document(replace(report, dry_run=False, entries=entries))
    assert "flux reconcile source git" in rendered(document, "text", Page())
    for change in document["changes"]:
        change["sources"] = ["Secret/flux-config/shop"]
    text = rendered(document, "text", Page())
    assert "flux reconcile source git" not in text
    assert "marked for Secret/flux-config/shop" in text


def test_yaml_is_the_same_data_as_json() -> None:
    document = a_document(a_report())
    as_json, as_yaml = rendered(document, "json", Page()), rendered(document, "yaml", Page())
    assert json.loads(as_json) == yaml.safe_load(as_yaml) == document


@pytest.mark.parametrize("name", REPORTS)
def test_the_last_line_explains_the_exit_code(name: str) -> None:
    document = a_document(REPORTS[name]())
    line = f"exit {document['exit']['code']}: {document['exit']['why']}"
    assert rendered(document, "text", Page()).splitlines()[-1] == line


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
    assert {"\x1b[1m", "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[0m"} <= set(ESCAPES.findall(coloured))
    assert ESCAPES.sub("", coloured) == plain


@pytest.mark.parametrize("name", REPORTS)
def test_a_coloured_report_is_wrapped_as_a_plain_one(name: str) -> None:
    document = a_document(REPORTS[name]())
    plain, coloured = (
        rendered(document, "text", Page(width=60)),
        rendered(document, "text", Page(width=60, colour=True)),
    )
    assert ESCAPES.sub("", coloured) == plain


@pytest.mark.parametrize("name", REPORTS)
def test_the_verdict_of_a_coloured_report_says_by_its_colour_whether_somebody_must_look(name: str) -> None:
    document = a_document(REPORTS[name]())
    good = {"in_sync": "32", "applied": "32", "drift": "33"}
    colour = good.get(document["result"], "31")
    verdict = summary_line(document).partition(":")[0]
    assert f"\x1b[{colour}m{verdict}\x1b[0m:" in rendered(document, "text", Page(colour=True))


def test_a_change_that_failed_stands_out_and_one_that_was_made_does_not() -> None:
    text = rendered(a_document(REPORTS["incomplete"]()), "text", Page(colour=True))
    assert "\x1b[31m (failed)\x1b[0m" in text
    assert "(failed)" not in rendered(a_document(REPORTS["applied"]()), "text", Page(colour=True))


def test_the_header_goes_on_under_itself_where_it_is_too_long() -> None:
    lines = rendered(a_document(a_report()), "text", Page(width=60)).splitlines()
    place = next(number for number, line in enumerate(lines) if line.startswith("  Kubernetes  "))
    assert lines[place + 1] == "              system:serviceaccount:flux-config:syncer"
    assert rendered(a_document(a_report()), "text", Page(width=120)).splitlines()[place] == (
        "  Kubernetes  https://10.0.0.1 as system:serviceaccount:flux-config:syncer"
    )


@pytest.mark.parametrize("name", REPORTS)
def test_below_the_counts_only_names_are_wider_than_the_page(name: str) -> None:
    lines = rendered(a_document(REPORTS[name]()), "text", Page(width=72)).splitlines()
    wide = [line for line in lines if len(line) > 72 and line.startswith(" ")]
    assert [line for line in wide if len(line.split()) > 5] == []


def test_counts_stand_first_and_last_but_once_where_nothing_is_between() -> None:
    drift, in_sync = a_document(a_report()), a_document(REPORTS["in-sync"]())
    assert rendered(drift, "text", Page()).count(summary_line(drift)) == 2
    assert rendered(in_sync, "text", Page()).count(summary_line(in_sync)) == 1


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

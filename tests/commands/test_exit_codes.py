"""Which exit code a report leads to: the table of `exit_code_of`, row by row."""

from __future__ import annotations

import pytest

from cronjob.exit_codes import ExitCode, exit_code_of, exit_of
from reconcile.errors import LEASE_HELD, ReadError
from reconcile.plan.objections import Objection
from reconcile.plan.plan import Plan
from reconcile.problems import Code, Problem, Severity
from reconcile.report import Report, Status
from tests.worlds.builders import a_report

OBJECTION = Objection("TooManyPrunes", "Too many.", "--max-prune")
HELD = Report.of_failure(ReadError("Another run holds the Lease.", code=LEASE_HELD), dry_run=False)
UNREADABLE = Report.of_failure(ReadError("No."), dry_run=True)


def exit_code(report: Report, fail_on: Severity | None = Severity.ERROR, drift: int = 0) -> int:
    return exit_code_of(report, fail_on, drift)


def a_problem(code: Code) -> Problem:
    return Problem.of(code, "Something.")


def test_the_numbers_are_those_that_the_readme_promises() -> None:
    numbers = {code.name: code.value for code in ExitCode}
    assert numbers == {
        "OK": 0,
        "FAILED": 1,
        "USAGE": 2,
        "REFUSED": 4,
        "LEASE_HELD": 5,
        "SIGINT": 130,
        "SIGTERM": 143,
    }


def test_in_sync_and_applied_are_success() -> None:
    assert exit_code(a_report()) == ExitCode.OK
    assert exit_code(a_report(Status.APPLIED, Status.CONTRADICTED)) == ExitCode.OK


def test_a_held_lease_has_a_code_of_its_own() -> None:
    assert exit_code(HELD) == ExitCode.LEASE_HELD
    assert exit_code(Report.of_failure(ReadError("No."), dry_run=False)) == ExitCode.FAILED


def test_drift_has_the_code_that_the_operator_gave_it_in_a_dry_run_only() -> None:
    assert exit_code(a_report(Status.PLANNED, dry_run=True)) == ExitCode.OK
    assert exit_code(a_report(Status.PLANNED, dry_run=True), drift=3) == 3
    assert exit_code(a_report(Status.APPLIED), drift=3) == ExitCode.OK
    assert exit_code(a_report(dry_run=True), drift=3) == ExitCode.OK


@pytest.mark.parametrize("status", [Status.FAILED, Status.HELD, Status.NOT_REACHED])
def test_a_change_that_was_not_made_is_a_failure_whatever_fail_on_says(status: Status) -> None:
    assert exit_code(a_report(status), None) == ExitCode.FAILED


def test_objections_come_before_failures_problems_and_drift() -> None:
    problems = (a_problem(Code.SECRET_NOT_FOUND),)
    report = a_report(Status.FAILED, objections=(OBJECTION,), problems=problems, dry_run=True)

    assert exit_code(report, drift=3) == ExitCode.REFUSED


def test_a_source_that_could_not_be_read_is_a_failure_whatever_fail_on_says() -> None:
    assert exit_code(UNREADABLE, None, 3) == ExitCode.FAILED


@pytest.mark.parametrize(
    ("code", "fails_on"),
    [
        (Code.SECRET_NOT_FOUND, {Severity.ERROR, Severity.WARNING}),
        (Code.KEY_UNMARKED, {Severity.WARNING}),
        (Code.WEBHOOK_UNMARKED, set()),
    ],
)
def test_problems_fail_the_run_as_the_operator_says(code: Code, fails_on: set[Severity]) -> None:
    report = a_report(problems=(a_problem(code),))

    for fail_on in (Severity.ERROR, Severity.WARNING, None):
        assert exit_code(report, fail_on) == (ExitCode.FAILED if fail_on in fails_on else ExitCode.OK)


def test_problems_come_before_drift() -> None:
    report = a_report(Status.PLANNED, dry_run=True, problems=(a_problem(Code.KEY_UNUSABLE),))
    assert exit_code(report, drift=3) == ExitCode.FAILED


def test_an_unreadable_project_is_a_failure_whatever_fail_on_says() -> None:
    assert exit_code(a_report(problems=(a_problem(Code.PROJECT_UNREADABLE),)), None) == ExitCode.FAILED


# the reason


@pytest.mark.parametrize(
    ("report", "why"),
    [
        (a_report(), "in sync"),
        (a_report(Status.APPLIED), "all changes applied"),
        (a_report(Status.PLANNED, dry_run=True), "a dry run found changes"),
        (a_report(objections=(OBJECTION, OBJECTION)), "refused by TooManyPrunes"),
        (UNREADABLE, "a source could not be read (SourceUnreadable)"),
        (Report(Plan(projects=1, unreadable=1), (), dry_run=True), "no project could be read"),
        (
            Report.of_failure(ReadError("No.", code=LEASE_HELD), dry_run=False),
            "another run holds the Lease; --lease-wait",
        ),
        (a_report(Status.FAILED, Status.HELD, Status.HELD), "1 change failed, 2 changes held"),
        (a_report(problems=(a_problem(Code.KEY_UNUSABLE),) * 3), "3 errors of tenants; --fail-on"),
        (a_report(problems=(a_problem(Code.KEY_UNMARKED),)), "in sync"),
        (a_report(problems=(a_problem(Code.PROJECT_UNREADABLE),)), "some projects could not be read"),
    ],
)
def test_the_reason_names_what_decided_the_code(report: Report, why: str) -> None:
    assert exit_of(report, Severity.ERROR, 0).why == why


def test_the_reason_counts_the_severities_that_fail_on_names() -> None:
    problems = (a_problem(Code.KEY_UNUSABLE), a_problem(Code.KEY_UNMARKED), a_problem(Code.WEBHOOK_UNMARKED))
    report = a_report(problems=problems)
    assert exit_of(report, Severity.WARNING, 0).why == "1 error and 1 warning of tenants; --fail-on"


def test_the_reason_of_drift_names_the_option_that_chose_its_code() -> None:
    report = a_report(Status.PLANNED, dry_run=True)
    assert exit_of(report, None, 3) == (3, "a dry run found changes; --drift-exit-code")

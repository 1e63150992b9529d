"""The exit codes, part of the public interface (README, "Exit codes"); which one a report gets, and why."""

from __future__ import annotations

import signal
from collections import Counter
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

# The command line needs the numbers; only a run needs the decision's types.
if TYPE_CHECKING:
    from reconcile.problems import Severity
    from reconcile.report import Report


class ExitCode(IntEnum):
    """Every exit code that has a fixed meaning. Drift has the number that --drift-exit-code names."""

    OK = 0
    FAILED = 1
    USAGE = 2
    REFUSED = 4
    LEASE_HELD = 5
    # As shells do: 128 and the signal's number.
    SIGINT = 128 + signal.SIGINT
    SIGTERM = 128 + signal.SIGTERM


class Exit(NamedTuple):
    """An exit code and the reason for it, as a clause."""

    code: int
    why: str


def exit_of(report: Report, fail_on: Severity | None, drift: int) -> Exit:
    """
    Decide the exit code of a run that has a report, and why; the first row that applies wins.

        ---------------------------------------------------------------  -------------
        the command line or the settings are wrong: there is no report   2 USAGE
        another run held the Lease                                       5 LEASE_HELD
        the guard refused deletes, or the plan is not the expected one   4 REFUSED
        a source or a project could not be read                          1 FAILED
        a change failed, was held or was not reached                     1 FAILED
        something could not be put back                                  1 FAILED
        an object has a problem of severity *fail_on* or worse           1 FAILED
        a dry run found changes                                          *drift*
        anything else                                                    0 OK
        ---------------------------------------------------------------  -------------

    With *fail_on* None no problem of an object counts. A signal overrides all of them (`Signals.exit_code`).
    """
    from reconcile.errors import LEASE_HELD
    from reconcile.report import Result

    if report.failure and report.failure.code == LEASE_HELD:
        return Exit(ExitCode.LEASE_HELD, "another run holds the Lease; --lease-wait")
    if report.result is Result.REFUSED:
        codes = ", ".join(dict.fromkeys(objection.code for objection in report.objections))
        return Exit(ExitCode.REFUSED, f"refused by {codes}")
    reasons = [*_failures(report), *_problems(report, fail_on)]
    if reasons:
        return Exit(ExitCode.FAILED, ", ".join(reasons))
    if report.result is Result.DRIFT:
        return Exit(drift, f"a dry run found changes{'; --drift-exit-code' if drift else ''}")
    return Exit(ExitCode.OK, "in sync" if report.result is Result.IN_SYNC else "all changes applied")


def exit_code_of(report: Report, fail_on: Severity | None, drift: int) -> int:
    """Decide the exit code alone."""
    return exit_of(report, fail_on, drift).code


def exit_of_signal(code: ExitCode) -> Exit:
    """Return the exit after a signal."""
    return Exit(code, f"stopped by {code.name}")


def _failures(report: Report) -> list[str]:
    """List what failed, whatever *fail_on* says."""
    from reconcile.problems import Code
    from reconcile.report import Result, Status

    if report.failure:
        return [f"a source could not be read ({report.failure.code})"]
    if report.result is Result.FAILED:
        return ["no project could be read"]
    names = {Status.FAILED: "failed", Status.HELD: "held", Status.NOT_REACHED: "not reached"}
    counts = {text: report.count(status) for status, text in names.items()}
    failures = [f"{_plural(count, 'change')} {text}" for text, count in counts.items() if count]
    if lost := sum(problem.code == Code.CANNOT_PUT_BACK for problem in report.plan.problems):
        failures.append(f"{_plural(lost, 'item')} not put back")
    return failures + (["some projects could not be read"] if report.is_partly_unread else [])


def _problems(report: Report, fail_on: Severity | None) -> list[str]:
    """Count the problems of objects that are as severe as *fail_on* or worse."""
    from reconcile.problems import Code, Severity

    if fail_on is None or report.failure:
        return []
    # Severities are declared from the worst to the mildest.
    counted = list(Severity)[: list(Severity).index(fail_on) + 1]
    # These are failures of their own.
    failures = {Code.PROJECT_UNREADABLE, Code.CANNOT_PUT_BACK}
    counts = Counter(each.severity for each in report.plan.problems if each.code not in failures)
    texts = [_plural(counts[severity], severity.value) for severity in counted if counts[severity]]
    return [f"{' and '.join(texts)} of tenants; --fail-on"] if texts else []


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"

"""The process's exit codes, part of the public interface (README, "Exit codes"), and which one a report leads to."""

from __future__ import annotations

import signal
from enum import IntEnum
from typing import TYPE_CHECKING

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


def exit_code_of(report: Report, fail_on: Severity | None, drift: int) -> int:
    """
    Decide the exit code of a run that has a report; the first row that applies wins.

        ---------------------------------------------------------------  -------------
        the command line or the settings are wrong: there is no report   2 USAGE
        another run held the Lease                                       5 LEASE_HELD
        the guard refused deletes, or the plan is not the expected one   4 REFUSED
        a source or a project could not be read                          1 FAILED
        a change failed, was held or was not reached                     1 FAILED
        an object has a problem of severity *fail_on* or worse           1 FAILED
        a dry run found changes                                          *drift*
        anything else                                                    0 OK
        ---------------------------------------------------------------  -------------

    With *fail_on* None no problem of an object counts. A signal overrides all of them (`Signals.exit_code`).
    """
    from reconcile.errors import LEASE_HELD
    from reconcile.report import Result

    if report.failure and report.failure.code == LEASE_HELD:
        return ExitCode.LEASE_HELD
    if report.result is Result.REFUSED:
        return ExitCode.REFUSED
    if not report.is_success or _has_problem(report, fail_on):
        return ExitCode.FAILED
    return drift if report.result is Result.DRIFT else ExitCode.OK


def _has_problem(report: Report, fail_on: Severity | None) -> bool:
    """Whether a problem is as severe as *fail_on* or worse."""
    from reconcile.problems import Severity

    # Severities are declared from the worst to the mildest.
    order = list(Severity)
    limit = order.index(fail_on) if fail_on else -1
    return any(order.index(problem.severity) <= limit for problem in report.plan.problems)

"""Turn the problems that a run would report into findings: which problem breaks which link of a chain."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator

from reconcile.causes import CauseCode
from reconcile.chain.links import Link
from reconcile.findings import Finding, Level
from reconcile.model import Ref
from reconcile.problem_codes import CODES
from reconcile.problems import Code, Problem, Severity

# A run only warns of these or ignores them; a tenant's push does not arrive all the same.
_BREAKING = {
    Code.URL_NOT_FETCHABLE,
    Code.RECEIVER_NOT_READY,
    Code.ROTATION_IN_FLIGHT,
    Code.KEY_EXPIRED,
    Code.WEBHOOK_DISABLED,
    Code.FOREIGN_HOST,
    Code.PROJECT_OUTSIDE_GROUP,
}
_OFF = {Code.SUSPENDED, Code.DISABLED}
# What could not be read may be right all the same.
_UNKNOWN = {Code.SECRET_UNREADABLE, Code.PROJECT_UNREADABLE}
# A run removes nothing meanwhile, and the webhook that should be there works.
_HARMLESS = {Code.MARK_ELSEWHERE}
_LEVELS = {Severity.ERROR: Level.FAIL, Severity.WARNING: Level.WARN, Severity.NOTICE: Level.NOTE}


def link_of(code: str, kind: str | None) -> Link:
    """Return the link at which a problem of a GitRepository, a Receiver or (without a kind) the project belongs."""
    named = CODES[code].row.link if code in CODES else None
    if kind == "Receiver":
        return Link.WEBHOOK if named == Link.WEBHOOK else Link.RECEIVER
    return Link(named) if named else Link.REPOSITORY


def level_of(problem: Problem) -> Level:
    """Return how bad the problem is for the chain."""
    levels = ((_OFF, Level.OFF), (_UNKNOWN, Level.UNKNOWN), (_HARMLESS, Level.WARN), (_BREAKING, Level.FAIL))
    return next((level for codes, level in levels if problem.code in codes), _LEVELS[problem.severity])


def findings_for(problems: Iterable[Problem], link: Link, ref: Ref | None) -> Iterator[Finding]:
    """Yield the problems of one object, or of the project, that belong at *link*."""
    for problem in problems:
        if link_of(problem.code, ref.kind if ref else None) is link:
            command = _command(problem, ref) if ref else None
            yield Finding(link, level_of(problem), problem.message, problem.object, command)


def shell(*words: str) -> str:
    """Return a command that can be pasted into a shell."""
    return shlex.join(words)


def _command(problem: Problem, ref: Ref) -> str | None:
    target = (ref.name, "--namespace", ref.namespace)
    match problem.code:
        case Code.SUSPENDED:
            return shell("flux", "resume", "receiver", *target)
        case Code.ROTATION_IN_FLIGHT:
            return shell("flux", "reconcile", "receiver", *target)
        case Code.RECEIVER_NOT_READY:
            return shell("kubectl", "describe", "receiver", *target)
        case Code.DISABLED:
            return shell("kubectl", "annotate", ref.kind.lower(), *target, "flux-gitlab-syncer/reconcile-")
        case Code.SECRET_UNREADABLE if problem.cause and problem.cause.code is CauseCode.RBAC_MISSING:
            return shell("kubectl", "auth", "can-i", "get", "secrets", "--namespace", ref.namespace)
    return None

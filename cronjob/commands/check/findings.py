"""What a preflight found: one line each, with the next step where something is not as it should be."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from cronjob.reports import schemas


class Level(StrEnum):
    """How bad it is: a run would fail at what failed, and work in spite of a warning."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; *check* is its lasting name, *message* says what to do if it is not ok."""

    level: Level
    check: str
    message: str


def ok(check: str, message: str) -> Finding:
    """It is as it should be."""
    return Finding(Level.OK, check, message)


def warn(check: str, message: str) -> Finding:
    """A run would work, and somebody should know."""
    return Finding(Level.WARN, check, message)


def fail(check: str, message: str) -> Finding:
    """A run would fail."""
    return Finding(Level.FAIL, check, message)


# Each check by its name, and what it looks at.
CHECKS = {
    "kubernetes": "the API server answers; which one it is, and as whom it sees us",
    "flux": "Flux's two kinds are served, in a version that is read",
    "objects": "the namespaces exist, and their GitRepositories and Receivers can be listed",
    "rights": "everything that a run needs is allowed",
    "excess": "no more than that is allowed: other Secrets, or any write to Flux's objects",
    "lease": "the Lease is there, or may be made",
    "gitlab": "GitLab answers; which version it is",
    "token": "the token is good and has the scope; when it expires, and whether its account should hold keys",
    "projects": "the groups and extra projects are there",
    "role": "the account is Maintainer on every project",
    "hosts": "which GitRepositories are on this GitLab, and which URLs or rules are in the way",
    "receiver": "the receiver's URL leads to Flux: an unknown path is answered 404",
}


def document_of(findings: Iterable[Finding], version: str, cluster: str) -> dict[str, Any]:
    """All findings as plain data, ready for JSON."""
    listed = list(findings)
    worst = max((list(Level).index(one.level) for one in listed), default=0)
    return {
        "schema": schemas.CHECK,
        "version": version,
        "cluster": cluster,
        "result": list(Level)[worst].value,
        "findings": [{"level": one.level.value, "check": one.check, "message": one.message} for one in listed],
    }

"""Findings: what `check` and `trace` found out about one topic, how bad it is, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """
    How bad a finding is, from harmless to bad.

    FAIL stops a run or breaks a chain, WARN does not. OFF is switched off on purpose, UNKNOWN could not be judged, SKIP
    was not looked at: it depends on another one, or could not be read. `check` has OK, WARN and FAIL only.
    """

    OK = "ok"
    NOTE = "note"
    SKIP = "skip"
    WARN = "warn"
    OFF = "off"
    UNKNOWN = "unknown"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """
    What was found out about one *topic*: a check by its name, or a link of a chain.

    *message* says what to do where the level is warn or fail; *command* does it, where one command can. *object* is
    the Kubernetes object or the item at GitLab that the finding is about, where there is one.
    """

    topic: str
    level: Level
    message: str
    object: str | None = None
    command: str | None = None


def has_failed(findings: Iterable[Finding]) -> bool:
    """Tell whether one of the findings has the level FAIL."""
    return any(finding.level is Level.FAIL for finding in findings)


def worst(levels: Iterable[Level]) -> Level:
    """Return FAIL, WARN or OK, whichever is the worst; all other levels count as OK."""
    present = set(levels)
    return next((level for level in (Level.FAIL, Level.WARN) if level in present), Level.OK)

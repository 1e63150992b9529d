"""Objections: why a plan, or a part of it, is not applied. Each one refuses only the changes that it is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from reconcile.plan.changes import Change, described
from reconcile.plan.plan import Plan

# How many differing changes a refusal names.
SHOWN = 3


class ObjectionCode(StrEnum):
    """The objections that the guard can make; the names are part of the public interface."""

    TOO_MANY_PRUNES = "TooManyPrunes"
    DESIRED_IS_EMPTY = "DesiredIsEmpty"
    RECEIVER_URL_CHANGED = "ReceiverUrlChanged"
    PLAN_CHANGED = "PlanChanged"


@dataclass(frozen=True, slots=True)
class Objection:
    """
    A reason not to apply the changes *refuses*; *option* is what lifts it.

    *project* and *namespace* say where it applies, None for everywhere. *refuses_all* is True where it stops all
    deletes or all creates of a kind: then the run was no success.
    """

    code: ObjectionCode
    message: str
    option: str
    refuses: tuple[Change, ...] = field(default=(), repr=False)
    project: str | None = None
    namespace: str | None = None
    refuses_all: bool = True


@dataclass(frozen=True, slots=True)
class Expected:
    """The plan that was reviewed: its checksum and, where a whole report was given, its changes as `described`."""

    checksum: str
    changes: tuple[str, ...] | None = None


def plan_changed(plan: Plan, checksum: str, expected: Expected) -> Objection | None:
    """Return an objection to everything, unless the plan is the one that was reviewed."""
    if checksum == expected.checksum:
        return None
    now = f"{checksum} ({len(plan.changes)} changes)"
    then = expected.checksum
    differing = ""
    if expected.changes is not None:
        then = f"{then} ({len(expected.changes)} changes)"
        differing = _differing([described(change) for change in plan.changes], expected.changes)
    message = (
        f"The plan made now is {now}, not the expected {then}, so nothing was applied.{differing} "
        f"Look at the changes of this report; if they are right, pass --expect-plan {checksum}."
    )
    return Objection(ObjectionCode.PLAN_CHANGED, message, "--expect-plan", plan.changes)


def _differing(now: Sequence[str], then: Sequence[str]) -> str:
    known, here = set(then), set(now)
    lines = [f"now also: {line}" for line in now if line not in known]
    lines += [f"no longer: {line}" for line in then if line not in here]
    return f" First differences: {'; '.join(lines[:SHOWN])}." if lines else ""

"""Reasons not to delete. An objection stops deletes, never creates or updates, and says what lifts it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from reconcile.model import Kind
from reconcile.plan.changes import Delete, described
from reconcile.plan.plan import Plan

# Below this many deletes a limit would only be in the way of everyday work.
ALWAYS_ALLOWED = 5
# "All we own of a kind" is no alarm for a group that has hardly begun.
FEW = 2
# How many differing changes a refusal names.
SHOWN = 3


class ObjectionCode(StrEnum):
    """The objections that the guard can make; the names are part of the public interface."""

    TOO_MANY_PRUNES = "TooManyPrunes"
    DESIRED_IS_EMPTY = "DesiredIsEmpty"
    PLAN_CHANGED = "PlanChanged"


@dataclass(frozen=True, slots=True)
class Limits:
    """
    How many deletes one run may make: *count* and *percent* of what is ours before it, None for no limit.

    *always* many are no alarm whatever the limits say.
    """

    count: int | None = 20
    percent: float | None = 25.0
    always: int = ALWAYS_ALLOWED

    @classmethod
    def parse(cls, text: str) -> Limits:
        """`20,25%`, `50`, `10%` or `100%` (no limit at all). Raises ValueError, whose text is a predicate."""
        complaint = f"is neither a number, a percentage nor both, as in 20,25%: {text!r}"
        count: int | None = None
        percent: float | None = None
        for part in text.split(","):
            match = re.fullmatch(r"\s*([0-9]{1,9})(%?)\s*", part)
            if not match or (percent if match[2] else count) is not None:
                raise ValueError(complaint)
            if match[2]:
                percent = float(match[1])
            else:
                count = int(match[1])
        if percent is not None and percent > 100:
            raise ValueError(f"is more than 100%: {text!r}")
        return cls(count, percent)

    def divided(self, shards: int) -> Limits:
        """
        The limits of one of so many shards: the counts divided, the percentage the same.

        Never less than one tenant's deploy key and webhook, which lie in one shard.
        """
        return Limits(_part(self.count, shards), self.percent, _part(self.always, shards) or 0)

    @property
    def none(self) -> bool:
        """Whether the operator lifted all limits."""
        return self.count is None and self.percent == 100

    def exceeded_by(self, deletes: int, owned: int) -> bool:
        """Whether either limit is exceeded."""
        if self.count is not None and deletes > self.count:
            return True
        return self.percent is not None and deletes * 100 > self.percent * owned

    def __str__(self) -> str:
        parts = [str(self.count)] if self.count is not None else []
        return ",".join([*parts, f"{self.percent:g}%"] if self.percent is not None else parts)


def _part(count: int | None, shards: int) -> int | None:
    return None if count is None else min(count, max(-(-count // shards), FEW))


NO_LIMITS = Limits(None, 100)


@dataclass(frozen=True, slots=True)
class Objection:
    """A reason not to delete; *option* is what lifts it."""

    code: ObjectionCode
    message: str
    option: str


@dataclass(frozen=True, slots=True)
class Expected:
    """The plan that was reviewed: its checksum and, where a whole report was given, its changes as `described`."""

    checksum: str
    changes: tuple[str, ...] | None = None


def plan_changed(plan: Plan, checksum: str, expected: Expected) -> Objection | None:
    """An objection to everything, unless the plan is the one that was reviewed."""
    if checksum == expected.checksum:
        return None
    now = f"{checksum} ({len(plan.changes)} changes)"
    then = expected.checksum
    differing = ""
    if expected.changes is not None:
        then = f"{then} ({len(expected.changes)} changes)"
        differing = _differing([described(change) for change in plan.changes], expected.changes)
    message = f"The plan made now is {now}, not the expected {then}, so nothing was applied.{differing} Review it anew."
    return Objection(ObjectionCode.PLAN_CHANGED, message, "--expect-plan")


def _differing(now: Sequence[str], then: Sequence[str]) -> str:
    known, here = set(then), set(now)
    lines = [f"now also: {line}" for line in now if line not in known]
    lines += [f"no longer: {line}" for line in then if line not in here]
    return f" First differences: {'; '.join(lines[:SHOWN])}." if lines else ""


def guard(plan: Plan, limits: Limits, checksum: str) -> tuple[Objection, ...]:
    """Judge a plan's deletes. It returns its objections, so that the report can be printed before the refusal."""
    approval = f"--expect-plan {checksum}"
    return (*_too_many(plan, limits, approval), *_empty(plan, approval))


def _too_many(plan: Plan, limits: Limits, approval: str) -> list[Objection]:
    if limits.none:
        return []
    counted = [delete for delete in plan.deletes if not delete.replaced]
    lifts = f"review it, then pass --max-prune with a higher limit (100% is none), or {approval}"
    objections = []
    owned = sum(plan.owned.values())
    if len(counted) > limits.always and limits.exceeded_by(len(counted), owned):
        most = str(limits).replace(",", " or ")
        message = f"Would remove {len(counted)} of the {owned} items that are ours; the limit is {most}: {lifts}."
        objections.append(Objection(ObjectionCode.TOO_MANY_PRUNES, message, "--max-prune"))
    for kind, count in sorted(_by_kind(counted).items()):
        if FEW < plan.owned[kind] <= count:
            message = f"Would remove all {count} {kind.plural} that are ours: {lifts}."
            objections.append(Objection(ObjectionCode.TOO_MANY_PRUNES, message, "--max-prune"))
    return objections


def _by_kind(deletes: list[Delete]) -> Counter[Kind]:
    return Counter(delete.kind for delete in deletes)


def _empty(plan: Plan, approval: str) -> list[Objection]:
    sources = {Kind.DEPLOY_KEY: "GitRepository", Kind.WEBHOOK: "Receiver"}
    return [
        Objection(
            ObjectionCode.DESIRED_IS_EMPTY,
            f"Namespace {namespace} holds no {sources[kind]}, yet {kind.plural} marked with it would be removed: "
            f"if that is meant, pass {approval}.",
            "--expect-plan",
        )
        for kind, namespace in plan.deserted
    ]

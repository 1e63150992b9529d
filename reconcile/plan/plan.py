"""
The whole difference between desired and actual state.

    desired            actual                      change
    -----------------  --------------------------  --------------------------------------------
    item               none with its identity      Create
    item               same identity, differs      Update
    item               same identity               none
    -                  ours                        Delete
    held               ours                        none: kept
    any                on an unreadable project    none: we could not look

Details stand in `plan_keys` and `plan_webhooks`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from reconcile.actual import Actual
from reconcile.desired.desired import Desired, WantedWebhook
from reconcile.marks import Owner
from reconcile.model import Kind, Ref
from reconcile.plan.changes import Change, Create, Delete, Findings, Foreign, Kept, order_of
from reconcile.plan.deploy_keys import KeyPlanner
from reconcile.plan.deserted import Deserted, deserted_by
from reconcile.plan.inventory import Inventory
from reconcile.plan.project_holds import ProjectHolds
from reconcile.plan.webhooks import WebhookPlanner
from reconcile.plan.webhooks_elsewhere import StrayWebhooks, WebhooksElsewhere
from reconcile.problems import Code, Problem, Severity
from reconcile.rules import Rules
from reconcile.stopping import Stopped, never, until_stopped


@dataclass(frozen=True, slots=True)
class Plan:
    """
    What a run would do, sorted, so that two runs over the same state print the same bytes.

    *unreadable* counts the *projects* that could not be read, *owned* what was ours before, by kind. *owned_on* says on
    which projects that is, *sources_on* which Secrets and Receivers its marks name there, both by project id.
    *deserted* are the deletes in namespaces that hold no GitRepository (for keys) or no Receiver (for webhooks).
    *spared* are the deletes that `--no-prune` left out, *inventory* is None unless it was asked for.
    """

    changes: tuple[Change, ...] = ()
    kept: tuple[Kept, ...] = ()
    foreign: tuple[Foreign, ...] = ()
    problems: tuple[Problem, ...] = ()
    projects: int = 0
    unreadable: int = 0
    unchanged: int = 0
    owned: Mapping[Kind, int] = field(default_factory=lambda: dict.fromkeys(Kind, 0))
    owned_on: Mapping[Kind, frozenset[int]] = field(default_factory=lambda: dict.fromkeys(Kind, frozenset()))
    sources_on: Mapping[int, frozenset[Ref]] = field(default_factory=dict)
    deserted: tuple[Deserted, ...] = ()
    webhooks_elsewhere: WebhooksElsewhere = field(default_factory=WebhooksElsewhere)
    spared: tuple[Delete, ...] = ()
    inventory: Inventory | None = field(default=None, repr=False)

    @property
    def nothing_readable(self) -> bool:
        """Whether there are projects and none of them could be read."""
        return 0 < self.projects == self.unreadable

    @property
    def deletes(self) -> tuple[Delete, ...]:
        """The changes that take something away."""
        return tuple(change for change in self.changes if isinstance(change, Delete))

    def without_deletes(self) -> Plan:
        """The same plan with `--no-prune`."""
        return replace(
            self,
            changes=tuple(change for change in self.changes if not isinstance(change, Delete)),
            deserted=(),
            spared=self.deletes,
        )

    def checksum(self, gitlab_host: str, rules: Rules) -> str:
        """12 hex digits that are equal for equal changes on the same GitLab for the same cluster."""
        lines = sorted(json.dumps(_line(change, rules), sort_keys=True) for change in self.changes)
        whole = "\n".join([gitlab_host, rules.identity.cluster, *lines])
        return hashlib.sha256(whole.encode()).hexdigest()[:12]


def _line(change: Change, rules: Rules) -> list[object]:
    fields = {name: list(values) for name, values in change.fields.items()}
    return [change.project.id, change.kind, change.action, change.name, change.id, fields, _sent(change, rules)]


def _sent(change: Change, rules: Rules) -> list[object]:
    """Everything that is sent and that no other part of the line holds, except the token."""
    if isinstance(change, Delete):
        return []
    mark = str(change.wanted.mark)
    if isinstance(change.wanted, WantedWebhook):
        return [mark, sorted(change.wanted.flags), rules.tls_verification]
    return [mark, change.title, change.can_push] if isinstance(change, Create) else [mark]


def make_plan(desired: Desired, actual: Actual, rules: Rules, stopped: Stopped = never) -> Plan:
    """
    The full difference, as a function of its arguments alone. Nothing foreign is ever in it.

    Raises ReadError where *stopped* says that the run must end.
    """
    findings = Findings()
    keys = KeyPlanner(desired, actual, rules, findings)
    webhooks = WebhookPlanner(desired, rules, findings)
    strays = StrayWebhooks(desired, rules, findings)
    for items in until_stopped(actual.projects, stopped):
        held = Code.MARK_ELSEWHERE if strays.hold(items) else None
        holds = ProjectHolds.of(items, held, desired, rules)
        keys.compare(items, holds)
        webhooks.compare(items, holds)
    changes = tuple(sorted(findings.changes, key=order_of))
    found = (*actual.problems, *findings.problems, *_not_read(findings.foreign))
    problems = (*_with_webhooks_off(desired.problems, findings.kept), *found)
    return Plan(
        changes=changes,
        kept=tuple(sorted(findings.kept, key=_place)),
        foreign=tuple(sorted(findings.foreign, key=_place)),
        problems=tuple(sorted(set(problems), key=lambda problem: problem.sort_key)),
        projects=len(actual.projects) + len(actual.unreadable),
        unreadable=len(actual.unreadable),
        unchanged=findings.unchanged,
        owned=findings.owned,
        owned_on={kind: frozenset(projects) for kind, projects in findings.owned_on.items()},
        sources_on={id_: frozenset(sources) for id_, sources in findings.sources_on.items()},
        deserted=deserted_by(changes, desired, rules),
        webhooks_elsewhere=strays.summary,
    )


def _place(one: Kept | Foreign) -> tuple[str, int, str, str, int]:
    found = one.found
    return (one.project.path.lower(), one.project.id, type(found).__name__, found.name, found.id)


def _with_webhooks_off(problems: Iterable[Problem], kept: Iterable[Kept]) -> list[Problem]:
    """The same problems; where webhooks of ours are left alone for want of a URL, WebhooksOff is a warning."""
    if not any(one.because is Code.WEBHOOKS_OFF for one in kept):
        return list(problems)
    message = (
        "There is no --receiver-url, and webhooks of ours exist, which are neither corrected nor removed: set it to "
        "the base URL of webhook-receiver. Was it lost?"
    )
    warning = Problem.of(Code.WEBHOOKS_OFF, message, severity=Severity.WARNING)
    return [warning, *(problem for problem in problems if problem.code != Code.WEBHOOKS_OFF)]


def _not_read(foreign: list[Foreign]) -> list[Problem]:
    """One notice for each namespace whose items carry our cluster's name and that this run does not read."""
    others = [item.found.mark for item in foreign if item.owner is Owner.OTHER_INSTANCE]
    namespaces = {mark.namespace for mark in others if mark}
    return [
        Problem.of(
            Code.NAMESPACE_NOT_READ,
            f"Items of this cluster are marked with namespace {namespace}, which this run does not read: they are "
            "another instance's and left alone. After a move, list it under previous_namespaces in the settings.",
        )
        for namespace in namespaces
    ]

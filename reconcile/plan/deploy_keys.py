"""
The difference in one project's deploy keys.

    wanted   on the project            change
    -------  ------------------------  ---------------------------------------------------------------
    yes      no                        Create; joined where the group has it, under whatever mark
    yes      ours, writable            none, or Update where the settings say `can_push: read-only`
    yes      unmarked                  none, or Update of the title with --adopt, if no other project has or wants it
    yes      any other                 none
    no       ours                      Delete, or kept where something holds it
    no       not ours                  none
"""

from __future__ import annotations

from collections import Counter

from reconcile.actual import Actual, FoundKey, Items
from reconcile.desired.desired import Desired, WantedKey
from reconcile.marks import Owner
from reconcile.model import Ref
from reconcile.plan.changes import RETIRED, Create, Delete, Field, Findings, Foreign, Update
from reconcile.plan.project_holds import ProjectHolds
from reconcile.plan.replacements import Replacements
from reconcile.problems import Code, Problem, Severity
from reconcile.rules import Rules


class KeyPlanner:
    """Compares wanted and found deploy keys, project by project."""

    def __init__(self, desired: Desired, actual: Actual, rules: Rules, findings: Findings) -> None:
        self._desired = desired
        self._actual = actual
        self._rules = rules
        self._findings = findings
        # Only --adopt asks, and all that is wanted is put together for it.
        self._askers = Counter(key for wanted in desired.keys.values() for key in wanted) if rules.adopt else Counter()

    def compare(self, items: Items, holds: ProjectHolds) -> None:
        """Add what differs on one project."""
        wanted = self._desired.keys.get(items.project.id, {})
        present = {found.key: found for found in items.keys}
        replacements = Replacements()
        for key in sorted(wanted):
            found = present.get(key)
            if found:
                self._present(wanted[key], found)
                replacements.add(self._known(wanted[key]), found.mark, announced=found.owner is Owner.OURS)
            else:
                self._missing(wanted[key])
                replacements.add(self._known(wanted[key]), wanted[key].mark, change=wanted[key].name)
        for found in items.keys:
            if found.owner is Owner.OURS:
                self._findings.own(items.project, found)
            elif found.key not in wanted:
                self._findings.foreign.append(Foreign(items.project, found, found.owner))
        unwanted = [found for found in items.keys if found.owner is Owner.OURS and found.key not in wanted]
        self._remove(holds, unwanted, replacements)

    def _known(self, wanted: WantedKey) -> list[Ref]:
        return [name for secret in wanted.secrets for name in self._rules.known_as(secret)]

    def _missing(self, wanted: WantedKey) -> None:
        """Plan the key's creation."""
        existing = self._actual.by_material.get(wanted.key)
        reason = "missing"
        if existing:
            if existing.owner.is_anothers:
                self._findings.problems.append(joined_under_another_mark(wanted, existing.title))
            self._report_state(wanted, existing, existing.owner, joins=True)
            reason += "; the group has this key already, so it is joined"
        self._findings.changes.append(Create(wanted, reason, existing))

    def _present(self, wanted: WantedKey, found: FoundKey) -> None:
        """Plan what must change about a key that is there, if anything."""
        fields: dict[str, Field] = {}
        if self._adopts(wanted, found):
            fields["title"] = (found.title, str(wanted.mark))
        owner = Owner.OURS if fields else found.owner
        self._report_state(wanted, found, owner)
        if found.can_push and self._rules.read_only_keys and owner is Owner.OURS:
            fields["can_push"] = (True, False)
        elif found.can_push:
            self._report(wanted, Code.KEY_CAN_PUSH, _can_push(found))
        if fields:
            reason = "adopted, so it gets our mark" if "title" in fields else "differs from what is wanted"
            self._findings.changes.append(Update(found, wanted, fields, reason))
        else:
            self._findings.unchanged += 1

    def _adopts(self, wanted: WantedKey, found: FoundKey) -> bool:
        """
        Whether the key gets our mark: one without any, or with a former name of ours.

        GitLab keeps the title of a key that several projects use, or soon will.
        """
        if not self._rules.adopt or self._actual.uses(wanted.key) != 1 or self._askers[wanted.key] != 1:
            return False
        mark = found.mark
        if mark is None:
            return True
        is_former = (mark.cluster, mark.namespace) != (wanted.mark.cluster, wanted.mark.namespace)
        return found.owner is Owner.OURS and is_former

    def _report_state(self, wanted: WantedKey, found: FoundKey, owner: Owner, *, joins: bool = False) -> None:
        """Report what a wanted key that exists in the group looks like."""
        if owner.is_anothers and not joins:
            self._report(wanted, Code.KEY_SHARED_ACROSS_CLUSTERS, _shared(found), Severity.WARNING)
        elif owner is Owner.UNMARKED:
            self._report(wanted, Code.KEY_UNMARKED, _unmarked(wanted))
        if found.expired:
            message = f"Deploy key {found.id} has expired and opens nothing; make a new key in {wanted.secrets[0]}."
            self._report(wanted, Code.KEY_EXPIRED, message)

    def _remove(self, holds: ProjectHolds, unwanted: list[FoundKey], replacements: Replacements) -> None:
        """Delete our keys that nothing wants on this project, or keep them where something holds them."""
        held = self._desired.holds
        deleted = [
            found for found in unwanted if not holds.keeps(found, held.on_key(holds.project, found), self._findings)
        ]
        excuses = [None] * len(deleted) if holds.taken else replacements.excuse([found.mark for found in deleted])
        self._findings.changes += [
            Delete(holds.project, found, self._reason_to_delete(found), excuse, replacements.changes_for(found.mark))
            for found, excuse in zip(deleted, excuses, strict=True)
        ]

    def _reason_to_delete(self, found: FoundKey) -> str:
        if self._rules.identity.every_namespace:
            return RETIRED
        whose = "ours" if found.mark else "listed under owned_keys"
        return f"{whose}, and no GitRepository wants it on this project any more"

    def _report(self, wanted: WantedKey, code: Code, message: str, severity: Severity | None = None) -> None:
        self._findings.problems.append(
            Problem.of(code, message, object=wanted.sources[0], project=wanted.project.path, severity=severity)
        )


def joined_under_another_mark(wanted: WantedKey, title: str) -> Problem:
    """The error of the run that attaches a key which GitLab shows under another cluster's or instance's mark."""
    message = (
        f"GitLab has this key as `{title}`, which is not this instance's: it is joined, and works until its owner "
        "removes it. Give each cluster a key of its own."
    )
    return Problem.of(
        Code.KEY_SHARED_ACROSS_CLUSTERS,
        message,
        object=wanted.sources[0] if wanted.sources else None,
        project=wanted.project.path,
        severity=Severity.ERROR,
    )


def _shared(found: FoundKey) -> str:
    return (
        f"Its deploy key is `{found.title}`, which is not this instance's: it works until its owner removes it. "
        "Give each cluster a key of its own."
    )


def _unmarked(wanted: WantedKey) -> str:
    return (
        f"The deploy key {wanted.key.fingerprint} carries no mark, so it is used and will not be removed later. "
        "`run --adopt` marks it where no other project uses it; its fingerprint under owned_keys in the settings "
        "makes it ours anyway."
    )


def _can_push(found: FoundKey) -> str:
    return (
        f"Deploy key {found.id} may push, which image automation may need; "
        "`can_push: read-only` in the settings takes that from keys that are ours."
    )

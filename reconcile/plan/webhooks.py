"""
The difference in one project's webhooks.

    wanted   at that URL               change
    -------  ------------------------  ------------------------------------------------------------------
    yes      none                      Create; none where another cluster's webhook is there
    yes      one, differs              Update, the URL and the token always together
    yes      one, right                none; with --heal-webhooks Update, where GitLab has switched it off
    yes      several                   the oldest stays, Delete the others; kept where something holds them
    no       ours                      Delete, or kept where something holds it
    no       unmarked, at our URLs     none; Delete with --adopt or `receiver_url_is_ours`, unless it is in use
    no       any other                 none
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from reconcile.actual import EXECUTABLE, FoundWebhook, Items
from reconcile.desired.desired import Desired, WantedWebhook
from reconcile.marks import Owner
from reconcile.model import Project, Ref, shown_url
from reconcile.plan.changes import ALERT_STATUS, RETIRED, Create, Delete, Excuse, Findings, Foreign, Kept, Update
from reconcile.plan.project_holds import ProjectHolds
from reconcile.plan.replacements import Replacements
from reconcile.plan.webhook_fields import differences
from reconcile.plan.webhooks_elsewhere import is_stray
from reconcile.problems import Code, Problem
from reconcile.rules import Rules

# GitLab takes so many test pushes a minute and project (since 17.1): a run waits for none, the next one goes on.
HEALED_A_RUN = 5
HEALED = "GitLab has switched it off since deliveries failed; a test push that Flux accepts brings it back"


@dataclass(slots=True)
class _ProjectState:
    """
    What is known of one project while its webhooks are compared.

    *served* has the path of each wanted webhook that the project has or gets, with the name of the change that creates
    or corrects it, if there is one. *healed* counts the test pushes that are planned.
    """

    holds: ProjectHolds
    replacements: Replacements = field(default_factory=Replacements)
    served: dict[str | None, frozenset[str]] = field(default_factory=dict)
    healed: int = 0

    @property
    def project(self) -> Project:
        """The project itself."""
        return self.holds.project

    def add(self, wanted: WantedWebhook, usable: list[FoundWebhook], rules: Rules, *, changes: bool) -> None:
        """Record a wanted webhook that the project has, the first of *usable*, or gets."""
        names = rules.known_as(wanted.sources[0])
        self.replacements.add(names, usable[0].mark if usable else None)
        self.served[rules.path_of(wanted.url)] = frozenset([wanted.name] if changes else ())


class WebhookPlanner:
    """Compares wanted and found webhooks, project by project."""

    def __init__(self, desired: Desired, rules: Rules, findings: Findings) -> None:
        self._desired = desired
        self._rules = rules
        self._findings = findings

    def compare(self, items: Items, holds: ProjectHolds) -> None:
        """Add what differs on one project."""
        wanted = self._desired.webhooks.get(items.project.id, {})
        state = _ProjectState(holds)
        to_delete: list[tuple[FoundWebhook, str]] = []
        by_url = defaultdict(list)
        for found in items.webhooks:
            by_url[found.url].append(found)
        for url in sorted(wanted):
            usable, others = self._split_by_owner(by_url.pop(url, []))
            if others:
                self._findings.foreign.extend(Foreign(items.project, one, one.owner) for one in others)
                self._report(wanted[url], Code.WEBHOOK_FOREIGN_MARK, _foreign(others))
            if others and not usable:
                # What the missing one would have replaced stays.
                names = self._rules.known_as(wanted[url].sources[0])
                state.replacements.add_missing(names, Code.WEBHOOK_FOREIGN_MARK)
            else:
                changes = self._create_or_update(state, wanted[url], usable)
                state.add(wanted[url], usable, self._rules, changes=changes)
            to_delete += [
                (one, f"a second webhook at a wanted URL; the oldest, {usable[0].id}, stays") for one in usable[1:]
            ]
        to_delete += [
            (one, self._reason_to_delete(one))
            for at_url in by_url.values()
            for one in at_url
            if self._is_to_delete(state, one)
        ]
        self._remove(state, sorted(to_delete, key=lambda pair: pair[0].id))

    def _split_by_owner(self, at_url: list[FoundWebhook]) -> tuple[list[FoundWebhook], list[FoundWebhook]]:
        """What lies at a wanted URL, the oldest first: that which is ours or unmarked, and that of others."""
        by_age = sorted(at_url, key=lambda one: one.id)
        usable = [one for one in by_age if not one.owner.is_anothers]
        return usable, [one for one in by_age if one.owner.is_anothers]

    def _create_or_update(self, state: _ProjectState, wanted: WantedWebhook, usable: list[FoundWebhook]) -> bool:
        """
        Make the oldest of *usable* right, or create what is wanted.

        True where a delete at the same path waits for that. A webhook that stays switched off is what it was.
        """
        if not usable:
            reason = "missing"
            self._findings.changes.append(Create(wanted, reason))
            return True
        found = usable[0]
        # Before GitLab 17.1 nothing is marked; there what is wanted counts as ours.
        is_ours = found.owner is Owner.OURS or not found.has_description
        if is_ours:
            self._findings.own(wanted.project, found)
        fields = differences(wanted, found, self._rules)
        is_off = found.alert_status != EXECUTABLE
        if fields:
            reason = "differs from what is wanted"
            self._findings.changes.append(Update(found, wanted, fields, reason))
        elif is_off and is_ours and self._rules.heal_webhooks and state.healed < HEALED_A_RUN:
            state.healed += 1
            fields = {ALERT_STATUS: (found.alert_status, EXECUTABLE)}
            self._findings.changes.append(Update(found, wanted, fields, HEALED))
            return False
        else:
            self._findings.unchanged += 1
        if is_off:
            self._report(wanted, Code.WEBHOOK_DISABLED, _switched_off(found))
        return bool(fields)

    def _is_to_delete(self, state: _ProjectState, found: FoundWebhook) -> bool:
        """Whether this webhook, at no wanted URL, is ours to remove; what is not is listed as foreign or kept."""
        retires = self._rules.identity.every_namespace
        if found.owner is Owner.OURS and not self._rules.receiver_url and not retires:
            self._findings.kept.append(Kept(state.project, found, Code.WEBHOOKS_OFF))
            return False
        is_unmarked = found.mark is None and bool(self._rules.receiver_url) and self._rules.counts(found.url)
        is_ours = self._is_ours(found, is_unmarked=is_unmarked)
        user = self._user_of(state, found) if is_unmarked else None
        if user and not (is_ours and state.holds.everything):
            self._report_unmarked(state, Code.WEBHOOK_IN_USE, _in_use(found, user))
            if is_ours:
                self._findings.own(state.project, found)
                self._findings.kept.append(Kept(state.project, found, Code.WEBHOOK_IN_USE))
                return False
        elif is_unmarked and not is_ours and found.url not in self._desired.holds.webhook_urls:
            self._report_unmarked(state, Code.WEBHOOK_UNMARKED, _unmarked(found))
        if not is_ours:
            self._findings.foreign.append(Foreign(state.project, found, found.owner))
        return is_ours

    def _is_ours(self, found: FoundWebhook, *, is_unmarked: bool) -> bool:
        """Whether it is ours, or becomes ours with `--adopt`. `retire` knows no Receivers: there only a mark counts."""
        if found.mark is None and self._rules.identity.every_namespace:
            return False
        if found.mark and not self._rules.identity.every_namespace and not self._leads_to_a_receiver(found):
            # Whoever writes our mark on a webhook to somewhere else does not make it ours.
            return False
        return found.owner is Owner.OURS or (is_unmarked and self._rules.adopt)

    def _leads_to_a_receiver(self, found: FoundWebhook) -> bool:
        return self._rules.counts(found.url) or is_stray(found, self._rules)

    def _user_of(self, state: _ProjectState, found: FoundWebhook) -> Ref | None:
        """
        Return the listed Receiver that an unmarked webhook may be for.

        None where another webhook of this project serves it, or where a problem holds it anyway.
        """
        path = self._rules.path_of(found.url)
        if path is None or path in state.served or self._desired.holds.on_webhook(state.project, found):
            return None
        return self._desired.listed.user_of(path, state.project.path, self._rules.tenancy)

    def _report_unmarked(self, state: _ProjectState, code: Code, message: str) -> None:
        self._findings.problems.append(Problem.of(code, message, project=state.project.path))

    def _reason_to_delete(self, found: FoundWebhook) -> str:
        if self._rules.identity.every_namespace:
            return RETIRED
        if found.mark is None:
            return "carries no mark, lies at one of our URLs, and no Receiver wants it"
        return "ours, and no Receiver wants it on this project any more"

    def _remove(self, state: _ProjectState, unwanted: list[tuple[FoundWebhook, str]]) -> None:
        """Delete these webhooks for their reasons, or keep them where something holds them."""
        deleted = []
        for found, reason in unwanted:
            self._findings.own(state.project, found)
            because = self._desired.holds.on_webhook(state.project, found)
            because = because or state.replacements.missing_for(found.mark)
            if not state.holds.keeps(found, because, self._findings):
                deleted.append((found, reason))
        # Another webhook there leads to the same Receiver: no loss, whatever the marks say.
        doubled = [self._rules.path_of(found.url) in state.served for found, _ in deleted]
        marks = [None if is_double else found.mark for (found, _), is_double in zip(deleted, doubled, strict=True)]
        excuses = [None] * len(marks) if state.holds.taken else state.replacements.excuse(marks)
        for (found, reason), is_double, excuse in zip(deleted, doubled, excuses, strict=True):
            # One at another path than its Receiver's opens nothing any more, so it waits for nothing.
            waits_for = state.served.get(self._rules.path_of(found.url), frozenset())
            why = Excuse.SAME_PATH if is_double else excuse
            self._findings.changes.append(Delete(state.project, found, reason, why, waits_for))

    def _report(self, wanted: WantedWebhook, code: Code, message: str) -> None:
        self._findings.problems.append(Problem.of(code, message, object=wanted.sources[0], project=wanted.project.path))


def _switched_off(found: FoundWebhook) -> str:
    return (
        f"GitLab has switched webhook {found.id} off ({found.alert_status}) since deliveries failed; find out why Flux "
        "refused them, then send a test push from the project's webhook settings, or with `run --heal-webhooks`."
    )


def _foreign(others: list[FoundWebhook]) -> str:
    marks = ", ".join(sorted({f"`{one.description}`" for one in others}))
    return (
        f"A webhook at {shown_url(others[0].url)} is marked {marks}, which is not this instance's: it is left alone "
        "and none is created beside it. Give each cluster a base URL, and each Receiver a token, of its own."
    )


def _unmarked(found: FoundWebhook) -> str:
    return (
        f"Webhook {found.id} at {shown_url(found.url)} carries no mark and no Receiver here wants it; "
        "remove it by hand, or with `run --adopt` if no Receiver elsewhere uses it."
    )


def _in_use(found: FoundWebhook, user: Ref) -> str:
    return (
        f"Webhook {found.id} at {shown_url(found.url)} carries no mark and may be what calls {user}, which asks for no "
        "webhook here: it is never removed. Remove it by hand if nothing needs it."
    )

"""
The difference in one project's webhooks.

    wanted   at that URL               change
    -------  ------------------------  ------------------------------------------------------------------
    yes      none                      Create; none where another cluster's webhook is there
    yes      one, differs              Update, the URL and the token always together
    yes      one, right                none
    yes      several                   the oldest stays, Delete the others; kept where something holds them
    no       ours                      Delete, or kept where something holds it
    no       unmarked, at our URLs     none; Delete with --adopt or `receiver_url_is_ours`
    no       any other                 none
"""

from __future__ import annotations

from reconcile.actual import Items
from reconcile.changes import Create, Delete, Field, Findings, Foreign, Kept, Update
from reconcile.desired import Desired, WantedWebhook
from reconcile.marks import Owner
from reconcile.model import FoundWebhook, Kind, Project, shown_url
from reconcile.plan_keys import wanted_by
from reconcile.problems import Code, Problem
from reconcile.replacements import Replacements
from reconcile.rules import Rules

_OTHERS = frozenset({Owner.OTHER_CLUSTER, Owner.OTHER_INSTANCE})
# Strategies that let every branch through when the filter is empty.
_ALL_BRANCHES = frozenset({None, "wildcard", "all_branches"})


class WebhookPlanner:
    """Compares webhooks, project by project; every rule about whose a webhook is lives here."""

    def __init__(self, desired: Desired, rules: Rules, findings: Findings) -> None:
        self._desired = desired
        self._rules = rules
        self._findings = findings

    def elsewhere(self, items: Items) -> bool:
        """Whether a webhook with our mark lies at a URL that is not ours; each is reported."""
        strays = [
            found
            for found in items.webhooks
            if self._rules.receiver_url
            and self._rules.identity.owner(found.description) is Owner.OURS
            and not self._rules.counts(found.url)
        ]
        for found in strays:
            message = (
                f"Webhook {found.id} carries our mark and points to {shown_url(found.url)}: the base URL has changed "
                "(add the old one to previous_receiver_urls), or another cluster uses our name (rename one). "
                "Until then nothing of ours is removed from this project."
            )
            self._findings.problems.append(Problem.of(Code.MARK_ELSEWHERE, message, project=items.project.path))
        return bool(strays)

    def compare(self, items: Items, held: Code | None) -> None:
        """Add what differs on one project; *held* keeps everything of ours there."""
        wanted = self._desired.webhooks.get(items.project.id, {})
        replacements = Replacements()
        left: list[tuple[FoundWebhook, str]] = []
        for url in sorted(wanted):
            at_url = sorted((one for one in items.webhooks if one.url == url), key=lambda one: one.id)
            mine = [one for one in at_url if self._owner(one) not in _OTHERS]
            if len(mine) < len(at_url):
                self._report(wanted[url], Code.WEBHOOK_FOREIGN_MARK, _foreign(at_url, wanted[url]))
            if mine or not at_url:
                self._settle(wanted[url], mine)
                replacements.add([wanted[url].sources[0]], mine[0].description if mine else "", url)
            left += [(one, f"a second webhook at a wanted URL; the oldest, {mine[0].id}, stays") for one in mine[1:]]
        left += [
            (one, "ours, and no Receiver wants it on this project any more")
            for one in items.webhooks
            if one.url not in wanted and self._not_wanted(items, one)
        ]
        for found, reason in sorted(left, key=lambda pair: pair[0].id):
            self._remove(items.project, found, reason, held, replacements)

    def _owner(self, found: FoundWebhook) -> Owner:
        return self._rules.identity.owner(found.description)

    def _settle(self, wanted: WantedWebhook, mine: list[FoundWebhook]) -> None:
        """Make the oldest of *mine* right, or create what is wanted."""
        if not mine:
            reason = f"missing; wanted by {wanted_by(wanted.sources)}"
            self._findings.changes.append(Create(wanted, reason))
            return
        found = mine[0]
        self._findings.owned[Kind.WEBHOOK] += 1
        fields = self._differences(wanted, found)
        if fields:
            reason = f"differs from what {wanted_by(wanted.sources)} asks for"
            self._findings.changes.append(Update(found, wanted, fields, reason))
        else:
            self._findings.unchanged += 1
        if found.alert_status != "executable":
            message = (
                f"GitLab has switched webhook {found.id} off ({found.alert_status}) since deliveries failed; "
                f"find out why Flux refused them, then send a test push from the project's webhook settings."
            )
            self._report(wanted, Code.WEBHOOK_DISABLED, message)

    def _differences(self, wanted: WantedWebhook, found: FoundWebhook) -> dict[str, Field]:
        fields: dict[str, Field] = {
            flag: (value, flag in wanted.flags)
            for flag, value in found.flags.items()
            if value != (flag in wanted.flags)
        }
        if found.tls != self._rules.tls_verification:
            fields["enable_ssl_verification"] = (found.tls, self._rules.tls_verification)
        if found.branch_filter:
            fields["push_events_branch_filter"] = (found.branch_filter, "")
        if found.strategy not in _ALL_BRANCHES:
            fields["branch_filter_strategy"] = (found.strategy, "wildcard")
        if found.has_description and found.description != str(wanted.mark):
            fields["description"] = (found.description, str(wanted.mark))
        if found.token_present is False:
            fields["token_present"] = (False, True)
        if self._rules.refresh_tokens:
            fields["token"] = ("(unknown)", "(set again)")
        return fields

    def _not_wanted(self, items: Items, found: FoundWebhook) -> bool:
        """Whether this webhook, at no wanted URL, is ours to remove; what is not is listed as foreign."""
        owner, counts = self._owner(found), self._rules.counts(found.url)
        if owner is Owner.OURS and self._rules.receiver_url:
            return True
        if owner is Owner.UNMARKED and counts:
            if self._rules.adopt or self._rules.receiver_url_is_ours:
                return True
            if found.url not in self._desired.holds.webhook_urls:
                message = (
                    f"Webhook {found.id} at {shown_url(found.url)} carries no mark and no Receiver here wants it; "
                    "remove it by hand, or with `run --adopt` if no Receiver elsewhere uses it."
                )
                problem = Problem.of(Code.WEBHOOK_UNMARKED, message, project=items.project.path)
                self._findings.problems.append(problem)
        self._findings.foreign.append(Foreign(items.project, found, owner))
        return False

    def _remove(
        self,
        project: Project,
        found: FoundWebhook,
        reason: str,
        held: Code | None,
        replacements: Replacements,
    ) -> None:
        self._findings.owned[Kind.WEBHOOK] += 1
        because = held or self._desired.holds.on_webhook(project.id, found)
        if because:
            self._findings.kept.append(Kept(project, found, because))
            return
        replaced = replacements.take(found.description, found.url)
        self._findings.changes.append(Delete(project, found, reason, replaced))

    def _report(self, wanted: WantedWebhook, code: Code, message: str) -> None:
        self._findings.problems.append(Problem.of(code, message, object=wanted.sources[0], project=wanted.project.path))


def _foreign(at_url: list[FoundWebhook], wanted: WantedWebhook) -> str:
    marks = ", ".join(sorted({one.description for one in at_url if one.description != str(wanted.mark)}))
    return (
        f"A webhook at {shown_url(wanted.url)} is marked `{marks}`, which is not this cluster's: it is left alone "
        "and none is created beside it. Give each cluster a base URL, and each Receiver a token, of its own."
    )

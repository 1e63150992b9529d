"""Webhooks with our mark at a base URL that is not ours: they hold their project, and many of them hint at a typo."""

from __future__ import annotations

from dataclasses import dataclass

from reconcile.actual import FoundWebhook, Items
from reconcile.desired.desired import Desired
from reconcile.marks import Owner
from reconcile.model import shown_url
from reconcile.plan.changes import Findings
from reconcile.problems import Code, Problem
from reconcile.rules import Rules, is_hook_path

_HOOK = "/hook/"


@dataclass(frozen=True, slots=True)
class WebhooksElsewhere:
    """
    How many projects are *wanting* a webhook, and on which of them ours lie at other base URLs only.

    Only marks that name a listed Receiver count.
    """

    wanting: int = 0
    projects: frozenset[int] = frozenset()
    bases: frozenset[str] = frozenset()


class StrayWebhooks:
    """Looks for webhooks with our mark elsewhere, project by project."""

    def __init__(self, desired: Desired, rules: Rules, findings: Findings) -> None:
        self._desired = desired
        self._rules = rules
        self._findings = findings
        self._receivers = {(name.namespace, name.name) for ref in desired.listed.refs for name in rules.known_as(ref)}
        self._wanting = 0
        self._projects: set[int] = set()
        self._bases: set[str] = set()

    def hold(self, items: Items) -> bool:
        """Whether a webhook with our mark lies elsewhere, so that nothing of ours is removed; each is reported."""
        strays = [found for found in items.webhooks if is_stray(found, self._rules)]
        for found in strays:
            message = (
                f"Webhook {found.id} carries our mark and points to {shown_url(found.url)}: the base URL has changed "
                "(add the old one to previous_receiver_urls), or another cluster uses our name (rename one). "
                "Until then nothing of ours is removed from this project."
            )
            self._findings.problems.append(Problem.of(Code.MARK_ELSEWHERE, message, project=items.project.path))
        self._count(items, strays)
        return bool(strays)

    def _count(self, items: Items, strays: list[FoundWebhook]) -> None:
        if not self._desired.webhooks.get(items.project.id):
            return
        self._wanting += 1
        listed = [found for found in strays if found.mark and found.mark.is_one_of(self._receivers)]
        if listed and not any(self._is_present(found) for found in items.webhooks):
            self._projects.add(items.project.id)
            self._bases |= {shown_url(found.url).partition(_HOOK)[0] for found in listed}

    def _is_present(self, found: FoundWebhook) -> bool:
        """Whether it is ours and lies at the present base URL."""
        base = self._rules.receiver_url or ""
        return found.owner is Owner.OURS and found.url.startswith(base) and is_hook_path(found.url[len(base) :])

    @property
    def summary(self) -> WebhooksElsewhere:
        """What all projects together show."""
        return WebhooksElsewhere(self._wanting, frozenset(self._projects), frozenset(self._bases))


def is_stray(found: FoundWebhook, rules: Rules) -> bool:
    """
    Whether a webhook has our mark and the path of a Receiver, at a base URL that is not ours.

    `retire` removes what carries the mark wherever it points, so there it casts no doubt.
    """
    if rules.identity.every_namespace:
        return False
    is_ours = found.mark is not None and found.owner is Owner.OURS
    path = _HOOK + found.url.rpartition(_HOOK)[2]
    return bool(rules.receiver_url) and is_ours and not rules.counts(found.url) and is_hook_path(path)

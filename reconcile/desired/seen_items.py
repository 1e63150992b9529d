"""What the items at GitLab say of Flux's objects: the names that their marks carry, the paths that webhooks call."""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass

from reconcile.actual import Actual
from reconcile.marks import Mark, Owner
from reconcile.model import Ref
from reconcile.rules import Rules

_HOOK = "/hook/"


@dataclass(frozen=True, slots=True)
class SeenNames:
    """The namespaces and names that marks carry; *cut* are whole marks whose name GitLab's limit cut."""

    names: Set[tuple[str, str]] = frozenset()
    cut: Set[tuple[str, str, str]] = frozenset()

    @classmethod
    def of(cls, marks: Iterable[Mark | None]) -> SeenNames:
        """Collect the names of *marks*; None is an item without a mark."""
        known = {mark for mark in marks if mark}
        return cls(
            frozenset((mark.namespace, mark.name) for mark in known),
            frozenset(mark for mark in known if "~" in mark.name),
        )

    def has(self, ref: Ref, rules: Rules) -> bool:
        """Return whether some mark stands for that object, under its own or a former namespace."""
        names = [(known.namespace, known.name) for known in rules.known_as(ref)]
        clusters = (rules.identity.cluster, *rules.identity.previous_clusters) if self.cut else ()
        return any(name in self.names for name in names) or any(
            Mark(cluster, *name).key in self.cut for cluster in clusters for name in names
        )


@dataclass(frozen=True, slots=True)
class SeenItems:
    """
    What was read of the projects, indexed.

    *receivers* and *secrets* are the names in the marks of webhooks and of deploy keys; *our_receivers* and
    *our_secrets* those in marks that are ours. *paths* are those of all webhooks, from `/hook/` on.
    """

    receivers: SeenNames = SeenNames()
    our_receivers: SeenNames = SeenNames()
    our_secrets: SeenNames = SeenNames()
    paths: Set[str] = frozenset()

    @classmethod
    def of(cls, actual: Actual | None) -> SeenItems:
        """Index what was read; None is nothing."""
        projects = actual.projects if actual else ()
        webhooks = [webhook for items in projects for webhook in items.webhooks]
        keys = [key for items in projects for key in items.keys if key.owner is Owner.OURS]
        return cls(
            SeenNames.of(webhook.mark for webhook in webhooks),
            SeenNames.of(webhook.mark for webhook in webhooks if webhook.owner is Owner.OURS),
            SeenNames.of(key.mark for key in keys),
            frozenset(_HOOK + webhook.url.rpartition(_HOOK)[2] for webhook in webhooks),
        )

    def may_have_webhook_of(self, receiver: Ref, path: str | None, rules: Rules) -> bool:
        """Return whether some webhook may be that Receiver's."""
        return path in self.paths or self.receivers.has(receiver, rules)

"""Every deploy key and webhook of the group, for who wants the whole list; made only where that is asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from reconcile.actual import Actual, Found, Items, Unreadable
from reconcile.marks import Owner
from reconcile.model import Project


@dataclass(frozen=True, slots=True)
class Listed:
    """
    One item as it was read, and whose it is.

    *duplicates* counts the other projects of the group with the same key, or the project's other webhooks at the
    same URL.
    """

    project: Project
    found: Found
    owner: Owner
    duplicates: int = 0


@dataclass(frozen=True, slots=True)
class Inventory:
    """What was read of the projects acted on, and those of which nothing is known, with the reason."""

    listed: tuple[Listed, ...] = ()
    unread: tuple[Unreadable, ...] = ()


def inventory_of(actual: Actual) -> Inventory:
    """Everything on *actual*'s projects, by the order of their ids, keys before webhooks."""
    listed = tuple(one for items in actual.projects for one in _listed(items, actual))
    return Inventory(listed, actual.unreadable)


def _listed(items: Items, actual: Actual) -> Iterator[Listed]:
    for key in items.keys:
        yield Listed(items.project, key, key.owner, actual.uses(key.key) - 1)
    at_url = Counter(webhook.url for webhook in items.webhooks)
    for webhook in items.webhooks:
        yield Listed(items.project, webhook, webhook.owner, at_url[webhook.url] - 1)

"""The changes that a plan may hold, and what it found on projects and leaves alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from reconcile.actual import Found, FoundKey
from reconcile.desired.desired import WantedKey, WantedWebhook
from reconcile.marks import Mark, Owner
from reconcile.model import Kind, Project, Ref, shown_url
from reconcile.problems import Code, Problem

Field = tuple[object, object]
Wanted = WantedKey | WantedWebhook

# Why `retire` removes something: Kubernetes was not asked what is wanted.
RETIRED = "ours, and everything of this cluster is retired"


class _OfWanted:
    """The properties that Create and Update share: both are about something wanted."""

    __slots__ = ()

    wanted: Wanted

    @property
    def project(self) -> Project:
        """The project that is changed."""
        return self.wanted.project

    @property
    def kind(self) -> Kind:
        """A deploy key or a webhook."""
        return self.wanted.kind

    @property
    def name(self) -> str:
        """The fingerprint or the full URL."""
        return self.wanted.name

    @property
    def sources(self) -> tuple[Ref, ...]:
        """The objects that want it."""
        return self.wanted.sources


class FormerKey(NamedTuple):
    """What `undo` knows of a deploy key that a run deleted, beside its material."""

    title: str
    can_push: bool


@dataclass(frozen=True, slots=True)
class Create(_OfWanted):
    """
    Add what is wanted; *existing* is the same deploy key elsewhere in the group, which is then joined.

    *former* is set for a deploy key that `undo` puts back: it gets the title and the right to push that it had.
    """

    wanted: Wanted
    reason: str
    existing: FoundKey | None = None
    former: FormerKey | None = None

    action = "create"

    @property
    def id(self) -> int | None:
        """GitLab's id of the item, where it is known beforehand."""
        return self.existing.id if self.existing else None

    @property
    def title(self) -> str:
        """A deploy key's title: one that is joined keeps its own, of which GitLab has one per key."""
        known = self.existing or self.former
        return known.title if known else str(self.wanted.mark)

    @property
    def can_push(self) -> bool:
        """Whether a deploy key may push: only one that is put back, and could before."""
        return self.former is not None and self.former.can_push

    @property
    def fields(self) -> Mapping[str, Field]:
        """Nothing: what is created has no old values."""
        return {}


@dataclass(frozen=True, slots=True)
class Update(_OfWanted):
    """Correct *found* so that it is as *wanted*; *fields* holds old and new of what differs."""

    found: Found
    wanted: Wanted
    fields: Mapping[str, Field]
    reason: str

    action = "update"

    @property
    def id(self) -> int:
        """GitLab's id of the item."""
        return self.found.id


class Excuse(StrEnum):
    """
    Why a delete is no loss: REPLACED, since the same object has, or gets, another item on the project.

    ANNOUNCED, since another key that was there before has taken over. SAME_PATH, since another webhook there leads to
    the same Receiver.
    """

    REPLACED = "replaced"
    ANNOUNCED = "announced"
    SAME_PATH = "same path"


@dataclass(frozen=True, slots=True)
class Delete:
    """
    Remove *found*. *excuse* says why the guard need not count it, None where it counts.

    *waits_for* names the changes of its kind on its project that must be made first: what makes its own replacement.
    """

    project: Project
    found: Found
    reason: str
    excuse: Excuse | None = None
    waits_for: frozenset[str] = field(default=frozenset(), repr=False)

    action = "delete"

    @property
    def kind(self) -> Kind:
        """A deploy key or a webhook."""
        return self.found.kind

    @property
    def id(self) -> int:
        """GitLab's id of the item."""
        return self.found.id

    @property
    def name(self) -> str:
        """The fingerprint or the full URL."""
        return self.found.name

    @property
    def mark(self) -> Mark | None:
        """The mark that says whose it was, if it has one."""
        return self.found.mark

    @property
    def sources(self) -> tuple[Ref, ...]:
        """The Secret or Receiver that its mark names."""
        return source_of(self.found)

    @property
    def fields(self) -> Mapping[str, Field]:
        """Nothing: what is removed has no new values."""
        return {}


Change = Create | Update | Delete


class Written(NamedTuple):
    """
    What GitLab has after a write: the item's *id*.

    *anothers_title* is set for a deploy key that was attached and that GitLab shows under a mark that is not ours.
    """

    id: int
    anothers_title: str | None = None


def source_of(found: Found) -> tuple[Ref, ...]:
    """Return the Secret or Receiver that the item's mark names; nothing where it carries none."""
    kind = "Secret" if found.kind is Kind.DEPLOY_KEY else "Receiver"
    return (Ref(kind, found.mark.namespace, found.mark.name),) if found.mark else ()


# A test push corrects this field; nothing else about the webhook is written.
ALERT_STATUS = "alert_status"

ACTIONS = ("create", "update", "delete")


def heals(change: Change) -> bool:
    """Whether the change only re-enables a webhook that GitLab has disabled, by a test push."""
    return set(change.fields) == {ALERT_STATUS}


def order_of(change: Change) -> tuple[str, int, int, str, str, int]:
    """The place of a change in a plan: by project, creates before updates before deletes, keys before webhooks."""
    action = ACTIONS.index(change.action)
    return (change.project.path.lower(), change.project.id, action, change.kind, change.name, change.id or 0)


def described(change: Change) -> str:
    """One line that tells changes apart, fit to be shown."""
    return f"{change.action} {change.kind} {shown_url(change.name)} on {change.project.path}"


@dataclass(frozen=True, slots=True)
class Kept:
    """An item of ours that is not wanted and is kept all the same, because of a problem."""

    project: Project
    found: Found
    because: Code


@dataclass(frozen=True, slots=True)
class Foreign:
    """An item that is not ours: listed on request, never touched."""

    project: Project
    found: Found
    owner: Owner


@dataclass(slots=True)
class Findings:
    """What comparing one project after another turned up; filled by the planner only."""

    changes: list[Change] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    foreign: list[Foreign] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    unchanged: int = 0
    owned: dict[Kind, int] = field(default_factory=lambda: dict.fromkeys(Kind, 0))
    owned_on: dict[Kind, set[int]] = field(default_factory=lambda: {kind: set() for kind in Kind})
    sources_on: dict[int, set[Ref]] = field(default_factory=lambda: defaultdict(set))

    def own(self, project: Project, found: Found) -> None:
        """Count an item that is ours before the run."""
        self.owned[found.kind] += 1
        self.owned_on[found.kind].add(project.id)
        self.sources_on[project.id].update(source_of(found))

"""Actual state: the deploy keys and webhooks that GitLab's projects have."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import pairwise
from typing import ClassVar

from reconcile.causes import UNKNOWN, Cause
from reconcile.marks import Mark, Owner
from reconcile.model import Kind, Project, PublicKey
from reconcile.problems import Code, Problem

# A webhook's `alert_status` while GitLab has not disabled it.
EXECUTABLE = "executable"


@dataclass(frozen=True, slots=True)
class FoundKey:
    """
    A deploy key as one project's list shows it, with its ownership.

    *mark* is the parsed title, None where the title is no mark. *last_used* is None where the key was never used or
    GitLab does not say, *created* is when GitLab first got the key; neither counts when two keys are compared.
    """

    id: int
    title: str
    key: PublicKey
    mark: Mark | None
    owner: Owner
    can_push: bool = False
    expired: bool = False
    expires: datetime | None = None
    last_used: datetime | None = field(default=None, compare=False)
    created: datetime | None = field(default=None, compare=False)

    kind: ClassVar[Kind] = Kind.DEPLOY_KEY

    @property
    def name(self) -> str:
        """The fingerprint: what identifies the key on its project."""
        return self.key.fingerprint


@dataclass(frozen=True, slots=True)
class FoundWebhook:
    """
    A webhook as one project's list shows it, with its ownership.

    *mark* is the parsed description, None where that is no mark. *flags* holds the event flags that this GitLab's
    answer has, null read as false. *has_description* is False before GitLab 17.1, *token_present* is None before
    19.0, *strategy* is None before 17.
    """

    id: int
    url: str = field(repr=False)
    flags: Mapping[str, bool]
    mark: Mark | None
    owner: Owner
    description: str = ""
    has_description: bool = True
    tls: bool = True
    branch_filter: str = ""
    strategy: str | None = None
    token_present: bool | None = None
    alert_status: str = EXECUTABLE
    created: datetime | None = field(default=None, compare=False)

    kind: ClassVar[Kind] = Kind.WEBHOOK

    @property
    def name(self) -> str:
        """The full URL: what identifies the webhook on its project."""
        return self.url


Found = FoundKey | FoundWebhook


@dataclass(frozen=True, slots=True)
class Items:
    """All deploy keys and webhooks of one project, every page read."""

    project: Project
    keys: tuple[FoundKey, ...] = ()
    webhooks: tuple[FoundWebhook, ...] = ()


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A project whose lists could not be read whole; nothing on it is changed."""

    project: Project
    reason: str
    cause: Cause = UNKNOWN


@dataclass(frozen=True, slots=True)
class Actual:
    """
    What GitLab has. *projects* are those to act on, *unreadable* those that could not be read.

    *by_material* holds one deploy key per public key that any readable project of the group has, also those not
    acted on: GitLab keeps one title and one id per key for the whole instance (app/models/key.rb). *shared* says on how
    many of them a key is that is on several. *created* says when projects were created, where GitLab says so.
    """

    projects: tuple[Items, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()
    by_material: Mapping[PublicKey, FoundKey] = field(default_factory=dict)
    shared: Mapping[PublicKey, int] = field(default_factory=dict)
    created: Mapping[int, datetime] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    def uses(self, key: PublicKey) -> int:
        """On how many readable projects of the group it is."""
        return self.shared.get(key, int(key in self.by_material))

    def within(self, acts_on: Callable[[str], bool]) -> Actual:
        """The part on projects whose path *acts_on* accepts; the group's keys stay known."""
        return replace(
            self,
            projects=tuple(one for one in self.projects if acts_on(one.project.path)),
            unreadable=tuple(one for one in self.unreadable if acts_on(one.project.path)),
            problems=tuple(one for one in self.problems if one.project is None or acts_on(one.project)),
        )


def actual_from(states: Iterable[Items | Unreadable], problems: Iterable[Problem] = ()) -> Actual:
    """Put the projects' states together, in the order of their ids; *problems* are those of the reading itself."""
    listed = sorted(states, key=lambda state: state.project.id)
    readable = tuple(_once(state) for state in listed if isinstance(state, Items))
    by_material: dict[PublicKey, FoundKey] = {}
    shared: dict[PublicKey, int] = {}
    for state in readable:
        for found in state.keys:
            if found.key in by_material:
                shared[found.key] = shared.get(found.key, 1) + 1
            else:
                by_material[found.key] = found
    unreadable = tuple(state for state in listed if isinstance(state, Unreadable))
    return Actual(
        readable, unreadable, by_material, shared, problems=(*problems, *_unreadable(unreadable, len(listed)))
    )


def _once(items: Items) -> Items:
    """
    The same items in the order of their ids, each once: a page that shifts while it is read shows one again.

    Were it listed twice, the oldest webhook would be its own duplicate, and removed.
    """
    if _ascends(one.id for one in items.keys) and _ascends(one.id for one in items.webhooks):
        return items
    keys = {found.id: found for found in items.keys}
    webhooks = {found.id: found for found in items.webhooks}
    return Items(
        items.project,
        tuple(keys[id_] for id_ in sorted(keys)),
        tuple(webhooks[id_] for id_ in sorted(webhooks)),
    )


def _ascends(ids: Iterable[int]) -> bool:
    return all(one < following for one, following in pairwise(ids))


def _unreadable(states: tuple[Unreadable, ...], total: int) -> list[Problem]:
    """One problem per project, or one for all where every project fails for the same reason."""
    reasons = {state.reason for state in states}
    if len(states) == total > 1 and len(reasons) == 1:
        message = f"None of the {total} projects can be read: {states[0].reason}. {_advice(states[0])}"
        return [Problem.of(Code.PROJECT_UNREADABLE, message).caused_by(states[0].cause)]
    return [
        Problem.of(
            Code.PROJECT_UNREADABLE,
            f"Its deploy keys and webhooks cannot be read: {state.reason}. {_advice(state)}",
            project=state.project.path,
        ).caused_by(state.cause)
        for state in states
    ]


def _advice(state: Unreadable) -> str:
    return f"{state.cause.next_step} Until it can be read nothing on it is changed."

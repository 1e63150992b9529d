"""Actual state: the deploy keys and webhooks that GitLab's projects have, from its answers of versions 14 to 19."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from itertools import pairwise
from typing import Any

from reconcile.causes import UNKNOWN, Cause
from reconcile.errors import MalformedAnswer
from reconcile.events import FLAGS
from reconcile.model import EXECUTABLE, FoundKey, FoundWebhook, Project, PublicKey, once
from reconcile.problems import Code, Problem


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
    many of them a key is that is on several.
    """

    projects: tuple[Items, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()
    by_material: Mapping[PublicKey, FoundKey] = field(default_factory=dict)
    shared: Mapping[PublicKey, int] = field(default_factory=dict)
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
    return Actual(readable, unreadable, by_material, shared, (*problems, *_unreadable(unreadable, len(listed))))


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


def key_from(element: object, now: datetime) -> FoundKey:
    """One element of `GET /projects/:id/deploy_keys`. Raises MalformedAnswer."""
    answer = _fields(element)
    try:
        key = PublicKey.parse(_text(answer, "key"))
    except ValueError as error:
        # Never "it has no key": what is not understood might be the very key that is wanted.
        raise MalformedAnswer("GitLab's answer has a deploy key that is no public key") from error
    expires = _time(_optional(answer, "expires_at"))
    return FoundKey(
        _number(answer, "id"),
        _text(answer, "title"),
        key,
        # The answer of `enable` has no can_push; what it attaches is read-only (enable_deploy_key_service.rb).
        can_push=_flag(answer, "can_push"),
        expired=expires is not None and expires <= now,
        expires=expires,
        last_used=_shown_time(answer.get("last_used_at")),
    )


def webhook_from(element: object) -> FoundWebhook:
    """
    One element of `GET /projects/:id/hooks`. Raises MalformedAnswer.

    A key that is missing means that this version of GitLab has no such field; it is then not compared.
    """
    answer = _fields(element)
    strategy = _optional(answer, "branch_filter_strategy")
    return FoundWebhook(
        _number(answer, "id"),
        _text(answer, "url"),
        _flags(tuple((flag, _flag(answer, flag)) for flag in FLAGS if flag in answer)),
        description=_optional(answer, "description") or "",
        has_description="description" in answer,
        tls=_flag(answer, "enable_ssl_verification") if "enable_ssl_verification" in answer else True,
        branch_filter=_optional(answer, "push_events_branch_filter") or "",
        strategy=once(strategy) if strategy else strategy,
        token_present=_flag(answer, "token_present") if "token_present" in answer else None,
        alert_status=once(_optional(answer, "alert_status") or EXECUTABLE),
    )


@lru_cache(maxsize=4096)
def _flags(values: tuple[tuple[str, bool], ...]) -> Mapping[str, bool]:
    """Thousands of webhooks have the same few combinations, and then share one mapping."""
    return dict(values)


def project_from(element: object) -> Project:
    """A project in any of GitLab's listings. Raises MalformedAnswer."""
    answer = _fields(element)
    return Project(_number(answer, "id"), _text(answer, "path_with_namespace"))


def _fields(element: object) -> Mapping[str, Any]:
    if not isinstance(element, dict):
        raise MalformedAnswer("GitLab's answer holds something that is no object")
    return element


def _text(answer: Mapping[str, Any], name: str) -> str:
    value = _optional(answer, name)
    if value is None:
        raise MalformedAnswer(f"GitLab's answer has no text `{name}`")
    return value


def _optional(answer: Mapping[str, Any], name: str) -> str | None:
    value = answer.get(name)
    if value is None or isinstance(value, str):
        return value
    raise MalformedAnswer(f"`{name}` in GitLab's answer is no text")


def _number(answer: Mapping[str, Any], name: str) -> int:
    value = answer.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise MalformedAnswer(f"GitLab's answer has no number `{name}`")
    return value


def _flag(answer: Mapping[str, Any], name: str) -> bool:
    """True or false; GitLab treats null as false (doc/api/rest)."""
    value = answer.get(name)
    if value is None or isinstance(value, bool):
        return bool(value)
    raise MalformedAnswer(f"`{name}` in GitLab's answer is neither true nor false")


def _time(text: str | None) -> datetime | None:
    """A date or a date-time; a date is the beginning of that day, in UTC. What cannot be read is no time."""
    try:
        time = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _shown_time(value: object) -> datetime | None:
    """A time that nothing depends on: of another type it is none, and no reason to leave the project alone."""
    return _time(value) if isinstance(value, str) else None

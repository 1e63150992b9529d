"""GitLab's JSON (versions 14 to 19) as values: projects, deploy keys and webhooks with their ownership."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from textwrap import shorten
from typing import Any

from reconcile.actual import EXECUTABLE, FoundKey, FoundWebhook
from reconcile.causes import Cause, CauseCode
from reconcile.errors import MalformedAnswer
from reconcile.events import FLAGS
from reconcile.marks import Mark
from reconcile.model import Project, PublicKey, without_digests
from reconcile.rules import Rules

_LONGEST_TITLE = 80


def key_from(element: object, rules: Rules, now: datetime) -> FoundKey:
    """Read one element of `GET /projects/:id/deploy_keys`. Raises MalformedAnswer."""
    answer = _fields(element)
    try:
        key = PublicKey.parse(_text(answer, "key"))
    except ValueError as error:
        # Never "it has no key": what is not understood might be the very key that is wanted.
        title = without_digests(shorten(_optional(answer, "title") or "", _LONGEST_TITLE, placeholder="..."))
        text = f"the deploy key {_number(answer, 'id')}, titled `{title}`, is no public key"
        raise MalformedAnswer(text, cause=Cause(CauseCode.KEY_UNREADABLE)) from error
    title, expires = _text(answer, "title"), _time(_optional(answer, "expires_at"))
    mark = Mark.parse(title)
    return FoundKey(
        _number(answer, "id"),
        title,
        key,
        mark,
        rules.key_owner(mark, key),
        # The answer of `enable` has no can_push; what it attaches is read-only (enable_deploy_key_service.rb).
        can_push=_flag(answer, "can_push"),
        expired=expires is not None and expires <= now,
        expires=expires,
        last_used=_shown_time(answer.get("last_used_at")),
        created=_shown_time(answer.get("created_at")),
    )


def webhook_from(element: object, rules: Rules) -> FoundWebhook:
    """
    Read one element of `GET /projects/:id/hooks`. Raises MalformedAnswer.

    A key that is missing means that this version of GitLab has no such field; it is then not compared.
    """
    answer = _fields(element)
    url, description = _text(answer, "url"), _optional(answer, "description") or ""
    mark = Mark.parse(description)
    return FoundWebhook(
        _number(answer, "id"),
        url,
        _flags(tuple((flag, _flag(answer, flag)) for flag in FLAGS if flag in answer)),
        mark,
        rules.webhook_owner(mark, url),
        description=description,
        has_description="description" in answer,
        tls=_flag(answer, "enable_ssl_verification") if "enable_ssl_verification" in answer else True,
        branch_filter=_optional(answer, "push_events_branch_filter") or "",
        strategy=_optional(answer, "branch_filter_strategy"),
        token_present=_flag(answer, "token_present") if "token_present" in answer else None,
        alert_status=_optional(answer, "alert_status") or EXECUTABLE,
        created=_shown_time(answer.get("created_at")),
    )


@lru_cache(maxsize=4096)
def _flags(values: tuple[tuple[str, bool], ...]) -> Mapping[str, bool]:
    """Return one mapping for equal flags: thousands of webhooks have the same few combinations."""
    return dict(values)


def creation_time(answer: Mapping[str, Any]) -> datetime | None:
    """When a project was created, where GitLab's answer about it says so."""
    return _shown_time(answer.get("created_at"))


def project_from(element: object) -> Project:
    """A project in any of GitLab's listings. Raises MalformedAnswer."""
    answer = _fields(element)
    return Project(_number(answer, "id"), _text(answer, "path_with_namespace"))


def marked_for_deletion(answer: Mapping[str, Any]) -> str | None:
    """The day on which the project of a single answer was scheduled for deletion, None where it was not."""
    days = (answer.get(name) for name in ("marked_for_deletion_on", "marked_for_deletion_at"))
    return next((day[:10] for day in days if isinstance(day, str) and day), None)


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
    """A time that may be unknown: of another type it is none, and no reason to leave the project alone."""
    return _time(value) if isinstance(value, str) else None

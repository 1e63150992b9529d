"""
Writing one change to GitLab, and being sure that it was made.

Whatever the outcome of a request is unknown for (no answer, a 5xx), the project is read again before anything is
repeated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cronjob.gitlab import routes
from cronjob.gitlab.errors import NoAnswer, Refused
from cronjob.gitlab.items import key_from, marked_for_deletion, project_from, webhook_from
from cronjob.gitlab.key_writer import NEVER, KeyWriter
from cronjob.gitlab.send_test_push import WebhookReenabler
from cronjob.gitlab.session import Session
from cronjob.gitlab.verified_write import remove_unchanged
from cronjob.gitlab.webhook_writer import WebhookWriter
from reconcile.actual import Actual, Found, FoundKey
from reconcile.causes import Cause, CauseCode
from reconcile.deletion import ScheduledDeletion, scheduled_deletion
from reconcile.desired.desired import WantedKey
from reconcile.errors import MalformedAnswer, WriteFailed
from reconcile.model import Kind, Project
from reconcile.plan.changes import Change, Create, Delete, Update, Written, heals
from reconcile.rules import Rules


@dataclass(frozen=True, slots=True)
class _Place:
    """A project as it is just before its first write."""

    project: Project
    deletion: ScheduledDeletion | None
    archived: bool

    @classmethod
    def of(cls, answer: Any) -> _Place:
        """Read GitLab's answer about the project. Raises MalformedAnswer."""
        project = project_from(answer)
        deletion = scheduled_deletion(project, marked_for_deletion(answer))
        return cls(project, deletion, answer.get("archived") is True)

    @property
    def former(self) -> Project:
        """The project with the path that it had before it was scheduled for deletion."""
        return self.project._replace(path=self.deletion.path) if self.deletion else self.project


# These are about the key, so its Secret is to be changed.
_KEY_CAUSES = {
    CauseCode.KEY_TYPE_FORBIDDEN,
    CauseCode.KEY_TOO_SHORT,
    CauseCode.KEY_REFUSED,
    CauseCode.EXPIRY_REQUIRED,
}


def _with_secret(text: str, cause: Cause, change: Change) -> str:
    """The text with the Secret that holds the key, where GitLab refuses the key itself."""
    match change:
        case Create(wanted=WantedKey(secrets=(secret, *_))) if cause.code in _KEY_CAUSES:
            return f"{text}; the key is in {secret}"
    return text


class Writer:
    """Makes changes, safely from several threads. *contains* says whether a project still is one of the tenants'."""

    def __init__(self, session: Session, rules: Rules, contains: Callable[[Project], bool]) -> None:
        self._session = session
        self._rules = rules
        self._contains = contains
        self._keys = KeyWriter(session, rules)
        self._webhooks = WebhookWriter(session, rules)
        self._healer = WebhookReenabler(session, rules)
        # The projects that were read before their first write, by id.
        self._places: dict[int, _Place] = {}

    def learn(self, actual: Actual) -> None:
        """Remember what was read before the writes."""
        self._keys.learn(actual)
        self._webhooks.learn(actual)

    def write(self, change: Change) -> Written:
        """Make one change. Raises WriteFailed with what GitLab said."""
        try:
            self._check_place(change)
            if isinstance(change, Delete):
                self._delete(change)
                return Written(change.id)
            return self._create(change) if isinstance(change, Create) else self._update(change)
        except (Refused, NoAnswer, MalformedAnswer) as error:
            raise WriteFailed(
                _with_secret(str(error), error.cause, change), cause=self._cause(error, change)
            ) from error

    def _cause(self, error: Refused | NoAnswer | MalformedAnswer, change: Change) -> Cause:
        """The cause; whoever may not write to an archived project lacks no role."""
        place = self._places.get(change.project.id)
        if place and place.archived and error.cause.code is CauseCode.ROLE_MISSING:
            return Cause(CauseCode.PROJECT_ARCHIVED)
        return error.cause

    def _create(self, change: Create) -> Written:
        wanted = change.wanted
        return self._keys.create(change, wanted) if isinstance(wanted, WantedKey) else self._webhooks.create(wanted)

    def _update(self, change: Update) -> Written:
        wanted = change.wanted
        if heals(change):
            self._healer.heal(change)
        elif isinstance(wanted, WantedKey):
            self._keys.update(change)
        else:
            self._webhooks.update(change, wanted)
        return Written(change.id)

    def _check_place(self, change: Change) -> None:
        """Before a project's first write: may it be written to, where it is now? Deletes go on until it is deleted."""
        project = change.project
        if project.id not in self._places:
            answer, _ = self._session.get(routes.project(project.id))
            self._places[project.id] = _Place.of(answer)
        place = self._places[project.id]
        if place.deletion and not isinstance(change, Delete):
            day = f" on {place.deletion.marked_on}" if place.deletion.marked_on else ""
            text = f"the project was scheduled for deletion{day}"
            raise WriteFailed(text, cause=Cause(CauseCode.PROJECT_SCHEDULED_FOR_DELETION))
        if not self._contains(place.former):
            text = f"the project has moved to {place.former.path}, outside the group, since it was read"
            raise WriteFailed(text, cause=Cause(CauseCode.PROJECT_MOVED_OUT))

    def _delete(self, change: Delete) -> None:
        is_key = change.kind is Kind.DEPLOY_KEY
        made = self._keys.attached if is_key else self._webhooks.created
        if (change.project.id, change.id) in made:
            raise WriteFailed("this very run put it there, so it is not removed; the next run looks again")
        base = routes.project(change.project.id)
        items = routes.deploy_keys(base) if is_key else routes.hooks(base)
        remove_unchanged(self._session, routes.item(items, change.id), lambda now: self._difference(change.found, now))

    def _difference(self, planned: Found, now: object) -> str:
        """What has changed about an item since its removal was planned, as a clause; empty for nothing."""
        is_key = isinstance(planned, FoundKey)
        shown = key_from(now, self._rules, NEVER) if is_key else webhook_from(now, self._rules)
        if shown.mark != planned.mark:
            return "its mark has changed since it was read"
        if shown.name != planned.name:
            return f"its {'key' if is_key else 'URL'} has changed since it was read"
        return ""

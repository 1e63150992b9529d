"""
Writing one change to GitLab, and being sure that it was made.

Whatever the outcome of a request is unknown for (no answer, a 5xx), the project is read again before anything is
repeated.
"""

from __future__ import annotations

from collections.abc import Callable

from cronjob.gitlab import routes
from cronjob.gitlab.errors import NoAnswer, Refused
from cronjob.gitlab.items import key_from, project_from, webhook_from
from cronjob.gitlab.key_writer import NEVER, KeyWriter
from cronjob.gitlab.send_test_push import WebhookReenabler
from cronjob.gitlab.session import Session
from cronjob.gitlab.verified_write import remove_unchanged
from cronjob.gitlab.webhook_writer import WebhookWriter
from reconcile.actual import Actual, Found, FoundKey
from reconcile.causes import Cause, CauseCode
from reconcile.desired.desired import WantedKey
from reconcile.errors import MalformedAnswer, WriteFailed
from reconcile.model import Kind, Project
from reconcile.plan.changes import Change, Create, Delete, Update, Written, heals
from reconcile.rules import Rules


class Writer:
    """Makes changes, safely from several threads. *contains* says whether a project still is one of the tenants'."""

    def __init__(self, session: Session, rules: Rules, contains: Callable[[Project], bool]) -> None:
        self._session = session
        self._rules = rules
        self._contains = contains
        self._keys = KeyWriter(session, rules)
        self._webhooks = WebhookWriter(session, rules)
        self._healer = WebhookReenabler(session, rules)
        # What speaks against writing to a project, by its id; nothing does where the text is empty.
        self._complaints: dict[int, str] = {}

    def learn(self, actual: Actual) -> None:
        """Remember what was read before the writes."""
        self._keys.learn(actual)
        self._webhooks.learn(actual)

    def write(self, change: Change) -> Written:
        """Make one change. Raises WriteFailed with what GitLab said."""
        try:
            self._check_place(change.project)
            if isinstance(change, Delete):
                self._delete(change)
                return Written(change.id)
            return self._create(change) if isinstance(change, Create) else self._update(change)
        except (Refused, NoAnswer, MalformedAnswer) as error:
            raise WriteFailed(str(error), cause=error.cause) from error

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

    def _check_place(self, project: Project) -> None:
        """Before a project's first write: is it still where it was read? It can be moved out at any moment."""
        if project.id not in self._complaints:
            answer, _ = self._session.get(routes.project(project.id))
            now = project_from(answer)
            moved = f"the project has moved to {now.path}, outside the group, since it was read"
            self._complaints[project.id] = "" if self._contains(now) else moved
        if self._complaints[project.id]:
            raise WriteFailed(self._complaints[project.id], cause=Cause(CauseCode.PROJECT_MOVED_OUT))

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

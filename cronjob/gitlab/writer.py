"""
Writing one change to GitLab, and being sure that it was made.

Whatever the outcome of a request is unknown for (no answer, a 5xx), the project is read again before anything is
repeated: GitLab creates a second webhook for a second POST (lib/api/project_hooks.rb has no uniqueness).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, NoReturn

from cronjob.gitlab import routes
from cronjob.gitlab.errors import GatewayTimeout, NoAnswer, Refused
from cronjob.gitlab.items import key_from, project_from, webhook_from
from cronjob.gitlab.listing import pages
from cronjob.gitlab.send_test_push import WebhookReenabler
from cronjob.gitlab.session import Session
from cronjob.gitlab.verified_write import remove, write_and_verify
from cronjob.gitlab.webhook_body import checked_webhook, webhook_body
from reconcile.actual import Actual, FoundKey
from reconcile.causes import Cause, CauseCode
from reconcile.desired.desired import WantedKey, WantedWebhook
from reconcile.errors import MalformedAnswer, WriteFailed
from reconcile.model import Kind, Project, PublicKey
from reconcile.plan.changes import Change, Create, Delete, Update, heals
from reconcile.rules import Rules

# Whether a key has expired does not matter to who checks its title.
_NEVER = datetime.min.replace(tzinfo=UTC)


class Writer:
    """
    Makes changes, safely from several threads. *contains* says whether a project still is one of the tenants'.

    A deploy key that several projects need is created by one thread and joined by the others: two creations at once
    would meet at GitLab's unique fingerprint and one would end in a 500.
    """

    def __init__(self, session: Session, rules: Rules, contains: Callable[[Project], bool]) -> None:
        self._session = session
        self._rules = rules
        self._contains = contains
        self._healer = WebhookReenabler(session, rules)

        self._seen: Mapping[PublicKey, FoundKey] = {}
        self._key_ids: dict[PublicKey, int] = {}
        self._sought: set[PublicKey] = set()
        self._guard = threading.Lock()
        self._creating: dict[PublicKey, threading.Lock] = {}
        # What speaks against writing to a project, by its id; nothing does where the text is empty.
        self._complaints: dict[int, str] = {}
        # Project, kind and id of what this run put there: whatever was misread, it never removes that.
        self._made_here: set[tuple[int, Kind, int]] = set()

    def learn(self, actual: Actual) -> None:
        """Remember which keys the group has: `enable` needs their ids."""
        self._seen = actual.by_material

    def write(self, change: Change) -> int:
        """Make one change; GitLab's id of the item. Raises WriteFailed with what GitLab said."""
        try:
            self._check_place(change.project)
            return self._made(change)
        except (Refused, NoAnswer, MalformedAnswer) as error:
            raise WriteFailed(str(error), cause=error.cause) from error

    def _made(self, change: Change) -> int:
        if isinstance(change, Delete):
            self._delete(change)
            return change.id
        wanted = change.wanted
        if isinstance(change, Create):
            return self._create_key(change, wanted) if isinstance(wanted, WantedKey) else self._create_webhook(wanted)
        if heals(change):
            self._healer.heal(change)
        elif isinstance(wanted, WantedKey):
            self._update_key(change)
        else:
            self._update_webhook(change, wanted)
        return change.id

    def _check_place(self, project: Project) -> None:
        """Before a project's first write: is it still where it was read? It can be moved out at any moment."""
        if project.id not in self._complaints:
            answer, _ = self._session.get(routes.project(project.id))
            now = project_from(answer)
            moved = f"the project has moved to {now.path}, outside the group, since it was read"
            self._complaints[project.id] = "" if self._contains(now) else moved
        if self._complaints[project.id]:
            raise WriteFailed(self._complaints[project.id], cause=Cause(CauseCode.PROJECT_MOVED_OUT))

    def _create_key(self, change: Create, wanted: WantedKey) -> int:
        with self._guard:
            creating = self._creating.setdefault(wanted.key, threading.Lock())
        if self._known_id(wanted.key) is None:
            with creating:
                if self._known_id(wanted.key) is None:
                    return self._attach(change, wanted)
        return self._attach(change, wanted)

    def _known_id(self, key: PublicKey) -> int | None:
        seen = self._seen.get(key)
        return self._key_ids.get(key) or (seen.id if seen else None)

    def _attach(self, change: Create, wanted: WantedKey) -> int:
        path = _deploy_keys(wanted.project)
        # Without a comment: GitLab joins an existing key only where the whole text is equal.
        title = change.former.title if change.former else str(wanted.mark)
        body = {"key": wanted.key.text, "title": title, "can_push": change.can_push}
        try:
            answer = write_and_verify(
                self._session, lambda: self._session.write("POST", path, body), lambda: self._listed(path, wanted)
            )
        except Refused as error:
            if error.cause.code is not CauseCode.KEY_TAKEN:
                raise
            answer = self._enable(path, wanted, error)
        found = key_from(answer, self._rules, _NEVER)
        self._made_here.add((wanted.project.id, Kind.DEPLOY_KEY, found.id))
        if found.key != wanted.key:
            raise WriteFailed(f"GitLab accepted the key and stored another one as {found.id}")
        if found.owner.is_anothers:
            self._take_off(routes.item(path, found.id), found.title)
        self._key_ids[wanted.key] = found.id
        if change.can_push and not found.can_push:
            # A key that is enabled is attached read-only (enable_deploy_key_service.rb).
            self._put_key(routes.item(path, found.id), {"can_push": True}, change.name)
        return found.id

    def _take_off(self, path: str, title: str) -> NoReturn:
        """Undo an attachment under a title that is not ours: whoever it belongs to would remove it."""
        trouble = (
            f"GitLab knows this key as `{title}`, which is not this instance's, so it was taken off again; "
            "give each cluster a key of its own"
        )
        try:
            remove(self._session, path)
        except (Refused, NoAnswer, WriteFailed) as error:
            trouble = trouble.replace("it was taken off again", f"it should be taken off, which failed ({error})")
        raise WriteFailed(trouble)

    def _enable(self, path: str, wanted: WantedKey, refused: Refused) -> Any:
        """Join a key whose text at GitLab has another comment: by its id, which the group's lists have shown."""
        known = self._known_id(wanted.key) or self._id_elsewhere(wanted)
        if known is None:
            where = f" in {wanted.secrets[0]}" if wanted.secrets else ""
            raise WriteFailed(
                f"{refused}: somebody has this key outside the group, perhaps as a personal SSH key; "
                f"make a new key{where}",
                cause=refused.cause,
            )
        return write_and_verify(
            self._session,
            lambda: self._session.write("POST", routes.enable(routes.item(path, known))),
            lambda: self._listed(path, wanted),
        )

    def _id_elsewhere(self, wanted: WantedKey) -> int | None:
        """The key's id, from the projects of other shards that want it too: one of them may have it. Sought once."""
        projects = () if wanted.key in self._sought else wanted.elsewhere
        self._sought.add(wanted.key)
        for project in projects:
            try:
                if found := self._listed(_deploy_keys(project), wanted):
                    return key_from(found, self._rules, _NEVER).id
            except Refused:
                # Its own shard says so.
                continue
        return None

    def _listed(self, path: str, wanted: WantedKey) -> Mapping[str, Any] | None:
        """The wanted key as the project's list shows it now."""
        listed = pages(self._session, path, {})
        return next((element for element in listed if key_from(element, self._rules, _NEVER).key == wanted.key), None)

    def _update_key(self, change: Update) -> None:
        body = {name: new for name, (_, new) in change.fields.items()}
        self._put_key(routes.item(_deploy_keys(change.project), change.id), body, change.name)

    def _put_key(self, path: str, body: Mapping[str, Any], fingerprint: str) -> None:
        answer = write_and_verify(
            self._session, lambda: self._session.write("PUT", path, body), lambda: self._as_asked(path, body)
        )
        key_from(answer, self._rules, _NEVER)
        kept = [name for name, value in body.items() if answer.get(name) != value]
        if kept:
            raise WriteFailed(
                f"GitLab answered 200 and did not change {' and '.join(kept)}, as it does for the title of a key that "
                f"several projects use; list {fingerprint} under owned_keys in the settings instead"
            )

    def _as_asked(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The item as it is now, if it already is as *body* says."""
        answer, _ = self._session.get(path)
        key_from(answer, self._rules, _NEVER)
        return answer if all(answer.get(name) == value for name, value in body.items()) else None

    def _create_webhook(self, wanted: WantedWebhook) -> int:
        path = _hooks(wanted.project)
        body = webhook_body(wanted, tls=self._rules.tls_verification)
        try:
            answer = write_and_verify(
                self._session,
                lambda: self._session.write("POST", path, body, retry_on_limit=False),
                lambda: self._hooked(path, wanted),
                idempotent=False,
            )
        except GatewayTimeout as error:
            # A second POST beside one that GitLab may still be working on would make a second webhook.
            raise WriteFailed(
                f"{error}; GitLab may still be working on it, so it is not sent again; the next run looks again",
                cause=error.cause,
            ) from error
        self._made_here.add((wanted.project.id, Kind.WEBHOOK, webhook_from(answer, self._rules).id))
        return checked_webhook(wanted, answer, self._rules)

    def _hooked(self, path: str, wanted: WantedWebhook) -> Mapping[str, Any] | None:
        """The webhook at the wanted URL, if the project's list shows one now; there was none before."""
        return next((one for one in pages(self._session, path, {}) if one.get("url") == wanted.url), None)

    def _update_webhook(self, change: Update, wanted: WantedWebhook) -> None:
        path = routes.item(_hooks(change.project), change.id)
        body = webhook_body(wanted, tls=self._rules.tls_verification)
        if "branch_filter_strategy" in change.fields:
            body["branch_filter_strategy"] = "wildcard"

        def nothing_known() -> None:
            # The token cannot be read back, so a PUT is repeated; the GET proves that there is still what to change.
            self._session.get(path)

        answer = write_and_verify(self._session, lambda: self._session.write("PUT", path, body), nothing_known)
        checked_webhook(wanted, answer, self._rules)

    def _delete(self, change: Delete) -> None:
        if (change.project.id, change.kind, change.id) in self._made_here:
            raise WriteFailed("this very run put it there, so it is not removed; the next run looks again")
        items = _deploy_keys(change.project) if change.kind is Kind.DEPLOY_KEY else _hooks(change.project)
        remove(self._session, routes.item(items, change.id))


def _deploy_keys(project: Project) -> str:
    return routes.deploy_keys(routes.project(project.id))


def _hooks(project: Project) -> str:
    return routes.hooks(routes.project(project.id))

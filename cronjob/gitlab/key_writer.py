"""
Writing deploy keys. No attachment of a key is ever taken off to undo it.

GitLab answers a POST with 201 and the key *that is already there* (lib/api/deploy_keys.rb), so that no answer proves
whose attachment it was: another cluster that has the same key may have made it a moment before.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from cronjob.gitlab import routes
from cronjob.gitlab.errors import Refused
from cronjob.gitlab.items import key_from
from cronjob.gitlab.listing import pages
from cronjob.gitlab.session import Session
from cronjob.gitlab.verified_write import write_and_verify
from reconcile.actual import Actual, FoundKey
from reconcile.causes import CauseCode
from reconcile.desired.desired import WantedKey
from reconcile.errors import WriteFailed
from reconcile.model import Project, PublicKey
from reconcile.plan.changes import Create, Update, Written
from reconcile.rules import Rules

# A time before every expiry, for who does not ask whether a key has expired.
NEVER = datetime.min.replace(tzinfo=UTC)


class KeyWriter:
    """
    Creates, joins and updates deploy keys, safely from several threads.

    A key that several projects need is created by one thread and joined by the others: two creations at once would
    meet at GitLab's unique fingerprint and one would end in a 500. *attached* holds the project and the id of every
    key that this run attached.
    """

    def __init__(self, session: Session, rules: Rules) -> None:
        self.attached: set[tuple[int, int]] = set()
        self._session = session
        self._rules = rules
        self._seen: Mapping[PublicKey, FoundKey] = {}
        self._key_ids: dict[PublicKey, int] = {}
        self._sought: set[PublicKey] = set()
        self._guard = threading.Lock()
        self._creating: dict[PublicKey, threading.Lock] = {}

    def learn(self, actual: Actual) -> None:
        """Remember which keys the group has: `enable` needs their ids."""
        self._seen = actual.by_material

    def create(self, change: Create, wanted: WantedKey) -> Written:
        """Attach the key, whether or not GitLab already has it."""
        with self._guard:
            creating = self._creating.setdefault(wanted.key, threading.Lock())
        if self._known_id(wanted.key) is None:
            with creating:
                if self._known_id(wanted.key) is None:
                    return self._attach(change, wanted)
        return self._attach(change, wanted)

    def update(self, change: Update) -> None:
        """Change the key's title, or its right to push."""
        body = {name: new for name, (_, new) in change.fields.items()}
        self._put(routes.item(_deploy_keys(change.project), change.id), body, change.name)

    def _known_id(self, key: PublicKey) -> int | None:
        seen = self._seen.get(key)
        return self._key_ids.get(key) or (seen.id if seen else None)

    def _attach(self, change: Create, wanted: WantedKey) -> Written:
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
        found = key_from(answer, self._rules, NEVER)
        self.attached.add((wanted.project.id, found.id))
        if found.key != wanted.key:
            raise WriteFailed(f"GitLab accepted the key and stored another one as {found.id}")
        self._key_ids[wanted.key] = found.id
        if change.can_push and not found.can_push:
            self._let_push(change, found)
        return Written(found.id, found.title if found.owner.is_anothers else None)

    def _let_push(self, change: Create, found: FoundKey) -> None:
        """Give the key the right to push: one that is enabled is read-only (enable_deploy_key_service.rb)."""
        if found.owner.is_anothers:
            raise WriteFailed(f"GitLab has this key as `{found.title}`, which is not this instance's: it may not push")
        self._put(routes.item(_deploy_keys(change.project), found.id), {"can_push": True}, change.name)

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
                    return key_from(found, self._rules, NEVER).id
            except Refused:
                # Its own shard says so.
                continue
        return None

    def _listed(self, path: str, wanted: WantedKey) -> Mapping[str, Any] | None:
        """The wanted key as the project's list shows it now."""
        listed = pages(self._session, path, {})
        return next((element for element in listed if key_from(element, self._rules, NEVER).key == wanted.key), None)

    def _put(self, path: str, body: Mapping[str, Any], fingerprint: str) -> None:
        answer = write_and_verify(
            self._session, lambda: self._session.write("PUT", path, body), lambda: self._as_asked(path, body)
        )
        key_from(answer, self._rules, NEVER)
        kept = [name for name, value in body.items() if answer.get(name) != value]
        if kept:
            raise WriteFailed(
                f"GitLab answered 200 and did not change {' and '.join(kept)}, as it does for the title of a key that "
                f"several projects use; list {fingerprint} under owned_keys in the settings instead"
            )

    def _as_asked(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The item as it is now, if it already is as *body* says."""
        answer, _ = self._session.get(path)
        key_from(answer, self._rules, NEVER)
        return answer if all(answer.get(name) == value for name, value in body.items()) else None


def _deploy_keys(project: Project) -> str:
    return routes.deploy_keys(routes.project(project.id))

"""Deploy keys: one record for each public key of the instance, attached to any number of projects."""

from datetime import datetime
from itertools import count
from typing import TypedDict, Unpack

from cronjob.sandbox.fake_gitlab.namespaces import Namespaces
from cronjob.sandbox.fake_gitlab.records import Key, Project, User
from cronjob.sandbox.fake_gitlab.ssh_keys import clean_text, read_key


class KeyFields(TypedDict, total=False):
    """Optional fields of a new key."""

    created_at: datetime
    expires_at: datetime | None
    user: User | None
    public: bool
    personal: bool


class DeployKeys(Namespaces):
    """Keys by id, by stored text and by fingerprint, which is unique in the instance."""

    def __init__(self) -> None:
        super().__init__()
        self.keys: dict[int, Key] = {}
        self.keys_by_text: dict[str, Key] = {}
        self.keys_by_fingerprint: dict[str, Key] = {}
        self._key_ids = count(5000)

    def new_key(self, text: str, title: str, **fields: Unpack[KeyFields]) -> Key:
        """Register a key that is on no project yet. A malformed key or a taken fingerprint raises ValueError."""
        with self.lock:
            stored = clean_text(text)
            public_key = read_key(stored)
            if public_key is None:
                raise ValueError("this is no public key")
            if public_key.sha256 in self.keys_by_fingerprint:
                raise ValueError("the fingerprint has already been taken")
            fields.setdefault("created_at", self.now())
            key = Key(id=next(self._key_ids), title=title, key=stored, public_key=public_key, **fields)
            self.keys[key.id] = self.keys_by_fingerprint[public_key.sha256] = key
            self.keys_by_text[stored] = key
            return key

    def add_deploy_key(
        self, project: Project, key: str, *, title: str, can_push: bool = False, **fields: Unpack[KeyFields]
    ) -> Key:
        """
        Put a deploy key on *project*.

        A key that the instance already has is attached: its title, owner and expiry do not change.
        """
        with self.lock:
            public_key = read_key(clean_text(key))
            known = self.keys_by_fingerprint.get(public_key.sha256) if public_key else None
            record = known or self.new_key(key, title, **fields)
            self.attach_key(project, record, can_push=can_push)
            return record

    def add_public_key(self, key: str, *, title: str) -> Key:
        """Add a deploy key that every project may enable."""
        return self.new_key(key, title, public=True)

    def add_user_key(self, user: User, key: str) -> Key:
        """Add a user's own SSH key: its fingerprint is then taken for deploy keys."""
        return self.new_key(key, f"{user.username}'s key", user=user, personal=True)

    def keys_of(self, project: Project) -> list[tuple[Key, bool]]:
        """The project's deploy keys in the order of attachment, each with its can_push."""
        with self.lock:
            return [(self.keys[key_id], can_push) for key_id, can_push in project.keys.items()]

    def attach_key(self, project: Project, key: Key, *, can_push: bool) -> None:
        with self.lock:
            project.keys[key.id] = can_push
            key.projects[project.id] = project

    def detach_key(self, project: Project, key: Key) -> None:
        """Detach *key* from *project*. A private key without projects is deleted."""
        with self.lock:
            del project.keys[key.id]
            del key.projects[project.id]
            if not key.projects and not key.public:
                del self.keys[key.id]
                del self.keys_by_text[key.key]
                del self.keys_by_fingerprint[key.public_key.sha256]

    def remove_project(self, project: Project) -> None:
        """Remove *project* and the keys that no other project has."""
        with self.lock:
            for key, _ in self.keys_of(project):
                self.detach_key(project, key)
            super().remove_project(project)

    def may_join(self, user: User, key: Key) -> bool:
        """Whether *user* may enable *key*: it is public, or on a project in which the user has a role."""
        if key.personal:
            return False
        return key.public or any(self.role(user, project) > 0 for project in key.projects.values())

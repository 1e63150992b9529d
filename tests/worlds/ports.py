"""A small Kubernetes and a small GitLab with state, as the ports of a run; tests look at what is left in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass, field, replace
from typing import Any

from reconcile.actual import EXECUTABLE, Actual, FoundKey, FoundWebhook, Items, Unreadable, actual_from
from reconcile.causes import Cause, CauseCode
from reconcile.desired.desired import WantedKey, WantedWebhook
from reconcile.desired.receiver_tokens import webhook_path
from reconcile.errors import ReadError, WriteFailed
from reconcile.events import DEFAULT_FLAGS, FLAGS
from reconcile.marks import Mark, Owner
from reconcile.model import (
    LookUpResult,
    Project,
    ProjectAbsent,
    ProjectLocation,
    PublicKey,
    Ref,
    Secret,
    SecretAnswer,
    SecretMissing,
)
from reconcile.plan.changes import Change, Create, Delete, Update, Written, heals
from reconcile.ports import Object
from reconcile.rules import Rules
from reconcile.shares import ALL, Share
from tests.worlds.builders import HOST, NAMESPACE, OLD_FLAGS, RECEIVER_URL, owned_by, some_rules


class Unforeseen(WriteFailed):
    """A change failed because the key is also on a project that cannot be read, which no plan could know."""


@dataclass
class Kubernetes:
    """GitRepositories, Receivers and Secrets. *fails_at* and *then* say what befalls the second reading."""

    repositories: list[dict[str, Any]] = field(default_factory=list)
    receivers: list[dict[str, Any]] = field(default_factory=list)
    secrets: dict[Ref, SecretAnswer] = field(default_factory=dict)
    fails_at: int | None = None
    then: Callable[[Kubernetes], None] | None = None
    readings: int = 0

    def add_repository(self, name: str, path: str, key: PublicKey | None, *, secret: str = "", **spec: object) -> None:
        """A GitRepository at *path* with the Secret *secret* (by default of its own name) that holds *key*."""
        url = f"ssh://git@{HOST}/{path}.git"
        self.repositories.append(
            {
                "metadata": {"name": name, "namespace": NAMESPACE},
                "spec": {"url": url, "secretRef": {"name": secret or name}, **spec},
            }
        )
        if key:
            self.secrets[Ref("Secret", NAMESPACE, secret or name)] = Secret(has_identity=True, public_key=key)

    def add_receiver(self, name: str, repositories: Iterable[str], token: str, **spec: object) -> str:
        """A ready Receiver with a Secret of its own, `<name>-token`; the answer is its webhook's URL."""
        ref = Ref("Receiver", NAMESPACE, name)
        path = webhook_path(token.encode(), ref)
        resources = [{"kind": "GitRepository", "name": one} for one in repositories]
        self.receivers.append(
            {
                "metadata": {"name": name, "namespace": NAMESPACE},
                "spec": {"type": "gitlab", "secretRef": {"name": f"{name}-token"}, "resources": resources, **spec},
                "status": {"webhookPath": path},
            }
        )
        self.secrets[Ref("Secret", NAMESPACE, f"{name}-token")] = Secret(token=token.encode())
        return RECEIVER_URL + path

    def remove(self, name: str) -> None:
        """Delete every object of that name."""
        for objects in (self.repositories, self.receivers):
            objects[:] = [one for one in objects if one["metadata"]["name"] != name]

    def read_objects(self, repository: Callable[[Object], Any], receiver: Callable[[Object], Any]) -> Any:
        self.readings += 1
        if self.readings == 2 and self.then:
            self.then(self)
        if self.readings == self.fails_at:
            raise ReadError("Kubernetes does not answer.")
        return [repository(one) for one in self.repositories], [receiver(one) for one in self.receivers]

    def expect_secrets(self, keys: Iterable[Ref], tokens: Iterable[Ref]) -> None:
        """Nothing to prepare: what counts is what they are when they are read."""

    def read_secrets(self, keys: Iterable[Ref], tokens: Iterable[Ref]) -> Mapping[Ref, SecretAnswer]:
        return {ref: self.secrets.get(ref, SecretMissing()) for ref in {*keys, *tokens}}


@dataclass
class GitLabInMemory:
    """
    Projects with deploy keys, of which each has one title for the whole instance, and webhooks.

    *fails* gives the reason why a change does not work, *stops_after* the number of writes before a signal comes,
    *former* the names that whoever writes had before, *most_webhooks* GitLab's limit for each project.
    """

    projects: dict[int, Project] = field(default_factory=dict)
    keys: dict[int, FoundKey] = field(default_factory=dict)
    may_push: dict[int, dict[int, bool]] = field(default_factory=dict)
    webhooks: dict[int, list[FoundWebhook]] = field(default_factory=dict)
    unreadable: dict[int, str] = field(default_factory=dict)
    is_old: bool = False
    former: frozenset[str] = frozenset({"former"})
    rules: Rules = field(default_factory=some_rules)
    share: Share = ALL
    fails: Callable[[Change], str | None] = lambda _: None
    stops_after: int | None = None
    most_webhooks: int = 100
    written: list[Change] = field(default_factory=list)
    last_id: int = 1000

    def add_project(self, project: Project) -> None:
        self.projects[project.id] = project
        self.may_push[project.id] = {}
        self.webhooks[project.id] = []

    def add_key(self, project: Project, key: PublicKey, title: str, *, can_push: bool = False) -> None:
        """Attach the key; one that GitLab has already keeps its title."""
        id_ = next((one.id for one in self.keys.values() if one.key == key), None)
        if id_ is None:
            id_ = self._next_id()
            self.keys[id_] = FoundKey(id_, title, key, Mark.parse(title), Owner.UNMARKED)
        self.may_push[project.id].setdefault(id_, can_push)

    def add_webhook(
        self, project: Project, url: str, description: str = "", on: frozenset[str] = DEFAULT_FLAGS
    ) -> None:
        """Add a webhook with the default events; GitLab before 17.1 has no descriptions and no token_present."""
        known = OLD_FLAGS if self.is_old else FLAGS
        found = FoundWebhook(self._next_id(), url, {flag: flag in on for flag in known}, None, Owner.UNMARKED)
        newer = {"description": description, "strategy": "wildcard", "token_present": True}
        old = {"has_description": False, "strategy": None, "token_present": None}
        self.webhooks[project.id].append(replace(found, **(old if self.is_old else newer)))

    def _next_id(self) -> int:
        self.last_id += 1
        return self.last_id

    def read_hosts(self) -> frozenset[str]:
        return frozenset({HOST})

    def listed_paths(self) -> Set[str]:
        return {project.path for project in self.projects.values()}

    def group_paths(self) -> Set[str]:
        return frozenset({"tenants"})

    def find(self, paths: Iterable[str]) -> Mapping[str, LookUpResult]:
        known = {project.path: ProjectLocation(project) for project in self.projects.values()}
        return {path: known.get(path, ProjectAbsent()) for path in paths}

    def read_actual(self, also: Iterable[Project]) -> Actual:
        assert {project.id for project in also} <= self.projects.keys()
        return actual_from(self.state_of(one) for one in self.projects.values() if self.share.has(one.id))

    def state_of(self, project: Project) -> Items | Unreadable:
        if project.id in self.unreadable:
            return Unreadable(project, self.unreadable[project.id])
        attached = self.may_push[project.id].items()
        keys = tuple(replace(self.keys[id_], can_push=can_push) for id_, can_push in attached)
        return owned_by(Items(project, keys, tuple(self.webhooks[project.id])), self.rules)

    def expect_writes(self, count: int) -> None:
        """Nobody watches."""

    def in_parallel(self, work: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        return [work(item) for item in items]

    def stopped(self) -> str:
        over = self.stops_after is not None and len(self.written) >= self.stops_after
        return "a signal stopped the run" if over else ""

    def write(self, change: Change) -> Written:
        anothers_title = None
        reason = self.fails(change)
        if reason:
            raise WriteFailed(reason)
        match change:
            case Create(WantedKey() as wanted):
                anothers_title = self._create_key(change, wanted)
            case Create(WantedWebhook() as wanted):
                self._create_webhook(wanted)
            case Update(FoundKey() as found):
                self._update_key(change, found)
            case Update(FoundWebhook() as found, WantedWebhook() as wanted):
                self._update_webhook(change, found, wanted)
            case Delete(project, FoundKey() as found):
                self._detach(project, found)
            case Delete(project, FoundWebhook() as found):
                self._remove_webhook(project, found)
        self.written.append(change)
        return Written(change.id or 0, anothers_title)

    def _create_key(self, change: Create, wanted: WantedKey) -> str | None:
        """Attach it; the title under which GitLab has it, if that is the mark of another cluster."""
        self.add_key(wanted.project, wanted.key, change.title, can_push=change.can_push)
        there = next(one for one in self.keys.values() if one.key == wanted.key)
        mark = Mark.parse(there.title)
        return there.title if mark and mark.cluster not in {wanted.mark.cluster, *self.former} else None

    def _create_webhook(self, wanted: WantedWebhook) -> None:
        if len(self.webhooks[wanted.project.id]) >= self.most_webhooks:
            raise WriteFailed("GitLab answered 422", cause=Cause(CauseCode.LIMIT_REACHED))
        self.add_webhook(wanted.project, wanted.url, str(wanted.mark), wanted.flags)

    def _failure(self, key: int, message: str) -> WriteFailed:
        hidden = any(key in self.may_push[project] for project in self.unreadable)
        return Unforeseen(message) if hidden else WriteFailed(message)

    def _update_key(self, change: Update, found: FoundKey) -> None:
        if "title" in change.fields:
            if sum(found.id in attached for attached in self.may_push.values()) > 1:
                raise self._failure(found.id, "GitLab kept the title.")
            self.keys[found.id] = replace(self.keys[found.id], title=str(change.wanted.mark))
        if "can_push" in change.fields:
            self.may_push[change.project.id][found.id] = False

    def _update_webhook(self, change: Update, found: FoundWebhook, wanted: WantedWebhook) -> None:
        at_project = self.webhooks[wanted.project.id]
        if heals(change):
            number = next(number for number, listed in enumerate(at_project) if listed.id == found.id)
            at_project[number] = replace(found, alert_status=EXECUTABLE)
            return
        self._remove_webhook(wanted.project, found)
        self.add_webhook(wanted.project, wanted.url, str(wanted.mark), wanted.flags)
        self.webhooks[wanted.project.id][-1] = replace(self.webhooks[wanted.project.id][-1], id=found.id)

    def _detach(self, project: Project, found: FoundKey) -> None:
        del self.may_push[project.id][found.id]
        if not any(found.id in attached for attached in self.may_push.values()):
            del self.keys[found.id]

    def _remove_webhook(self, project: Project, found: FoundWebhook) -> None:
        left = [one for one in self.webhooks[project.id] if one.id != found.id]
        assert len(left) == len(self.webhooks[project.id]) - 1, f"webhook {found.id} is not there"
        self.webhooks[project.id] = left

    def titles(self, project: Project) -> list[str]:
        """The titles of a project's deploy keys."""
        return sorted(self.keys[id_].title for id_ in self.may_push[project.id])

    def urls(self, project: Project) -> list[str]:
        """The URLs of a project's webhooks."""
        return sorted(one.url for one in self.webhooks[project.id])


def marked(name: str, cluster: str = "prod", namespace: str = NAMESPACE) -> str:
    """The text of a mark."""
    return str(Mark(cluster, namespace, name))

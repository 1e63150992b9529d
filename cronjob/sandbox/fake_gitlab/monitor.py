"""A monitor that checks the embedded GitLab after every write and records each write that violates a rule."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from cronjob.sandbox.fake_gitlab.records import Hook, Key, Project, Request
from cronjob.sandbox.fake_gitlab.world import GitLabWorld

# Fields that change without a write to the item: deliveries, clones, and the other projects of a key.
_CHANGED_WITHOUT_WRITE = {"deliveries", "last_used_at", "projects"}
# Fields that a test push changes of a disabled webhook.
_CHANGED_BY_TEST_PUSH = {"alert_status", "disabled_until"}

Fields = dict[str, Any]


@dataclass(frozen=True)
class Wanted:
    """
    The items that must not be removed, by project id: deploy keys as algorithm and material, webhooks by URL.

    *tokens* are the wanted tokens by URL; a URL without one may have any token.
    """

    keys: Mapping[int, Set[str]] = field(default_factory=dict)
    urls: Mapping[int, Set[str]] = field(default_factory=dict)
    tokens: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _State:
    """One project's deploy keys and webhooks by id, each with the values of all its fields."""

    keys: Mapping[int, Fields] = field(default_factory=dict)
    hooks: Mapping[int, Fields] = field(default_factory=dict)

    @property
    def materials(self) -> set[str]:
        return {" ".join(key["key"].split()[:2]) for key in self.keys.values()}

    @property
    def urls(self) -> Counter[str]:
        return Counter(hook["url"] for hook in self.hooks.values())


class Monitor:
    """
    Checks *world* after each write. *violations* are sentences that begin with the request; *writes* counts the writes.

    A write violates a rule, which is recorded once, when

    - a wanted deploy key or webhook that was there is gone;
    - a foreign webhook, or a foreign (project, key), is gone or any of its fields has changed;
    - there are more webhooks at one URL of a project than before, and more than one;
    - a new or changed webhook at a wanted URL does not have the wanted token.

    After changes by hand or of *wanted*, call `take_snapshot`.
    """

    def __init__(
        self,
        world: GitLabWorld,
        wanted: Wanted,
        *,
        foreign_hooks: Iterable[Hook] = (),
        foreign_keys: Iterable[tuple[Project, Key]] = (),
    ) -> None:
        self.wanted = wanted
        self.writes = 0
        self.violations: list[str] = []
        self._world = world
        self._foreign_hooks = {hook.id for hook in foreign_hooks}
        self._foreign_keys = {(project.id, key.id) for project, key in foreign_keys}
        self._snapshot: dict[int, _State] = {}
        with world.lock:
            self.take_snapshot()
            world.after_write.append(self._check)

    def take_snapshot(self) -> None:
        """Take the current state as the state to compare the next write with."""
        with self._world.lock:
            self._snapshot = {project.id: _state(self._world, project) for project in self._world.projects.values()}

    def _check(self, request: Request) -> None:
        """Check the projects of a write; the world calls this under its lock."""
        self.writes += 1
        for project in _touched(self._world, request):
            before, now = self._snapshot.get(project.id, _State()), _state(self._world, project)
            if now != before:
                self._snapshot[project.id] = now
                self.violations += [
                    f"{request.method} {request.path}: on {project.path_with_namespace} {complaint}"
                    for complaint in self._violations(project.id, before, now)
                ]

    def _violations(self, project: int, before: _State, now: _State) -> Iterator[str]:
        for key in sorted(self.wanted.keys.get(project, set()) & before.materials - now.materials):
            yield f"the wanted deploy key {key} is gone"
        urls = self.wanted.urls.get(project, set())
        for url in sorted(urls & before.urls.keys() - now.urls.keys()):
            yield f"the wanted webhook {url} is gone"
        foreign_keys = {id_ for owner, id_ in self._foreign_keys if owner == project}
        yield from _differences("deploy key", foreign_keys, before.keys, now.keys)
        yield from _differences("webhook", self._foreign_hooks, before.hooks, now.hooks)
        for url, count in now.urls.items():
            if count > max(1, before.urls[url]):
                yield f"there are now {count} webhooks at {url}"
        for id_, hook in now.hooks.items():
            url = hook["url"]
            is_new = _written(before.hooks.get(id_, {})) != _written(hook)
            if is_new and url in urls and hook["token"] != self.wanted.tokens.get(url, hook["token"]):
                yield f"the webhook {id_} at {url} has not the wanted token"


def _written(hook: Fields) -> Fields:
    """The fields that a test push never changes."""
    return {name: value for name, value in hook.items() if name not in _CHANGED_BY_TEST_PUSH}


def _differences(
    kind: str, foreign: Set[int], before: Mapping[int, Fields], now: Mapping[int, Fields]
) -> Iterator[str]:
    for id_ in sorted(foreign & before.keys()):
        if id_ not in now:
            yield f"the foreign {kind} {id_} is gone"
        elif changed := sorted(name for name, value in now[id_].items() if value != before[id_].get(name)):
            yield f"the foreign {kind} {id_} is not what it was: {', '.join(changed)}"


def _state(world: GitLabWorld, project: Project) -> _State:
    keys = {id_: _fields(world.keys[id_]) | {"can_push": can_push} for id_, can_push in project.keys.items()}
    return _State(keys, {id_: _fields(hook) for id_, hook in project.hooks.items()})


def _fields(record: Key | Hook) -> Fields:
    """A copy of all fields that only a write to the record can change."""
    return {
        name: dict(value) if isinstance(value, dict) else value
        for name, value in vars(record).items()
        if name not in _CHANGED_WITHOUT_WRITE
    }


def _touched(world: GitLabWorld, request: Request) -> list[Project]:
    """The projects whose items the request may have changed: that of its path, and those of the key in its path."""
    below = request.path.removeprefix(f"{world.url_root}/api/v4/")
    named = re.match(r"projects/([^/]+)(?:/deploy_keys/(\d+))?", below)
    if named is None:
        return list(world.projects.values())
    key = world.keys.get(int(named[2])) if named[2] else None
    sharing = dict(key.projects) if key else {}
    place = unquote(named[1]).lower()
    project = world.projects.get(int(place)) if place.isdecimal() else world.projects_by_path.get(place)
    if project is None:
        project = world.redirects.get(place)
    return list((sharing | ({project.id: project} if project else {})).values())

"""What a run deleted, read from its report: a deploy key whole, a webhook with its digest cut."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from reconcile.events import FLAGS
from reconcile.marks import Mark
from reconcile.model import Kind, Project, PublicKey, Ref

_RECEIVER = re.compile(r"Receiver/([^/]+)/([^/]+)")


@dataclass(frozen=True, slots=True)
class RemovedKey:
    """A deploy key as it was on that project."""

    project: Project
    title: str
    key: PublicKey
    can_push: bool

    kind = Kind.DEPLOY_KEY

    @property
    def name(self) -> str:
        """Its fingerprint."""
        return self.key.fingerprint

    @property
    def mark(self) -> Mark | None:
        """The mark in its title, if that is one."""
        return Mark.parse(self.title)


@dataclass(frozen=True, slots=True)
class RemovedWebhook:
    """A webhook that was on that project. *url* is what reports show; *receiver* is None where it carried no mark."""

    project: Project
    url: str
    flags: frozenset[str] = field(default=frozenset())
    receiver: Ref | None = None

    kind = Kind.WEBHOOK

    @property
    def name(self) -> str:
        """Its URL, as far as it is known."""
        return self.url


Removed = RemovedKey | RemovedWebhook


def removed_from(report: Mapping[str, Any]) -> tuple[Removed, ...]:
    """The deletes that a run applied, in the order of its JSON report. Raises ValueError where they cannot be read."""
    changes = report.get("changes")
    if not isinstance(changes, list):
        raise ValueError("it lists no changes")
    return tuple(_removed(changes))


def _removed(changes: list[Any]) -> Iterator[Removed]:
    for change in changes:
        match change:
            case {"action": "delete", "status": "applied"}:
                yield _item(change)
            case {"action": "create" | "update", "status": str()} | {"action": "delete", "status": str()}:
                continue
            case _:
                raise ValueError("a change in it is none")


def _item(change: Mapping[str, Any]) -> Removed:
    project = _project(change)
    match change:
        case {"kind": Kind.DEPLOY_KEY, "key": {"title": str(title), "can_push": bool(can_push), **key}}:
            public = _public_key(key.get("public_key"), key.get("fingerprint"))
            return RemovedKey(project, title, public, can_push)
        case {"kind": Kind.WEBHOOK, "webhook": {"url": str(url), "events": list(events)}, "sources": list(sources)}:
            names = (_RECEIVER.fullmatch(str(one)) for one in sources)
            receivers = [Ref("Receiver", *name.groups()) for name in names if name]
            # What this version does not know, it does not ask for.
            return RemovedWebhook(project, url, frozenset(FLAGS).intersection(map(str, events)), *receivers[:1])
    raise ValueError("a deploy key or a webhook in it is none")


def _project(change: Mapping[str, Any]) -> Project:
    match change:
        case {"project_id": int(id_), "project": str(path)}:
            return Project(id_, path)
    raise ValueError("a change in it names no project")


def _public_key(text: object, fingerprint: object) -> PublicKey:
    key = PublicKey.parse(str(text))
    if key.fingerprint != fingerprint:
        raise ValueError("a deploy key in it has not the fingerprint that stands beside it")
    return key

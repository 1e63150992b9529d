"""
What a run changed and found wrong, as Kubernetes Events: `kubectl describe` shows them under the object concerned.

Best effort: whatever goes wrong here is said once and changes nothing else.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from cronjob.kube.client import WIDTH, KubeApi
from cronjob.kube.errors import NoAnswer
from cronjob.transport.answer import Answer
from reconcile.desired.repositories import ref_of
from reconcile.model import Kind, Ref, shown_url
from reconcile.ports import Object
from reconcile.problems import Problem, Severity
from reconcile.report import Entry, Report, Status

COMPONENT = "flux-gitlab-syncer"
# What an Event says of a change.
REASONS = {
    (Kind.DEPLOY_KEY, "create"): ("DeployKeyAdded", "was added to"),
    (Kind.DEPLOY_KEY, "update"): ("DeployKeyUpdated", "was corrected on"),
    (Kind.DEPLOY_KEY, "delete"): ("DeployKeyRemoved", "was removed from"),
    (Kind.WEBHOOK, "create"): ("WebhookAdded", "was added to"),
    (Kind.WEBHOOK, "update"): ("WebhookUpdated", "was corrected on"),
    (Kind.WEBHOOK, "delete"): ("WebhookRemoved", "was removed from"),
}
# In seconds. An API server that is slower than this has other worries.
_ANSWER_WITHIN = 5.0
# As client-go cuts them; the API takes no more of some.
_LONGEST_MESSAGE = 1024
_LONGEST_NAME = 230


@dataclass(frozen=True, slots=True)
class Event:
    """One thing to be said of one object; *involved* is the object as Events refer to it."""

    involved: Mapping[str, str]
    type: str
    reason: str
    message: str

    @property
    def name(self) -> str:
        """The same for the same thing said of the same object, so that it is one Event however often it is said."""
        said = json.dumps([dict(self.involved), self.reason, self.message], sort_keys=True)
        return f"{self.involved['name'][:_LONGEST_NAME]}.{hashlib.sha256(said.encode()).hexdigest()[:16]}"


@dataclass(frozen=True, slots=True)
class Named:
    """One object of Flux, as Events refer to it; *secret* is the name of the one that a GitRepository names."""

    ref: Ref
    version: str
    uid: str
    secret: str | None

    @classmethod
    def of(cls, item: Object, kind: str, version: str) -> Named:
        """From the object as it was listed, and the `apiVersion` it was listed in."""
        secret = (item["spec"].get("secretRef") or {}).get("name")
        return cls(ref_of(item, kind), version, item["metadata"].get("uid", ""), secret)


@dataclass(frozen=True, slots=True)
class Objects:
    """
    The objects of which something may be said, each as Events refer to it.

    *users* are the GitRepositories that name a Secret: the mark of a deploy key only knows the Secret.
    """

    involved: Mapping[Ref, Mapping[str, str]]
    users: Mapping[Ref, tuple[Ref, ...]]

    @classmethod
    def of(cls, listed: Iterable[Named]) -> Objects:
        """Those that were listed."""
        involved: dict[Ref, Mapping[str, str]] = {}
        users: dict[Ref, tuple[Ref, ...]] = {}
        for one in listed:
            ref = one.ref
            own = {"apiVersion": one.version, "kind": ref.kind, "namespace": ref.namespace, "name": ref.name}
            involved[ref] = own | {"uid": one.uid}
            if ref.kind == "GitRepository" and one.secret:
                named = Ref("Secret", ref.namespace, one.secret)
                users[named] = (*users.get(named, ()), ref)
        return cls(involved, users)


def events_of(report: Report, objects: Objects) -> list[Event]:
    """What is to be said, once each; of objects that are not there nothing is."""
    said = [*_of_changes(report.entries, objects), *_of_problems(report.plan.problems, objects)]
    return list({event.name: event for event in said}.values())


def _of_changes(entries: Iterable[Entry], objects: Objects) -> Iterator[Event]:
    for entry in entries:
        change = entry.change
        if entry.status is not Status.APPLIED:
            continue
        reason, how = REASONS[change.kind, change.action]
        item = f"{change.kind.value.replace('_', ' ').capitalize()} {shown_url(change.name)}"
        message = f"{item} {how} {change.project.path}: {change.reason}."
        concerned = "GitRepository" if change.kind is Kind.DEPLOY_KEY else "Receiver"
        for source in change.sources:
            for ref in objects.users.get(source, (source,)):
                if ref.kind == concerned and ref in objects.involved:
                    yield Event(objects.involved[ref], "Normal", reason, _cut(message))


def _of_problems(problems: Iterable[Problem], objects: Objects) -> Iterator[Event]:
    named = {str(ref): involved for ref, involved in objects.involved.items()}
    for problem in problems:
        if problem.object in named:
            kind = "Normal" if problem.severity is Severity.NOTICE else "Warning"
            yield Event(named[problem.object], kind, problem.code, _cut(problem.message))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_MESSAGE else text[: _LONGEST_MESSAGE - 1] + "…"


class Recorder:
    """Writes Events, several at a time, until one of them cannot be written. Needs `create` and `patch` on events."""

    def __init__(self, api: KubeApi) -> None:
        self._api = api
        self._trouble = ""

    def record(self, events: Iterable[Event]) -> str:
        """Write them all; why that was given up, as a clause, else nothing."""
        with ThreadPoolExecutor(WIDTH, thread_name_prefix="events") as pool:
            for _ in pool.map(self._record, events):
                pass
        return self._trouble

    def _record(self, event: Event) -> None:
        if self._trouble:
            return
        try:
            trouble = self._api.stop_control.reason() or self._written(event)
        except NoAnswer as none:
            trouble = f"Kubernetes gave no answer ({none})"
        if trouble:
            # Not where there is none: others that were under way may succeed after it.
            self._trouble = trouble

    def _written(self, event: Event) -> str:
        """One that is there counts one more, and is not forgotten for another hour; else it is made."""
        collection = f"/api/v1/namespaces/{quote(event.involved['namespace'], safe='')}/events"
        path = f"{collection}/{quote(event.name, safe='')}"
        answer = self._send("PATCH", path, {"lastTimestamp": _now()})
        if answer.status == HTTPStatus.NOT_FOUND:
            return _refusal("create", event, self._send("POST", collection, _manifest(event)))
        count = (answer.parsed() or {}).get("count")
        if answer.status == HTTPStatus.OK and isinstance(count, int):
            answer = self._send("PATCH", path, {"count": count + 1})
        return _refusal("patch", event, answer)

    def _send(self, method: str, path: str, body: Mapping[str, Any]) -> Answer:
        return self._api.send(method, path, body=body, timeout=_ANSWER_WITHIN)


def _refusal(verb: str, event: Event, answer: Answer) -> str:
    """Why it was not written; another program may have been quicker, with the same Event."""
    if answer.status in {HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.CONFLICT} and answer.parsed():
        return ""
    right = "; give the service account `create,patch` on events, or pass --no-events" if answer.status == 403 else ""
    return f"Kubernetes refuses to {verb} events in namespace {event.involved['namespace']} ({answer.title}){right}"


def _manifest(event: Event) -> dict[str, Any]:
    now = _now()
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": event.name, "namespace": event.involved["namespace"]},
        "involvedObject": dict(event.involved),
        "type": event.type,
        "reason": event.reason,
        "message": event.message,
        "count": 1,
        "firstTimestamp": now,
        "lastTimestamp": now,
        "source": {"component": COMPONENT},
        "reportingComponent": COMPONENT,
        "reportingInstance": "",
    }


def _now() -> str:
    """A Time, which has whole seconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

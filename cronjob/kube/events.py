"""
Kubernetes Events about what a run changed and found wrong: `kubectl describe` shows them under the object.

Best effort: a failure to write Events is reported once and does not change the run.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from itertools import chain
from typing import Any
from urllib.parse import quote

from cronjob.kube.client import CONCURRENCY, KubeApi
from cronjob.kube.errors import CredentialsError, NoAnswer
from cronjob.transport.answer import Answer
from reconcile.desired.git_url import UnusableUrl, parse_git_url
from reconcile.desired.repositories import ref_of
from reconcile.model import Kind, Ref, shown_url, without_digests
from reconcile.ports import Object
from reconcile.problems import Problem, Severity
from reconcile.report import Entry, Report, Status

COMPONENT = "flux-gitlab-syncer"
# The reason and the verb of the Event about a change.
REASONS = {
    (Kind.DEPLOY_KEY, "create"): ("DeployKeyAdded", "was added to"),
    (Kind.DEPLOY_KEY, "update"): ("DeployKeyUpdated", "was corrected on"),
    (Kind.DEPLOY_KEY, "delete"): ("DeployKeyRemoved", "was removed from"),
    (Kind.WEBHOOK, "create"): ("WebhookAdded", "was added to"),
    (Kind.WEBHOOK, "update"): ("WebhookUpdated", "was corrected on"),
    (Kind.WEBHOOK, "delete"): ("WebhookRemoved", "was removed from"),
}
# In seconds, for one request.
_TIMEOUT = 5.0
# In characters. client-go cuts messages here too, and some API servers refuse longer ones.
_MAX_MESSAGE = 1024
_MAX_NAME = 230
_MAX_PER_OBJECT = 5


@dataclass(frozen=True, slots=True)
class Event:
    """One Event; *involved* is the `involvedObject` that it is about."""

    involved: Mapping[str, str]
    type: str
    reason: str
    message: str

    @property
    def name(self) -> str:
        """A name made from the content: the same Event written again is counted up and not doubled."""
        content = json.dumps([dict(self.involved), self.reason, self.message], sort_keys=True)
        return f"{self.involved['name'][:_MAX_NAME]}.{hashlib.sha256(content.encode()).hexdigest()[:16]}"


@dataclass(frozen=True, slots=True)
class ListedObject:
    """
    A GitRepository or Receiver as far as Events need it.

    *secret* is the name of the Secret that it names, *path* the project's path in lower case in its own URL.
    """

    ref: Ref
    version: str
    uid: str
    secret: str | None
    path: str | None = None

    @classmethod
    def of(cls, item: Object, kind: str, version: str) -> ListedObject:
        """From the object as it was listed, and the `apiVersion` it was listed in."""
        spec = item["spec"]
        secret = (spec.get("secretRef") or {}).get("name")
        return cls(ref_of(item, kind), version, item["metadata"].get("uid", ""), secret, _path_in(spec.get("url")))


@dataclass(frozen=True, slots=True)
class EventTargets:
    """
    The objects that Events can be written about, each as an `involvedObject`.

    *users* are the GitRepositories that name a Secret: the mark of a deploy key names only the Secret. *paths* are the
    projects' paths that the objects' own URLs have: whoever reads a tenant's Events must learn no other one.
    """

    involved: Mapping[Ref, Mapping[str, str]]
    users: Mapping[Ref, Sequence[Ref]]
    paths: Mapping[Ref, str] = field(default_factory=dict)

    @classmethod
    def of(cls, listed_objects: Iterable[ListedObject]) -> EventTargets:
        """The targets among the objects that were listed."""
        involved: dict[Ref, Mapping[str, str]] = {}
        users: dict[Ref, list[Ref]] = defaultdict(list)
        paths: dict[Ref, str] = {}
        for listed in listed_objects:
            ref = listed.ref
            names = {"apiVersion": listed.version, "kind": ref.kind, "namespace": ref.namespace, "name": ref.name}
            involved[ref] = names | {"uid": listed.uid}
            if listed.path:
                paths[ref] = listed.path
            if ref.kind == "GitRepository" and listed.secret:
                users[Ref("Secret", ref.namespace, listed.secret)].append(ref)
        return cls(involved, users, paths)

    def names(self, ref: Ref, path: str) -> bool:
        """Whether the object's own URL has the project's path."""
        return self.paths.get(ref) == path.lower()


def events_for(report: Report, targets: EventTargets) -> list[Event]:
    """
    The Events to write about a report, without duplicates; objects that do not exist get none.

    Each object gets a few at most: those about changes, then those about the worst problems.
    """
    events: dict[str, Event] = {}
    counts: Counter[tuple[str, str, str]] = Counter()
    for event in chain(
        _events_for_changes(report.entries, targets), _events_for_problems(report.plan.problems, targets)
    ):
        involved = event.involved
        key = (involved["kind"], involved["namespace"], involved["name"])
        if counts[key] < _MAX_PER_OBJECT and event.name not in events:
            counts[key] += 1
            events[event.name] = event
    return list(events.values())


def _events_for_changes(entries: Iterable[Entry], targets: EventTargets) -> Iterator[Event]:
    for entry in entries:
        change = entry.change
        if entry.status is not Status.APPLIED:
            continue
        reason, verb = REASONS[change.kind, change.action]
        item = f"{change.kind.value.replace('_', ' ').capitalize()} {shown_url(change.name)}"
        kind = "GitRepository" if change.kind is Kind.DEPLOY_KEY else "Receiver"
        for source in change.sources:
            for ref in targets.users.get(source, (source,)):
                if ref.kind == kind and ref in targets.involved:
                    project = change.project.path if targets.names(ref, change.project.path) else "its project"
                    message = f"{item} {verb} {project}: {change.reason}."
                    yield Event(targets.involved[ref], "Normal", reason, _cut(message))


def _events_for_problems(problems: Iterable[Problem], targets: EventTargets) -> Iterator[Event]:
    refs = {str(ref): ref for ref in targets.involved}
    for problem in problems:
        if problem.object in refs:
            ref = refs[problem.object]
            type_ = "Normal" if problem.severity is Severity.NOTICE else "Warning"
            yield Event(targets.involved[ref], type_, problem.code, _cut(_message_for(problem, ref, targets)))


def _message_for(problem: Problem, ref: Ref, targets: EventTargets) -> str:
    """The problem's message without the paths that the object does not name itself."""
    message = problem.message
    for path in filter(None, (problem.project, problem.actual_path)):
        if not targets.names(ref, path):
            message = re.sub(rf"(?<![\w./-]){re.escape(path)}(?![\w/-])", "another path", message)
    return message


def _path_in(url: object) -> str | None:
    try:
        return parse_git_url(str(url or "")).path.lower()
    except UnusableUrl:
        return None


def _cut(text: str) -> str:
    text = without_digests(text)
    return text if len(text) <= _MAX_MESSAGE else text[: _MAX_MESSAGE - 1] + "…"


class EventRecorder:
    """
    Writes Events, several at a time, until one of them cannot be written.

    The service account needs `create` and `patch` on events.
    """

    def __init__(self, api: KubeApi) -> None:
        self._api = api
        self._failure = ""

    def record(self, events: Iterable[Event]) -> str:
        """Write all events; why that was given up, as a clause, else an empty text."""
        with ThreadPoolExecutor(CONCURRENCY, thread_name_prefix="events") as pool:
            for _ in pool.map(self._record, events):
                pass
        return self._failure

    def _record(self, event: Event) -> None:
        if self._failure:
            return
        try:
            failure = self._api.stop_control.reason() or self._write(event)
        except (NoAnswer, CredentialsError) as error:
            failure = f"Kubernetes gave no answer ({error})"
        if failure:
            # Never reset: Events that were already being written may succeed after it.
            self._failure = failure

    def _write(self, event: Event) -> str:
        """Create the Event, or count up and so renew the one that exists (they expire); why that failed, else empty."""
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
        return self._api.send(method, path, body=body, timeout=_TIMEOUT)


def _refusal(verb: str, event: Event, answer: Answer) -> str:
    """Why the Event was not written, else empty. After a 409 another run has just written the same Event."""
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
    """The time of now as Kubernetes' type Time, in whole seconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

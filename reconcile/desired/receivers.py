"""
What each Receiver asks for: a webhook at one URL, on the projects of the GitRepositories it names.

Rules about paths, tokens and readiness follow Flux's notification-controller (api/v1/receiver_types.go,
internal/controller/receiver_controller.go, internal/server/receiver_handlers.go; unchanged from 0.33 to 1.9).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from textwrap import shorten
from typing import Any

from reconcile.causes import Cause
from reconcile.desired.annotations import NONE, SWITCH, Annotations, annotations_of
from reconcile.desired.change_times import spec_changed
from reconcile.desired.repositories import NO_LABELS, is_gone, ref_of
from reconcile.events import DEFAULT_FLAGS, flags_of, spelling_of
from reconcile.model import (
    Ref,
    without_digests,
)
from reconcile.problems import Code, Problem, Severity
from reconcile.rules import is_hook_path

SUPPORTED = frozenset({"gitlab", "generic"})
LONGEST_QUOTE = 200
# Of one object; what is beyond them still holds.
MAX_PROBLEMS = 20
GROUP = "source.toolkit.fluxcd.io"


@dataclass(frozen=True, slots=True)
class Resource:
    """One entry of a Receiver's `spec.resources` that names GitRepositories; an empty *namespace* is the Receiver's."""

    name: str
    namespace: str = ""
    labels: Mapping[str, str] = field(default_factory=lambda: NO_LABELS)


@dataclass(frozen=True, slots=True)
class ReceiverRequest:
    """
    One Receiver as far as it could be followed.

    *resources* are those entries of its spec that name GitRepositories; a Receiver without any is ignored. *path* is
    Flux's webhook path or None, *not_ready_reason* says why Flux would refuse deliveries now. *creates* is False where
    nothing may be created or updated; *held* names the problem that keeps what is there. *malformed*: the object
    breaks its schema.
    """

    ref: Ref
    type: str
    resources: tuple[Resource, ...]
    path: str | None = field(default=None, repr=False)
    secret: Ref | None = None
    token: str | None = field(default=None, repr=False)
    flags: frozenset[str] = DEFAULT_FLAGS
    not_ready_reason: str | None = None
    annotations: Annotations = NONE
    malformed: bool = False
    creates: bool = True
    held: Code | None = None
    problems: tuple[Problem, ...] = ()
    problems_left_out: int = 0
    spec_changed: datetime | None = field(default=None, compare=False)

    @property
    def supported(self) -> bool:
        """Whether a GitLab webhook can feed this type of Receiver."""
        return self.type in SUPPORTED

    @property
    def left_alone(self) -> bool:
        """Whether it is switched off or malformed: nothing else about it is to be judged."""
        return self.malformed or self.held in {Code.DISABLED, Code.SUSPENDED}

    def hold(self, code: Code, message: str, cause: Cause | None = None) -> ReceiverRequest:
        """This receiver with a problem that keeps what is there and lets nothing new be made."""
        kept = self.keep(code, message)
        problems = (*kept.problems[:-1], kept.problems[-1].caused_by(cause))
        return replace(kept, problems=problems, creates=False)

    def keep(self, code: Code, message: str) -> ReceiverRequest:
        """This receiver with a problem that keeps what is there, and is no obstacle otherwise."""
        return replace(self.warned(code, message), held=self.held or code)

    def warned(self, code: Code, message: str, *, severity: Severity | None = None) -> ReceiverRequest:
        """This receiver with a problem that changes nothing else."""
        if len(self.problems) >= MAX_PROBLEMS:
            return replace(self, problems_left_out=self.problems_left_out + 1)
        problem = Problem.of(code, message, object=self.ref, severity=severity)
        return replace(self, problems=(*self.problems, problem))

    def switched_off(self) -> ReceiverRequest:
        """This receiver while webhooks are switched off: it wants nothing and nothing about it is reported."""
        return replace(self, creates=False, held=None, problems=(), problems_left_out=0)

    def concerning(self, projects: Iterable[str]) -> ReceiverRequest:
        """This receiver with its problems filed under the one project it names, if it is one."""
        match tuple(projects) if self.problems else ():
            case [path]:
                return replace(self, problems=tuple(replace(one, project=path) for one in self.problems))
        return self


def receiver_requests_from(items: Iterable[Mapping[str, Any]]) -> tuple[ReceiverRequest, ...]:
    """The Receivers that are not being deleted, as far as they go without their Secrets."""
    return tuple(receiver for item in items if (receiver := receiver_request_from(item)))


def receiver_request_from(item: Mapping[str, Any]) -> ReceiverRequest | None:
    """One Receiver as far as it goes without its Secret, or None where it is being deleted."""
    if is_gone(item):
        return None
    receiver, unknown = _as_written(item)
    broken = item.get("broken")
    if broken:
        message = f"The object is malformed: {broken}. Correct it; its webhooks stay as they are."
        return replace(receiver, malformed=True).hold(Code.RECEIVER_TARGET_NOT_FOUND, message)
    if receiver.annotations.is_disabled:
        return receiver.hold(
            Code.DISABLED,
            f"The annotation {SWITCH} says `disabled`: its webhooks are left alone until it is removed.",
        )
    if not receiver.supported:
        return replace(receiver, creates=False)
    if (item.get("spec") or {}).get("suspend"):
        resume = f"`flux resume receiver {receiver.ref.name} -n {receiver.ref.namespace}` ends that."
        return receiver.hold(Code.SUSPENDED, f"It is suspended, so its webhooks stay as they are. {resume}")
    if receiver.annotations.unreadable:
        message = f"{receiver.annotations.unreadable} Until then its webhooks stay as they are."
        receiver = receiver.hold(Code.ANNOTATION_UNUSABLE, message)
    return _without(receiver, unknown) if unknown else receiver


def _as_written(item: Mapping[str, Any]) -> tuple[ReceiverRequest, tuple[str, ...]]:
    """The receiver before anything about it is judged, and its events that GitLab does not know."""
    spec, status, ref = item.get("spec") or {}, item.get("status") or {}, ref_of(item, "Receiver")
    name, type_ = (spec.get("secretRef") or {}).get("name"), str(spec.get("type") or "")
    # status.url is where Flux before 0.38 put the path.
    found = status.get("webhookPath") or status.get("url")
    path = found if is_hook_path(str(found)) else None
    events = tuple(str(event) for event in spec.get("events") or ())
    flags, unknown = flags_of(events) if events and type_ != "generic" else (DEFAULT_FLAGS, ())
    receiver = ReceiverRequest(
        ref,
        type_,
        tuple(_resource(one) for one in spec.get("resources") or () if _is_git_repository(one)),
        path=path,
        secret=Ref("Secret", ref.namespace, name) if name else None,
        flags=flags,
        not_ready_reason=_not_ready_reason(ref, path, item),
        spec_changed=spec_changed(item["metadata"]),
        annotations=annotations_of(item, "Receiver"),
    )
    return receiver, unknown


def _resource(raw: Mapping[str, Any]) -> Resource:
    return Resource(str(raw.get("name") or ""), str(raw.get("namespace") or ""), raw.get("matchLabels") or NO_LABELS)


def _is_git_repository(resource: Mapping[str, Any]) -> bool:
    """By group and kind: the version does not matter, and Flux fills in a missing apiVersion."""
    version = str(resource.get("apiVersion") or "")
    return resource.get("kind") == "GitRepository" and version.partition("/")[0] in {"", GROUP}


def _without(receiver: ReceiverRequest, unknown: Iterable[str]) -> ReceiverRequest:
    """The receiver without its *unknown* events, and that as a problem."""
    names = ", ".join(repr(event) for event in unknown)
    spellings = ", ".join(f"`{name}`" for name in dict.fromkeys(filter(None, map(spelling_of, unknown))))
    remedy = spellings or "it as in `Push Hook`"
    message = f"GitLab sends no event called {names} from a project; write {remedy}, or remove it."
    if receiver.flags:
        return receiver.warned(Code.UNKNOWN_EVENT, message, severity=Severity.WARNING)
    return receiver.hold(Code.UNKNOWN_EVENT, f"{message} None of its events is left, so its webhook stays as it is.")


def _not_ready_reason(ref: Ref, path: str | None, item: Mapping[str, Any]) -> str | None:
    """Why Flux would not accept a delivery for this Receiver now, or None."""
    status, metadata = item.get("status") or {}, item["metadata"]
    ready: Mapping[str, Any] = next((c for c in status.get("conditions") or () if c.get("type") == "Ready"), {})
    if ready.get("status", "True") != "True":
        said = without_digests(str(ready.get("message") or ready.get("reason") or "it gives no reason"))
        said = shorten(said, LONGEST_QUOTE, placeholder="…").rstrip(".")
        return f"Flux says it is not ready: {said}; {_show(ref)}. Its webhooks wait."
    if path is None:
        return f"Its status.webhookPath is not there yet; {_show(ref)}. Its webhooks wait."
    seen, now = status.get("observedGeneration"), metadata.get("generation")
    if isinstance(seen, int) and isinstance(now, int) and seen < now:
        return f"Flux has not seen its newest spec yet; {_show(ref)}. Its webhooks wait."
    return None


def _show(ref: Ref) -> str:
    return f"see `kubectl describe receiver {ref.name} -n {ref.namespace}`"

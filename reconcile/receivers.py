"""
What each Receiver asks for: a webhook at one URL, on the projects of the GitRepositories it names.

Rules about paths, tokens and readiness follow Flux's notification-controller (api/v1/receiver_types.go,
internal/controller/receiver_controller.go, internal/server/receiver_handlers.go; unchanged from 0.33 to 1.9).
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from textwrap import shorten
from typing import Any

from reconcile.claims import SWITCH, is_disabled, is_gone, ref_of
from reconcile.events import DEFAULT_FLAGS, flags_of
from reconcile.model import (
    Ref,
    Secret,
    SecretAnswer,
    SecretMissing,
    SecretOfOthers,
    SecretUnreadable,
    without_digests,
)
from reconcile.problems import Code, Problem, Severity
from reconcile.rules import is_hook_path

SUPPORTED = frozenset({"gitlab", "generic"})
LONGEST_QUOTE = 200
GROUP = "source.toolkit.fluxcd.io"
# No header can carry these: control characters end it, outer blanks are trimmed on the way.
_NO_HEADER = re.compile(r"[\x00-\x1f\x7f]|^\s|\s$")


@dataclass(frozen=True, slots=True)
class Listener:
    """
    One Receiver as far as it could be followed.

    *resources* are those entries of its spec that name GitRepositories; without any it is not this program's business.
    *path* is Flux's webhook path or None, *trouble* says why Flux would refuse deliveries now. *creates* is False
    where nothing may be created or updated; *held* names the problem that keeps what is there. *vague*: the object is
    malformed.
    """

    ref: Ref
    type: str
    resources: tuple[Mapping[str, Any], ...]
    path: str | None = field(default=None, repr=False)
    secret: Ref | None = None
    token: str | None = field(default=None, repr=False)
    flags: frozenset[str] = DEFAULT_FLAGS
    trouble: str | None = None
    vague: bool = False
    creates: bool = True
    held: Code | None = None
    problems: tuple[Problem, ...] = ()

    @property
    def supported(self) -> bool:
        """Whether a GitLab webhook can feed this type of Receiver."""
        return self.type in SUPPORTED

    @property
    def left_alone(self) -> bool:
        """Whether it is switched off or malformed: nothing else about it is to be judged."""
        return self.vague or self.held in {Code.DISABLED, Code.SUSPENDED}

    def hold(self, code: Code, message: str) -> Listener:
        """This listener with a problem that keeps what is there and lets nothing new be made."""
        return replace(self.keep(code, message), creates=False)

    def keep(self, code: Code, message: str) -> Listener:
        """This listener with a problem that keeps what is there, and is no obstacle otherwise."""
        return replace(self.warned(code, message), held=self.held or code)

    def warned(self, code: Code, message: str, *, severity: Severity | None = None) -> Listener:
        """This listener with a problem that changes nothing else."""
        problem = Problem.of(code, message, object=self.ref, severity=severity)
        return replace(self, problems=(*self.problems, problem))

    def silent(self) -> Listener:
        """This listener while webhooks are switched off: it wants nothing and nothing about it is reported."""
        return replace(self, creates=False, held=None, problems=())

    def concerning(self, projects: Iterable[str]) -> Listener:
        """This listener with its problems filed under the one project it names, if it is one."""
        match tuple(projects):
            case [path]:
                return replace(self, problems=tuple(replace(one, project=path) for one in self.problems))
        return self


def unreadable(secret: Ref | None, reason: str) -> str:
    """What to do about a Secret that Kubernetes did not give."""
    return f"{secret} cannot be read: {reason}. Let this job `get` it; the next run tries again."


def webhook_path(token: bytes, ref: Ref) -> str:
    """Flux's path for a Receiver: no separator, no trimming (GetWebhookPath)."""
    return "/hook/" + hashlib.sha256(token + ref.name.encode() + ref.namespace.encode()).hexdigest()


def listeners_from(items: Iterable[Mapping[str, Any]]) -> tuple[Listener, ...]:
    """The Receivers that are not being deleted, as far as they go without their Secrets."""
    return tuple(_listener(item) for item in items if not is_gone(item))


def _listener(item: Mapping[str, Any]) -> Listener:
    spec, status, ref = item.get("spec") or {}, item.get("status") or {}, ref_of(item, "Receiver")
    name = (spec.get("secretRef") or {}).get("name")
    # status.url is where Flux before 0.38 put the path.
    path = status.get("webhookPath") or status.get("url")
    listener = Listener(
        ref,
        str(spec.get("type") or ""),
        tuple(one for one in spec.get("resources") or () if _is_git_repository(one)),
        path=path if is_hook_path(str(path)) else None,
        secret=Ref("Secret", ref.namespace, name) if name else None,
    )
    broken = item.get("broken")
    if broken:
        message = f"The object is malformed: {broken}. Correct it; its webhooks stay as they are."
        return replace(listener, vague=True).hold(Code.RECEIVER_TARGET_NOT_FOUND, message)
    if is_disabled(item):
        return listener.hold(
            Code.DISABLED,
            f"The annotation {SWITCH} says `disabled`: its webhooks are left alone until it is removed.",
        )
    if not listener.supported:
        return replace(listener, creates=False)
    if spec.get("suspend"):
        return listener.hold(Code.SUSPENDED, f"It is suspended, so its webhooks stay as they are. {_resume(ref)}")
    return _with_events(replace(listener, trouble=_trouble(listener, item)), spec.get("events") or ())


def _is_git_repository(resource: Mapping[str, Any]) -> bool:
    """By group and kind: the version does not matter, and Flux fills in a missing apiVersion."""
    version = str(resource.get("apiVersion") or "")
    return resource.get("kind") == "GitRepository" and version.partition("/")[0] in {"", GROUP}


def _resume(ref: Ref) -> str:
    return f"`flux resume receiver {ref.name} -n {ref.namespace}` ends that."


def _with_events(listener: Listener, events: Iterable[str]) -> Listener:
    listed = tuple(str(event) for event in events)
    if not listed or listener.type == "generic":
        return listener
    flags, unknown = flags_of(listed)
    if not unknown:
        return replace(listener, flags=flags)
    names = ", ".join(repr(event) for event in unknown)
    message = f"GitLab sends no event called {names} from a project; write it as in `Push Hook`, or remove it."
    if flags:
        return replace(listener, flags=flags).warned(Code.UNKNOWN_EVENT, message, severity=Severity.WARNING)
    return listener.hold(Code.UNKNOWN_EVENT, f"{message} None of its events is left, so its webhook stays as it is.")


def with_token(listener: Listener, answer: SecretAnswer | None) -> Listener:
    """The listener with its token; of the Secret, the status and the path only the first trouble is reported."""
    match answer:
        case None:
            return listener.hold(
                Code.SECRET_NOT_FOUND, "spec.secretRef names no Secret; Flux needs one with the key `token`."
            )
        case SecretMissing():
            return listener.hold(
                Code.SECRET_NOT_FOUND, f"{listener.secret} does not exist; create it with the key `token`."
            )
        case SecretUnreadable(reason):
            return listener.hold(Code.SECRET_UNREADABLE, unreadable(listener.secret, reason))
        case SecretOfOthers():
            return listener
        case Secret(token=None):
            return listener.hold(Code.SECRET_NOT_FOUND, f"{listener.secret} has no key `token`; add it.")
        case secret:
            return _judged(listener, secret.token or b"")


def _judged(listener: Listener, token: bytes) -> Listener:
    if not token:
        return listener.hold(
            Code.EMPTY_TOKEN,
            f"The token in {listener.secret} is empty, as GitLab's own agent makes it: "
            "no webhook is created, and what is there stays. Store a token if GitLab should call it.",
        )
    text = _header(token)
    if text is None:
        return listener.hold(
            Code.TOKEN_UNUSABLE,
            f"No header can carry the token in {listener.secret}: it is not UTF-8, or has control characters, "
            "a line break or blanks at its ends. Store it without (`echo -n`, or `printf %s`).",
        )
    if listener.trouble:
        return listener.hold(Code.RECEIVER_NOT_READY, listener.trouble)
    if webhook_path(token, listener.ref) != listener.path:
        return listener.hold(
            Code.ROTATION_IN_FLIGHT,
            f"The token in {listener.secret} is newer than status.webhookPath; its webhooks wait until Flux "
            f"has seen it (`flux reconcile receiver {listener.ref.name} -n {listener.ref.namespace}`).",
        )
    return replace(listener, token=text)


def _header(token: bytes) -> str | None:
    try:
        text = token.decode()
    except UnicodeDecodeError:
        return None
    return None if _NO_HEADER.search(text) else text


def _trouble(listener: Listener, item: Mapping[str, Any]) -> str | None:
    """Why Flux would not accept a delivery for this Receiver now, or None."""
    status, metadata = item.get("status") or {}, item["metadata"]
    ready: Mapping[str, Any] = next((c for c in status.get("conditions") or () if c.get("type") == "Ready"), {})
    show = f"see `kubectl describe receiver {listener.ref.name} -n {listener.ref.namespace}`"
    if ready.get("status", "True") != "True":
        said = without_digests(str(ready.get("message") or ready.get("reason") or "it gives no reason"))
        said = shorten(said, LONGEST_QUOTE, placeholder="…").rstrip(".")
        return f"Flux says it is not ready: {said}; {show}. Its webhooks wait."
    if listener.path is None:
        return f"Its status.webhookPath is not there yet; {show}. Its webhooks wait."
    seen, now = status.get("observedGeneration"), metadata.get("generation")
    if isinstance(seen, int) and isinstance(now, int) and seen < now:
        return f"Flux has not seen its newest spec yet; {show}. Its webhooks wait."
    return None


def with_collisions(listeners: Iterable[Listener]) -> tuple[Listener, ...]:
    """The listeners, with a problem on each whose path another Receiver, of any type, has too."""
    listed = tuple(listeners)
    paths = Counter(one.path for one in listed if one.path)
    return tuple(
        one.hold(
            Code.RECEIVER_PATH_COLLISION,
            "Another Receiver has the same webhook path, and Flux serves only one of them; "
            "give each Receiver a token of its own.",
        )
        if one.supported and not one.left_alone and one.path and paths[one.path] > 1
        else one
        for one in listed
    )

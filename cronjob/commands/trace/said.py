"""From the words of a run to those of a chain: which problem breaks which link, and what others have written."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from textwrap import shorten
from typing import Any

from cronjob.commands.findings import Finding, Level
from cronjob.commands.trace.links import Link
from reconcile.model import Ref, without_digests
from reconcile.problems import Code, Problem, Severity

# A run need not mind these, or only warns of them; a tenant waits in vain all the same.
_BREAKING = {
    Code.URL_NOT_FETCHABLE,
    Code.RECEIVER_NOT_READY,
    Code.ROTATION_IN_FLIGHT,
    Code.KEY_EXPIRED,
    Code.WEBHOOK_DISABLED,
    Code.SUSPENDED,
    Code.FOREIGN_HOST,
    Code.PROJECT_OUTSIDE_GROUP,
}
# A run removes nothing meanwhile, and the webhook that should be there works.
_HARMLESS = {Code.MARK_ELSEWHERE}
_SECRET = {Code.SECRET_NOT_FOUND, Code.SECRET_UNREADABLE, Code.KEY_UNUSABLE, Code.PUBLIC_KEY_MISMATCH}
_PROJECT = {
    Code.PROJECT_NOT_FOUND,
    Code.PROJECT_UNREADABLE,
    Code.PROJECT_REPLACED,
    Code.PROJECT_MOVED,
    Code.PROJECT_OUTSIDE_GROUP,
}
_KEY = {Code.KEY_SHARED_ACROSS_CLUSTERS, Code.KEY_UNMARKED, Code.KEY_EXPIRED, Code.KEY_CAN_PUSH}
_WEBHOOK = {
    Code.WEBHOOK_FOREIGN_MARK,
    Code.WEBHOOK_DISABLED,
    Code.WEBHOOK_UNMARKED,
    Code.MARK_ELSEWHERE,
    Code.WEBHOOKS_OFF,
}
_LINKS = {Link.CREDENTIALS: _SECRET, Link.PROJECT: _PROJECT, Link.DEPLOY_KEY: _KEY, Link.WEBHOOK: _WEBHOOK}
_LEVELS = {Severity.ERROR: Level.FAIL, Severity.WARNING: Level.WARN, Severity.NOTICE: Level.NOTE}
# A password or token in a URL; the user of ssh://git@ is none.
_CREDENTIALS = re.compile(r"(https?://)[^/\s@]*@|(ssh://[^/\s@:]*:)[^/\s@]*@", re.IGNORECASE)
_LONGEST = 400


def link_of(code: str, kind: str | None) -> Link:
    """The link at which a problem of a GitRepository, a Receiver or (without a kind) of the project belongs."""
    of_webhook = code in _WEBHOOK
    if kind == "Receiver":
        return Link.WEBHOOK if of_webhook else Link.RECEIVER
    return next((link for link, codes in _LINKS.items() if code in codes), Link.REPOSITORY)


def level_of(problem: Problem) -> Level:
    """How bad it is for the chain."""
    if problem.code in _HARMLESS:
        return Level.WARN
    return Level.FAIL if problem.code in _BREAKING else _LEVELS[problem.severity]


def told(problems: Iterable[Problem], link: Link, ref: Ref | None) -> Iterator[Finding]:
    """The problems of one object, or of the project, that belong at *link*."""
    for problem in problems:
        if link_of(problem.code, ref.kind if ref else None) is link:
            command = _command(problem.code, ref) if ref else None
            yield Finding(link, level_of(problem), problem.message, problem.object, command)


def quoted(text: str) -> str:
    """What a controller has written, without digests and credentials, and not too much of it."""
    plain = _CREDENTIALS.sub(lambda found: f"{found[1] or found[2]}…@", without_digests(text))
    return shorten(plain, _LONGEST, placeholder="…").rstrip(".")


def text_of(value: object) -> str:
    """A field that no run needs, as text; nothing where it is none."""
    return value if isinstance(value, str) else ""


def condition(item: Mapping[str, Any], kind: str = "Ready") -> Mapping[str, Any]:
    """The object's condition of that type; an empty one where it has none."""
    conditions = (item.get("status") or {}).get("conditions") or ()
    return next((one for one in conditions if one.get("type") == kind), {})


def shell(*words: str) -> str:
    """A command that can be pasted."""
    return shlex.join(words)


def _command(code: str, ref: Ref) -> str | None:
    place = (ref.name, "--namespace", ref.namespace)
    kind = ref.kind.lower()
    match code:
        case Code.SUSPENDED:
            return shell("flux", "resume", "receiver", *place)
        case Code.ROTATION_IN_FLIGHT:
            return shell("flux", "reconcile", "receiver", *place)
        case Code.RECEIVER_NOT_READY:
            return shell("kubectl", "describe", "receiver", *place)
        case Code.DISABLED:
            return shell("kubectl", "annotate", kind, *place, "flux-gitlab-syncer/reconcile-")
        case Code.SECRET_UNREADABLE:
            return shell("kubectl", "auth", "can-i", "get", "secrets", "--namespace", ref.namespace)
    return None

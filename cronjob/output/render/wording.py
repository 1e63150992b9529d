"""How the report speaks, whatever the format. Nothing here is escaped: each format does that in its own way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from cronjob.output.render.page import Page
from cronjob.output.render.summary import plural

Record = Mapping[str, Any]

# More of the same than this is shown as a count with examples; JSON lists all.
MANY = 20
EXAMPLES = 3
SYMBOLS = {"create": "+", "update": "~", "delete": "-"}
KINDS = {"deploy_key": "deploy key", "webhook": "webhook"}
_QUIET = {"planned", "applied"}


def title(document: Record, page: Page) -> str:
    """What was run, and for which cluster."""
    mode = f"dry run{'' if page.command == 'run' else f' of {page.command}'}" if document["dry_run"] else page.command
    return f"flux-gitlab-syncer {document['version']}: {mode} for cluster {document['cluster']}{_shard(document)}"


def _shard(document: Record) -> str:
    shard = document.get("shard")
    return f", shard {shard['index']} of 0 to {shard['of'] - 1}" if shard else ""


def facts(document: Record) -> Iterator[tuple[str, str]]:
    """Where, as whom, of what and how much was read; a fact without a name goes on with the one before."""
    servers = document["servers"]
    yield "GitLab", _as_whom(servers["gitlab"], servers["user"])
    if servers["kubernetes"]:
        yield "Kubernetes", _as_whom(servers["kubernetes"], servers["kubernetes_user"])
    groups = ", ".join(document["groups"]) or "no group"
    yield "Read", f"{plural(document['summary']['projects'], 'project')} of {groups}"
    if document["namespaces"]:
        yield "", f"GitRepositories and Receivers of {', '.join(document['namespaces'])}"
    sent = document["requests"]["gitlab"]
    writes = sum(sent[method] for method in ("POST", "PUT", "DELETE"))
    asked = f"{plural(sent['GET'], 'read')} and {plural(writes, 'write')}"
    yield "Requests", f"{asked} at GitLab, in {_seconds(document)}"


def many_and_few(changes: Sequence[Record]) -> tuple[list[list[Record]], list[Record]]:
    """Changes of which there are many with the same reason, group by group, and all others in their order."""
    grouped: dict[tuple[str, ...], list[Record]] = {}
    for change in changes:
        grouped.setdefault(_sameness(change), []).append(change)
    many = [group for group in grouped.values() if len(group) > MANY]
    return many, [change for change in changes if len(grouped[_sameness(change)]) <= MANY]


def _sameness(change: Record) -> tuple[str, ...]:
    return (change["action"], change["kind"], change["status"], change["reason"], ",".join(change["fields"]))


def detail(one: Record) -> Record:
    """The key or the webhook that a record of the report is about."""
    item: Record = one["key" if one["kind"] == "deploy_key" else "webhook"]
    return item


def name_of(one: Record) -> str:
    """A key's fingerprint, a webhook's URL as it may be shown."""
    return str(detail(one)["fingerprint" if one["kind"] == "deploy_key" else "url"])


def label_of(one: Record) -> str:
    """What its owner called it, if anything."""
    return str(detail(one).get("title") or detail(one).get("description") or "")


def because(change: Record) -> str:
    """Which object is behind a change, as a clause; empty where none is known."""
    sources = change["sources"]
    if not sources:
        return ""
    more = f" and {len(sources) - 1} more" if len(sources) > 1 else ""
    # What is wanted is wanted through a GitRepository; what is removed, or put back, has its mark only.
    is_wanted = any(source.startswith("GitRepository/") for source in sources)
    return f"; {'wanted by' if is_wanted else 'marked for'} {sources[0]}{more}"


def status(change: Record) -> str:
    """How a change went, in brackets, where that is not what the whole report says anyway."""
    return "" if change["status"] in _QUIET else f" ({change['status'].replace('_', ' ')})"


def value(of_field: object) -> str:
    """An old or a new value."""
    return str(of_field).lower() if isinstance(of_field, bool) else f'"{of_field}"'


def said_and_typed(message: str) -> list[str]:
    """A message cut at its backticks: what is said and what is typed, in turn. Without pairs it is all said."""
    parts = message.split("`")
    return parts if len(parts) % 2 else [message]


def _as_whom(server: str | None, user: str | None) -> str:
    return f"{server} as {user}" if user else str(server)


def _seconds(document: Record) -> str:
    ends = [datetime.fromisoformat(document[key]) for key in ("started_at", "finished_at")]
    return f"{(ends[1] - ends[0]).total_seconds():.1f} s"

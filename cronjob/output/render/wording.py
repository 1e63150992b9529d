"""Texts that all formats share. Nothing here is escaped: each format escapes in its own way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from cronjob.output.render.page import Page
from cronjob.output.render.summary import plural

Record = Mapping[str, Any]

EXAMPLES = 3
SYMBOLS = {"create": "+", "update": "~", "delete": "-"}
SEVERITIES = ["error", "warning", "notice"]
KINDS = {"deploy_key": "deploy key", "webhook": "webhook"}
# The header says these of the whole run.
_EXPECTED_STATUSES = {"planned", "applied"}


def title(document: Record, page: Page) -> str:
    """Return the heading: the version, the command and the cluster."""
    mode = f"dry run{'' if page.command == 'run' else f' of {page.command}'}" if document["dry_run"] else page.command
    return f"flux-gitlab-syncer {document['version']}: {mode} for cluster {document['cluster']}{_shard(document)}"


def _shard(document: Record) -> str:
    shard = document.get("shard")
    return f", shard {shard['index']} of 0 to {shard['of'] - 1}" if shard else ""


def facts(document: Record) -> Iterator[tuple[str, str]]:
    """Yield the header's lines as name and text: servers, users, what was read. No name continues the line before."""
    servers = document["servers"]
    yield "GitLab", _server_and_user(servers["gitlab"], servers["user"])
    if servers["kubernetes"]:
        yield "Kubernetes", _server_and_user(servers["kubernetes"], servers["kubernetes_user"])
    if lease := document.get("lease"):
        yield "Lease", lease
    groups = ", ".join(document["groups"]) or "no group"
    yield "Read", f"{plural(document['summary']['projects'], 'project')} of {groups}"
    if document["namespaces"]:
        yield "", f"GitRepositories and Receivers of {', '.join(document['namespaces'])}"
    sent = document["requests"]["gitlab"]
    writes = sum(sent[method] for method in ("POST", "PUT", "DELETE"))
    traffic = f"{plural(sent['GET'], 'read')} and {plural(writes, 'write')}"
    yield "Requests", f"{traffic} at GitLab, in {_seconds(document)}"


def grouped_changes(changes: Sequence[Record], longest: int) -> tuple[list[list[Record]], list[Record]]:
    """Return the groups of more than *longest* changes with the same reason and cause, and all others."""
    grouped: dict[tuple[str, ...], list[Record]] = {}
    for change in changes:
        grouped.setdefault(_group_key(change), []).append(change)
    groups = [group for group in grouped.values() if len(group) > longest]
    return groups, [change for change in changes if len(grouped[_group_key(change)]) <= longest]


def _group_key(change: Record) -> tuple[str, ...]:
    fields, cause = ",".join(change["fields"]), change.get("cause")
    why = cause["code"] if cause else change["error"] or ""
    return (change["action"], change["kind"], change["status"], change["reason"], fields, why)


def cause_lines(change: Record) -> list[str]:
    """Return why a change was not made and the next step, as GitLab's words and ours; empty where it was made."""
    lines = [change["error"]] if change["error"] else []
    return [*lines, change["cause"]["next"]] if change.get("cause") else lines


def problem_group(problem: Record) -> tuple[int, str, str]:
    """Return what problems of one group share: severity (its rank), code and cause."""
    cause = problem.get("cause")
    return SEVERITIES.index(problem["severity"]), problem["code"], cause["code"] if cause else ""


def item_of(record: Record) -> Record:
    """Return the key or the webhook that a record of the report is about."""
    item: Record = record["key" if record["kind"] == "deploy_key" else "webhook"]
    return item


def name_of(record: Record) -> str:
    """Return a key's fingerprint, or a webhook's URL as it may be shown."""
    return str(item_of(record)["fingerprint" if record["kind"] == "deploy_key" else "url"])


def label_of(record: Record) -> str:
    """Return a key's title or a webhook's description; empty where it has none."""
    item = item_of(record)
    return str(item.get("title") or item.get("description") or "")


def source_clause(change: Record) -> str:
    """Return the clause that names the objects behind a change; empty where none is known."""
    sources = change["sources"]
    if not sources:
        return ""
    named = ", ".join(sources[:EXAMPLES])
    if len(sources) > EXAMPLES:
        named += f" and {len(sources) - EXAMPLES} more"
    elif len(sources) > 1:
        named = f"{', '.join(sources[:-1])} and {sources[-1]}"
    # A wanted item has a GitRepository among its sources; a removed or restored one has only what its mark names.
    is_wanted = any(source.startswith("GitRepository/") for source in sources)
    return f"; {'wanted by' if is_wanted else 'marked for'} {named}"


def status_note(change: Record) -> str:
    """Return the status of a change in brackets; empty where it is planned or applied, as the header says."""
    return "" if change["status"] in _EXPECTED_STATUSES else f" ({change['status'].replace('_', ' ')})"


def field_text(value: object) -> str:
    """Return the old or the new value of a field: `true`, `false` or a quoted text."""
    return str(value).lower() if isinstance(value, bool) else f'"{value}"'


def split_at_backticks(message: str) -> list[str]:
    """Split a message into text and code, in turn, at its backticks; where they are not in pairs, all is text."""
    parts = message.split("`")
    return parts if len(parts) % 2 else [message]


def _server_and_user(server: str | None, user: str | None) -> str:
    return f"{server} as {user}" if user else str(server)


def _seconds(document: Record) -> str:
    times = [datetime.fromisoformat(document[key]) for key in ("started_at", "finished_at")]
    return f"{(times[1] - times[0]).total_seconds():.1f} s"

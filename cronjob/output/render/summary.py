"""The summary line of a run: shown in the reports, the log and the pod's termination message."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

_VERDICTS = {
    "in_sync": "In sync",
    "drift": "Drift",
    "applied": "Applied",
    "incomplete": "Incomplete",
    "refused": "Refused",
    "failed": "Failed: nothing was decided and nothing was written",
}
_DONE = {"create": "created", "update": "updated", "delete": "deleted"}
_NOT_DONE = ("failed", "held", "refused", "contradicted", "not_reached")


def plural(count: int, noun: str) -> str:
    """Return the count with its noun: `1 project`, `2 projects`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def summary_line(document: Mapping[str, Any]) -> str:
    """Return the result and the counts as one sentence; a dry run counts what it would do."""
    result = document["result"]
    if result == "failed":
        return f"{_VERDICTS[result]}, {', '.join(_problems(document))}."
    return f"{_VERDICTS[result]}: {', '.join([*_counts(document), *_problems(document)])}."


def exit_line(document: Mapping[str, Any]) -> str:
    """Return the exit code and the reason for it; the last line of the text report."""
    return f"exit {document['exit']['code']}: {document['exit']['why']}"


def _problems(document: Mapping[str, Any]) -> list[str]:
    """Count problems by severity; `0 problems` where there are none."""
    counts = {noun: document["summary"][f"{noun}s"] for noun in ("error", "warning", "notice")}
    return [plural(count, noun) for noun, count in counts.items() if count] or ["0 problems"]


def _counts(document: Mapping[str, Any]) -> Iterator[str]:
    summary = document["summary"]
    outcomes = Counter((change["action"], change["status"]) for change in document["changes"])
    statuses = Counter(change["status"] for change in document["changes"])
    if document["changes"]:
        for action, done in _DONE.items():
            yield f"{summary[action]} to {action}" if document["dry_run"] else f"{outcomes[action, 'applied']} {done}"
    yield from (f"{statuses[name]} {name.replace('_', ' ')}" for name in _NOT_DONE if statuses[name])
    yield f"{summary['unchanged']} unchanged"
    if summary["kept"]:
        yield f"{summary['kept']} kept"

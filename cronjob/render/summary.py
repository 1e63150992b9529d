"""The run in one line: first and last in the text report, in the log, and in the pod's termination message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_VERDICTS = {
    "in_sync": "In sync",
    "drift": "Drift",
    "applied": "Applied",
    "incomplete": "Incomplete",
    "refused": "Refused",
    "failed": "Failed, nothing was decided and nothing was written",
}
_MORE = ("kept", "held", "failed", "refused")


def plural(count: int, noun: str) -> str:
    """`1 project`, `2 projects`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def summary_line(document: Mapping[str, Any]) -> str:
    """The result and the counts, as one sentence."""
    summary = document["summary"]
    parts = [f"{summary[action]} to {action}" for action in ("create", "update", "delete")]
    parts.append(f"{summary['unchanged']} unchanged")
    parts += [f"{summary[name]} {name}" for name in _MORE if summary[name]]
    parts.append(plural(summary["problems"], "problem"))
    return f"{_VERDICTS[document['result']]}: {', '.join(parts)}."

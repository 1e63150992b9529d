"""The run in one line: first and last in the text report, in the log, and in the pod's termination message."""

from __future__ import annotations

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
_MORE = ("kept", "held", "failed", "refused")


def plural(count: int, noun: str) -> str:
    """`1 project`, `2 projects`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def summary_line(document: Mapping[str, Any]) -> str:
    """The result and the counts, as one sentence."""
    result = document["result"]
    problems = plural(document["summary"]["problems"], "problem")
    if result == "failed":
        return f"{_VERDICTS[result]}, {problems}."
    return f"{_VERDICTS[result]}: {', '.join([*_counts(document['summary'], result), problems])}."


def _counts(summary: Mapping[str, int], result: str) -> Iterator[str]:
    if result != "in_sync":
        for action, done in _DONE.items():
            yield f"{summary[action]} {done if result == 'applied' else f'to {action}'}"
    yield f"{summary['unchanged']} unchanged"
    for name in _MORE:
        if summary[name]:
            yield f"{summary[name]} {name}"

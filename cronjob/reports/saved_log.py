"""Read the JSON log of a run, as `kubectl logs` gives it: what the run deleted, and whether the log is whole."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class LoggedRun:
    """
    The deletes of one run, as its log has them.

    *deletes* is the number that its summary line states, None where the log has no such line. *at* is the time of its
    first line here, as written.
    """

    run_id: str
    cluster: str
    at: str
    removed: list[Mapping[str, Any]] = field(default_factory=list)
    deletes: int | None = None

    @property
    def missing(self) -> int:
        """How many deletes the log lacks, as far as its summary line tells."""
        return max((self.deletes or 0) - len(self.removed), 0)

    def as_report(self) -> dict[str, Any]:
        """The deletes as a report has them."""
        changes = [
            {
                **record,
                "action": "delete",
                "status": "applied",
                "sources": [source] if (source := (record.get("webhook") or {}).get("receiver")) else [],
            }
            for record in self.removed
        ]
        return {"cluster": self.cluster, "dry_run": False, "changes": changes}


@dataclass(slots=True)
class SavedLog:
    """The runs that a log tells of, by run_id, and how many of its lines were skipped."""

    runs: dict[str, LoggedRun] = field(default_factory=dict)
    skipped: int = 0

    @property
    def deleting(self) -> list[LoggedRun]:
        """The runs that deleted something."""
        return [run for run in self.runs.values() if run.removed or run.deletes]


def log_in(lines: Iterable[str]) -> SavedLog:
    """Read JSON log lines; a prefix such as `kubectl logs --prefix` or `--timestamps` writes is passed over."""
    log = SavedLog()
    for line in lines:
        record = _record(line)
        if record is None:
            log.skipped += bool(line.strip())
            continue
        run_id = record["run_id"]
        run = log.runs.setdefault(run_id, LoggedRun(run_id, str(record.get("cluster")), str(record.get("ts"))))
        if isinstance(removed := record.get("removed"), dict):
            run.removed.append(removed)
        if isinstance(deletes := record.get("deletes"), int):
            run.deletes = deletes
    return log


def _record(line: str) -> dict[str, Any] | None:
    """Return the JSON object in *line* that names a run, or None."""
    start = line.find("{")
    try:
        record = json.loads(line[start:]) if start >= 0 else None
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) and isinstance(record.get("run_id"), str) else None

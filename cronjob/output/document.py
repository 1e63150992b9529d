"""Build the report's document: plain data that every format renders. Its schema is `report.schema.json`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cronjob.exit_codes import Exit
from cronjob.reports import schemas
from cronjob.reports.timestamps import utc_text
from reconcile.report import Report
from reconcile.shares import ALL, Share


@dataclass(frozen=True, slots=True)
class RunMetadata:
    """
    What the report says about the run itself: version, cluster, servers, times.

    *options* are those given on the command line or in the environment, without secrets. *requests* counts requests by
    server and method. *exit* is the exit code and its reason. *share* is the shard that the run worked on. *lease* is
    `namespace/name` of the Lease that the run held, or None.
    """

    version: str
    run_id: str
    cluster: str
    options: Mapping[str, Any]
    servers: Mapping[str, str | None]
    groups: Sequence[str]
    namespaces: Sequence[str]
    started_at: datetime
    finished_at: datetime
    requests: Mapping[str, Mapping[str, float]]
    exit: Exit
    share: Share = ALL
    lease: str | None = None


def document_of(report: Report, metadata: RunMetadata) -> dict[str, Any]:
    """Return the whole report, ready for JSON; keys are in the order in which people read them."""
    body, share = report.as_dict(), metadata.share
    return {
        "schema": schemas.REPORT,
        "version": metadata.version,
        "run_id": metadata.run_id,
        "plan": body.pop("plan"),
        "cluster": metadata.cluster,
        **({} if share.is_all else {"shard": {"index": share.index, "of": share.of}}),
        "dry_run": body.pop("dry_run"),
        "options": dict(metadata.options),
        "servers": dict(metadata.servers),
        "groups": list(metadata.groups),
        "namespaces": list(metadata.namespaces),
        "lease": metadata.lease,
        "started_at": utc_text(metadata.started_at, "milliseconds"),
        "finished_at": utc_text(metadata.finished_at, "milliseconds"),
        **body,
        "exit": {"code": int(metadata.exit.code), "why": metadata.exit.why},
        "requests": {server: dict(counts) for server, counts in metadata.requests.items()},
    }

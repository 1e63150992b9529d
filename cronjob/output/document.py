"""The report as one document of plain data; every format is a rendering of it. Its schema is `report.schema.json`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cronjob.reports import schemas
from reconcile.report import Report
from reconcile.shares import ALL, Share


@dataclass(frozen=True, slots=True)
class RunMetadata:
    """
    Who ran, where and when. *options* are those given on the command line or in the environment, without secrets.

    *requests* counts what was sent, by server. *share* says which part of the projects it was for.
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
    share: Share = ALL


def document_of(report: Report, around: RunMetadata) -> dict[str, Any]:
    """The whole report, ready for JSON; keys are in the order people read them in."""
    body, share = report.as_dict(), around.share
    return {
        "schema": schemas.REPORT,
        "version": around.version,
        "run_id": around.run_id,
        "plan": body.pop("plan"),
        "cluster": around.cluster,
        **({} if share.is_all else {"shard": {"index": share.index, "of": share.of}}),
        "dry_run": body.pop("dry_run"),
        "options": dict(around.options),
        "servers": dict(around.servers),
        "groups": list(around.groups),
        "namespaces": list(around.namespaces),
        "started_at": _time(around.started_at),
        "finished_at": _time(around.finished_at),
        **body,
        "requests": {server: dict(counts) for server, counts in around.requests.items()},
    }


def _time(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")

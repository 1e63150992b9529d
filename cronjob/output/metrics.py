"""
Push the figures of the last run to a Prometheus Pushgateway.

A push replaces the metrics with the same name and group (`pushadd`); others stay. So every metric is pushed with all
its series each time, and the time of the last success only after a success.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from prometheus_client import CollectorRegistry, Gauge, pushadd_to_gateway
from urllib3 import PoolManager, Timeout
from urllib3 import exceptions as urllib3_errors

from cronjob.concurrency.run_with_timeout import run_with_timeout
from cronjob.output.document import RunMetadata
from reconcile.marks import Owner
from reconcile.model import Kind
from reconcile.plan.changes import ACTIONS
from reconcile.plan.objections import ObjectionCode
from reconcile.problems import Code
from reconcile.report import Report, Status

PREFIX = "flux_gitlab_syncer_"
# Each metric by its name without the prefix: its labels and its help text.
METRICS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "last_run_timestamp_seconds": ((), "when a run last ended, whatever its result"),
    "last_success_timestamp_seconds": ((), "when a run last read everything, with no failed change and no objection"),
    "run_duration_seconds": ((), "how long the run took"),
    "changes": (("kind", "action", "status"), "changes by their status"),
    "problems": (("severity", "code"), "problems"),
    "objections": (("code",), "objections of the guard, and to a plan that was not the expected one"),
    "items": (("kind", "owner"), "deploy keys and webhooks before the run, by owner"),
    "gitlab_requests": (
        ("method", "code"),
        "requests to GitLab, retries included; the code is `none` without an answer",
    ),
    "throttled_seconds": ((), "how long workers waited for rate limits, in total"),
    "token_expiry_timestamp_seconds": ((), "when the GitLab token expires; +Inf where GitLab gives no date"),
    "build_info": (("version",), "1"),
}
# The time limit of a push, in seconds.
LONGEST = 10.0


class Account(Protocol):
    """The account whose token was used, with what a metric needs of it."""

    @property
    def expires_at(self) -> datetime | None:
        """When the token expires; None if it never does."""


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """A finished run. *answers* counts GitLab's responses by method and status; *whoami* is None if it was not read."""

    report: Report
    metadata: RunMetadata
    answers: Mapping[tuple[str, ...], float]
    whoami: Account | None = None


def registry_of(run: FinishedRun) -> CollectorRegistry:
    """Return all metrics of the run."""
    registry = CollectorRegistry()
    for name, series in _series(run).items():
        labels, text = METRICS[name]
        gauge = Gauge(PREFIX + name, f"{text[0].upper()}{text[1:]}.", labels, registry=registry)
        for values, number in series.items():
            (gauge.labels(*values) if labels else gauge).set(number)
    return registry


def _series(run: FinishedRun) -> dict[str, Mapping[tuple[str, ...], float]]:
    metadata, report = run.metadata, run.report
    ended = metadata.finished_at.timestamp()
    series: dict[str, Mapping[tuple[str, ...], float]] = {
        "last_run_timestamp_seconds": {(): ended},
        "run_duration_seconds": {(): ended - metadata.started_at.timestamp()},
        "changes": _changes(report),
        "problems": _problems(report),
        "objections": _counted(
            ((code.value,) for code in ObjectionCode), ((objection.code.value,) for objection in report.objections)
        ),
        # At least one series: without any, those of the run before would stay.
        "gitlab_requests": {("GET", "200"): 0.0, **run.answers},
        "throttled_seconds": {(): metadata.requests["gitlab"]["throttled_seconds"]},
        "build_info": {(metadata.version,): 1},
    }
    if not report.failure:
        # Not read is not the same as zero.
        series["items"] = _items(report)
    if report.is_success:
        series["last_success_timestamp_seconds"] = {(): ended}
    if run.whoami:
        expires = run.whoami.expires_at
        series["token_expiry_timestamp_seconds"] = {(): expires.timestamp() if expires else math.inf}
    return series


def _changes(report: Report) -> Counter[tuple[str, ...]]:
    labels = ((kind.value, action, status.value) for kind in Kind for action in ACTIONS for status in Status)
    changes = ((entry.change.kind.value, entry.change.action, entry.status.value) for entry in report.entries)
    return _counted(labels, changes)


def _problems(report: Report) -> Counter[tuple[str, ...]]:
    labels = ((code.severity.value, str(code)) for code in Code)
    return _counted(labels, ((problem.severity.value, problem.code) for problem in report.plan.problems))


def _items(report: Report) -> Counter[tuple[str, ...]]:
    counts: Counter[tuple[str, ...]] = Counter(
        {(kind.value, owner.name.lower()): 0 for kind in Kind for owner in Owner}
    )
    counts.update({(kind.value, Owner.OURS.name.lower()): number for kind, number in report.plan.owned.items()})
    counts.update((item.found.kind.value, item.owner.name.lower()) for item in report.plan.foreign)
    return counts


def _counted(labels: Iterable[tuple[str, ...]], seen: Iterable[tuple[str, ...]]) -> Counter[tuple[str, ...]]:
    """Count what was seen by its labels; *labels* that were not seen are 0, so that old values are replaced."""
    counts = Counter(dict.fromkeys(labels, 0))
    counts.update(seen)
    return counts


def push(run: FinishedRun, gateway: str, seconds: float) -> str:
    """
    Push all metrics to *gateway*, once, without following redirects; return why it failed, as a clause, or "".

    Returns within *seconds* and within LONGEST, whatever the gateway does.
    """
    registry, limit = registry_of(run), min(seconds, LONGEST)
    failure = run_with_timeout(limit, lambda: _push_once(run, registry, gateway, limit))
    return "it did not answer in time" if failure is None else failure


def _push_once(run: FinishedRun, registry: CollectorRegistry, gateway: str, seconds: float) -> str:
    # Dry runs have their own job label, so that an audit is not taken for the job itself.
    job = "flux-gitlab-syncer-dry-run" if run.report.dry_run else "flux-gitlab-syncer"
    group = {"cluster": run.metadata.cluster, **run.metadata.share.labels}
    try:
        pushadd_to_gateway(gateway, job, registry, group, timeout=seconds, handler=_post)
    except _Refused as refused:
        return str(refused)
    except urllib3_errors.ReadTimeoutError:
        return "it did not answer in time"
    except urllib3_errors.HTTPError as error:
        # The library's own text has the address twice.
        return f"it gave no answer ({type(error).__name__})"
    return ""


class _Refused(Exception):
    """The gateway answered with an error or a redirect."""


def _post(
    url: str, method: str, timeout: float | None, headers: list[tuple[str, str]], data: bytes
) -> Callable[[], None]:
    def send() -> None:
        fields = dict(headers)
        with (
            PoolManager(retries=False, timeout=Timeout(total=timeout)) as pool,
            # The body is not read: it is not needed, and may be endless.
            pool.request(method, url, body=data, headers=fields, redirect=False, preload_content=False) as answer,
        ):
            if answer.status >= 300:
                raise _Refused(f"it answered {answer.status}")

    return send

"""
The last run as Prometheus metrics, pushed to a Pushgateway.

A push replaces what an earlier one left under the same name and group (`pushadd`), label by label; what is not pushed
stays. So every name has all its series each time, and the time of the last success is pushed after a success only.
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
from reconcile.plan.changes import ACTIONS, kind_of
from reconcile.problems import Code, severity_of
from reconcile.report import Report, Status

PREFIX = "flux_gitlab_syncer_"
# As Prometheus knows them: the name, its labels, and what it says.
METRICS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "last_run_timestamp_seconds": ((), "when a run last ended, however it did"),
    "last_success_timestamp_seconds": ((), "when a run last read everything, failed at nothing and met no objection"),
    "run_duration_seconds": ((), "how long the run took"),
    "changes": (("kind", "action", "status"), "changes, by how they went"),
    "problems": (("severity", "code"), "problems"),
    "objections": (("code",), "objections of the guard, and to a plan that was not the expected one"),
    "items": (("kind", "owner"), "deploy keys and webhooks, as they were read, by whose they are"),
    "gitlab_requests": (
        ("method", "code"),
        "requests to GitLab, retries included; the code is `none` without an answer",
    ),
    "throttled_seconds": ((), "how long workers waited to keep within limits, all together"),
    "token_expiry_timestamp_seconds": ((), "when the GitLab token expires; +Inf where it does not say"),
    "build_info": (("version",), "1"),
}
# In seconds: a run should not wait long for its own figures.
LONGEST = 10.0
OBJECTIONS = ("TooManyPrunes", "DesiredIsEmpty", "PlanChanged")


class Account(Protocol):
    """The account whose token was used, as far as a metric needs it."""

    @property
    def expires_at(self) -> datetime | None:
        """When the token expires; None if it never does."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A run as it ended. *answers* counts GitLab's by method and status; *whoami* is None where it never said."""

    report: Report
    around: RunMetadata
    answers: Mapping[tuple[str, ...], float]
    whoami: Account | None = None


def registry_of(run: Measured) -> CollectorRegistry:
    """All metrics of the run."""
    registry = CollectorRegistry()
    for name, series in _series(run).items():
        labels, text = METRICS[name]
        gauge = Gauge(PREFIX + name, f"{text[0].upper()}{text[1:]}.", labels, registry=registry)
        for values, number in series.items():
            (gauge.labels(*values) if labels else gauge).set(number)
    return registry


def _series(run: Measured) -> dict[str, Mapping[tuple[str, ...], float]]:
    around, report = run.around, run.report
    ended = around.finished_at.timestamp()
    made: dict[str, Mapping[tuple[str, ...], float]] = {
        "last_run_timestamp_seconds": {(): ended},
        "run_duration_seconds": {(): ended - around.started_at.timestamp()},
        "changes": _changes(report),
        "problems": _problems(report),
        "objections": _counted(((code,) for code in OBJECTIONS), ((one.code,) for one in report.objections)),
        # Never without a series, which would leave the last run's there.
        "gitlab_requests": {("GET", "200"): 0.0, **run.answers},
        "throttled_seconds": {(): around.requests["gitlab"]["throttled_seconds"]},
        "build_info": {(around.version,): 1},
    }
    if not report.failure:
        # What was not read is not none.
        made["items"] = _items(report)
    if report.is_success:
        made["last_success_timestamp_seconds"] = {(): ended}
    if run.whoami:
        expires = run.whoami.expires_at
        made["token_expiry_timestamp_seconds"] = {(): expires.timestamp() if expires else math.inf}
    return made


def _changes(report: Report) -> Counter[tuple[str, ...]]:
    every = ((kind.value, action, status.value) for kind in Kind for action in ACTIONS for status in Status)
    return _counted(every, ((one.change.kind.value, one.change.action, one.status.value) for one in report.entries))


def _problems(report: Report) -> Counter[tuple[str, ...]]:
    every = ((severity_of(code).value, str(code)) for code in Code)
    return _counted(every, ((one.severity.value, one.code) for one in report.plan.problems))


def _items(report: Report) -> Counter[tuple[str, ...]]:
    counts: Counter[tuple[str, ...]] = Counter(
        {(kind.value, owner.name.lower()): 0 for kind in Kind for owner in Owner}
    )
    counts.update({(kind.value, Owner.OURS.name.lower()): number for kind, number in report.plan.owned.items()})
    counts.update((kind_of(one.found).value, one.owner.name.lower()) for one in report.plan.foreign)
    return counts


def _counted(every: Iterable[tuple[str, ...]], seen: Iterable[tuple[str, ...]]) -> Counter[tuple[str, ...]]:
    """How often each was seen; what was not seen is 0, so that it does not stay as it was."""
    counts = Counter(dict.fromkeys(every, 0))
    counts.update(seen)
    return counts


def push(run: Measured, gateway: str, seconds: float) -> str:
    """
    Push everything to *gateway*, once, without following redirects; why that failed, as a clause, else nothing.

    Comes back within *seconds* and within LONGEST, whatever the gateway does.
    """
    registry, limit = registry_of(run), min(seconds, LONGEST)
    trouble = run_with_timeout(limit, lambda: _pushed(run, registry, gateway, limit))
    return "it did not answer in time" if trouble is None else trouble


def _pushed(run: Measured, registry: CollectorRegistry, gateway: str, seconds: float) -> str:
    # Dry runs have a job of their own, so that an audit does not pass for the job itself.
    job = "flux-gitlab-syncer-dry-run" if run.report.dry_run else "flux-gitlab-syncer"
    group = {"cluster": run.around.cluster, **run.around.share.labels}
    try:
        pushadd_to_gateway(gateway, job, registry, group, timeout=seconds, handler=_post)
    except _Refused as refused:
        return str(refused)
    except urllib3_errors.ReadTimeoutError:
        return "it did not answer in time"
    except urllib3_errors.HTTPError as error:
        # Not the library's own words, which hold the address twice.
        return f"it gave no answer ({type(error).__name__})"
    return ""


class _Refused(Exception):
    """The gateway answered something else."""


def _post(
    url: str, method: str, timeout: float | None, headers: list[tuple[str, str]], data: bytes
) -> Callable[[], None]:
    def send() -> None:
        headed, waits = dict(headers), Timeout(total=timeout)
        with (
            PoolManager(retries=False, timeout=waits) as pool,
            # Its body is of no interest, and may have no end.
            pool.request(method, url, body=data, headers=headed, redirect=False, preload_content=False) as answer,
        ):
            if answer.status >= 300:
                raise _Refused(f"it answered {answer.status}")

    return send

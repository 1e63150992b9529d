"""Read the report or the log that `undo` is given, and check that it is of a run that wrote, for this cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import click

from cronjob.reports.saved_log import SavedLog, log_in
from cronjob.reports.saved_report import report_in, text_of
from cronjob.settings.settings import Settings
from cronjob.settings.values import reason_of
from reconcile.errors import SettingsError
from reconcile.problems import Code, Problem
from reconcile.undo.removed import Removed, removed_from


@dataclass(frozen=True, slots=True)
class Removals:
    """What a run removed, and how many of its removals the log lacks."""

    items: tuple[Removed, ...]
    missing: int = 0
    total: int | None = None

    def problem(self) -> Problem | None:
        """Return the problem that the log is not whole, if it is not."""
        if not self.missing:
            return None
        message = f"{self.missing} of {self.total} deletes are missing in this log; the rest is put back."
        return Problem.of(Code.CANNOT_PUT_BACK, message)


def removals_in(path: str, settings: Settings) -> Removals:
    """
    Return what a run removed, from its JSON report or its JSON log at *path* (`-`: standard input).

    Raises SettingsError where it cannot be undone here.
    """
    try:
        text = text_of(path)
        report = report_in(text)
    except OSError as error:
        reason = reason_of(error)
        raise SettingsError(f"The report {path!r} cannot be read ({reason}); give the path of one.") from None
    except ValueError as error:
        raise SettingsError(f"The argument names {path!r}, which {error}.") from None
    if report is None:
        return _from_log(path, text, settings)
    _require(_dry_run_complaint(report), _origin_complaint(report, settings))
    return Removals(_removed(path, report))


def _from_log(path: str, text: str, settings: Settings) -> Removals:
    """Return what the one run removed of which the log tells, or that --run-id names."""
    log = log_in(text.splitlines())
    runs = [run for run in log.deleting if settings.run_id in {None, run.run_id}]
    if not runs:
        raise SettingsError(_nothing_in(path, log, settings))
    if len(runs) > 1:
        listed = "; ".join(f"{run.run_id} from {run.at} ({len(run.removed)} deletes)" for run in runs)
        raise SettingsError(f"{path!r} is the log of several runs that deleted: {listed}. Choose one with --run-id.")
    run = runs[0]
    _require(_cluster_complaint(run.cluster, settings))
    click.echo(
        f"{len(run.removed)} deletes of run {run.run_id} in the log; {log.skipped} other lines skipped.", err=True
    )
    return Removals(_removed(path, run.as_report()), run.missing, run.deletes)


def _nothing_in(path: str, log: SavedLog, settings: Settings) -> str:
    if settings.run_id:
        return f"{path!r} has no deletes of the run {settings.run_id!r}; leave out --run-id to see what it has."
    if log.runs:
        return f"{path!r} is a log of runs that deleted nothing; give the log or the report of the run that did."
    return f"{path!r} is neither a JSON report (--report json=PATH) nor a JSON log (kubectl logs JOB) of a run."


def _removed(path: str, report: Mapping[str, Any]) -> tuple[Removed, ...]:
    try:
        return removed_from(report)
    except ValueError as error:
        raise SettingsError(f"{path!r} is not usable: {error}; give it as the run wrote it.") from None


def _require(*complaints: str) -> None:
    if found := [complaint for complaint in complaints if complaint]:
        raise SettingsError("\n".join(found))


def _dry_run_complaint(report: Mapping[str, Any]) -> str:
    if report.get("dry_run") is False:
        return ""
    return "The report is of a dry run, which removed nothing; give the report of the run that removed it."


def _origin_complaint(report: Mapping[str, Any], settings: Settings) -> str:
    """Return a complaint about a report of another cluster or GitLab, where names and ids mean something else."""
    if complaint := _cluster_complaint(report.get("cluster"), settings):
        return complaint
    servers = report.get("servers")
    gitlab = servers.get("gitlab") if isinstance(servers, Mapping) else None
    if _host_and_path(gitlab) != _host_and_path(settings.gitlab_url):
        return f"The report is of the GitLab at {gitlab!r}, but --gitlab-url is {settings.gitlab_url!r}."
    return ""


def _cluster_complaint(cluster: object, settings: Settings) -> str:
    if cluster in (settings.cluster, *settings.previous_clusters):
        return ""
    return f"The report is of cluster {cluster!r}, but --cluster is {settings.cluster!r}; give one of it."


def _host_and_path(url: object) -> tuple[str, str]:
    """Return host with port and path in lower case; empty where *url* is not a URL."""
    try:
        parts = urlsplit(str(url).lower())
    except ValueError:
        return "", ""
    return parts.netloc, parts.path.strip("/")

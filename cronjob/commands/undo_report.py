"""Read the report that `undo` is given, and check that it is of a run that wrote, for this cluster and GitLab."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cronjob.reports.saved_report import report_in
from cronjob.settings.settings import Settings
from reconcile.errors import SettingsError
from reconcile.undo.removed import Removed, removed_from


def removed_in(path: Path, settings: Settings) -> tuple[Removed, ...]:
    """Return what the run removed whose report is at *path*. Raises SettingsError where it cannot be undone here."""
    try:
        report = report_in(path)
    except OSError as error:
        reason = error.strerror or "unreadable"
        raise SettingsError(f"The report {str(path)!r} cannot be read ({reason}); give the path of one.") from None
    except ValueError as error:
        raise SettingsError(f"The argument {error}.") from None
    if complaints := [*filter(None, (_dry_run_complaint(report), _origin_complaint(report, settings)))]:
        raise SettingsError("\n".join(complaints))
    try:
        return removed_from(report)
    except ValueError as error:
        raise SettingsError(
            f"The report {str(path)!r} is not usable: {error}; give the report as the run wrote it."
        ) from None


def _dry_run_complaint(report: Mapping[str, Any]) -> str:
    if report.get("dry_run") is False:
        return ""
    return "The report is of a dry run, which removed nothing; give the report of the run that removed it."


def _origin_complaint(report: Mapping[str, Any], settings: Settings) -> str:
    """Return a complaint about a report of another cluster or GitLab, where names and ids mean something else."""
    cluster, servers = report.get("cluster"), report.get("servers")
    if cluster not in (settings.cluster, *settings.previous_clusters):
        return f"The report is of cluster {cluster!r}, but --cluster is {settings.cluster!r}; give one of it."
    gitlab = servers.get("gitlab") if isinstance(servers, Mapping) else None
    if _host_and_path(gitlab) != _host_and_path(settings.gitlab_url):
        return f"The report is of the GitLab at {gitlab!r}, but --gitlab-url is {settings.gitlab_url!r}."
    return ""


def _host_and_path(url: object) -> tuple[str, str]:
    """Return host with port and path in lower case; empty where *url* is not a URL."""
    try:
        parts = urlsplit(str(url).lower())
    except ValueError:
        return "", ""
    return parts.netloc, parts.path.strip("/")

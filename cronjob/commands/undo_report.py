"""Which report is undone: that of a run that wrote, for this cluster, to this GitLab."""

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
    """What the run removed whose report is at *path*. Raises SettingsError where it is not one to be undone here."""
    try:
        report = report_in(path)
    except OSError as error:
        reason = error.strerror or "unreadable"
        raise SettingsError(f"The report {str(path)!r} cannot be read ({reason}); give the path of one.") from None
    except ValueError as error:
        raise SettingsError(f"The argument {error}.") from None
    if trouble := "\n".join(filter(None, (_of_a_dry_run(report), _of_another(report, settings)))):
        raise SettingsError(trouble)
    try:
        return removed_from(report)
    except ValueError as error:
        raise SettingsError(f"The report {str(path)!r} cannot be understood: {error}; give an unedited one.") from None


def _of_a_dry_run(report: Mapping[str, Any]) -> str:
    if report.get("dry_run") is False:
        return ""
    return "The report is that of a dry run, which removed nothing; give that of the run that did."


def _of_another(report: Mapping[str, Any], settings: Settings) -> str:
    """What is said where it belongs to another cluster or GitLab: names and ids there mean something else."""
    cluster, servers = report.get("cluster"), report.get("servers")
    if cluster not in (settings.cluster, *settings.previous_clusters):
        return f"The report is of cluster {cluster!r}, but --cluster is {settings.cluster!r}; give that cluster's."
    gitlab = servers.get("gitlab") if isinstance(servers, Mapping) else None
    if _place(gitlab) != _place(settings.gitlab_url):
        return f"The report is of the GitLab at {gitlab!r}, but --gitlab-url is {settings.gitlab_url!r}."
    return ""


def _place(url: object) -> tuple[str, str]:
    """Host, port and relative root, without regard to case, or nothing where that is no URL."""
    try:
        parts = urlsplit(str(url).lower())
    except ValueError:
        return "", ""
    return parts.netloc, parts.path.strip("/")

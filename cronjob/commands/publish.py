"""Publish the report to stdout, files, the termination log and the log."""

from __future__ import annotations

import os
import shutil
import sys
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TextIO

import click

from cronjob.output.inventory_rows import Rows
from cronjob.output.logs import log_entry, log_problem, log_summary
from cronjob.output.render import rendered
from cronjob.output.render.page import Page
from cronjob.output.render.summary import summary_line
from cronjob.settings.settings import Settings
from cronjob.settings.values import ReportFile, either
from reconcile.errors import SettingsError
from reconcile.model import Kind
from reconcile.plan.changes import Delete
from reconcile.report import Report, Status

PLAIN = ("text", "json", "yaml", "none")
# These are logged when they happen.
_LOGGED_ALREADY = {Status.APPLIED, Status.FAILED}
# `kubectl describe pod` shows the text in this file.
TERMINATION_LOG = Path("/dev/termination-log")


def publish_report(
    report: Report, document: dict[str, Any], settings: Settings, environment: Mapping[str, str]
) -> bool:
    """Publish the report wherever the settings say; return whether every file was written."""
    if settings.output == "none" or log_format(settings) == "json":
        # Otherwise a person reads them in the report.
        for entry in report.entries:
            if entry.status not in _LOGGED_ALREADY:
                log_entry(entry)
        for problem in report.plan.problems:
            log_problem(problem)
    page = Page(settings.command, settings.flags, inventory=Rows(report), items=_items(report))
    # Files first: the reader of stdout may be gone.
    written = [_write_file(document, file, page) for file in settings.reports]
    line = summary_line(document)
    with suppress(OSError):
        # Only a pod has this file, and it may be read-only.
        if TERMINATION_LOG.exists():
            TERMINATION_LOG.write_text(line, encoding="utf-8")
    click.echo(rendered(document, settings.output, on_terminal(page, environment)), nl=False)
    if not _report_follows_log(settings):
        deleted = sum(isinstance(entry.change, Delete) and entry.status is Status.APPLIED for entry in report.entries)
        log_summary(line, deleted)
    return all(written)


def _report_follows_log(settings: Settings) -> bool:
    """Tell whether the report is on the same terminal as the log: then its last lines are the summary already."""
    is_terminal = sys.stdout.isatty() and sys.stderr.isatty()
    return is_terminal and settings.output == "text" and log_format(settings) == "text"


def _items(report: Report) -> dict[str, dict[str, int]]:
    """Count the items before the run by kind and owner; empty where nothing was read."""
    if report.failure:
        return {}
    foreign = Counter(item.found.kind for item in report.plan.foreign)
    return {kind.value: {"ours": report.plan.owned[kind], "foreign": foreign[kind]} for kind in Kind}


def require_formats(settings: Settings) -> None:
    """Raise SettingsError where a wanted report format needs a package that is not installed."""
    if "html" in settings.formats and not find_spec("jinja2"):
        raise SettingsError("The report as html needs the package jinja2: `pip install jinja2` installs it.")


def require_plain_format(settings: Settings) -> None:
    """Raise SettingsError where `check` or `trace` should print a format that only a run's report has."""
    if settings.output not in PLAIN:
        raise SettingsError(f"--output is {settings.output}, but {settings.command} prints {either(PLAIN)} only.")


def on_terminal(page: Page, environment: Mapping[str, str]) -> Page:
    """Return the page with the width of stdout's terminal, and with colour where it is allowed."""
    if not sys.stdout.isatty():
        return page
    width = min(shutil.get_terminal_size().columns, 120)
    return replace(page, colour=not environment.get("NO_COLOR"), width=width)


def _write_file(document: dict[str, Any], file: ReportFile, page: Page) -> bool:
    """Write one report file; return whether that worked. The reason of a failure is printed on stderr."""
    try:
        with open(file.path, "w", encoding="utf-8", opener=_open_private) as stream:
            stream.write(rendered(document, file.format, page))
    except OSError as error:
        click.echo(f"Error: the report could not be written to {file.path}: {error.strerror}.", err=True)
        return False
    return True


def _open_private(path: str, flags: int) -> int:
    """Open a file; a new one is readable by its owner only, since a report names every tenant's projects and keys."""
    return os.open(path, flags, 0o600)


def wants_progress_bar(stream: TextIO, log_format: str, log_level: str, environment: Mapping[str, str]) -> bool:
    """Tell whether to show a progress bar: on a terminal that can erase, with text logs, and not in CI."""
    if log_format != "text" or log_level == "debug" or environment.get("CI"):
        return False
    return environment.get("TERM") != "dumb" and stream.isatty()


def log_format(settings: Settings) -> str:
    """Return `text` or `json`: as set, else text on a terminal and JSON elsewhere."""
    if settings.log_format == "auto":
        return "text" if sys.stderr.isatty() else "json"
    return settings.log_format

"""What a run came to, told everywhere it was asked for: report files, the termination log, stdout, the log."""

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
from cronjob.output.logs import log, log_entry, log_problem
from cronjob.output.render import rendered
from cronjob.output.render.page import Page
from cronjob.output.render.summary import summary_line
from cronjob.settings.settings import Settings
from cronjob.settings.values import ReportFile, either
from reconcile.errors import SettingsError
from reconcile.model import Kind
from reconcile.plan.changes import kind_of
from reconcile.report import Report, Status

PLAIN = ("text", "json", "yaml", "none")
_LOGGED_ALREADY = {Status.APPLIED, Status.FAILED}
# `kubectl describe pod` shows what stands in here.
TERMINATION_LOG = Path("/dev/termination-log")


def publish_report(
    report: Report, document: dict[str, Any], settings: Settings, environment: Mapping[str, str]
) -> bool:
    """Put the report everywhere it was asked for; whether all of that worked."""
    if settings.output == "none" or log_format(settings) == "json":
        # Otherwise a person reads them in the report, on the same screen.
        for entry in report.entries:
            if entry.status not in _LOGGED_ALREADY:
                log_entry(entry)
        for problem in report.plan.problems:
            log_problem(problem)
    page = Page(settings.command, settings.flags, inventory=Rows(report), items=_items(report))
    # Files first: whoever reads stdout may have gone.
    written = [_written(document, one, page) for one in settings.reports]
    line = summary_line(document)
    with suppress(OSError):
        # Only a pod has this file, and it may not be ours to write.
        if TERMINATION_LOG.exists():
            TERMINATION_LOG.write_text(line, encoding="utf-8")
    click.echo(rendered(document, settings.output, on_terminal(page, environment)), nl=False)
    if not _on_one_screen(settings):
        log.info("%s", line)
    return all(written)


def _on_one_screen(settings: Settings) -> bool:
    """Whether the report is read where the log is: then its last lines have just said it all."""
    both = sys.stdout.isatty() and sys.stderr.isatty()
    return both and settings.output == "text" and log_format(settings) == "text"


def _items(report: Report) -> dict[str, dict[str, int]]:
    """What was there before the run, by kind and by whose it is; nothing where nothing was read."""
    if report.failure:
        return {}
    foreign = Counter(kind_of(one.found) for one in report.plan.foreign)
    return {kind.value: {"ours": report.plan.owned[kind], "foreign": foreign[kind]} for kind in Kind}


def expect_formats(settings: Settings) -> None:
    """Raises SettingsError where a report could not be made in the format it is wanted in."""
    if "html" in settings.formats and not find_spec("jinja2"):
        install = "pip install 'flux-gitlab-syncer[html]'"
        raise SettingsError(f"The report as html needs the package jinja2: `{install}` installs it.")


def expect_plain(settings: Settings) -> None:
    """Raises SettingsError where what only looks is to be told in a format that is made for a run's report."""
    if settings.output not in PLAIN:
        raise SettingsError(f"--output is {settings.output}: {settings.command} says it as {either(PLAIN)}.")


def on_terminal(page: Page, environment: Mapping[str, str]) -> Page:
    """The page as wide and as colourful as stdout takes it."""
    if not sys.stdout.isatty():
        return page
    width = min(shutil.get_terminal_size().columns, 120)
    return replace(page, colour=not environment.get("NO_COLOR"), width=width)


def _written(document: dict[str, Any], file: ReportFile, page: Page) -> bool:
    try:
        with open(file.path, "w", encoding="utf-8", opener=_for_the_owner) as opened:
            opened.write(rendered(document, file.format, page))
    except OSError as error:
        click.echo(f"Error: the report could not be written to {file.path}: {error.strerror}.", err=True)
        return False
    return True


def _for_the_owner(path: str, flags: int) -> int:
    """Open a file that, where it is new, nobody else may read: it names every tenant's projects and keys."""
    return os.open(path, flags, 0o600)


def wants_bar(stream: TextIO, log_format: str, log_level: str, environment: Mapping[str, str]) -> bool:
    """Whether somebody watches: a terminal that can erase, with logs for people, and no CI that only records it."""
    if log_format != "text" or log_level == "debug" or environment.get("CI"):
        return False
    return environment.get("TERM") != "dumb" and stream.isatty()


def log_format(settings: Settings) -> str:
    """How log lines are written: as asked for, else as stderr's reader will like it."""
    if settings.log_format == "auto":
        return "text" if sys.stderr.isatty() else "json"
    return settings.log_format

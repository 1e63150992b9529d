"""Run one command: from its flags to its exit code."""

from __future__ import annotations

import os
from collections.abc import Mapping

import click

from cronjob.concurrency.signals import Signals
from cronjob.exit_codes import ExitCode
from cronjob.settings.print_config import describe
from cronjob.settings.resolve import resolve
from cronjob.settings.settings import Settings, settings_from
from reconcile.errors import SettingsError
from reconcile.model import without_digests


def run_command(command: str, flags: Mapping[str, object], signals: Signals, query: str = "") -> int:
    """
    Run *command* with the settings from *flags* (click's parameters), the environment and the file.

    *query* is the command's argument. Returns the exit code; errors in the settings are printed on stderr.
    """
    resolved = resolve(command, flags, os.environ)
    if resolved.print_config:
        click.echo(describe(resolved))
    try:
        settings = settings_from(resolved)
        return ExitCode.OK if resolved.print_config else _invoke(settings, signals, query)
    except SettingsError as error:
        for complaint in without_digests(str(error)).splitlines():
            click.echo(f"Error: {complaint}", err=True)
        return ExitCode.USAGE


def _invoke(settings: Settings, signals: Signals, query: str) -> int:
    from cronjob.commands.job import invoke

    return invoke(settings, os.environ, signals, query)

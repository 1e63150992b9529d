"""One call of a command, from its flags to its exit code."""

from __future__ import annotations

import os
from collections.abc import Mapping

import click

from cronjob.cli import USAGE
from cronjob.describing import describe
from cronjob.resolving import resolve
from cronjob.settings import Settings, settings_from
from cronjob.signals import Signals
from reconcile.errors import SettingsError


def called(command: str, flags: Mapping[str, object], signals: Signals, asked: str = "") -> int:
    """
    Do what *command* is told by *flags* (click's parameters), the environment and the file; the exit code.

    *asked* is the command's argument. What is wrong with the settings is said on stderr.
    """
    resolved = resolve(command, flags, os.environ)
    if resolved.print_config:
        click.echo(describe(resolved))
    try:
        settings = settings_from(resolved)
        return 0 if resolved.print_config else _invoked(settings, signals, asked)
    except SettingsError as error:
        for complaint in str(error).splitlines():
            click.echo(f"Error: {complaint}", err=True)
        return USAGE


def _invoked(settings: Settings, signals: Signals, asked: str) -> int:
    from cronjob.job import invoke

    return invoke(settings, os.environ, signals, asked)

"""The command that acts on one project alone, with the flags that `trace` was given."""

from __future__ import annotations

from cronjob.output.render.command_line import command_line
from cronjob.settings.option_table import options_of
from cronjob.settings.settings import Settings
from reconcile.model import Project

# These say how to show something, and not which servers and what to do there.
_NOT_REPEATED = {"output", "log_format", "log_level", "project"}


def run_command(project: Project, settings: Settings) -> str:
    """Return a `run` of this program for the project."""
    keys = {option.key for option in options_of("run")} & settings.flags - _NOT_REPEATED
    return command_line(["flux-gitlab-syncer", "run", "--project", project.path], settings.given, keys)

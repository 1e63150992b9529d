"""The command that acts on one project alone, with the flags that `trace` was given."""

from __future__ import annotations

from cronjob.settings.option_table import options_of
from cronjob.settings.settings import Settings
from reconcile.chain.problem_findings import shell
from reconcile.model import Project

# These say how to show something, and not which servers and what to do there.
_NOT_REPEATED = {"output", "log_format", "log_level", "project"}


def run_command(project: Project, settings: Settings) -> str:
    """Return a `run` of this program for the project."""
    words = ["flux-gitlab-syncer", "run", "--project", project.path]
    for option in options_of("run"):
        if option.key not in settings.flags or option.key in _NOT_REPEATED:
            continue
        value = settings.given[option.key]
        if isinstance(value, bool):
            words.append(f"--{option.name}" if value else f"--no-{option.name}")
        else:
            for element in value if isinstance(value, list | tuple) else [value]:
                words += [f"--{option.name}", str(element)]
    return shell(*words)

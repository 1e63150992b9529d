"""All links of one chain, in the order in which one needs the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cronjob.commands.findings import Finding, Level
from cronjob.commands.trace.case import Case
from cronjob.commands.trace.deliveries import look_at_deliveries
from cronjob.commands.trace.kustomizations import Applying, look_at_kustomizations
from cronjob.commands.trace.links import Chain, Link
from cronjob.commands.trace.one_project import ProjectReader
from cronjob.commands.trace.project import look_at_key, look_at_project
from cronjob.commands.trace.receiving import (
    listeners_of,
    look_at_others,
    look_at_receiver,
    look_at_receivers,
    look_at_webhook,
    webhook_of,
)
from cronjob.commands.trace.repository import look_at_fetch, look_at_repository, look_at_secret
from cronjob.output.render.command_line import command_line
from cronjob.settings.option_table import options_of
from cronjob.settings.settings import Settings
from reconcile.model import Project

# These say how to show something, and not where to look and what to do.
_NOT_AGAIN = {"output", "log_format", "log_level", "project"}


@dataclass(frozen=True, slots=True)
class Around:
    """What a chain needs beside its case."""

    gitlab: ProjectReader
    applying: Applying
    settings: Settings


def chain_of(case: Case, around: Around) -> Chain:
    """The whole chain of one GitRepository, behind a broken link too."""
    project = case.project.path if case.project else None
    return Chain(str(case.ref), project, tuple(_findings(case, around)))


def chain_without_repository(project: Project, namespaces: tuple[str, ...]) -> Chain:
    """The chain of a project that no GitRepository names: it ends where it should begin."""
    where = ", ".join(namespaces)
    message = f"No GitRepository in {where} names this project: create one, or see --namespace."
    return Chain(
        None,
        project.path,
        (
            Finding(Link.REPOSITORY, Level.FAIL, message),
            Finding(Link.PROJECT, Level.OK, f"{project.path} is project {project.id}", project.path),
        ),
    )


def _findings(case: Case, around: Around) -> Iterator[Finding]:
    run = _run_on(case.project, around.settings) if case.project else ""
    yield from look_at_repository(case)
    if case.claim is None:
        return
    yield from look_at_secret(case)
    yield from look_at_project(case)
    yield from look_at_key(case, run)
    yield from look_at_fetch(case)
    yield from _pushes(case, around, run)
    yield from look_at_kustomizations(around.applying, case.ref)


def _pushes(case: Case, around: Around, run: str) -> Iterator[Finding]:
    yield from look_at_receivers(case)
    for listener in listeners_of(case):
        yield from look_at_receiver(case, listener)
        if case.rules.receiver_url:
            yield from look_at_webhook(case, listener, run)
        hook = webhook_of(case, listener)
        if hook and case.project:
            yield from look_at_deliveries(around.gitlab, case.project, hook)
    yield from look_at_others(case)


def _run_on(project: Project, settings: Settings) -> str:
    """The command that acts on this project alone, with the flags that were given."""
    keys = {option.key for option in options_of("run")} & settings.flags - _NOT_AGAIN
    return command_line(["flux-gitlab-syncer", "run", "--project", project.path], settings.given, keys)

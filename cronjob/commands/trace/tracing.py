"""`trace`: follow one tenant from its GitRepository to what is applied, and say where the chain is broken."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import click

from cronjob.commands.findings import Level
from cronjob.commands.invocation import VERSION, Invocation, gitlab_of, kubernetes_of, namespaces_of
from cronjob.commands.publish import log_format, on_terminal
from cronjob.commands.trace.asking import Meant, Question
from cronjob.commands.trace.case import TenantTraces
from cronjob.commands.trace.chain import Around, chain_of, chain_without_repository
from cronjob.commands.trace.kustomizations import read_kustomizations
from cronjob.commands.trace.links import Chain, Traced, document_of
from cronjob.commands.trace.one_project import ProjectReader
from cronjob.commands.trace.text import as_text
from cronjob.exit_codes import ExitCode
from cronjob.flux.cluster import FluxCluster
from cronjob.gitlab.session import Session
from cronjob.kube.client import connect
from cronjob.output.logs import set_up_logging
from cronjob.output.render import rendered
from cronjob.output.render.page import Page
from reconcile.errors import ReadError, SettingsError


def trace(call: Invocation) -> int:
    """Print the chains asked for; 1 where one is broken, else 0. Raises SettingsError where nothing is called that."""
    settings = call.settings
    set_up_logging(log_format(settings), settings.log_level, {"run_id": call.run_id, "cluster": settings.cluster})
    traced = _traced(call)
    document = document_of(traced, VERSION, settings.cluster)
    if settings.output in {"json", "yaml", "none"}:
        click.echo(rendered(document, settings.output, Page()), nl=False)
    else:
        click.echo(as_text(document, on_terminal(Page(), call.environment)), nl=False)
    return call.signals.exit_code or (ExitCode.FAILED if traced.level is Level.FAIL else ExitCode.OK)


def _traced(call: Invocation) -> Traced:
    access, scope = gitlab_of(call.settings)
    with (
        connect(kubernetes_of(call)) as api,
        closing(FluxCluster(api, namespaces_of(call.settings, api))) as flux,
        closing(Session(replace(access, allow_writes=False), stop_control=call.stop_control)) as session,
    ):
        try:
            flux.read_whole()
            gitlab = ProjectReader(session, scope)
            gitlab.reach()
            return Traced(call.asked, _chains(call, flux, gitlab))
        except ReadError as error:
            # Of Kubernetes, or since a signal or the deadline came: what GitLab lacks is said at its link.
            return Traced(call.asked, error=str(error))


def _chains(call: Invocation, flux: FluxCluster, gitlab: ProjectReader) -> tuple[Chain, ...]:
    rules = call.settings.rules(flux.namespaces)
    question = Question(call.asked, flux.listed.git_repositories, rules)
    match question.answered(gitlab):
        case Meant(items=[], project=None):
            raise SettingsError(question.not_found(gitlab))
        case Meant(items=[], project=project) if project:
            return (chain_without_repository(project, flux.namespaces),)
        case Meant(items=items):
            around = Around(gitlab, read_kustomizations(flux), call.settings)
            cases = TenantTraces(flux, gitlab, rules)
            return tuple(chain_of(cases.follow(item), around) for item in items)

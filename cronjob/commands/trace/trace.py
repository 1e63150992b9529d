"""`trace`: follow one tenant from its GitRepository to what is applied, and say where the chain is broken."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import click

from cronjob.commands.invocation import VERSION, Invocation, gitlab_of, kubernetes_of, namespaces_of
from cronjob.commands.publish import log_format, on_terminal
from cronjob.commands.trace.document import TraceAnswer, document_of
from cronjob.commands.trace.find_repositories import Target, find_repositories
from cronjob.commands.trace.kustomization_reader import read_kustomizations
from cronjob.commands.trace.project_reader import ProjectReader
from cronjob.commands.trace.run_command import run_command
from cronjob.commands.trace.tenant_traces import TenantTraces
from cronjob.commands.trace.text import as_text
from cronjob.exit_codes import ExitCode
from cronjob.flux.cluster import FluxCluster
from cronjob.gitlab.session import Session
from cronjob.kube.client import connect
from cronjob.output.logs import set_up_logging
from cronjob.output.render import rendered
from cronjob.output.render.page import Page
from cronjob.settings.settings import Settings
from reconcile.chain.chain import Surroundings, chain_of, chain_without_repository, delivering_webhooks
from reconcile.chain.kustomizations import Kustomizations
from reconcile.chain.links import Chain
from reconcile.chain.query import Query
from reconcile.chain.tenant_trace import TenantTrace
from reconcile.errors import ReadError, SettingsError


def trace(call: Invocation) -> int:
    """Print the chains asked for; 0 where each is ok, else 1. Raises SettingsError where nothing is called that."""
    settings = call.settings
    set_up_logging(log_format(settings), settings.log_level, {"run_id": call.run_id, "cluster": settings.cluster})
    answer = _answer(call)
    document = document_of(answer, VERSION, settings.cluster)
    if settings.output in {"json", "yaml", "none"}:
        click.echo(rendered(document, settings.output, Page()), nl=False)
    else:
        click.echo(as_text(document, on_terminal(Page(), call.environment)), nl=False)
    return call.signals.exit_code or (ExitCode.OK if answer.is_ok else ExitCode.FAILED)


def _answer(call: Invocation) -> TraceAnswer:
    access, scope = gitlab_of(call.settings)
    with (
        connect(kubernetes_of(call)) as api,
        closing(FluxCluster(api, namespaces_of(call.settings, api))) as flux,
        closing(Session(replace(access, allow_writes=False), stop_control=call.stop_control)) as session,
    ):
        try:
            flux.read_whole()
            gitlab = ProjectReader(session, scope, call.settings.rules(flux.namespaces))
            gitlab.connect()
            return TraceAnswer(call.query, _chains(call, flux, gitlab))
        except ReadError as error:
            # Kubernetes does not answer, or a signal or the deadline came; a failure of GitLab stands at its link.
            return TraceAnswer(call.query, error=str(error))


def _chains(call: Invocation, flux: FluxCluster, gitlab: ProjectReader) -> tuple[Chain, ...]:
    rules = call.settings.rules(flux.namespaces)
    query = Query(call.query, flux.listed.git_repositories, rules)
    match find_repositories(query, gitlab):
        case Target(items=[], project=None):
            raise SettingsError(query.not_found(gitlab.hosts))
        case Target(items=[], project=project) if project:
            return (chain_without_repository(project, flux.namespaces),)
        case Target(items=items):
            kustomizations = read_kustomizations(flux)
            traces = TenantTraces(flux, gitlab, rules)
            return tuple(
                chain_of(found, _surroundings(found, kustomizations, gitlab, call.settings))
                for found in map(traces.trace, items)
            )


def _surroundings(
    trace: TenantTrace, kustomizations: Kustomizations, gitlab: ProjectReader, settings: Settings
) -> Surroundings:
    project = trace.project
    if project is None:
        return Surroundings(kustomizations)
    deliveries = {webhook: gitlab.deliveries(project, webhook) for webhook in delivering_webhooks(trace)}
    return Surroundings(kustomizations, deliveries, run_command(project, settings))

"""`check`: check both servers and the receiver, one after the other, also after a failure."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import click

from cronjob.commands.check.cluster import RunNeeds, check_cluster
from cronjob.commands.check.credentials import check_credentials
from cronjob.commands.check.document import document_of
from cronjob.commands.check.group import GroupCheck
from cronjob.commands.check.receiver import check_receiver
from cronjob.commands.check.sources import check_sources
from cronjob.commands.check.text import as_text
from cronjob.commands.invocation import (
    VERSION,
    Invocation,
    gitlab_of,
    kubernetes_of,
    lease_namespace_of,
    namespaces_of,
)
from cronjob.commands.publish import log_format, on_terminal
from cronjob.exit_codes import ExitCode
from cronjob.flux.cluster import FluxCluster
from cronjob.gitlab.session import Session
from cronjob.kube.client import IN_CLUSTER, connect
from cronjob.kube.lease_claim import LeaseClaim, lease_names
from cronjob.kube.lease_record import Holder
from cronjob.output.logs import set_up_logging
from cronjob.output.render import rendered
from cronjob.output.render.page import Page
from cronjob.settings.settings import Settings
from reconcile.findings import Finding, Level
from reconcile.shares import Share


def preflight(call: Invocation) -> int:
    """Print the findings; return 1 where a run would fail, else 0. Raises SettingsError."""
    settings = call.settings
    set_up_logging(log_format(settings), settings.log_level, {"run_id": call.run_id, "cluster": settings.cluster})
    document = document_of(_findings(call), VERSION, settings.cluster)
    if settings.output == "text":
        click.echo(as_text(document, on_terminal(Page(), call.environment)), nl=False)
    else:
        click.echo(rendered(document, settings.output, Page()), nl=False)
    return call.signals.exit_code or (ExitCode.FAILED if document["result"] == Level.FAIL else ExitCode.OK)


def leases_of(settings: Settings, namespace: str) -> list[LeaseClaim]:
    """Return the Leases that a run with these settings, or its shards, would hold."""
    if settings.dry_run or not settings.lease:
        return []
    shares = (Share(index, settings.shards) for index in range(settings.shards))
    names = dict.fromkeys(name for share in shares for name in lease_names(share))
    return [LeaseClaim(namespace, name, Holder(""), settings.cluster, settings.previous_clusters) for name in names]


def _findings(call: Invocation) -> Iterator[Finding]:
    settings = call.settings
    connection, scope = gitlab_of(settings)
    with (
        connect(kubernetes_of(call)) as api,
        closing(FluxCluster(api, namespaces_of(settings, api))) as flux,
        closing(Session(replace(connection, allow_writes=False), stop_control=call.stop_control)) as session,
    ):
        events = settings.writes_events(in_pod=api.source == IN_CLUSTER)
        leases = leases_of(settings, lease_namespace_of(call, api, flux.namespaces))
        yield from check_cluster(flux, RunNeeds(leases, events))
        if flux.listed.receivers:
            yield from check_credentials(flux, settings.rules(flux.namespaces))
        group = GroupCheck(session, scope)
        yield from group.findings()
        if group.listing and flux.listed.git_repositories:
            yield from check_sources(flux.listed.git_repositories, settings.rules(flux.namespaces), group.listing)
    yield from check_receiver(settings.receiver_url)

"""`check`: both servers and the receiver, one after the other, whatever became of the one before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import click

from cronjob.check.cluster import Wants, look_at_cluster
from cronjob.check.findings import Finding, Level, document_of
from cronjob.check.group import GroupCheck
from cronjob.check.receiver import look_at_receiver
from cronjob.check.sources import look_at_sources
from cronjob.check.text import as_text
from cronjob.flux import FluxCluster
from cronjob.invocation import VERSION, Invocation, gitlab_of, kubernetes_of, namespaces_of
from cronjob.kube_access import IN_CLUSTER, connect
from cronjob.lease_claim import Claim, lease_names
from cronjob.lease_record import Holder
from cronjob.logs import set_up_logging
from cronjob.render import rendered
from cronjob.render.page import Page
from cronjob.session import Session
from cronjob.settings import Settings
from cronjob.telling import log_format, on_terminal
from reconcile.claims import Known
from reconcile.shares import Share


def preflight(call: Invocation) -> int:
    """Print what was found; 1 where a run would fail, else 0. Raises SettingsError."""
    settings = call.settings
    set_up_logging(log_format(settings), settings.log_level, {"run_id": call.run_id, "cluster": settings.cluster})
    document = document_of(_findings(call), VERSION, settings.cluster)
    if settings.output == "text":
        click.echo(as_text(document, on_terminal(Page(), call.environment)), nl=False)
    else:
        click.echo(rendered(document, settings.output, Page()), nl=False)
    return call.signals.exit_code or int(document["result"] == Level.FAIL)


def leases_of(settings: Settings, namespace: str) -> list[Claim]:
    """The Leases that a run with these settings, or its shards, would hold."""
    if settings.dry_run or not settings.lease:
        return []
    shares = (Share(index, settings.shards) for index in range(settings.shards))
    names = dict.fromkeys(name for share in shares for name in lease_names(share))
    return [Claim(namespace, name, Holder(""), settings.cluster, settings.previous_clusters) for name in names]


def _findings(call: Invocation) -> Iterator[Finding]:
    settings = call.settings
    access, scope = gitlab_of(settings)
    with (
        connect(kubernetes_of(call)) as api,
        closing(FluxCluster(api, namespaces_of(settings, api))) as flux,
        closing(Session(replace(access, allow_writes=False), halt=call.halt)) as session,
    ):
        events = settings.writes_events(in_pod=api.source == IN_CLUSTER)
        yield from look_at_cluster(flux, Wants(leases_of(settings, flux.namespaces[0]), events))
        group = GroupCheck(session, scope)
        yield from group.look()
        if group.listing and flux.listed.git_repositories:
            known = Known(frozenset(group.listing.hosts), group.listing.by_path.keys())
            yield from look_at_sources(flux.listed.git_repositories, settings.rules(flux.namespaces), known)
    yield from look_at_receiver(settings.receiver_url)

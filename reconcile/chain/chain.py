"""Put all links of one chain together, in the order in which one needs the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from reconcile.chain.deliveries import Deliveries, delivery_finding
from reconcile.chain.deploy_key import key_findings
from reconcile.chain.fetch import fetch_findings
from reconcile.chain.kustomizations import Kustomizations, kustomization_findings
from reconcile.chain.links import Chain, Link
from reconcile.chain.project import project_findings
from reconcile.chain.receiver import is_off, missing_receiver_findings, receiver_findings, receivers_of
from reconcile.chain.repository import repository_findings, secret_findings
from reconcile.chain.tenant_trace import TenantTrace
from reconcile.chain.webhook import other_webhook_findings, webhook_findings, webhook_of
from reconcile.findings import Finding, Level
from reconcile.model import Project

_BLOCKING = {Level.FAIL, Level.OFF, Level.UNKNOWN}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """
    What a chain needs beside its TenantTrace.

    *deliveries* are those of the webhooks of `delivering_webhooks`, by id. *run* is the command that acts on the
    chain's project alone.
    """

    kustomizations: Kustomizations = field(default_factory=Kustomizations)
    deliveries: Mapping[int, Deliveries] = field(default_factory=dict)
    run: str = ""


def delivering_webhooks(trace: TenantTrace) -> list[int]:
    """Return the ids of the webhooks that call the GitRepository's Receivers, in the order of the Receivers."""
    webhooks = (webhook_of(trace, receiver) for receiver in receivers_of(trace) if not is_off(receiver))
    return list(dict.fromkeys(webhook.id for webhook in webhooks if webhook))


def chain_of(trace: TenantTrace, surroundings: Surroundings) -> Chain:
    """Return the whole chain of one GitRepository, with the links behind a broken one too."""
    project = trace.project.path if trace.project else None
    return Chain(str(trace.ref), project, tuple(_findings(trace, surroundings)))


def chain_without_repository(project: Project, namespaces: tuple[str, ...]) -> Chain:
    """Return the chain of a project that no GitRepository names; it is broken at its first link."""
    message = f"No GitRepository in {', '.join(namespaces)} names this project: create one, or see --namespace."
    return Chain(
        None,
        project.path,
        (
            Finding(Link.REPOSITORY, Level.FAIL, message),
            Finding(Link.PROJECT, Level.OK, f"{project.path} is project {project.id}", project.path),
        ),
    )


def _findings(trace: TenantTrace, surroundings: Surroundings) -> Iterator[Finding]:
    repository, project = list(repository_findings(trace)), list(project_findings(trace))
    yield from repository
    if trace.request is None:
        return
    yield from secret_findings(trace)
    yield from project
    yield from key_findings(trace, surroundings.run)
    yield from fetch_findings(trace)
    yield from _push_findings(trace, surroundings, [*repository, *project])
    yield from kustomization_findings(surroundings.kustomizations, trace.ref)


def _push_findings(trace: TenantTrace, surroundings: Surroundings, before: list[Finding]) -> Iterator[Finding]:
    yield from missing_receiver_findings(trace)
    for receiver in receivers_of(trace):
        findings = list(receiver_findings(trace, receiver))
        yield from findings
        is_blocked = any(finding.level in _BLOCKING for finding in [*before, *findings])
        yield from webhook_findings(trace, receiver, surroundings.run, is_blocked=is_blocked)
        webhook = None if is_off(receiver) else webhook_of(trace, receiver)
        if webhook:
            yield delivery_finding(surroundings.deliveries.get(webhook.id, Deliveries()), webhook.id)
    yield from other_webhook_findings(trace)

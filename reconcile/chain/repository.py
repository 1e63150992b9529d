"""The links `gitrepository` and `secret`: the GitRepository, and the private key that it names."""

from __future__ import annotations

from collections.abc import Iterator

from reconcile.chain.flux_status import text_of
from reconcile.chain.links import Link
from reconcile.chain.problem_findings import findings_for, shell
from reconcile.chain.tenant_trace import TenantTrace
from reconcile.desired.repositories import RepositoryRequest
from reconcile.findings import Finding, Level

_REF_FIELDS = ("branch", "tag", "semver", "commit", "name")


def repository_findings(trace: TenantTrace) -> Iterator[Finding]:
    """Say whether the GitRepository is there and active, and which project it means."""
    ref, request = str(trace.ref), trace.request
    if request is None:
        message = "It is being deleted; the next run removes what belongs to it."
        yield Finding(Link.REPOSITORY, Level.FAIL, message, ref)
        return
    problems = list(findings_for(trace.problems(trace.ref), Link.REPOSITORY, trace.ref))
    yield from problems
    if trace.spec.get("suspend") is True:
        command = shell("flux", "resume", "source", "git", trace.ref.name, "--namespace", trace.ref.namespace)
        message = "It is suspended: Flux fetches nothing until it is resumed."
        yield Finding(Link.REPOSITORY, Level.OFF, message, ref, command)
    elif not any(finding.level in {Level.FAIL, Level.OFF} for finding in problems):
        yield Finding(Link.REPOSITORY, Level.OK, f"asks for {_wanted_source(trace, request)}", ref)


def _wanted_source(trace: TenantTrace, request: RepositoryRequest) -> str:
    where = f"{request.url.path} on {request.url.host}" if request.url else "a project"
    interval = text_of(trace.spec.get("interval"))
    return f"{where}, {_wanted_revision(trace)}{f', every {interval}' if interval else ''}"


def _wanted_revision(trace: TenantTrace) -> str:
    """Return the revision in spec.ref; without one, Flux takes the branch `master`."""
    wanted = trace.spec.get("ref")
    fields = wanted if isinstance(wanted, dict) else {}
    named = ((kind, text_of(fields.get(kind))) for kind in _REF_FIELDS)
    return next((f"{kind} {text}" for kind, text in named if text), "branch master")


def secret_findings(trace: TenantTrace) -> Iterator[Finding]:
    """Say whether Flux has a private key, and which."""
    request = trace.request
    if request is None or request.dropped:
        yield Finding(Link.CREDENTIALS, Level.SKIP, "not looked at, since no run would serve this GitRepository")
        return
    if request.secret is None:
        yield _without_secret(trace)
        return
    ref = str(request.secret)
    if trace.key:
        text = f"holds the key {trace.key.algorithm} {trace.key.fingerprint}"
        yield Finding(Link.CREDENTIALS, Level.OK, text, ref)
    for finding in findings_for(trace.problems(trace.ref), Link.CREDENTIALS, trace.ref):
        command = finding.command or _new_secret(trace, request)
        yield Finding(finding.topic, finding.level, finding.message, ref, command)


def _without_secret(trace: TenantTrace) -> Finding:
    if trace.provider != "generic":
        return Finding(Link.CREDENTIALS, Level.NOTE, f"spec.provider is {trace.provider}, which uses no deploy key")
    if not trace.needs_key:
        return Finding(Link.CREDENTIALS, Level.OK, "an https URL needs no SSH key")
    message = "spec.secretRef is missing: an ssh URL needs a Secret with `identity` and `known_hosts`; name one."
    return Finding(Link.CREDENTIALS, Level.FAIL, message)


def _new_secret(trace: TenantTrace, request: RepositoryRequest) -> str | None:
    """Return the command that creates the Secret, where it gives no key."""
    if trace.key or request.secret is None or request.url is None or not request.url.fetchable:
        return None
    url = f"ssh://git@{request.url.host}/{request.url.path}.git"
    secret = request.secret
    return shell("flux", "create", "secret", "git", secret.name, "--namespace", secret.namespace, f"--url={url}")

"""The link `fetch`: the GitRepository's Ready condition, which depends on all links before it."""

from __future__ import annotations

from collections.abc import Iterator

from reconcile.chain.fetch_messages import CAUSES
from reconcile.chain.flux_messages import Cure, cause_of
from reconcile.chain.flux_status import condition, not_ready, quoted, text_of
from reconcile.chain.links import Link
from reconcile.chain.problem_findings import shell
from reconcile.chain.tenant_trace import TenantTrace
from reconcile.findings import Finding, Level

# What the reasons of a GitRepository that is not Ready usually mean (source-controller, api/v1/condition_types.go).
REASONS = {
    "AuthenticationFailed": "Flux could not put its credentials together: the Secret is not there, or lacks `identity` "
    "or `known_hosts`, or the key needs a `password`",
    "GitOperationFailed": "Flux could not clone it: GitLab does not accept the key, the host or the branch does not "
    "exist, or the host cannot be reached",
    "URLInvalid": "Flux cannot read spec.url, and does not try again before it is changed",
    "EmptyGitRepository": "the project has no commit on that branch yet",
    "InvalidProviderConfiguration": "spec.provider and the Secret do not belong together",
    "VerificationError": "the commit is not signed as spec.verify demands",
}


def fetch_findings(trace: TenantTrace) -> Iterator[Finding]:
    """Say whether Flux has fetched the repository, or why not."""
    ref = str(trace.ref)
    if trace.request is None or trace.spec.get("suspend"):
        yield Finding(Link.FETCH, Level.SKIP, "not looked at: Flux's last status is out of date", ref)
        return
    again = shell("flux", "reconcile", "source", "git", trace.ref.name, "--namespace", trace.ref.namespace)
    match condition(trace.item).get("status"):
        case "True" if _spec_is_newer(trace):
            message = "Flux has not seen its newest spec yet: what it fetched is what the spec said before."
            yield Finding(Link.FETCH, Level.UNKNOWN, message, ref, again)
        case "True":
            yield Finding(Link.FETCH, Level.OK, f"Flux has fetched {_revision(trace) or 'it'}", ref)
        case "False":
            yield _not_fetched(trace, ref, again)
        case "Unknown":
            message = "Flux is fetching it now; trace it again in a minute."
            yield Finding(Link.FETCH, Level.UNKNOWN, message, ref, again)
        case _:
            message = "It has no status of Flux: see that source-controller runs and watches this namespace."
            yield Finding(Link.FETCH, Level.UNKNOWN, message, ref, again)


def _not_fetched(trace: TenantTrace, ref: str, again: str) -> Finding:
    ready = condition(trace.item)
    cause = cause_of(text_of(ready.get("message")), CAUSES)
    message = not_ready(ready, REASONS, cause)
    keys = trace.items.keys if trace.items else ()
    has_key = any(found.key == trace.key and not found.expired for found in keys)
    cure = cause.cure if cause else Cure.CHANGE
    if cure is Cure.KEY and has_key:
        message += " The key is on the project now; Flux may wait up to 15 minutes before it tries again."
    # A stalled object is not tried again until its spec changes.
    stalled = condition(trace.item, "Stalled").get("status") == "True"
    helps = not stalled and (cause is None or cure is not Cure.CHANGE)
    return Finding(Link.FETCH, Level.FAIL, message, ref, again if helps else None)


def _spec_is_newer(trace: TenantTrace) -> bool:
    status = trace.item.get("status") or {}
    seen, now = status.get("observedGeneration"), trace.item["metadata"].get("generation")
    return isinstance(seen, int) and isinstance(now, int) and seen < now


def _revision(trace: TenantTrace) -> str:
    artifact = (trace.item.get("status") or {}).get("artifact")
    return quoted(text_of(artifact.get("revision"))) if isinstance(artifact, dict) else ""

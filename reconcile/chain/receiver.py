"""The link `receiver`: which Receivers name the GitRepository, and whether Flux takes deliveries for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from reconcile.chain.flux_status import text_of
from reconcile.chain.links import Link
from reconcile.chain.problem_findings import findings_for
from reconcile.chain.tenant_trace import TenantTrace
from reconcile.desired.receivers import ReceiverRequest
from reconcile.findings import Finding, Level
from reconcile.model import shown_url
from reconcile.problems import Code


def receivers_of(trace: TenantTrace) -> Sequence[ReceiverRequest]:
    """Return the Receivers that name the GitRepository, in the order of their names."""
    return sorted(trace.receivers, key=lambda receiver: receiver.ref)


def is_off(receiver: ReceiverRequest) -> bool:
    """Return whether somebody has suspended or disabled the Receiver."""
    return receiver.held in {Code.SUSPENDED, Code.DISABLED}


def missing_receiver_findings(trace: TenantTrace) -> Iterator[Finding]:
    """Where no Receiver names the GitRepository, say what that means, and which Receiver may have been meant to."""
    if trace.receivers:
        return
    interval = text_of(trace.spec.get("interval")) or "spec.interval"
    message = f"No Receiver names it, so Flux hears of no push and looks only once in {interval}."
    similar = next((receiver for receiver in trace.others if _almost_names(receiver, trace)), None)
    hint = f" {similar.ref} names something much like it: correct its spec.resources." if similar else ""
    level = Level.WARN if trace.rules.receiver_url else Level.NOTE
    yield Finding(Link.RECEIVER, level, message + hint, str(similar.ref) if similar else None)
    yield Finding(Link.WEBHOOK, Level.NOTE, "none is wanted without a Receiver")


def _almost_names(receiver: ReceiverRequest, trace: TenantTrace) -> bool:
    # A name like this one may well be right; only one that does not exist may be a slip.
    if not any(problem.code == Code.RECEIVER_TARGET_NOT_FOUND for problem in trace.problems(receiver.ref)):
        return False
    names = [resource.name for resource in receiver.resources]
    return receiver.ref.namespace == trace.ref.namespace and bool(get_close_matches(trace.ref.name, names, n=1))


def receiver_findings(trace: TenantTrace, receiver: ReceiverRequest) -> Iterator[Finding]:
    """Say whether Flux takes deliveries for this Receiver."""
    ref = receiver.ref
    # Without --receiver-url a run reports nothing about Receivers.
    reported = trace.problems(ref) or (receiver.problems if is_off(receiver) else ())
    problems = list(findings_for(reported, Link.RECEIVER, ref))
    if problems:
        yield from problems
    elif not trace.rules.receiver_url:
        message = "names the GitRepository; no more is looked at without --receiver-url"
        yield Finding(Link.RECEIVER, Level.NOTE, message, str(ref))
    elif not receiver.supported:
        message = f"GitLab cannot feed a Receiver of type {receiver.type}; use the type gitlab or generic."
        yield Finding(Link.RECEIVER, Level.NOTE, message, str(ref))
    else:
        path = shown_url(receiver.path or "")
        events = ", ".join(sorted(flag.removesuffix("_events").replace("_", " ") for flag in receiver.flags))
        message = f"is Ready, of type {receiver.type}, for {events}; its path {path} belongs to its token"
        yield Finding(Link.RECEIVER, Level.OK, message, str(ref))

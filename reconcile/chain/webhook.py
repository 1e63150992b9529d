"""The link `webhook`: whether the project has each Receiver's webhook, as a run would make it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from reconcile.actual import FoundWebhook
from reconcile.chain.links import Link
from reconcile.chain.problem_findings import findings_for
from reconcile.chain.receiver import is_off
from reconcile.chain.tenant_trace import TenantTrace
from reconcile.desired.desired import WantedWebhook
from reconcile.desired.receivers import ReceiverRequest
from reconcile.events import FLAGS
from reconcile.findings import Finding, Level, has_failed
from reconcile.model import Project, shown_url
from reconcile.plan.changes import Change, Create, Update

_NEEDED = {"token_present", "push_events_branch_filter", "branch_filter_strategy"}


def webhook_findings(trace: TenantTrace, receiver: ReceiverRequest, run: str, *, is_blocked: bool) -> Iterator[Finding]:
    """
    Say whether the project has this Receiver's webhook; *run* is the command that creates or corrects it.

    *is_blocked*: a link before it is not ok, so that a run leaves the webhook as it is.
    """
    ref = str(receiver.ref)
    if is_off(receiver):
        yield Finding(Link.WEBHOOK, Level.SKIP, "not looked at, since its Receiver is switched off", ref)
    elif not trace.rules.receiver_url:
        message = (
            "Without --receiver-url webhooks are neither made nor removed, and nobody can say which one the project "
            "needs; give it."
        )
        yield Finding(Link.WEBHOOK, Level.UNKNOWN, message, ref)
    elif not receiver.supported:
        yield Finding(Link.WEBHOOK, Level.NOTE, f"none is wanted for a Receiver of type {receiver.type}", ref)
    elif trace.items is None:
        yield Finding(Link.WEBHOOK, Level.SKIP, "not looked at: the project's webhooks are not known", ref)
    else:
        wanted = _wanted(trace, trace.items.project, receiver)
        if wanted:
            yield from _wanted_findings(trace, receiver, wanted, run)
        else:
            yield _unwanted_finding(trace, receiver, is_blocked=is_blocked)


def _wanted_findings(
    trace: TenantTrace, receiver: ReceiverRequest, wanted: WantedWebhook, run: str
) -> Iterator[Finding]:
    webhook = webhook_of(trace, receiver)
    problems = list(findings_for(trace.problems(receiver.ref), Link.WEBHOOK, receiver.ref))
    change = _change_of(trace, wanted)
    if change:
        level = Level.FAIL if _breaks(change) else Level.WARN
        yield Finding(Link.WEBHOOK, level, _difference(wanted, change), _name(webhook), run)
    elif not has_failed(problems):
        if webhook:
            yield Finding(Link.WEBHOOK, Level.OK, f"is at {shown_url(webhook.url)}, as it should be", _name(webhook))
        else:
            message = f"The project has no webhook at {shown_url(wanted.url)}, and no run makes it."
            yield Finding(Link.WEBHOOK, Level.FAIL, message)
    yield from (replace(problem, object=_name(webhook)) for problem in problems)


def _unwanted_finding(trace: TenantTrace, receiver: ReceiverRequest, *, is_blocked: bool) -> Finding:
    """Say what is there where a run wants no webhook for the Receiver, since something holds it."""
    webhook = webhook_of(trace, receiver)
    if is_blocked:
        message = "stays as it is" if webhook else "none is made"
        return Finding(Link.WEBHOOK, Level.SKIP, f"{message} until the links before it are right", _name(webhook))
    codes = ", ".join(dict.fromkeys(problem.code for problem in trace.problems(receiver.ref)))
    because = f" because of {codes}" if codes else ""
    if webhook:
        message = f"is at {shown_url(webhook.url)}, and no run looks after it{because}"
        return Finding(Link.WEBHOOK, Level.WARN, message, _name(webhook))
    return Finding(Link.WEBHOOK, Level.FAIL, f"The project has no webhook for it, and no run makes one{because}.")


def other_webhook_findings(trace: TenantTrace) -> Iterator[Finding]:
    """Say what is wrong with the project's webhooks that belong to no Receiver which names the GitRepository."""
    yield from findings_for([problem for problem in trace.problems(None) if problem.project], Link.WEBHOOK, None)


def webhook_of(trace: TenantTrace, receiver: ReceiverRequest) -> FoundWebhook | None:
    """Return the webhook that calls this Receiver: the oldest at its URL that is not another cluster's."""
    if trace.items is None or receiver.path is None or not trace.rules.receiver_url:
        return None
    url = trace.rules.receiver_url + receiver.path
    at_url = [found for found in trace.items.webhooks if found.url == url and not found.owner.is_anothers]
    return min(at_url, key=lambda found: found.id, default=None)


def _wanted(trace: TenantTrace, project: Project, receiver: ReceiverRequest) -> WantedWebhook | None:
    all_wanted = trace.desired.webhooks.get(project.id, {}).values()
    return next((wanted for wanted in all_wanted if wanted.sources[0] == receiver.ref), None)


def _change_of(trace: TenantTrace, wanted: WantedWebhook) -> Create | Update | None:
    changes = (change for change in trace.plan.changes if isinstance(change, Create | Update))
    return next((change for change in changes if change.wanted == wanted), None)


def _difference(wanted: WantedWebhook, change: Change) -> str:
    if isinstance(change, Create):
        return f"The project has no webhook at {shown_url(wanted.url)}. The next run makes it."
    fields = "; ".join(f"{name} is {_value(old)}, not {_value(new)}" for name, (old, new) in change.fields.items())
    return f"It is not as it should be: {fields}. The next run corrects it."


def _breaks(change: Change) -> bool:
    """Return whether Flux would miss a push: no webhook, no token, an event that is off, branches left out."""
    if isinstance(change, Create):
        return True
    return any(name in _NEEDED or (name in FLAGS and new is True) for name, (_, new) in change.fields.items())


def _value(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else f"`{value}`"


def _name(webhook: FoundWebhook | None) -> str | None:
    return f"webhook {webhook.id}" if webhook else None

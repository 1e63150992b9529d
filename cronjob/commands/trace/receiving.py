"""The links that tell Flux of a push: Receivers, the project's webhooks, and how Flux answers them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from cronjob.commands.findings import Finding, Level, has_failed
from cronjob.commands.trace.case import Case
from cronjob.commands.trace.links import Link
from cronjob.commands.trace.said import text_of, told
from reconcile.desired.desired import WantedWebhook
from reconcile.desired.receivers import ReceiverRequest
from reconcile.events import FLAGS
from reconcile.model import FoundWebhook, shown_url
from reconcile.plan.changes import Change, Create, Update

_NEEDED = {"token_present", "push_events_branch_filter", "branch_filter_strategy"}


def look_at_receivers(case: Case) -> Iterator[Finding]:
    """Where no Receiver names the GitRepository: what that means, and which one may have been meant to."""
    if case.listeners:
        return
    interval = text_of(case.spec.get("interval")) or "its interval"
    message = f"No Receiver names it, so Flux hears of no push and looks only every {interval}."
    meant = [one for one in case.others if _almost_names(one, case)]
    hint = f" {meant[0].ref} names something much like it: correct its spec.resources." if meant else ""
    level = Level.WARN if case.rules.receiver_url else Level.NOTE
    yield Finding(Link.RECEIVER, level, message + hint, str(meant[0].ref) if meant else None)
    yield Finding(Link.WEBHOOK, Level.SKIP, "none is wanted without a Receiver")


def _almost_names(listener: ReceiverRequest, case: Case) -> bool:
    names = [one.name for one in listener.resources]
    return listener.ref.namespace == case.ref.namespace and bool(get_close_matches(case.ref.name, names, n=1))


def look_at_receiver(case: Case, listener: ReceiverRequest) -> Iterator[Finding]:
    """Whether Flux takes deliveries for this Receiver."""
    ref = listener.ref
    found = list(told(case.problems(ref), Link.RECEIVER, ref))
    if not case.rules.receiver_url:
        yield Finding(
            Link.RECEIVER, Level.NOTE, "names the GitRepository; no more is asked while webhooks are off", str(ref)
        )
    elif not found:
        path = shown_url(listener.path or "")
        events = ", ".join(sorted(flag.removesuffix("_events").replace("_", " ") for flag in listener.flags))
        message = f"is Ready, of type {listener.type}, for {events}; its path {path} belongs to its token"
        yield Finding(Link.RECEIVER, Level.OK, message, str(ref))
    yield from found


def look_at_webhook(case: Case, listener: ReceiverRequest, run: str) -> Iterator[Finding]:
    """Whether the project has this Receiver's webhook, as a run would make it; *run* is the command that does."""
    wanted = _wanted(case, listener)
    if case.items is None:
        yield Finding(
            Link.WEBHOOK, Level.SKIP, "not looked at: the project's webhooks are not known", str(listener.ref)
        )
        return
    if wanted is None:
        yield _left(case, listener)
        return
    found = list(told(case.problems(listener.ref), Link.WEBHOOK, listener.ref))
    hook = webhook_of(case, listener)
    change = next((one for one in case.plan.changes if isinstance(one, Create | Update) and one.wanted == wanted), None)
    if change:
        level = Level.FAIL if _breaks(change) else Level.WARN
        yield Finding(Link.WEBHOOK, level, _differs(wanted, change), _name(hook), run)
    elif hook and not has_failed(found):
        yield Finding(Link.WEBHOOK, Level.OK, f"is at {shown_url(hook.url)}, as it should be", _name(hook))
    yield from (Finding(one.topic, one.level, one.message, _name(hook), one.command) for one in found)


def look_at_others(case: Case) -> Iterator[Finding]:
    """What is wrong about the project's webhooks, whoever's they are."""
    yield from told(
        [one for one in case.problems(None) if one.project or not case.rules.receiver_url], Link.WEBHOOK, None
    )


def webhook_of(case: Case, listener: ReceiverRequest) -> FoundWebhook | None:
    """The webhook that calls this Receiver: the oldest at its URL that is not another cluster's."""
    if case.items is None or listener.path is None or not case.rules.receiver_url:
        return None
    url, owner = case.rules.receiver_url + listener.path, case.rules.identity.owner
    at_url = [one for one in case.items.webhooks if one.url == url and not owner(one.description).is_anothers]
    return min(at_url, key=lambda one: one.id, default=None)


def _wanted(case: Case, listener: ReceiverRequest) -> WantedWebhook | None:
    if case.project is None:
        return None
    wanted = case.desired.webhooks.get(case.project.id, {}).values()
    return next((one for one in wanted if one.sources[0] == listener.ref), None)


def _left(case: Case, listener: ReceiverRequest) -> Finding:
    hook = webhook_of(case, listener)
    message = "stays as it is" if hook else "none is made"
    return Finding(Link.WEBHOOK, Level.SKIP, f"{message} until the links before it are right", _name(hook))


def _differs(wanted: WantedWebhook, change: Change) -> str:
    if isinstance(change, Create):
        return f"The project has no webhook at {shown_url(wanted.url)}. The next run makes it."
    fields = "; ".join(f"{name} is {_value(old)}, not {_value(new)}" for name, (old, new) in change.fields.items())
    return f"It is not as it should be: {fields}. The next run corrects it."


def _breaks(change: Change) -> bool:
    """Whether Flux would miss a push: no webhook, no token, an event that is off, branches that are left out."""
    if isinstance(change, Create):
        return True
    return any(name in _NEEDED or (name in FLAGS and new is True) for name, (_, new) in change.fields.items())


def _value(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else f"`{value}`"


def _name(hook: FoundWebhook | None) -> str | None:
    return f"webhook {hook.id}" if hook else None


def listeners_of(case: Case) -> Sequence[ReceiverRequest]:
    """The Receivers to look at, in the order of their names."""
    return sorted(case.listeners, key=lambda one: one.ref)

"""The link `deliveries`: how Flux answered GitLab's last deliveries, and what such answers usually mean."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from reconcile.chain.links import Link
from reconcile.findings import Finding, Level

# notification-controller, internal/server/receiver_handlers.go, and what stands before it.
ANSWERS = {
    "400": "Flux refuses them: the webhook's token is not the Secret's, or spec.events lacks the event. "
    "`run --refresh-tokens` writes the token again",
    "401": "something before Flux wants to know who asks, which GitLab cannot say: let /hook/ through",
    "403": "something before Flux does not let GitLab in: let /hook/ through",
    "404": "Flux knows no Receiver at this path: see that --receiver-url is this cluster's, and that what stands "
    "before Flux passes /hook/ on unchanged",
    "413": "the events are too large for Flux, or for what stands before it",
    "500": "Flux could not act on all that the Receiver names: see notification-controller's log",
    "503": "the Receiver was suspended or not Ready, or nothing stands behind the address",
    "internal error": "GitLab could not connect: the name, the certificate, a firewall, or its ban on local requests",
}
_BY_HUNDREDS = {
    "3": "it is redirected, which GitLab does not follow: name the address behind it",
    "4": "something refuses them",
    "5": "what stands before Flux does not reach it",
}
# From this share of failures on somebody should look, even where the last delivery was accepted.
_MANY = 0.2


@dataclass(frozen=True, slots=True)
class Deliveries:
    """
    How the last deliveries of one webhook were answered, the newest first.

    A status is GitLab's text: a number, or `internal error` where no answer came. GitLab keeps them for 7 days.
    *unread* says why they could not be read.
    """

    statuses: tuple[str, ...] = ()
    unread: str = ""


def delivery_finding(deliveries: Deliveries, webhook: int) -> Finding:
    """Say whether Flux accepts what GitLab delivers for the webhook with that id."""
    name, statuses = f"webhook {webhook}", deliveries.statuses
    if deliveries.unread:
        return Finding(Link.DELIVERIES, Level.SKIP, deliveries.unread, name)
    if not statuses:
        return Finding(Link.DELIVERIES, Level.NOTE, "GitLab has delivered nothing in the last 7 days", name)
    failures = [status for status in statuses if not status.startswith("2")]
    if not failures:
        which = f"The last {len(statuses)} deliveries were" if len(statuses) > 1 else "The only delivery was"
        return Finding(Link.DELIVERIES, Level.OK, f"{which} accepted, within 7 days", name)
    if statuses[0] in failures:
        message = f"The last delivery was answered {statuses[0]}: {_meaning(statuses[0])}. {_shares(statuses)}".strip()
        return Finding(Link.DELIVERIES, Level.FAIL, message, name)
    level = Level.WARN if len(failures) / len(statuses) >= _MANY else Level.NOTE
    message = f"The last delivery was accepted. {_shares(statuses)} {failures[0]}: {_meaning(failures[0])}."
    return Finding(Link.DELIVERIES, level, message, name)


def _shares(statuses: Sequence[str]) -> str:
    if len(statuses) == 1:
        return ""
    kinds = Counter(f"{status[0]}xx" if status[:1].isdigit() else "no answer" for status in statuses)
    shares = ", ".join(f"{100 * count / len(statuses):.0f}% {kind}" for kind, count in kinds.most_common())
    return f"Of the last {len(statuses)} within 7 days: {shares}."


def _meaning(status: str) -> str:
    return ANSWERS.get(status) or _BY_HUNDREDS.get(status[:1], "no meaning is known")

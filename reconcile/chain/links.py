"""The links of one tenant's chain, in order, and the chain with all findings at its links."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from enum import StrEnum

from reconcile.findings import Finding, Level, worst


class Link(StrEnum):
    """The links by their lasting names, in the order in which one needs the other."""

    REPOSITORY = "gitrepository"
    CREDENTIALS = "secret"
    PROJECT = "project"
    DEPLOY_KEY = "deploy-key"
    FETCH = "fetch"
    RECEIVER = "receiver"
    WEBHOOK = "webhook"
    DELIVERIES = "deliveries"
    KUSTOMIZATION = "kustomization"


# Each link, and what is looked at.
LINKS = {
    Link.REPOSITORY: "the GitRepository is there, is not suspended, and its URL means a project of this GitLab",
    Link.CREDENTIALS: "its Secret holds a private key that can be used; the fingerprint",
    Link.PROJECT: "GitLab has the project, inside the group; whether it has moved or is archived",
    Link.DEPLOY_KEY: "that key is on the project: whose mark it carries, whether it may push or has expired",
    Link.FETCH: "Flux has fetched the repository, or the reason why not and what that usually means",
    Link.RECEIVER: "a Receiver names it, is Ready, and its path belongs to its token",
    Link.WEBHOOK: "the project has its webhook, as it should be, and GitLab has not switched it off",
    Link.DELIVERIES: "what Flux answered to the last deliveries (GitLab 17.3 or newer)",
    Link.KUSTOMIZATION: "what applies it: Ready, from which namespace, as which service account",
}


# A push arrives where these hold; what is behind them (deliveries, Kustomizations) may be unreadable for good reasons.
_REQUIRED = frozenset(Link) - {Link.DELIVERIES, Link.KUSTOMIZATION}
_NOT_JUDGED = frozenset({Level.UNKNOWN, Level.SKIP})


class Verdict(StrEnum):
    """
    Whether a tenant's push arrives and is applied.

    OFF: the GitRepository or a Receiver of it is suspended or disabled. UNKNOWN: a link up to `webhook` could not be
    judged, and none is known to be broken.
    """

    OK = "ok"
    OFF = "off"
    UNKNOWN = "unknown"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Chain:
    """All findings about one GitRepository, or about a *project* that no GitRepository names."""

    repository: str | None
    project: str | None
    findings: tuple[Finding, ...]

    @property
    def deciding(self) -> Finding | None:
        """
        The finding that decides the verdict: fix it before those behind it. The first row that applies counts.

            the GitRepository is switched off   off: whatever fails behind it may fail because of it
            a link has failed                   broken
            a Receiver is switched off          off
            a link up to `webhook` is unknown   unknown
        """
        rules = (
            ({Level.OFF}, {Link.REPOSITORY}),
            ({Level.FAIL}, set(Link)),
            ({Level.OFF}, set(Link)),
            (_NOT_JUDGED, _REQUIRED),
        )
        return next((finding for levels, links in rules if (finding := self._first(levels, links))), None)

    @property
    def verdict(self) -> Verdict:
        """Whether the chain holds."""
        return _verdict_of({self.deciding.level}) if self.deciding else Verdict.OK

    @property
    def broken(self) -> Finding | None:
        """The first broken link of a chain that is broken."""
        return self.deciding if self.verdict is Verdict.BROKEN else None

    @property
    def level(self) -> Level:
        """`fail` for every verdict but ok; `warn` where somebody should look at something."""
        if self.verdict is not Verdict.OK:
            return Level.FAIL
        return worst(finding.level for finding in self.findings)

    @property
    def verdict_by_link(self) -> dict[str, Verdict]:
        """How each link is by itself, also deliveries and Kustomizations; a link without findings is left out."""
        levels: dict[str, set[Level]] = {}
        for finding in self.findings:
            levels.setdefault(str(finding.topic), set()).add(finding.level)
        return {link: _verdict_of(found) for link, found in levels.items()}

    def _first(self, levels: Set[Level], links: Set[Link]) -> Finding | None:
        return next((found for found in self.findings if found.level in levels and found.topic in links), None)


def _verdict_of(levels: Set[Level]) -> Verdict:
    if Level.FAIL in levels:
        return Verdict.BROKEN
    if Level.OFF in levels:
        return Verdict.OFF
    return Verdict.UNKNOWN if levels & _NOT_JUDGED else Verdict.OK

"""The links of one tenant's chain, in order, and the chain with all findings at its links."""

from __future__ import annotations

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


@dataclass(frozen=True, slots=True)
class Chain:
    """All findings about one GitRepository, or about a *project* that no GitRepository names."""

    repository: str | None
    project: str | None
    findings: tuple[Finding, ...]

    @property
    def broken(self) -> Finding | None:
        """The first broken link: fix it before those behind it."""
        return next((finding for finding in self.findings if finding.level is Level.FAIL), None)

    @property
    def level(self) -> Level:
        """The worst level; a skipped link and a note count as ok."""
        return worst(finding.level for finding in self.findings)

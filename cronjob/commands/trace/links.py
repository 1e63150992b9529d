"""The chain of one tenant: its links in order, and what was found at each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from cronjob.commands.findings import Finding, Level, worst
from cronjob.reports import schemas


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
    """All findings about one GitRepository, or about a *project* that none names."""

    repository: str | None
    project: str | None
    findings: tuple[Finding, ...]

    @property
    def broken(self) -> Finding | None:
        """The first broken link: fix it before those behind it."""
        return next((one for one in self.findings if one.level is Level.FAIL), None)

    @property
    def level(self) -> Level:
        """The worst of all; what was skipped or only noted is no trouble."""
        return worst(finding.level for finding in self.findings)


@dataclass(frozen=True, slots=True)
class Traced:
    """The answer to one question; *error* says why there is no chain at all."""

    asked: str
    chains: tuple[Chain, ...] = ()
    error: str | None = None

    @property
    def level(self) -> Level:
        """The worst of all chains."""
        return Level.FAIL if self.error else worst(chain.level for chain in self.chains)


def document_of(traced: Traced, version: str, cluster: str) -> dict[str, Any]:
    """The answer as plain data, ready for JSON."""
    return {
        "schema": schemas.TRACE,
        "version": version,
        "cluster": cluster,
        "asked": traced.asked,
        "result": traced.level.value,
        "error": traced.error,
        "chains": [_chain(chain) for chain in traced.chains],
    }


def _chain(chain: Chain) -> dict[str, Any]:
    return {
        "repository": chain.repository,
        "project": chain.project,
        "result": chain.level.value,
        "broken": str(chain.broken.topic) if chain.broken else None,
        "links": list(_findings(chain.findings)),
    }


def _findings(findings: Iterable[Finding]) -> Iterable[dict[str, Any]]:
    for one in findings:
        yield {
            "link": str(one.topic),
            "level": one.level.value,
            "object": one.object,
            "message": one.message,
            "command": one.command,
        }

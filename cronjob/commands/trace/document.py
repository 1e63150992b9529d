"""The answer of one `trace` as plain data: the JSON document, and what the text is made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from cronjob.reports import schemas
from reconcile.chain.links import Chain, Link, Verdict
from reconcile.findings import Finding, Level, worst
from reconcile.model import cut_digests


@dataclass(frozen=True, slots=True)
class TraceAnswer:
    """The chains that the *query* means; *error* says why there is none."""

    query: str
    chains: tuple[Chain, ...] = ()
    error: str | None = None

    @property
    def is_ok(self) -> bool:
        """Whether every chain holds."""
        return not self.error and all(chain.verdict is Verdict.OK for chain in self.chains)

    @property
    def level(self) -> Level:
        """The worst of all chains."""
        return Level.FAIL if self.error else worst(chain.level for chain in self.chains)


def document_of(answer: TraceAnswer, version: str, cluster: str) -> dict[str, Any]:
    """Return the document that trace.schema.json describes."""
    document = {
        "schema": schemas.TRACE,
        "version": version,
        "cluster": cluster,
        "asked": answer.query,
        "result": answer.level.value,
        "error": answer.error,
        "summary": _summary(answer.chains),
        "chains": [_chain(chain) for chain in answer.chains],
    }
    shown: dict[str, Any] = cut_digests(document)
    return shown


def _summary(chains: Sequence[Chain]) -> dict[str, Any]:
    """Count the chains by verdict, and at each link those that have the link by the link's own verdict."""
    counts = Counter(chain.verdict for chain in chains)
    by_link: dict[str, Counter[Verdict]] = {link.value: Counter() for link in Link}
    for chain in chains:
        for link, verdict in chain.verdict_by_link.items():
            by_link[link][verdict] += 1
    return {
        "chains": len(chains),
        **{verdict.value: counts[verdict] for verdict in Verdict},
        "by_link": {link: {verdict.value: found[verdict] for verdict in Verdict} for link, found in by_link.items()},
    }


def _chain(chain: Chain) -> dict[str, Any]:
    return {
        "repository": chain.repository,
        "project": chain.project,
        "result": chain.level.value,
        "verdict": chain.verdict.value,
        "broken": str(chain.broken.topic) if chain.broken else None,
        "links": list(_findings(chain.findings)),
    }


def _findings(findings: Iterable[Finding]) -> Iterator[dict[str, Any]]:
    for finding in findings:
        yield {
            "link": str(finding.topic),
            "level": finding.level.value,
            "object": finding.object,
            "message": finding.message,
            "command": finding.command,
        }

"""The answer of one `trace` as plain data: the JSON document, and what the text is made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from cronjob.reports import schemas
from reconcile.chain.links import Chain
from reconcile.findings import Finding, Level, worst


@dataclass(frozen=True, slots=True)
class TraceAnswer:
    """The chains that the *query* means; *error* says why there is none."""

    query: str
    chains: tuple[Chain, ...] = ()
    error: str | None = None

    @property
    def level(self) -> Level:
        """The worst of all chains."""
        return Level.FAIL if self.error else worst(chain.level for chain in self.chains)


def document_of(answer: TraceAnswer, version: str, cluster: str) -> dict[str, Any]:
    """Return the document that trace.schema.json describes."""
    return {
        "schema": schemas.TRACE,
        "version": version,
        "cluster": cluster,
        "asked": answer.query,
        "result": answer.level.value,
        "error": answer.error,
        "chains": [_chain(chain) for chain in answer.chains],
    }


def _chain(chain: Chain) -> dict[str, Any]:
    return {
        "repository": chain.repository,
        "project": chain.project,
        "result": chain.level.value,
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

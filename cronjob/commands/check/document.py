"""The document that `check` prints: its findings as plain data, and the names of the checks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cronjob.reports import schemas
from reconcile.findings import Finding, worst
from reconcile.model import cut_digests

# Each check by its name (part of the public interface), and what it looks at.
CHECKS = {
    "kubernetes": "the API server answers; which one it is, and as whom it sees us",
    "flux": "Flux's two kinds are served, in a version that is read",
    "objects": "the namespaces exist, and their GitRepositories and Receivers can be listed",
    "rights": "everything that a run needs is allowed",
    "excess": "no more than that is allowed: other Secrets, or any write to Flux's objects",
    "credentials": "no Receiver's token is this job's own GitLab token, or another credential",
    "lease": "the Lease exists, or may be created",
    "gitlab": "GitLab answers; which version it is",
    "token": "the token is valid and has the scope; when it expires, and whether its account should own keys",
    "projects": "the groups and extra projects exist",
    "role": "the account is Maintainer on every project",
    "hosts": "which GitRepositories are on this GitLab, and which URLs or rules are in the way",
    "receiver": "the receiver's URL leads to Flux: an unknown path is answered 404",
}


def document_of(findings: Iterable[Finding], version: str, cluster: str) -> dict[str, Any]:
    """Return all findings as plain data, ready for JSON."""
    found = list(findings)
    document = {
        "schema": schemas.CHECK,
        "version": version,
        "cluster": cluster,
        "result": worst(finding.level for finding in found).value,
        "findings": [
            {"level": finding.level.value, "check": finding.topic, "message": finding.message} for finding in found
        ],
    }
    shown: dict[str, Any] = cut_digests(document)
    return shown

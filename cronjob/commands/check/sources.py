"""Where the GitRepositories' URLs lead, as far as that can be told without asking for each of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cronjob.commands.findings import ok, warn
from reconcile.desired.repositories import KnownProjects, RepositoryRequest, repository_requests_from
from reconcile.findings import Finding
from reconcile.problems import Code
from reconcile.rules import Rules

# Told one by one; hosts that are no concern of ours are only counted.
_TOLD = {str(Code.URL_UNUSABLE), str(Code.NOT_ALLOWED), str(Code.URL_NOT_FETCHABLE)}


def look_at_sources(items: Sequence[Mapping[str, Any]], rules: Rules, known: KnownProjects) -> Iterator[Finding]:
    """How many are on this GitLab, how many are not, and what is wrong with which."""
    claims = repository_requests_from(items, rules, known)
    told = [(claim, problem) for claim in claims for problem in claim.problems if problem.code in _TOLD]
    yield from (warn("hosts", f"{claim.ref}: {problem.message}") for claim, problem in told)
    foreign = Counter(claim.url.host for claim in claims if claim.url and _is_foreign(claim))
    ours = sum(claim.url is not None and not claim.dropped for claim in claims)
    others = ", ".join(f"{count} on {host}" for host, count in sorted(foreign.items()))
    yield ok("hosts", f"{ours} GitRepositories are on this GitLab ({', '.join(sorted(known.hosts))})")
    if others:
        yield ok(
            "hosts", f"not on this GitLab, and left alone: {others}; is one of them its name, list it in git_hosts"
        )


def _is_foreign(claim: RepositoryRequest) -> bool:
    return any(problem.code == Code.FOREIGN_HOST for problem in claim.problems)

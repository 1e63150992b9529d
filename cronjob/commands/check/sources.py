"""Check to which hosts the GitRepositories' URLs lead, without a request for each of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from cronjob.commands.findings import fail, ok, warn
from cronjob.gitlab.listing import Listing
from reconcile.deletion import ScheduledDeletion, scheduled_deletion
from reconcile.desired.repositories import KnownProjects, RepositoryRequest, repository_requests_from
from reconcile.desired.settings_problems import too_many_outside
from reconcile.findings import Finding
from reconcile.model import Project
from reconcile.problems import Code
from reconcile.rules import Rules

# These are listed one by one; GitRepositories on other hosts are only counted.
_LISTED_CODES = {str(Code.URL_UNUSABLE), str(Code.NOT_ALLOWED), str(Code.URL_NOT_FETCHABLE)}


def check_sources(items: Sequence[Mapping[str, Any]], rules: Rules, listing: Listing) -> Iterator[Finding]:
    """Yield how many are on this GitLab, how many are not, and which have a problem."""
    known = KnownProjects(frozenset(listing.hosts), listing.by_path.keys())
    requests = repository_requests_from(items, rules, known)
    deletions = _deletions_by_path(listing.by_path.values())
    for request in requests:
        if request.path in deletions:
            yield warn("projects", f"{request.ref}: {deletions[request.path].message}")
    problems = [(request.ref, problem) for request in requests for problem in request.problems]
    listed = [(ref, problem) for ref, problem in problems if problem.code in _LISTED_CODES]
    yield from (warn("hosts", f"{ref}: {problem.message}") for ref, problem in listed)
    foreign = Counter(request.url.host for request in requests if request.url and _is_foreign(request))
    ours = sum(request.url is not None and not request.dropped for request in requests)
    paths = [request.path.lower() for request in requests if request.path]
    inside = sum(path in listing.by_path for path in paths)
    # A path below a group that is not listed is no project's, which has nothing to do with --group.
    outside = len(paths) - sum(path in listing.by_path or listing.is_below_a_group(path) for path in paths)
    yield from (fail("hosts", problem.message) for problem in too_many_outside(inside, outside))
    others = ", ".join(f"{count} on {host}" for host, count in sorted(foreign.items()))
    yield ok("hosts", f"{ours} GitRepositories are on this GitLab ({', '.join(sorted(known.hosts))})")
    if others:
        yield ok(
            "hosts", f"not on this GitLab, and ignored: {others}; if one is a name of this GitLab, add it to git_hosts"
        )


def _deletions_by_path(projects: Iterable[Project]) -> dict[str, ScheduledDeletion]:
    """What is scheduled for deletion, by its lower-case path now and, where no other project has that, its former."""
    listed = {project.path.lower(): project for project in projects}
    found = {path: deletion for path, project in listed.items() if (deletion := scheduled_deletion(project))}
    former = {deletion.path.lower(): deletion for deletion in found.values()}
    return found | {path: deletion for path, deletion in former.items() if path not in listed}


def _is_foreign(request: RepositoryRequest) -> bool:
    return any(problem.code == Code.FOREIGN_HOST for problem in request.problems)

"""Problems that are about the run's settings as a whole, and about no object in particular."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit

from reconcile.desired.repositories import RepositoryRequest
from reconcile.problems import Code, Problem
from reconcile.rules import Rules

# So many GitRepositories are needed before fewer than half of them inside the groups mean something.
_MANY = 10


def settings_problems(repositories: Iterable[RepositoryRequest], rules: Rules) -> list[Problem]:
    """Return the problems of --group and --receiver-url; *repositories* have their projects."""
    repositories = tuple(repositories)
    inside = sum(request.project is not None for request in repositories)
    outside = sum(_lies_outside(request) for request in repositories)
    return [*too_many_outside(inside, outside), *plain_http_receiver(rules.receiver_url)]


def too_many_outside(inside: int, outside: int) -> list[Problem]:
    """Return the problem of a --group that is probably another one; both count GitRepositories on this GitLab."""
    total = inside + outside
    if not outside or (inside and (total < _MANY or 2 * inside >= total)):
        return []
    message = (
        f"{outside} of {total} GitRepositories name projects of this GitLab outside the groups, which are never "
        "touched: see whether --group names the tenants' group and not another one."
    )
    return [Problem.of(Code.TOO_MANY_OUTSIDE, message)]


def plain_http_receiver(url: str | None) -> list[Problem]:
    """Return the problem of a --receiver-url at which the network can read the tokens."""
    parts = urlsplit(url or "")
    if parts.scheme != "http" or _is_loopback(parts.hostname or ""):
        return []
    message = f"{url} is plain http, so the network can read each webhook's token: give an https address."
    return [Problem.of(Code.PLAIN_HTTP_RECEIVER, message)]


def _lies_outside(request: RepositoryRequest) -> bool:
    return any(problem.code == Code.PROJECT_OUTSIDE_GROUP for problem in request.problems)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

"""GitRepositories on hosts that nobody knows, which are too likely another name of this GitLab to be let go."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from reconcile.desired.receiver_targets import RepositoryIndex, targets_of
from reconcile.desired.repositories import RepositoryRequest, as_alias
from reconcile.desired.requests import Requests
from reconcile.desired.seen_items import SeenItems
from reconcile.model import Ref
from reconcile.rules import Rules


def with_unknown_hosts(requests: Requests, seen: SeenItems, rules: Rules) -> Requests:
    """
    Return the requests; one on an unknown host is held where our items name its Secret, or a Receiver that names it.

    Its path must lie under one of the groups: then a setting was forgotten (`git_hosts`), or a project was renamed
    since. Hosts under `foreign_hosts` are never this GitLab.
    """
    candidates = {request.ref for request in requests.repositories if _may_be_ours(request, requests.groups, rules)}
    if not candidates:
        return requests
    served = _served(requests, seen, rules)
    repositories = tuple(
        as_alias(request)
        if request.ref in candidates
        and (request.ref in served or (request.secret and seen.our_secrets.has(request.secret, rules)))
        else request
        for request in requests.repositories
    )
    return replace(requests, repositories=repositories)


def _may_be_ours(request: RepositoryRequest, groups: Iterable[str], rules: Rules) -> bool:
    url = request.url
    if url is None or not request.is_foreign or url.host in rules.foreign_hosts:
        return False
    path = url.path.lower()
    is_below = any(path.startswith(f"{group}/") for group in groups)
    return is_below and rules.tenancy.allows(request.ref.namespace, path)


def _served(requests: Requests, seen: SeenItems, rules: Rules) -> set[Ref]:
    """Return the GitRepositories that are named by a Receiver which has a webhook of ours."""
    index = RepositoryIndex(requests.repositories)
    known = [receiver for receiver in requests.receivers if seen.our_receivers.has(receiver.ref, rules)]
    return {request.ref for receiver in known for request in targets_of(receiver, index, rules)[1]}

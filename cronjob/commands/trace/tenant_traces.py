"""Read what a run would know of one GitRepository: its Secrets, its project and what that has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cronjob.commands.trace.project_reader import ProjectReader
from cronjob.flux.cluster import FluxCluster
from reconcile.actual import Unreadable
from reconcile.chain.tenant_trace import Requests, TenantTrace, receivers_naming, trace_of
from reconcile.desired.needed_secrets import secrets_to_read
from reconcile.desired.receivers import receiver_requests_from
from reconcile.desired.repositories import KnownProjects, RepositoryRequest, repository_requests_from
from reconcile.desired.repository_projects import held_if_unreadable, with_project
from reconcile.model import ProjectLocation, Ref, SecretAnswer, SecretOfOtherShard
from reconcile.problems import Code
from reconcile.rules import Rules


class TenantTraces:
    """Traces GitRepositories one by one, from the cluster's objects and as little of GitLab as is needed."""

    def __init__(self, flux: FluxCluster, gitlab: ProjectReader, rules: Rules) -> None:
        self._flux = flux
        self._gitlab = gitlab
        self._rules = rules
        self._receivers = receiver_requests_from(flux.listed.receivers)

    def trace(self, item: Mapping[str, Any]) -> TenantTrace:
        """Read and decide everything about this GitRepository."""
        request = self._located(item)
        if request is None:
            return TenantTrace(item, self._rules)
        state = self._gitlab.read(request.project) if request.project else None
        if state and isinstance(state.items, Unreadable):
            request = held_if_unreadable(request, {state.project.id})
        requests = Requests(request, self._all_requests(request), self._receivers)
        return trace_of(item, requests, self._rules, secrets=self._secrets(requests), state=state)

    def _secrets(self, requests: Requests) -> Mapping[Ref, SecretAnswer]:
        """Read the Secrets of this GitRepository and its Receivers; all others count as another shard's."""
        named = receivers_naming(requests, self._rules)
        own = secrets_to_read([requests.repository], named, self._rules)
        every = secrets_to_read(requests.repositories, requests.receivers, self._rules)
        others = dict.fromkeys(every.keys | every.tokens, SecretOfOtherShard())
        return {**others, **self._flux.read_secrets(own.keys, own.tokens)}

    def _located(self, item: Mapping[str, Any]) -> RepositoryRequest | None:
        """Return the request with its project. An unknown host may be known once the project is looked up."""
        request = self._request(item, KnownProjects(self._gitlab.hosts.names))
        if request is None or request.url is None or any(found.code == Code.NOT_ALLOWED for found in request.problems):
            return request
        path = request.url.path.lower()
        location = self._gitlab.find(path)
        # Without GitLab's answer nobody can say that the host is another GitLab's.
        hosts = self._gitlab.hosts.names | (set() if self._gitlab.hosts.complete else {request.url.host})
        is_ours = isinstance(location, ProjectLocation) and location.inside and not location.moved
        request = self._request(item, KnownProjects(hosts, {path} if is_ours else frozenset()))
        return with_project(request, {path: location}, self._rules) if request else None

    def _request(self, item: Mapping[str, Any], known: KnownProjects) -> RepositoryRequest | None:
        return next(iter(repository_requests_from([item], self._rules, known)), None)

    def _all_requests(self, request: RepositoryRequest) -> tuple[RepositoryRequest, ...]:
        """Return this one, and all others as they are without GitLab: Receivers name them too."""
        known = KnownProjects(self._gitlab.hosts.names)
        others = repository_requests_from(self._flux.listed.git_repositories, self._rules, known)
        return (request, *(other for other in others if other.ref != request.ref))

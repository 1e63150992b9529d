"""Chains in one line: a tenant for whom everything is right, as both servers show it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from reconcile.actual import FoundKey, FoundWebhook, Items, Unreadable
from reconcile.chain.chain import Surroundings, chain_of
from reconcile.chain.links import Chain, Link
from reconcile.chain.tenant_trace import ProjectState, Requests, TenantTrace, trace_of
from reconcile.desired.receivers import receiver_requests_from
from reconcile.events import DEFAULT_FLAGS, FLAGS
from reconcile.findings import Finding
from reconcile.marks import Owner
from reconcile.model import SecretMissing
from tests.worlds.builders import NAMESPACE, RECEIVER_URL, a_public_key, owned_by, some_rules
from tests.worlds.desired_inputs import APP, Inputs
from tests.worlds.objects import KEYS, a_condition, a_git_repository, a_path

RUN = "flux-gitlab-syncer run --project tenants/app"
REVISION = "main@sha1:0123"


def a_fetched_repository(status: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """A GitRepository that Flux has fetched, or with another *status*."""
    fetched = {"observedGeneration": 1, "conditions": [a_condition()], "artifact": {"revision": REVISION}}
    return a_git_repository(**more) | {"status": fetched if status is None else status}


# The owner follows from title and description.
UNOWNED: dict[str, Any] = {"mark": None, "owner": Owner.UNMARKED}


def the_key(**more: Any) -> FoundKey:
    """The tenant's deploy key, as a run puts it there."""
    title = f"flux-gitlab-syncer prod {NAMESPACE}/{KEYS}"
    return owned_by(FoundKey(**{"id": 1, "title": title, "key": a_public_key(), **UNOWNED, **more}), some_rules())


def the_webhook(**more: Any) -> FoundWebhook:
    """The tenant's webhook, as a run creates it."""
    usual = {
        "id": 2,
        "url": RECEIVER_URL + a_path(),
        "flags": {flag: flag in DEFAULT_FLAGS for flag in FLAGS},
        "description": f"flux-gitlab-syncer prod {NAMESPACE}/app",
        "strategy": "wildcard",
        "token_present": True,
    }
    return owned_by(FoundWebhook(**{**UNOWNED, **usual, **more}), some_rules())


def a_state(*found: FoundKey | FoundWebhook, archived: bool = False) -> ProjectState:
    """The project with these deploy keys and webhooks."""
    keys = tuple(item for item in found if isinstance(item, FoundKey))
    webhooks = tuple(item for item in found if isinstance(item, FoundWebhook))
    return ProjectState(Items(APP, keys, webhooks), archived=archived)


@dataclass
class Tenant:
    """One tenant, traced: what Flux shows (*world*, its first GitRepository), and what its project has."""

    world: Inputs = field(default_factory=lambda: Inputs([a_fetched_repository()]))
    state: ProjectState | None = field(default_factory=lambda: a_state(the_key(), the_webhook()))
    surroundings: Surroundings = field(default_factory=lambda: Surroundings(run=RUN))

    @property
    def trace(self) -> TenantTrace:
        """All that a run would know of it."""
        item = self.world.repositories[0]
        if self.state and isinstance(self.state.items, Unreadable):
            self.world.unreadable = frozenset({self.state.project.id})
        requests = self.world.requests()
        if not requests or requests[0].ref.name != item["metadata"]["name"]:
            return TenantTrace(item, self.world.rules)
        keys, tokens = self.world.asked_secrets()
        secrets = {ref: self.world.secrets.get(f"{ref.namespace}/{ref.name}", SecretMissing()) for ref in keys | tokens}
        receivers = receiver_requests_from(self.world.receivers)
        state = self.state if requests[0].project else None
        return trace_of(
            item, Requests(requests[0], tuple(requests), receivers), self.world.rules, secrets=secrets, state=state
        )

    @property
    def chain(self) -> Chain:
        """Its chain."""
        return chain_of(self.trace, self.surroundings)

    def at(self, link: Link) -> list[Finding]:
        """The findings at one link."""
        return [finding for finding in self.chain.findings if finding.topic == link]

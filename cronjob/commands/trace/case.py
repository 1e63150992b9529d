"""The decision of a run, made for one GitRepository and its one project: the same rules on less."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cronjob.commands.trace.one_project import ProjectReader, Seen
from cronjob.flux.cluster import FluxCluster
from reconcile.actual import Actual, Items, Unreadable, actual_from
from reconcile.desired.desired import Desired, desired_from
from reconcile.desired.needed_secrets import secrets_to_read
from reconcile.desired.receiver_targets import Repositories, targets_of
from reconcile.desired.receivers import ReceiverRequest, receiver_requests_from
from reconcile.desired.repositories import (
    KnownProjects,
    RepositoryRequest,
    held_if_unreadable,
    ref_of,
    repository_requests_from,
    with_project,
)
from reconcile.model import Project, ProjectLocation, PublicKey, Ref, Secret, SecretAnswer, SecretOfOtherShard
from reconcile.plan.plan import Plan, make_plan
from reconcile.problems import Code, Problem
from reconcile.rules import Rules


@dataclass(frozen=True, slots=True)
class Case:
    """
    One GitRepository and all that a run would know of it.

    *claim* is None where it is being deleted. *listeners* are the Receivers that name it, *others* all that do not.
    *plan* is what a run would do on its project, with the problems that it would report.
    """

    item: Mapping[str, Any]
    rules: Rules
    claim: RepositoryRequest | None = None
    listeners: tuple[ReceiverRequest, ...] = ()
    others: tuple[ReceiverRequest, ...] = ()
    secrets: Mapping[Ref, SecretAnswer] = field(default_factory=dict)
    seen: Seen | None = None
    desired: Desired = field(default_factory=Desired)
    plan: Plan = field(default_factory=Plan)

    @property
    def ref(self) -> Ref:
        """The GitRepository."""
        return ref_of(self.item, "GitRepository")

    @property
    def spec(self) -> Mapping[str, Any]:
        """Its spec; what no run needs of it may have any shape."""
        return self.item.get("spec") or {}

    @property
    def provider(self) -> str:
        """Who knows how to log in; only `generic` uses SSH keys at a GitLab."""
        return str(self.spec.get("provider") or "generic")

    @property
    def needs_key(self) -> bool:
        """Whether Flux clones it with an SSH key."""
        is_http = str(self.spec.get("url") or "").startswith(("http://", "https://"))
        return not is_http and self.provider == "generic"

    @property
    def project(self) -> Project | None:
        """The project that it leads to, if it leads to one that may be served."""
        return self.claim.project if self.claim else None

    @property
    def items(self) -> Items | None:
        """What the project has, where that could be read."""
        return self.seen.items if self.seen and isinstance(self.seen.items, Items) else None

    @property
    def key(self) -> PublicKey | None:
        """The public half of the Secret's private key."""
        secret = self.secrets.get(self.claim.secret) if self.claim and self.claim.secret else None
        return secret.public_key if isinstance(secret, Secret) else None

    def problems(self, ref: Ref | None) -> list[Problem]:
        """What a run would report of that object, or of the project itself."""
        name = str(ref) if ref else None
        return [one for one in self.plan.problems if one.object == name]


class TenantTraces:
    """Follows GitRepositories one by one, with everything that was read of the cluster and as much as is needed."""

    def __init__(self, flux: FluxCluster, gitlab: ProjectReader, rules: Rules) -> None:
        self._flux = flux
        self._gitlab = gitlab
        self._rules = rules
        self._listeners = receiver_requests_from(flux.listed.receivers)

    def follow(self, item: Mapping[str, Any]) -> Case:
        """Everything about this GitRepository."""
        claim = self._placed(item)
        if claim is None:
            return Case(item, self._rules)
        seen = self._gitlab.read(claim.project) if claim.project else None
        if seen and isinstance(seen.items, Unreadable):
            claim = held_if_unreadable(claim, {seen.project.id})
        claims = self._claims(claim)
        repositories = Repositories(claims)
        named = tuple(one for one in self._listeners if self._names(one, claim, repositories))
        mine, every = (secrets_to_read(*of, self._rules) for of in (([claim], named), (claims, self._listeners)))
        others = dict.fromkeys(every.keys | every.tokens, SecretOfOtherShard())
        secrets = {**others, **self._flux.read_secrets(mine.keys, mine.tokens)}
        desired = desired_from(claims, self._listeners, secrets, self._rules)
        return Case(
            item,
            self._rules,
            claim,
            named,
            tuple(one for one in self._listeners if one not in named),
            secrets,
            seen,
            desired,
            make_plan(desired, _actual(seen), self._rules),
        )

    def _placed(self, item: Mapping[str, Any]) -> RepositoryRequest | None:
        """The claim with its project. A host that nobody knows may be known once the project is looked up."""
        claim = self._claim(item, KnownProjects(self._gitlab.hosts))
        if claim is None or claim.url is None or any(one.code == Code.NOT_ALLOWED for one in claim.problems):
            return claim
        path = claim.url.path.lower()
        place = self._gitlab.find(path)
        # Without GitLab nobody can say that this is another one.
        hosts = self._gitlab.hosts | ({claim.url.host} if self._gitlab.trouble else set())
        is_ours = isinstance(place, ProjectLocation) and place.inside and not place.moved
        claim = self._claim(item, KnownProjects(hosts, {path} if is_ours else frozenset()))
        return with_project(claim, {path: place}, self._rules) if claim else None

    def _claim(self, item: Mapping[str, Any], known: KnownProjects) -> RepositoryRequest | None:
        return next(iter(repository_requests_from([item], self._rules, known)), None)

    def _claims(self, claim: RepositoryRequest) -> list[RepositoryRequest]:
        """This one, and all others as they are without GitLab: Receivers name them too."""
        known = KnownProjects(self._gitlab.hosts)
        others = repository_requests_from(self._flux.listed.git_repositories, self._rules, known)
        return [claim, *(one for one in others if one.ref != claim.ref)]

    def _names(self, listener: ReceiverRequest, claim: RepositoryRequest, repositories: Repositories) -> bool:
        """Whether the Receiver names it, also where the settings do not let it reach that far."""
        _, named = targets_of(listener, repositories, self._rules)
        return any(one.ref == claim.ref for one in named) or any(
            one.name == claim.ref.name and (one.namespace or listener.ref.namespace) == claim.ref.namespace
            for one in listener.resources
        )


def _actual(seen: Seen | None) -> Actual:
    return actual_from([seen.items]) if seen else Actual()

"""Desired state: the deploy keys and webhooks that Flux's objects ask for, by project, and what is held."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field, replace
from typing import ClassVar

from reconcile.actual import Actual
from reconcile.desired.budgets import over_budget_problems
from reconcile.desired.freshness import Sources
from reconcile.desired.hints import MAX_HINTS, Hints
from reconcile.desired.hold_rules import hold_keys, hold_webhooks
from reconcile.desired.holds import Holds
from reconcile.desired.listed_receivers import ListedReceivers
from reconcile.desired.path_collisions import with_path_collisions
from reconcile.desired.receiver_targets import RepositoryIndex, targets_of, with_unsupported_type
from reconcile.desired.receiver_tokens import with_token
from reconcile.desired.receivers import ReceiverRequest
from reconcile.desired.repositories import RepositoryRequest
from reconcile.desired.repository_keys import Secrets, key_of, with_key
from reconcile.desired.requests import Requests
from reconcile.desired.seen_items import SeenItems
from reconcile.desired.settings_problems import settings_problems
from reconcile.desired.unknown_annotations import with_unknown_annotations
from reconcile.marks import Mark
from reconcile.model import Kind, Project, PublicKey, Ref, SecretMissing
from reconcile.problems import Code, Problem
from reconcile.rules import Rules
from reconcile.shares import Share
from reconcile.stopping import until_stopped


@dataclass(frozen=True, slots=True)
class WantedKey:
    """
    A deploy key that a project should have; *secrets* are those it comes from, the first one names it.

    *elsewhere* are projects of other shards that should have it too.
    """

    project: Project
    key: PublicKey
    mark: Mark
    secrets: tuple[Ref, ...]
    sources: tuple[Ref, ...]
    elsewhere: tuple[Project, ...] = field(default=(), repr=False)

    kind: ClassVar[Kind] = Kind.DEPLOY_KEY

    @property
    def name(self) -> str:
        """The fingerprint: what identifies the key on its project."""
        return self.key.fingerprint


@dataclass(frozen=True, slots=True)
class WantedWebhook:
    """A webhook that a project should have, with exactly these event flags."""

    project: Project
    url: str = field(repr=False)
    token: str = field(repr=False)
    flags: frozenset[str]
    mark: Mark
    sources: tuple[Ref, ...]

    kind: ClassVar[Kind] = Kind.WEBHOOK

    @property
    def name(self) -> str:
        """The full URL: what identifies the webhook on its project."""
        return self.url


@dataclass(frozen=True, slots=True)
class Desired:
    """
    What Flux's objects ask for. Keys and webhooks go by project id, then by what makes them the same.

    *repositories_in* and *receivers_in* are the namespaces that hold at least one such object. *listed* has the paths
    of all Receivers, also of those that want no webhook. *source_states* says what the Secrets and Receivers give now.
    """

    keys: Mapping[int, Mapping[PublicKey, WantedKey]] = field(default_factory=dict)
    webhooks: Mapping[int, Mapping[str, WantedWebhook]] = field(default_factory=dict)
    holds: Holds = field(default_factory=Holds)
    problems: tuple[Problem, ...] = ()
    projects: frozenset[Project] = frozenset()
    repositories_in: frozenset[str] = frozenset()
    receivers_in: frozenset[str] = frozenset()
    listed: ListedReceivers = field(default_factory=ListedReceivers)
    source_states: Sources = field(default_factory=Sources, repr=False)

    def within(self, acts_on: Callable[[str], bool]) -> Desired:
        """Return the part on projects whose path *acts_on* accepts, and what concerns no project in particular."""
        return self._on({project.id for project in self.projects if acts_on(project.path)}, acts_on)

    def of_share(self, share: Share) -> Desired:
        """Return the part on one shard's projects; the first shard also has what concerns none in particular."""
        if share.is_all:
            return self
        ids = {project.id for project in self.projects if share.has(project.id)}
        paths = {project.path for project in self.projects if project.id in ids}
        part = self._on(ids, paths.__contains__)
        problems = tuple(problem for problem in part.problems if problem.project or share.is_first)
        return replace(part, problems=problems, keys=_with_elsewhere(part.keys, self.keys))

    def _on(self, ids: Set[int], concerns: Callable[[str], bool]) -> Desired:
        return replace(
            self,
            keys={id_: wanted for id_, wanted in self.keys.items() if id_ in ids},
            webhooks={id_: wanted for id_, wanted in self.webhooks.items() if id_ in ids},
            problems=tuple(
                problem for problem in self.problems if problem.project is None or concerns(problem.project)
            ),
        )


def _with_elsewhere(
    part: Mapping[int, Mapping[PublicKey, WantedKey]], whole: Mapping[int, Mapping[PublicKey, WantedKey]]
) -> dict[int, dict[PublicKey, WantedKey]]:
    """The same keys, each with the projects outside *part* that want it too."""
    others: dict[PublicKey, list[Project]] = {}
    for id_ in sorted(whole.keys() - part.keys()):
        for key, wanted in whole[id_].items():
            others.setdefault(key, []).append(wanted.project)
    elsewhere = {key: tuple(projects) for key, projects in others.items()}
    return {
        id_: {key: replace(one, elsewhere=elsewhere.get(key, ())) for key, one in wanted.items()}
        for id_, wanted in part.items()
    }


def desired_from(requests: Requests, secrets: Secrets, rules: Rules, actual: Actual | None = None) -> Desired:
    """
    Combine GitRepositories with their projects, Receivers, and *secrets* (an answer for each of secrets_to_read).

    *actual* tells which webhooks were made before; it changes no decision about a tenant's token that is one.
    """
    hints = Hints(MAX_HINTS)
    repositories, receivers = _judged(requests, secrets, hints)
    holds, problems = Holds(rules.tenancy), [problem for request in repositories for problem in request.problems]
    for request in repositories:
        hold_keys(holds, request, key_of(request, secrets), rules)
    resolver = ReceiverResolver(RepositoryIndex(repositories, hints), secrets, rules, SeenItems.of(actual))
    webhooks: dict[int, dict[str, WantedWebhook]] = defaultdict(dict)
    all_resolved = []
    for receiver in until_stopped(receivers, requests.stopped):
        resolved, named = resolver.resolve(receiver)
        all_resolved.append(resolved)
        hold_webhooks(holds, resolved, named, rules)
        problems += resolved.problems
        for webhook in resolver.webhooks(resolved, named):
            webhooks[webhook.project.id][webhook.url] = webhook
    return Desired(
        keys=_wanted_keys(repositories, secrets, rules),
        webhooks=dict(webhooks),
        holds=holds,
        problems=(
            *problems,
            *over_budget_problems(repositories, all_resolved, secrets),
            *(webhooks_off(rules) if receivers else ()),
            *settings_problems(repositories, rules),
        ),
        projects=frozenset(request.project for request in repositories if request.project),
        repositories_in=frozenset(request.ref.namespace for request in repositories),
        receivers_in=frozenset(receiver.ref.namespace for receiver in receivers),
        listed=ListedReceivers.of(receivers),
        source_states=Sources.of(receivers, secrets),
    )


def _judged(
    requests: Requests, secrets: Secrets, hints: Hints
) -> tuple[list[RepositoryRequest], tuple[ReceiverRequest, ...]]:
    """Return the requests in the order of their names, with what is wrong about each by itself."""
    repositories = until_stopped(sorted(requests.repositories, key=lambda request: request.ref), requests.stopped)
    receivers = sorted(requests.receivers, key=lambda receiver: receiver.ref)
    return (
        [with_unknown_annotations(with_key(request, secrets), hints) for request in repositories],
        with_path_collisions((with_unknown_annotations(receiver, hints) for receiver in receivers), secrets),
    )


@dataclass(frozen=True, slots=True)
class ReceiverResolver:
    """Resolves Receivers to their tokens and GitRepositories; without a receiver URL nothing about them is judged."""

    repositories: RepositoryIndex
    secrets: Secrets
    rules: Rules
    seen: SeenItems

    def resolve(self, receiver: ReceiverRequest) -> tuple[ReceiverRequest, tuple[RepositoryRequest, ...]]:
        """Return the Receiver with its token and its problems, and the GitRepositories that it names."""
        resolved, named = self._resolve(receiver)
        return resolved.concerning({request.project.path for request in named if request.project}), named

    def webhooks(self, resolved: ReceiverRequest, named: Iterable[RepositoryRequest]) -> Iterator[WantedWebhook]:
        """Yield the webhook that a resolved Receiver asks for, once for each project of what it names."""
        if not resolved.creates or resolved.token is None or resolved.path is None or not self.rules.receiver_url:
            return
        url = f"{self.rules.receiver_url}{resolved.path}"
        mark = Mark(self.rules.identity.cluster, resolved.ref.namespace, resolved.ref.name)
        requests_by_project: dict[Project, list[Ref]] = defaultdict(list)
        for request in named:
            if request.target:
                requests_by_project[request.target].append(request.ref)
        for project, refs in requests_by_project.items():
            yield WantedWebhook(project, url, resolved.token, resolved.flags, mark, (resolved.ref, *refs))

    def _resolve(self, receiver: ReceiverRequest) -> tuple[ReceiverRequest, tuple[RepositoryRequest, ...]]:
        if not self.rules.receiver_url:
            return receiver.switched_off(), ()
        followed, named = targets_of(receiver, self.repositories, self.rules)
        if receiver.left_alone:
            return receiver, named
        if not receiver.resources:
            return receiver.switched_off(), ()
        if not receiver.supported:
            return with_unsupported_type(receiver, named), ()
        answer = self.secrets.get(followed.secret, SecretMissing()) if followed.secret else None
        return with_token(followed, answer, self.rules, self.seen), named


def webhooks_off(rules: Rules) -> list[Problem]:
    """Return the notice that webhooks are switched off, if they are."""
    message = (
        "Without --receiver-url webhooks are neither made nor removed; set it to the base URL of webhook-receiver."
    )
    return [] if rules.receiver_url else [Problem.of(Code.WEBHOOKS_OFF, message)]


def _wanted_keys(
    repositories: Iterable[RepositoryRequest], secrets: Secrets, rules: Rules
) -> dict[int, dict[PublicKey, WantedKey]]:
    """Return the deploy keys that the GitRepositories ask for, by project id."""
    requests_by_key: dict[tuple[Project, PublicKey], list[RepositoryRequest]] = defaultdict(list)
    for request in repositories:
        if request.project and request.held is None and (key := key_of(request, secrets)):
            requests_by_key[request.project, key].append(request)
    wanted: dict[int, dict[PublicKey, WantedKey]] = defaultdict(dict)
    for (project, key), requests in requests_by_key.items():
        key_secrets = tuple(sorted({request.secret for request in requests if request.secret}))
        mark = Mark(rules.identity.cluster, key_secrets[0].namespace, key_secrets[0].name)
        sources = tuple(request.ref for request in requests)
        wanted[project.id][key] = WantedKey(project, key, mark, key_secrets, sources)
    return dict(wanted)

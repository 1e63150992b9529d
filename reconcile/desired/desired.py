"""Desired state: the deploy keys and webhooks that Flux's objects ask for, by project, and what must be held."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace

from reconcile.desired.by_project import ByProject, on_these, with_one
from reconcile.desired.hold_rules import hold_keys, hold_webhooks
from reconcile.desired.holds import Holds
from reconcile.desired.receiver_targets import Repositories, targets_of
from reconcile.desired.receiver_tokens import with_token
from reconcile.desired.receivers import ReceiverRequest, with_path_collisions
from reconcile.desired.repositories import RepositoryRequest
from reconcile.desired.repository_keys import Secrets, key_of, with_key
from reconcile.marks import Mark
from reconcile.model import Project, PublicKey, Ref, SecretMissing
from reconcile.problems import Code, Problem
from reconcile.rules import Rules
from reconcile.shares import Share


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


@dataclass(frozen=True, slots=True)
class WantedWebhook:
    """A webhook that a project should have, with exactly these event flags."""

    project: Project
    url: str = field(repr=False)
    token: str = field(repr=False)
    flags: frozenset[str]
    mark: Mark
    sources: tuple[Ref, ...]


@dataclass(frozen=True, slots=True)
class Desired:
    """
    What Flux's objects ask for. Keys and webhooks go by project id, then by what makes them the same.

    *repositories_in* and *receivers_in* are the namespaces that hold at least one such object.
    """

    keys: Mapping[int, Mapping[PublicKey, WantedKey]] = field(default_factory=dict)
    webhooks: Mapping[int, Mapping[str, WantedWebhook]] = field(default_factory=dict)
    holds: Holds = field(default_factory=Holds)
    problems: tuple[Problem, ...] = ()
    projects: frozenset[Project] = frozenset()
    repositories_in: frozenset[str] = frozenset()
    receivers_in: frozenset[str] = frozenset()

    def within(self, acts_on: Callable[[str], bool]) -> Desired:
        """The part that concerns projects whose path *acts_on* accepts, and what concerns no project in particular."""
        if all(acts_on(project.path) for project in self.projects):
            # Nearly always: nothing but problems may be anywhere else.
            return replace(self, problems=_concerning(self.problems, acts_on))
        return self._of({project.id for project in self.projects if acts_on(project.path)}, acts_on)

    def of_share(self, share: Share) -> Desired:
        """The part that concerns one shard's projects; the first one also has what concerns none in particular."""
        if share.is_all:
            return self
        ids = {project.id for project in self.projects if share.has(project.id)}
        paths = {project.path for project in self.projects if project.id in ids}
        part = self._of(ids, paths.__contains__)
        problems = tuple(one for one in part.problems if one.project or share.is_first)
        return replace(part, problems=problems, keys=_with_elsewhere(part.keys, self.keys))

    def _of(self, ids: Set[int], concerns: Callable[[str], bool]) -> Desired:
        return replace(
            self,
            keys=on_these(self.keys, ids),
            webhooks=on_these(self.webhooks, ids),
            problems=_concerning(self.problems, concerns),
        )


def _concerning(problems: Iterable[Problem], concerns: Callable[[str], bool]) -> tuple[Problem, ...]:
    return tuple(one for one in problems if one.project is None or concerns(one.project))


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


def desired_from(
    claims: Iterable[RepositoryRequest], listeners: Iterable[ReceiverRequest], secrets: Secrets, rules: Rules
) -> Desired:
    """
    Put claims that have their project and listeners together; *secrets* answers for each of `secrets_to_read`.

    What is wanted is put together later, project by project, so all of them are kept.
    """
    settled = sorted((with_key(claim, secrets) for claim in claims), key=lambda claim: claim.ref)
    heard = with_path_collisions(sorted(listeners, key=lambda one: one.ref))
    holds, problems = Holds(), [problem for claim in settled for problem in claim.problems]
    for claim in settled:
        hold_keys(holds, claim, key_of(claim, secrets), rules)
    hearing = _Hearing(Repositories(settled), secrets, rules)
    callers: dict[int, Sequence[ReceiverRequest]] = {}
    for listener in heard:
        followed, named = hearing.followed(listener)
        hold_webhooks(holds, followed, named, rules)
        problems += followed.problems
        for id_ in hearing.projects_of(followed, named):
            callers[id_] = with_one(callers.get(id_), listener)
    return Desired(
        keys=ByProject(_askers(settled, secrets), lambda _, asking: _keys(asking, secrets, rules)),
        webhooks=ByProject(callers, hearing.webhooks),
        holds=holds,
        problems=(*problems, *(webhooks_off(rules) if heard else ())),
        projects=frozenset(claim.project for claim in settled if claim.project),
        repositories_in=frozenset(claim.ref.namespace for claim in settled),
        receivers_in=frozenset(one.ref.namespace for one in heard),
    )


@dataclass(frozen=True, slots=True)
class _Hearing:
    """Follows listeners to their tokens and targets; without a receiver URL nothing about them is judged."""

    repositories: Repositories
    secrets: Secrets
    rules: Rules

    def followed(self, listener: ReceiverRequest) -> tuple[ReceiverRequest, tuple[RepositoryRequest, ...]]:
        """The listener with its token and its problems, and what it names."""
        followed, named = self._led(listener)
        return followed.concerning({claim.project.path for claim in named if claim.project}), named

    def projects_of(self, followed: ReceiverRequest, named: Iterable[RepositoryRequest]) -> Set[int]:
        """The projects that are to have its webhook."""
        if not followed.creates or followed.token is None or followed.path is None or not self.rules.receiver_url:
            return frozenset()
        return {claim.target.id for claim in named if claim.target}

    def webhooks(self, project: int, callers: Iterable[ReceiverRequest]) -> dict[str, WantedWebhook]:
        """What *callers* want on a project that is among those of each."""
        wanted = {}
        for caller in callers:
            listener, named = self.followed(caller)
            url = f"{self.rules.receiver_url}{listener.path}"
            mark = Mark(self.rules.identity.cluster, listener.ref.namespace, listener.ref.name)
            asking = {claim.ref: claim.target for claim in named if claim.target and claim.target.id == project}
            place, sources = next(iter(asking.values())), (listener.ref, *asking)
            wanted[url] = WantedWebhook(place, url, listener.token or "", listener.flags, mark, sources)
        return wanted

    def _led(self, listener: ReceiverRequest) -> tuple[ReceiverRequest, tuple[RepositoryRequest, ...]]:
        if not self.rules.receiver_url:
            return listener.silent(), ()
        followed, named = targets_of(listener, self.repositories, self.rules)
        if listener.left_alone:
            return listener, named
        if not listener.resources:
            return listener.silent(), ()
        if not listener.supported:
            return _unsupported(listener, named), ()
        answer = self.secrets.get(followed.secret, SecretMissing()) if followed.secret else None
        return with_token(followed, answer), named


def _unsupported(listener: ReceiverRequest, named: tuple[RepositoryRequest, ...]) -> ReceiverRequest:
    if not any(claim.project for claim in named):
        return listener
    message = f"GitLab cannot feed a Receiver of type {listener.type}; use the type gitlab or generic."
    projects = {claim.project.path for claim in named if claim.project}
    return listener.warned(Code.RECEIVER_TYPE_UNSUPPORTED, message).concerning(projects)


def webhooks_off(rules: Rules) -> list[Problem]:
    """The notice that webhooks are switched off, if they are."""
    message = (
        "Without --receiver-url webhooks are neither made nor removed; set it to the base URL of webhook-receiver."
    )
    return [] if rules.receiver_url else [Problem.of(Code.WEBHOOKS_OFF, message)]


def _askers(settled: Iterable[RepositoryRequest], secrets: Secrets) -> dict[int, Sequence[RepositoryRequest]]:
    """Those that want a key, by the project it is for."""
    asking: dict[int, Sequence[RepositoryRequest]] = {}
    for claim in settled:
        if claim.project and claim.held is None and key_of(claim, secrets):
            asking[claim.project.id] = with_one(asking.get(claim.project.id), claim)
    return asking


def _keys(asking: Iterable[RepositoryRequest], secrets: Secrets, rules: Rules) -> dict[PublicKey, WantedKey]:
    """What these claims want on the one project that they have."""
    askers: dict[tuple[Project, PublicKey], list[RepositoryRequest]] = {}
    for project, key, claim in [
        (claim.project, key, claim) for claim in asking if claim.project and (key := key_of(claim, secrets))
    ]:
        askers.setdefault((project, key), []).append(claim)
    wanted = {}
    for (project, key), claims in askers.items():
        secrets_of = tuple(sorted({claim.secret for claim in claims if claim.secret}))
        mark = Mark(rules.identity.cluster, secrets_of[0].namespace, secrets_of[0].name)
        wanted[key] = WantedKey(project, key, mark, secrets_of, tuple(claim.ref for claim in claims))
    return wanted

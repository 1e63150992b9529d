"""Desired state: the deploy keys and webhooks that Flux's objects ask for, by project, and what must be held."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass, field, replace

from reconcile.claims import Claim
from reconcile.few import with_one
from reconcile.holding import hold_keys, hold_webhooks
from reconcile.holds import Holds
from reconcile.marks import Mark
from reconcile.model import (
    Project,
    PublicKey,
    Ref,
    Secret,
    SecretAnswer,
    SecretMissing,
    SecretUnreadable,
)
from reconcile.problems import Code, Problem
from reconcile.receivers import Listener, with_collisions
from reconcile.rules import Rules
from reconcile.shares import Share
from reconcile.targets import Repositories, targets_of
from reconcile.tokens import unreadable, with_token

Secrets = Mapping[Ref, SecretAnswer]


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
            keys={id_: wanted for id_, wanted in self.keys.items() if id_ in ids},
            webhooks={id_: wanted for id_, wanted in self.webhooks.items() if id_ in ids},
            problems=tuple(one for one in self.problems if one.project is None or concerns(one.project)),
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


def desired_from(claims: Iterable[Claim], listeners: Iterable[Listener], secrets: Secrets, rules: Rules) -> Desired:
    """Put claims that have their project and listeners together; *secrets* answers for each of `needs_of`."""
    keyed = sorted((_with_key(claim, secrets) for claim in claims), key=lambda pair: pair[0].ref)
    settled = [claim for claim, _ in keyed]
    heard, targets = _listening(listeners, Repositories(settled), secrets, rules)
    holds = Holds()
    for claim, key in keyed:
        hold_keys(holds, claim, key, rules)
    for listener in heard:
        hold_webhooks(holds, listener, targets[listener.ref], rules)
    problems = [problem for claim in settled for problem in claim.problems]
    problems += [problem for listener in heard for problem in listener.problems]
    return Desired(
        keys=_keys(keyed, rules),
        webhooks=_webhooks(heard, targets, rules),
        holds=holds,
        problems=(*problems, *(webhooks_off(rules) if heard else ())),
        projects=frozenset(claim.project for claim in settled if claim.project),
        repositories_in=frozenset(claim.ref.namespace for claim in settled),
        receivers_in=frozenset(one.ref.namespace for one in heard),
    )


def _with_key(claim: Claim, secrets: Secrets) -> tuple[Claim, PublicKey | None]:
    """The claim with what is wrong about its Secret, and the public key where there is one."""
    if claim.secret is None or claim.dropped:
        return claim, None
    answer = secrets.get(claim.secret, SecretMissing())
    key = answer.public_key if isinstance(answer, Secret) else None
    if claim.held is Code.DISABLED:
        # Its key is only needed to hold it; where nobody can tell which that is, it may be any.
        return (replace(claim, vague=True) if isinstance(answer, SecretUnreadable) else claim), key
    return _checked(claim, answer), key


def _checked(claim: Claim, answer: SecretAnswer) -> Claim:
    match answer:
        case SecretMissing():
            return claim.hold(
                Code.SECRET_NOT_FOUND, f"{claim.secret} does not exist; create it (`flux create secret git`)."
            )
        case SecretUnreadable(reason):
            return claim.hold(Code.SECRET_UNREADABLE, unreadable(claim.secret, reason))
        case Secret(has_identity=False):
            return claim.hold(Code.SECRET_NOT_FOUND, f"{claim.secret} has no key `identity`; add the SSH private key.")
        case Secret(public_key=None, key_problem=trouble):
            return claim.hold(
                Code.KEY_UNUSABLE,
                f"The private key `identity` in {claim.secret} is unusable: {trouble}. "
                "Correct it, or make a new one (`flux create secret git`).",
            )
        case Secret(public_key=key, declared=declared, has_declared=True) if declared != key:
            return claim.warned(
                Code.PUBLIC_KEY_MISMATCH,
                f"`identity.pub` in {claim.secret} is not the public half of `identity`; Flux uses `identity`, "
                "so that is what is installed. Correct or remove `identity.pub`.",
            )
        case _:
            return claim


def _listening(
    listeners: Iterable[Listener], repositories: Repositories, secrets: Secrets, rules: Rules
) -> tuple[list[Listener], dict[Ref, tuple[Claim, ...]]]:
    """The listeners with their tokens and targets; without a receiver URL nothing about them is judged."""
    heard: list[Listener] = []
    targets: dict[Ref, tuple[Claim, ...]] = {}
    for listener in with_collisions(sorted(listeners, key=lambda one: one.ref)):
        followed, named = _followed(listener, repositories, secrets, rules)
        heard.append(followed.concerning({claim.project.path for claim in named if claim.project}))
        targets[followed.ref] = named
    return heard, targets


def _followed(
    listener: Listener, repositories: Repositories, secrets: Secrets, rules: Rules
) -> tuple[Listener, tuple[Claim, ...]]:
    if not rules.receiver_url:
        return listener.silent(), ()
    followed, named = targets_of(listener, repositories, rules)
    if listener.left_alone:
        return listener, named
    if not listener.resources:
        return listener.silent(), ()
    if not listener.supported:
        return _unsupported(listener, named), ()
    return with_token(followed, secrets.get(followed.secret, SecretMissing()) if followed.secret else None), named


def _unsupported(listener: Listener, named: tuple[Claim, ...]) -> Listener:
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


def _keys(keyed: Iterable[tuple[Claim, PublicKey | None]], rules: Rules) -> dict[int, Mapping[PublicKey, WantedKey]]:
    askers: dict[tuple[Project, PublicKey], list[Claim]] = {}
    for claim, key in keyed:
        if key and claim.project and claim.held is None:
            askers.setdefault((claim.project, key), []).append(claim)
    wanted: dict[int, Mapping[PublicKey, WantedKey]] = {}
    for (project, key), claims in askers.items():
        secrets = tuple(sorted({claim.secret for claim in claims if claim.secret}))
        mark = Mark(rules.identity.cluster, secrets[0].namespace, secrets[0].name)
        mine = WantedKey(project, key, mark, secrets, tuple(claim.ref for claim in claims))
        wanted[project.id] = with_one(wanted.get(project.id), key, mine)
    return wanted


def _webhooks(
    heard: Iterable[Listener], targets: Mapping[Ref, tuple[Claim, ...]], rules: Rules
) -> dict[int, Mapping[str, WantedWebhook]]:
    wanted: dict[int, Mapping[str, WantedWebhook]] = {}
    for listener in heard:
        if not listener.creates or listener.token is None or listener.path is None or not rules.receiver_url:
            continue
        url = rules.receiver_url + listener.path
        mark = Mark(rules.identity.cluster, listener.ref.namespace, listener.ref.name)
        by_project: dict[Project, list[Ref]] = {}
        for claim in targets[listener.ref]:
            if claim.target:
                by_project.setdefault(claim.target, []).append(claim.ref)
        for project, claims in by_project.items():
            sources = (listener.ref, *claims)
            hook = WantedWebhook(project, url, listener.token, listener.flags, mark, sources)
            wanted[project.id] = with_one(wanted.get(project.id), url, hook)
    return wanted

"""One-line worlds: each builder gives something ordinary, and a test names only what it is about."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from reconcile.actual import Actual, FoundKey, FoundWebhook, Items, Unreadable, actual_from
from reconcile.desired.desired import Desired, WantedKey, WantedWebhook
from reconcile.desired.holds import Holds
from reconcile.desired.listed_receivers import ListedReceivers
from reconcile.events import DEFAULT_FLAGS, FLAGS
from reconcile.marks import Identity, Mark
from reconcile.model import Project, PublicKey, Ref, Secret
from reconcile.plan.changes import Create, Delete, Excuse, Update
from reconcile.plan.plan import Plan, make_plan
from reconcile.problems import Problem
from reconcile.report import Entry, Report, Status
from reconcile.rules import Rules

CLUSTER = "prod"
HOST = "gitlab.example.net"
NAMESPACE = "flux-config"
RECEIVER_URL = "https://flux.example.net"
OTHERS_MARK = "flux-gitlab-syncer staging flux-config/shop"
NEIGHBOURS_MARK = "flux-gitlab-syncer prod billing/shop"
LEFT_MARK = "flux-gitlab-syncer prod flux-config/left"
# What the answers of GitLab 14 have.
OLD_FLAGS = tuple(flag for flag in FLAGS if not flag.startswith(("emoji", "feature", "milestone", "resource", "vul")))


def a_mark(name: str = "shop", *, cluster: str = CLUSTER, namespace: str = NAMESPACE) -> Mark:
    return Mark(cluster, namespace, name)


def a_project(id_: int = 1, path: str = "tenants/shop") -> Project:
    return Project(id_, path)


def a_public_key(seed: object = 1) -> PublicKey:
    """A well-formed ssh-ed25519 key; equal seeds give equal keys."""
    blob = b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + hashlib.sha256(f"key {seed}".encode()).digest()
    return PublicKey("ssh-ed25519", base64.b64encode(blob).decode())


def a_key_secret(seed: object = 1) -> Secret:
    """A Secret with a usable private key."""
    return Secret(has_identity=True, public_key=a_public_key(seed))


def a_token_secret(token: bytes = b"token") -> Secret:
    """A Secret with a token."""
    return Secret(token=token)


def a_url(number: int = 1, base: str = RECEIVER_URL) -> str:
    return f"{base}/hook/{hashlib.sha256(f'path {number}'.encode()).hexdigest()}"


def repository_ref(name: str = "shop", namespace: str = NAMESPACE) -> Ref:
    return Ref("GitRepository", namespace, name)


def secret_ref(name: str = "shop", namespace: str = NAMESPACE) -> Ref:
    return Ref("Secret", namespace, name)


def receiver_ref(name: str = "shop", namespace: str = NAMESPACE) -> Ref:
    return Ref("Receiver", namespace, name)


def a_wanted_key(
    number: int = 1,
    *,
    project: Project | None = None,
    name: str = "shop",
    secrets: Iterable[str] = (),
    sources: Iterable[str] = (),
) -> WantedKey:
    return WantedKey(
        project or a_project(),
        a_public_key(number),
        a_mark(name),
        tuple(secret_ref(one) for one in [*secrets] or [name]),
        tuple(repository_ref(one) for one in [*sources] or [name]),
    )


def a_wanted_webhook(
    number: int = 1,
    *,
    project: Project | None = None,
    name: str = "shop",
    flags: Iterable[str] = DEFAULT_FLAGS,
) -> WantedWebhook:
    sources = (receiver_ref(name), repository_ref(name))
    return WantedWebhook(
        project or a_project(), a_url(number), f"token-{number}", frozenset(flags), a_mark(name), sources
    )


def a_key(
    number: int = 1,
    *,
    title: str = str(a_mark()),
    id_: int | None = None,
    can_push: bool = False,
    expired: bool = False,
) -> FoundKey:
    """A deploy key as GitLab has it, marked as ours unless *title* says otherwise."""
    key, mark = a_public_key(number), Mark.parse(title)
    return FoundKey(id_ or 100 + number, title, key, mark, some_rules().key_owner(mark, key), can_push, expired)


def some_flags(*on: str, known: Iterable[str] = FLAGS) -> dict[str, bool]:
    return {flag: flag in on for flag in known}


def a_webhook(
    number: int = 1,
    *,
    id_: int | None = None,
    description: str = str(a_mark()),
    url: str | None = None,
    flags: Mapping[str, bool] | None = None,
    **more: object,
) -> FoundWebhook:
    """A webhook as the newest GitLab has it: right, and marked as ours unless *description* says otherwise."""
    whole: dict[str, object] = {"strategy": "wildcard", "token_present": True, **more}
    return FoundWebhook(
        id_ or 200 + number,
        url or a_url(number),
        some_flags(*DEFAULT_FLAGS) if flags is None else flags,
        (mark := Mark.parse(description)),
        some_rules().webhook_owner(mark, url or a_url(number)),
        description=description,
        **whole,
    )


def an_old_webhook(number: int = 1, **more: object) -> FoundWebhook:
    """A webhook as GitLab before 17.1 has it: without description, strategy or token_present."""
    old: dict[str, object] = {"has_description": False, "strategy": None, "token_present": None, **more}
    flags = some_flags(*DEFAULT_FLAGS, known=OLD_FLAGS)
    return a_webhook(number, description="", flags=flags, **old)


def an_identity(**fields: Any) -> Identity:
    """Our cluster and the one namespace that we read."""
    return Identity(**{"cluster": CLUSTER, "namespaces": frozenset({NAMESPACE}), **fields})


def some_rules(
    *, previous_clusters: Iterable[str] = (), previous_namespaces: Iterable[str] = (), **fields: Any
) -> Rules:
    """The settings of a run that looks after webhooks too."""
    former = {"previous_clusters": frozenset(previous_clusters), "previous_namespaces": frozenset(previous_namespaces)}
    return Rules(**{"identity": an_identity(**former), "receiver_url": RECEIVER_URL, **fields})


def some_desired(
    *wanted: WantedKey | WantedWebhook,
    holds: Holds | None = None,
    problems: Iterable[Problem] = (),
    repositories_in: Iterable[str] = (NAMESPACE,),
    receivers_in: Iterable[str] = (NAMESPACE,),
    listed: ListedReceivers | None = None,
) -> Desired:
    keys: dict[int, dict[PublicKey, WantedKey]] = {}
    webhooks: dict[int, dict[str, WantedWebhook]] = {}
    for one in wanted:
        if isinstance(one, WantedKey):
            keys.setdefault(one.project.id, {})[one.key] = one
        else:
            webhooks.setdefault(one.project.id, {})[one.url] = one
    return Desired(
        keys,
        webhooks,
        holds or Holds(),
        tuple(problems),
        frozenset(one.project for one in wanted),
        frozenset(repositories_in),
        frozenset(receivers_in),
        listed or ListedReceivers(),
    )


def some_items(*found: FoundKey | FoundWebhook, project: Project | None = None) -> Items:
    return Items(
        project or a_project(),
        tuple(one for one in found if isinstance(one, FoundKey)),
        tuple(one for one in found if isinstance(one, FoundWebhook)),
    )


def owned_by(state: FoundKey | FoundWebhook | Items | Unreadable, rules: Rules) -> Any:
    """The same as it is read with these rules, which decide the owner."""
    match state:
        case FoundKey(title=title, key=key):
            return replace(state, mark=(mark := Mark.parse(title)), owner=rules.key_owner(mark, key))
        case FoundWebhook(description=text, url=url):
            return replace(state, mark=(mark := Mark.parse(text)), owner=rules.webhook_owner(mark, url))
        case Items(project, keys, webhooks):
            return Items(
                project, tuple(owned_by(key, rules) for key in keys), tuple(owned_by(hook, rules) for hook in webhooks)
            )
    return state


def some_actual(*states: FoundKey | FoundWebhook | Items | Unreadable, rules: Rules | None = None) -> Actual:
    """Whole projects as they are, read with *rules*; loose items lie on the one ordinary project."""
    states = tuple(owned_by(state, rules or some_rules()) for state in states)
    loose = [one for one in states if isinstance(one, FoundKey | FoundWebhook)]
    whole = [one for one in states if isinstance(one, Items | Unreadable)]
    return actual_from([some_items(*loose), *whole] if loose or not whole else whole)


def a_plan(
    *world: object, rules: Rules | None = None, holds: Holds | None = None, listed: ListedReceivers | None = None
) -> Plan:
    """The plan for what is wanted and what is found, in any order."""
    wanted = [one for one in world if isinstance(one, WantedKey | WantedWebhook)]
    states = [one for one in world if isinstance(one, FoundKey | FoundWebhook | Items | Unreadable)]
    rules = rules or some_rules()
    actual = some_actual(*states, rules=rules)
    return make_plan(some_desired(*wanted, holds=holds, listed=listed), actual, rules)


def a_create(number: int = 1, **more: object) -> Create:
    return Create(a_wanted_key(number, **more), "missing")


def an_update(number: int = 1, **fields: tuple[object, object]) -> Update:
    return Update(a_webhook(number), a_wanted_webhook(number), fields or {"push_events": (False, True)}, "differs")


def a_delete(
    number: int = 1,
    *,
    project: Project | None = None,
    webhook: bool = False,
    excuse: Excuse | None = None,
    name: str = "shop",
) -> Delete:
    found = a_webhook(number, description=str(a_mark(name))) if webhook else a_key(number, title=str(a_mark(name)))
    return Delete(project or a_project(), found, "not wanted", excuse)


def a_report(*statuses: Status, problems: tuple[Problem, ...] = (), **more: object) -> Report:
    """The report of a run with one create for each of *statuses*."""
    entries = tuple(Entry(a_create(number), status) for number, status in enumerate(statuses))
    return Report(Plan(problems=problems), entries, **{"dry_run": False, **more})


def codes(plan: Plan) -> list[str]:
    return [problem.code for problem in plan.problems]


def shape(plan: Plan) -> list[tuple[str, str, int | None]]:
    """The plan's changes at a glance: action, kind, id."""
    return [(change.action, str(change.kind), change.id) for change in plan.changes]

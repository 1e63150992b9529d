"""
What can be put back of what a run removed.

    removed            on the project now          change
    -----------------  --------------------------  ------------------------------------------------------------
    deploy key         not there                   Create, with the title and the right to push that it had
    webhook            not there                   Create, where its Receiver's token still gives the same URL
    either             there, whoever's it is      none
    either             no mark, or another's       none: `CannotPutBack`; `owned_keys` go back without a mark
    either             its source is not listed    none: `CannotPutBack`
    any                gone, or has another path   none: `CannotPutBack`

A report is a file that somebody may have edited: what it says is put back only as far as this cluster's own objects, or
the settings, say that it belongs there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from reconcile.actual import Actual, Found, FoundKey, FoundWebhook, Items, actual_from
from reconcile.desired.desired import Desired, WantedKey, WantedWebhook
from reconcile.desired.receivers import ReceiverRequest
from reconcile.marks import Mark
from reconcile.model import Kind, LookUpFailed, LookUpResult, Project, ProjectLocation, Ref, shown_url
from reconcile.plan.changes import Create, FormerKey
from reconcile.plan.plan import make_plan
from reconcile.problems import Code, Problem
from reconcile.rules import Rules
from reconcile.undo.removed import Removed, RemovedKey, RemovedWebhook

REASON = "a run removed it"
# Whom one asks to want it again.
_WANTS = {Kind.DEPLOY_KEY: "GitRepository", Kind.WEBHOOK: "Receiver"}


@dataclass(frozen=True, slots=True)
class Now:
    """
    What there is when something is to be put back.

    *places* answers for the removed items' paths, *receivers* are the Receivers they name, with their tokens, and
    *secrets* the Secrets that the listed GitRepositories name.
    """

    desired: Desired
    actual: Actual
    places: Mapping[str, LookUpResult]
    receivers: Mapping[Ref, ReceiverRequest]
    secrets: frozenset[Ref] = frozenset()


@dataclass(slots=True)
class Restoration:
    """What is put back, what is there anyway, and what one should know about the rest."""

    creates: list[Create] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    unchanged: int = 0


def restore(removed: Iterable[Removed], now: Now, rules: Rules) -> Restoration:
    """Put back what can be; what cannot, and what the next run would remove again, is a problem each."""
    restorer = _Restorer(now, rules)
    for one in removed:
        restorer.take(one)
    done = restorer.done
    done.problems += _removed_again(done.creates, now, rules)
    return done


class _Restorer:
    """Looks at one removed item after another."""

    def __init__(self, now: Now, rules: Rules) -> None:
        self.done = Restoration()
        self._now = now
        self._rules = rules
        self._items = {items.project.id: items for items in now.actual.projects}
        self._unreadable = {state.project.id for state in now.actual.unreadable}

    def take(self, one: Removed) -> None:
        """Decide what becomes of one."""
        items = self._items.get(one.project.id)
        if items is None:
            self._refuse(one, self._lost(one.project))
        elif items.project.path.lower() != one.project.path.lower():
            self._refuse(one, f"project {one.project.id} is {items.project.path} by now")
        elif self._is_there(one, items):
            self.done.unchanged += 1
        else:
            made = self._key(one, items) if isinstance(one, RemovedKey) else self._webhook(one, items)
            if isinstance(made, Create):
                self.done.creates.append(made)
            else:
                self._refuse(one, made)

    def _is_there(self, one: Removed, items: Items) -> bool:
        """Whether the project has it, or will have: a report may hold two webhooks that look the same."""
        names = {found.name for found in items.keys} | {shown_url(found.url) for found in items.webhooks}
        names |= {shown_url(create.name) for create in self.done.creates if create.project == items.project}
        return one.name in names

    def _lost(self, project: Project) -> str:
        """Why nothing is known about a project."""
        if project.id in self._unreadable:
            return "the project's deploy keys and webhooks cannot be read"
        match self._now.places.get(project.path.lower()):
            case ProjectLocation(now, inside=False) if now.id == project.id:
                return f"the project has moved to {now.path}, outside the group"
            case ProjectLocation(now):
                return f"the project is gone: its path belongs to another one by now, with the id {now.id}"
            case LookUpFailed(reason=reason):
                return f"the project could not be looked up: {reason}"
        return "the project is gone, or this token cannot see it"

    def _key(self, one: RemovedKey, items: Items) -> Create | str:
        """The change that puts it back, or why there is none."""
        project, mark = items.project, one.mark
        if refusal := self._is_not_ours(one) or self._is_not_allowed(mark, project):
            return refusal
        existing = self._now.actual.by_material.get(one.key)
        if existing and existing.owner.is_anothers:
            return f"GitLab knows this key as `{existing.title}` by now, which is not this instance's"
        wanted = self._now.desired.keys.get(project.id, {}).get(one.key)
        if wanted is None:
            secrets = (Ref("Secret", mark.namespace, mark.name),) if mark else ()
            # Without a mark it gets none: its title is what it had.
            mark = mark or Mark(self._rules.identity.cluster, "", "")
            wanted = WantedKey(project, one.key, mark, secrets, sources=secrets)
        reason = f"{REASON}; it may push, as it could before" if one.can_push else REASON
        return Create(wanted, reason, existing, former=FormerKey(one.title, one.can_push))

    def _is_not_ours(self, removed: RemovedKey) -> str:
        """Why nothing here says that the key is ours; empty where something does."""
        owner, mark = self._rules.key_owner(removed.mark, removed.key), removed.mark
        if owner.is_anothers:
            return f"its mark `{removed.title}` is that of {owner.value}"
        if removed.key.fingerprint in self._rules.owned_keys:
            return ""
        if mark is None:
            return "it carries no mark, and its fingerprint is not listed under owned_keys"
        known = (name for secret in self._now.secrets for name in self._rules.known_as(secret))
        if any(mark.names(name.namespace, name.name) for name in known):
            return ""
        return f"no GitRepository names Secret/{mark.namespace}/{mark.name}, whose key it is; bring one back first"

    def _is_not_allowed(self, mark: Mark | None, project: Project) -> str:
        if mark is None or self._rules.tenancy.allows(mark.namespace, project.path):
            return ""
        return f"the tenancy rules do not allow namespace {mark.namespace} this project"

    def _webhook(self, one: RemovedWebhook, items: Items) -> Create | str:
        """The change that puts it back, or why there is none. The token goes to our own URLs only."""
        if one.receiver is None:
            return "it carried no mark, so nobody knows which Receiver's token it had"
        receiver = self._now.receivers.get(one.receiver)
        if receiver is None:
            return f"{one.receiver} is not there any more, or in a namespace that is not read"
        if receiver.token is None or receiver.path is None:
            return _silence(receiver)
        bases = (self._rules.receiver_url, *self._rules.previous_receiver_urls)
        urls = [base + receiver.path for base in bases if base]
        url = next((url for url in urls if shown_url(url) == one.url), None)
        if url is None:
            return f"{one.receiver} has another token by now, or --receiver-url is another one"
        mark = Mark(self._rules.identity.cluster, receiver.ref.namespace, receiver.ref.name)
        if trouble := self._is_not_allowed(mark, items.project):
            return trouble
        wanted = self._now.desired.webhooks.get(items.project.id, {}).get(url)
        sources = wanted.sources if wanted else (receiver.ref,)
        return Create(WantedWebhook(items.project, url, receiver.token, one.flags, mark, sources), REASON)

    def _refuse(self, one: Removed, why: str) -> None:
        items = self._items.get(one.project.id)
        path = items.project.path if items else one.project.path
        message = f"{_described(one)} is not put back: {why.rstrip('.')}."
        self.done.problems.append(Problem.of(Code.CANNOT_PUT_BACK, message, object=_source(one), project=path))


def _silence(receiver: ReceiverRequest) -> str:
    """Why this Receiver has no token to give."""
    if not receiver.supported:
        return f"GitLab cannot feed {receiver.ref}, which is of type {receiver.type}"
    return receiver.problems[-1].message if receiver.problems else "webhooks are switched off without --receiver-url"


def _described(one: Removed | Create) -> str:
    name = f"{one.kind.value.replace('_', ' ')} {shown_url(one.name)}"
    return name[0].upper() + name[1:]


def _source(one: Removed) -> Ref | None:
    if isinstance(one, RemovedWebhook):
        return one.receiver
    return Ref("Secret", one.mark.namespace, one.mark.name) if one.mark else None


def _removed_again(creates: list[Create], now: Now, rules: Rules) -> list[Problem]:
    """What the next run would remove, if nothing changes before: it is asked for its plan."""
    made = {-number: create for number, create in enumerate(creates, start=1)}
    on: dict[int, dict[int, Create]] = {}
    for id_, create in made.items():
        on.setdefault(create.project.id, {})[id_] = create
    states = [_with(items, on.get(items.project.id, {}), rules) for items in now.actual.projects]
    deletes = make_plan(now.desired, actual_from(states), rules).deletes
    return [_again(made[delete.id]) for delete in deletes if delete.id in made]


def _again(create: Create) -> Problem:
    message = (
        f"{_described(create)} is wanted by nothing, so the next run removes it again: first bring back the "
        f"{_WANTS[create.kind]} that asked for it, or suspend the job."
    )
    source = create.sources[0] if create.sources else None
    return Problem.of(Code.REMOVED_AGAIN, message, object=source, project=create.project.path)


def _with(items: Items, made: Mapping[int, Create], rules: Rules) -> Items:
    """One project as it will be, with what is *made* on it."""
    found = [_as_found(id_, create, rules) for id_, create in made.items()]
    keys = tuple(one for one in found if isinstance(one, FoundKey))
    webhooks = tuple(one for one in found if isinstance(one, FoundWebhook))
    return replace(items, keys=(*items.keys, *keys), webhooks=(*items.webhooks, *webhooks))


def _as_found(id_: int, create: Create, rules: Rules) -> Found:
    wanted = create.wanted
    if isinstance(wanted, WantedWebhook):
        owner, flags = rules.webhook_owner(wanted.mark, wanted.url), dict.fromkeys(wanted.flags, True)
        return FoundWebhook(id_, wanted.url, flags, wanted.mark, owner, description=str(wanted.mark))
    mark = Mark.parse(create.title)
    return FoundKey(id_, create.title, wanted.key, mark, rules.key_owner(mark, wanted.key))

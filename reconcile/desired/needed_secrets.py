"""Which Secrets a run must read to decide about its share of the projects."""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass

from reconcile.actual import Actual
from reconcile.desired.receiver_targets import RepositoryIndex, targets_of
from reconcile.desired.receivers import ReceiverRequest
from reconcile.desired.repositories import RepositoryRequest
from reconcile.marks import Mark
from reconcile.model import Ref
from reconcile.problems import Code
from reconcile.rules import Rules


@dataclass(frozen=True, slots=True)
class SecretsToRead:
    """
    The Secrets to read: *keys* for their private key, *tokens* for their token.

    *others* are those that only other shards have to read.
    """

    keys: frozenset[Ref]
    tokens: frozenset[Ref]
    others: frozenset[Ref] = frozenset()


def secrets_to_read(
    repositories: Iterable[RepositoryRequest],
    receivers: Iterable[ReceiverRequest],
    rules: Rules,
    seen: Actual | None = None,
) -> SecretsToRead:
    """
    What these ask for; what is dropped needs nothing.

    With shards, only what can matter to a project of this one. *seen* is what those projects have: without it what
    they have left of a Receiver that is otherwise another shard's concern is not among the needs yet.
    """
    repositories, receivers = tuple(repositories), tuple(receivers)
    whole = _secrets(repositories, receivers, rules)
    if rules.share.is_all:
        return whole
    needed = _secrets(*_concerned(repositories, receivers, rules, _Traces.of(seen)), rules)
    return SecretsToRead(needed.keys, needed.tokens, (whole.keys | whole.tokens) - needed.keys - needed.tokens)


def _secrets(
    repositories: Iterable[RepositoryRequest], receivers: Iterable[ReceiverRequest], rules: Rules
) -> SecretsToRead:
    keys = frozenset(request.secret for request in repositories if request.secret and not request.dropped)
    heard = [one for one in receivers if one.resources and one.supported and not one.left_alone]
    tokens = frozenset(one.secret for one in heard if one.secret and rules.receiver_url)
    return SecretsToRead(keys, tokens)


def _concerned(
    repositories: tuple[RepositoryRequest, ...], receivers: tuple[ReceiverRequest, ...], rules: Rules, traces: _Traces
) -> tuple[list[RepositoryRequest], list[ReceiverRequest]]:
    """
    The repositories and receivers that can want, or hold, something on this shard's projects.

    A receiver is held by the troubles of all that it names, so the Secrets of those are needed too.
    """
    index = RepositoryIndex(repositories)
    mine = {request.ref for request in repositories if _may_be_anywhere(request) or _is_here(request, rules)}
    heard, beside = [], set()
    for receiver in receivers:
        _, named = targets_of(receiver, index, rules)
        refs = {request.ref for request in named}
        # What is wrong with one that names several projects is filed under none, so the first shard reports it.
        is_common = rules.share.is_first and len({request.project for request in named}) > 1
        if not refs or refs & mine or is_common or traces.may_belong_to(receiver, rules):
            heard.append(receiver)
            beside |= refs
    return [request for request in repositories if request.ref in mine | beside], heard


def _is_here(request: RepositoryRequest, rules: Rules) -> bool:
    return request.project is not None and rules.share.has(request.project.id)


def _may_be_anywhere(request: RepositoryRequest) -> bool:
    """Whether its trouble holds items on any project: nobody knows which one it means."""
    return request.project is None or request.held is Code.PROJECT_REPLACED


@dataclass(frozen=True, slots=True)
class _Traces:
    """What the webhooks of this shard's projects say of Receivers: the marks they carry, the paths they call."""

    names: Set[tuple[str, str]]
    cut: Set[Mark]
    paths: Set[str]

    @classmethod
    def of(cls, seen: Actual | None) -> _Traces:
        found = [one for items in (seen.projects if seen else ()) for one in items.webhooks]
        marks = {webhook.mark for webhook in found if webhook.mark}
        return cls(
            frozenset((mark.namespace, mark.name) for mark in marks),
            frozenset(mark for mark in marks if "~" in mark.name),
            frozenset("/hook/" + one.url.rpartition("/hook/")[2] for one in found),
        )

    def may_belong_to(self, receiver: ReceiverRequest, rules: Rules) -> bool:
        """Whether some webhook may be that Receiver's."""
        if receiver.path in self.paths:
            return True
        names = [(ref.namespace, ref.name) for ref in rules.known_as(receiver.ref)]
        return any(name in self.names or any(mark.names(*name) for mark in self.cut) for name in names)

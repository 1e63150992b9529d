"""Which Secrets a run must read to decide about its share of the projects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reconcile.actual import Actual
from reconcile.desired.receiver_targets import RepositoryIndex, targets_of
from reconcile.desired.receivers import ReceiverRequest
from reconcile.desired.repositories import RepositoryRequest
from reconcile.desired.seen_items import SeenItems
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
    needed = _secrets(*_concerned(repositories, receivers, rules, SeenItems.of(seen)), rules)
    return SecretsToRead(needed.keys, needed.tokens, (whole.keys | whole.tokens) - needed.keys - needed.tokens)


def _secrets(
    repositories: Sequence[RepositoryRequest], receivers: Sequence[ReceiverRequest], rules: Rules
) -> SecretsToRead:
    keys = frozenset(request.secret for request in repositories if request.secret and not request.dropped)
    # Whether two Receivers with one path collide is told by the tokens of both.
    paths = Counter(filter(None, (receiver.path for receiver in receivers)))
    shared = {path for path, count in paths.items() if count > 1}
    asking = [each for each in receivers if each.supported and (each.resources or each.path in shared)]
    tokens = frozenset(
        receiver.secret for receiver in asking if receiver.secret and rules.receiver_url and not receiver.left_alone
    )
    return SecretsToRead(keys, tokens)


def _concerned(
    repositories: tuple[RepositoryRequest, ...], receivers: tuple[ReceiverRequest, ...], rules: Rules, seen: SeenItems
) -> tuple[list[RepositoryRequest], list[ReceiverRequest]]:
    """
    The repositories and receivers that can want, or hold, something on this shard's projects.

    A Receiver is held by the problems of all that it names, so the Secrets of those are needed too.
    """
    index = RepositoryIndex(repositories)
    here = {request.ref for request in repositories if _may_be_anywhere(request) or _is_here(request, rules)}
    concerned: list[ReceiverRequest] = []
    named_too: set[Ref] = set()
    for receiver in receivers:
        _, named = targets_of(receiver, index, rules)
        refs = {request.ref for request in named}
        # What is wrong with one that names several projects is filed under none, so the first shard reports it.
        is_common = rules.share.is_first and len({request.project for request in named}) > 1
        if not refs or refs & here or is_common or seen.may_have_webhook_of(receiver.ref, receiver.path, rules):
            concerned.append(receiver)
            named_too |= refs
    return [request for request in repositories if request.ref in here | named_too], concerned


def _is_here(request: RepositoryRequest, rules: Rules) -> bool:
    return request.project is not None and rules.share.has(request.project.id)


def _may_be_anywhere(request: RepositoryRequest) -> bool:
    """Whether its problem holds items on any project: nobody knows which one it means."""
    return request.project is None or request.held is Code.PROJECT_REPLACED

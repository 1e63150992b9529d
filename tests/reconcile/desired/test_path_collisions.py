"""Receivers with one webhook path: only those whose path is the digest of their own token collide."""

from __future__ import annotations

from typing import Any

import pytest

from reconcile.desired.path_collisions import with_path_collisions
from reconcile.desired.receivers import ReceiverRequest, receiver_requests_from
from reconcile.model import Ref, Secret, SecretMissing
from reconcile.problems import Code, Severity
from tests.worlds.objects import DISABLED, TOKENS, a_path, a_receiver

# Flux's digest has no separator: `a` in `bc` and `ab` in `c` get one path for one token.
TOKEN = {Ref("Secret", namespace, TOKENS): Secret(token=b"token") for namespace in ("bc", "c", "flux-config")}


def collided(*items: dict[str, Any], secrets: dict[Ref, Any] | None = None) -> list[bool]:
    """Whether each has the problem and waits."""
    receivers = with_path_collisions(receiver_requests_from(items), TOKEN if secrets is None else secrets)
    return [waits(receiver) for receiver in receivers]


def waits(receiver: ReceiverRequest) -> bool:
    collides = [problem.code for problem in receiver.problems] == [Code.RECEIVER_PATH_COLLISION]
    assert collides == (receiver.held is Code.RECEIVER_PATH_COLLISION and not receiver.creates)
    return collides


def test_two_receivers_with_the_same_path_both_wait() -> None:
    items = [a_receiver("a", namespace="bc"), a_receiver("ab", namespace="c"), a_receiver("other")]
    assert collided(*items) == [True, True, False]
    [problem] = with_path_collisions(receiver_requests_from(items), TOKEN)[0].problems
    assert problem.severity is Severity.ERROR
    assert "give each Receiver a token of its own" in problem.message


@pytest.mark.parametrize("off", [{"suspend": True}, {"annotations": DISABLED}, {"type": "generic-hmac"}])
def test_one_that_is_left_alone_or_cannot_be_fed_is_no_collision(off: dict[str, Any]) -> None:
    assert collided(a_receiver("a", namespace="bc"), a_receiver("ab", namespace="c", **off)) == [False, False]


def test_a_path_that_was_copied_from_a_neighbour_is_no_collision() -> None:
    copy = {"webhookPath": a_path(), "conditions": []}
    assert collided(a_receiver(), a_receiver("copy", status=copy)) == [False, False]


@pytest.mark.parametrize("answer", [SecretMissing(), Secret(), Secret(token=b"newer")])
def test_one_whose_token_does_not_give_the_path_is_no_collision(answer: Any) -> None:
    secrets = {**TOKEN, Ref("Secret", "c", TOKENS): answer}
    items = [a_receiver("a", namespace="bc"), a_receiver("ab", namespace="c")]
    assert collided(*items, secrets=secrets) == [False, False]


def test_two_receivers_without_a_path_do_not_collide() -> None:
    assert collided(a_receiver("a", status={}), a_receiver("b", status={})) == [False, False]


def test_one_without_a_secret_is_no_collision() -> None:
    assert collided(a_receiver("a", namespace="bc"), a_receiver("ab", namespace="c", secret=None)) == [False, False]

"""A credential of something else is never given to a webhook."""

from __future__ import annotations

import pytest

from reconcile.credentials import OwnToken
from reconcile.desired.receiver_tokens import with_token
from reconcile.desired.receivers import ReceiverRequest, receiver_requests_from
from reconcile.desired.seen_items import SeenItems
from reconcile.model import Secret
from reconcile.problems import Code
from tests.worlds.builders import RECEIVER_URL, a_webhook, some_actual, some_rules
from tests.worlds.objects import a_path, a_receiver

OWN = b"glpat-of-this-job"
RULES = some_rules(own_token=OwnToken(OWN.decode()))


def given(secret: Secret, *, made_before: bool = False) -> ReceiverRequest:
    """The Receiver with that Secret; *made_before* where a webhook in GitLab has the path of the token."""
    (receiver,) = receiver_requests_from([a_receiver(token=secret.token or b"")])
    webhook = a_webhook(1, url=RECEIVER_URL + a_path(secret.token or b""))
    return with_token(receiver, secret, RULES, SeenItems.of(some_actual(*([webhook] if made_before else []))))


@pytest.mark.parametrize(
    "secret",
    [
        Secret(token=OWN),
        Secret(token=b"x" + OWN + b"y"),
        Secret(token=b"glrt-of-a-runner"),
        Secret(token=b"anything", is_service_account_token=True),
    ],
    ids=["our own", "our own inside", "a runner's", "a service account's"],
)
def test_a_credential_is_refused_and_not_quoted(secret: Secret) -> None:
    receiver = given(secret)
    (problem,) = receiver.problems
    assert (receiver.token, receiver.held, receiver.creates) == (None, Code.TOKEN_UNUSABLE, False)
    assert str(secret.token) not in problem.message
    assert "revoke" not in problem.message


def test_where_a_webhook_was_made_with_it_the_credential_is_to_be_revoked() -> None:
    (problem,) = given(Secret(token=OWN), made_before=True).problems
    assert "revoke the credential now" in problem.message


def test_a_token_made_for_the_receiver_is_used() -> None:
    receiver = given(Secret(token=b"token"))
    assert (receiver.token, receiver.problems) == ("token", ())

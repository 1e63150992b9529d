"""
What a Receiver's Secret makes of it: the token that its webhook is to send, or why there is none.

Rules about paths and tokens follow Flux's notification-controller (api/v1/receiver_types.go,
internal/server/receiver_handlers.go; unchanged from 0.33 to 1.9).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace

from reconcile.credentials import credential_in
from reconcile.desired.receivers import ReceiverRequest
from reconcile.desired.seen_items import SeenItems
from reconcile.model import Ref, Secret, SecretAnswer, SecretMissing, SecretOfOtherShard, SecretUnreadable
from reconcile.problems import Code
from reconcile.rules import Rules

NOTHING_SEEN = SeenItems()
# No header can carry these: control characters end it, outer blanks are trimmed on the way.
_NO_HEADER = re.compile(r"[\x00-\x1f\x7f]|^\s|\s$")


def unreadable(secret: Ref | None, answer: SecretUnreadable) -> str:
    """What to do about a Secret that Kubernetes did not give."""
    return f"{secret} cannot be read: {answer.reason}. {answer.cause.next_step}"


def webhook_path(token: bytes, ref: Ref) -> str:
    """Flux's path for a Receiver: no separator, no trimming (GetWebhookPath)."""
    return "/hook/" + hashlib.sha256(token + ref.name.encode() + ref.namespace.encode()).hexdigest()


def with_token(
    receiver: ReceiverRequest, answer: SecretAnswer | None, rules: Rules, seen: SeenItems = NOTHING_SEEN
) -> ReceiverRequest:
    """
    The receiver with its token; of the Secret, the status and the path only the first problem is reported.

    *seen* tells whether a webhook was made with the token before.
    """
    match answer:
        case None:
            return receiver.hold(
                Code.SECRET_NOT_FOUND, "spec.secretRef names no Secret; Flux needs one with the key `token`."
            )
        case SecretMissing():
            return receiver.hold(
                Code.SECRET_NOT_FOUND, f"{receiver.secret} does not exist; create it with the key `token`."
            )
        case SecretUnreadable():
            return receiver.hold(Code.SECRET_UNREADABLE, unreadable(receiver.secret, answer), answer.cause)
        case SecretOfOtherShard():
            return receiver
        case Secret(token=None):
            return receiver.hold(Code.SECRET_NOT_FOUND, f"{receiver.secret} has no key `token`; add it.")
        case secret:
            credential = credential_of(secret, rules)
            token = secret.token or b""
            return _refused(receiver, credential, token, seen) if credential else _judged(receiver, token)


def credential_of(secret: Secret, rules: Rules) -> str | None:
    """Return what credential the Secret's token is, as a clause, or None."""
    if secret.token and secret.is_service_account_token:
        return "it is that of a service account of Kubernetes"
    return credential_in(secret.token or b"", rules.own_token)


def _refused(receiver: ReceiverRequest, credential: str, token: bytes, seen: SeenItems) -> ReceiverRequest:
    """The receiver whose token is a credential of something else: GitLab would store it and send it on each push."""
    message = (
        f"The token in {receiver.secret} is a credential and is never given to a webhook: {credential}. "
        "Name a Secret in spec.secretRef that was made for this Receiver alone."
    )
    if webhook_path(token, receiver.ref) in seen.paths:
        message += " A webhook in GitLab was made with it already: revoke the credential now, then remove the webhook."
    return receiver.hold(Code.TOKEN_UNUSABLE, message)


def _judged(receiver: ReceiverRequest, token: bytes) -> ReceiverRequest:
    if not token:
        return receiver.hold(
            Code.EMPTY_TOKEN,
            f"The token in {receiver.secret} is empty, as GitLab's own agent makes it: "
            "no webhook is created, and what is there stays. Store a token if GitLab should call it.",
        )
    text = _header(token)
    if text is None:
        return receiver.hold(
            Code.TOKEN_UNUSABLE,
            f"No header can carry the token in {receiver.secret}: it is not UTF-8, or has control characters, "
            "a line break or blanks at its ends. Store it without (`echo -n`, or `printf %s`).",
        )
    if receiver.not_ready_reason:
        return receiver.hold(Code.RECEIVER_NOT_READY, receiver.not_ready_reason)
    if webhook_path(token, receiver.ref) != receiver.path:
        return receiver.hold(
            Code.ROTATION_IN_FLIGHT,
            f"The token in {receiver.secret} is newer than status.webhookPath; its webhooks wait until Flux "
            f"has seen it (`flux reconcile receiver {receiver.ref.name} -n {receiver.ref.namespace}`).",
        )
    return replace(receiver, token=text)


def _header(token: bytes) -> str | None:
    try:
        text = token.decode()
    except UnicodeDecodeError:
        return None
    return None if _NO_HEADER.search(text) else text

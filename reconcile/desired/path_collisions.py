"""Receivers that share a webhook path, of which Flux serves only one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from reconcile.desired.receiver_tokens import webhook_path
from reconcile.desired.receivers import ReceiverRequest
from reconcile.desired.repository_keys import Secrets
from reconcile.model import Secret
from reconcile.problems import Code


def with_path_collisions(receivers: Iterable[ReceiverRequest], secrets: Secrets) -> tuple[ReceiverRequest, ...]:
    """
    Return the receivers, with a problem on each whose path another one has too.

    Only a path that is the digest of the Receiver's own token counts: everybody who may write a status could copy
    another's path into it. A Receiver that is left alone does not collide.
    """
    listed = tuple(receivers)
    listed_paths = Counter(receiver.path for receiver in listed)
    # The digest is worked out only where a path is shared.
    paths = Counter(
        receiver.path for receiver in listed if listed_paths[receiver.path] > 1 and _owns_path(receiver, secrets)
    )
    return tuple(
        receiver.hold(
            Code.RECEIVER_PATH_COLLISION,
            "Another Receiver has the same webhook path, and Flux serves only one of them; "
            "give each Receiver a token of its own.",
        )
        if paths[receiver.path] > 1 and _owns_path(receiver, secrets)
        else receiver
        for receiver in listed
    )


def _owns_path(receiver: ReceiverRequest, secrets: Secrets) -> bool:
    """Return whether Flux gives this Receiver, with the token that it has now, the path that it shows."""
    if receiver.path is None or receiver.secret is None or not receiver.supported or receiver.left_alone:
        return False
    answer = secrets.get(receiver.secret)
    token = answer.token if isinstance(answer, Secret) else None
    return token is not None and webhook_path(token, receiver.ref) == receiver.path

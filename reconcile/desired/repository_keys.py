"""What a GitRepository's Secret makes of it: the public key that it wants, or why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from reconcile.desired.receiver_tokens import unreadable
from reconcile.desired.repositories import RepositoryRequest
from reconcile.model import PublicKey, Ref, Secret, SecretAnswer, SecretMissing, SecretUnreadable
from reconcile.problems import Code

Secrets = Mapping[Ref, SecretAnswer]


def with_key(request: RepositoryRequest, secrets: Secrets) -> RepositoryRequest:
    """The request with what is wrong about its Secret."""
    if request.secret is None or request.dropped:
        return request
    answer = secrets.get(request.secret, SecretMissing())
    if request.held is Code.DISABLED:
        # Its key is only needed to hold it; where nobody can tell which that is, it may be any.
        return replace(request, malformed=True) if isinstance(answer, SecretUnreadable) else request
    if isinstance(answer, Secret) and answer.is_over_budget:
        # Reported once for its namespace. Nobody knows which key it is.
        return replace(request, held=request.held or Code.OVER_BUDGET, malformed=True)
    return _checked(request, answer)


def key_of(request: RepositoryRequest, secrets: Secrets) -> PublicKey | None:
    """The public key of the request's Secret, where there is one."""
    answer = secrets.get(request.secret) if request.secret and not request.dropped else None
    return answer.public_key if isinstance(answer, Secret) else None


def _checked(request: RepositoryRequest, answer: SecretAnswer) -> RepositoryRequest:
    match answer:
        case SecretMissing():
            return request.hold(
                Code.SECRET_NOT_FOUND, f"{request.secret} does not exist; create it (`flux create secret git`)."
            )
        case SecretUnreadable():
            return request.hold(Code.SECRET_UNREADABLE, unreadable(request.secret, answer), answer.cause)
        case Secret(has_identity=False):
            return request.hold(
                Code.SECRET_NOT_FOUND, f"{request.secret} has no key `identity`; add the SSH private key."
            )
        case Secret(public_key=None, key_problem=trouble):
            return request.hold(
                Code.KEY_UNUSABLE,
                f"The private key `identity` in {request.secret} is unusable: {trouble}. "
                "Correct it, or make a new one (`flux create secret git`).",
            )
        case Secret(public_key=key, declared=declared, has_declared=True) if declared != key:
            return request.warned(
                Code.PUBLIC_KEY_MISMATCH,
                f"`identity.pub` in {request.secret} is not the public half of `identity`; Flux uses `identity`, "
                "so that is what is installed. Correct or remove `identity.pub`.",
            )
        case _:
            return request

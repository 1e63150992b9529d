"""What a GitRepository's Secret makes of it: the public key that it wants, or why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from reconcile.desired.receiver_tokens import unreadable
from reconcile.desired.repositories import RepositoryRequest
from reconcile.model import PublicKey, Ref, Secret, SecretAnswer, SecretMissing, SecretUnreadable
from reconcile.problems import Code

Secrets = Mapping[Ref, SecretAnswer]


def with_key(claim: RepositoryRequest, secrets: Secrets) -> RepositoryRequest:
    """The claim with what is wrong about its Secret."""
    if claim.secret is None or claim.dropped:
        return claim
    answer = secrets.get(claim.secret, SecretMissing())
    if claim.held is Code.DISABLED:
        # Its key is only needed to hold it; where nobody can tell which that is, it may be any.
        return replace(claim, vague=True) if isinstance(answer, SecretUnreadable) else claim
    return _checked(claim, answer)


def key_of(claim: RepositoryRequest, secrets: Secrets) -> PublicKey | None:
    """The public key of the claim's Secret, where there is one."""
    answer = secrets.get(claim.secret) if claim.secret and not claim.dropped else None
    return answer.public_key if isinstance(answer, Secret) else None


def _checked(claim: RepositoryRequest, answer: SecretAnswer) -> RepositoryRequest:
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

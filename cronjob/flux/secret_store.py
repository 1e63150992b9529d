"""What was read of Secrets, in as little memory as it needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reconcile.model import PublicKey, Ref, Secret, SecretAnswer


class SecretAnswers(Mapping[Ref, SecretAnswer]):
    """Of thousands of Secrets nothing is kept but a key or a token, where that is all there is to say of them."""

    def __init__(self) -> None:
        self._kept: dict[Ref, SecretAnswer | PublicKey | bytes] = {}

    def put(self, ref: Ref, answer: SecretAnswer) -> None:
        """Answer so for this Secret."""
        match answer:
            case Secret(token=bytes(token)) if answer == Secret(token=token):
                self._kept[ref] = token
            case Secret(public_key=PublicKey() as key) if answer == _as_flux_makes_it(key):
                self._kept[ref] = key
            case _:
                self._kept[ref] = answer

    def drop(self, ref: Ref) -> None:
        """Forget what was answered for this Secret."""
        del self._kept[ref]

    def __getitem__(self, ref: Ref) -> SecretAnswer:
        match self._kept[ref]:
            case bytes(token):
                return Secret(token=token)
            case PublicKey() as key:
                return _as_flux_makes_it(key)
            case answer:
                return answer

    def __iter__(self) -> Iterator[Ref]:
        return iter(self._kept)

    def __len__(self) -> int:
        return len(self._kept)


def _as_flux_makes_it(key: PublicKey) -> Secret:
    """What `flux create secret git` leaves: both halves of the key."""
    return Secret(has_identity=True, public_key=key, declared=key, has_declared=True)

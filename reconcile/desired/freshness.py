"""Freshness: an item that its source does not give, and that is newer than the source, is somebody else's work."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from reconcile.actual import Found, FoundKey
from reconcile.desired.receivers import ReceiverRequest
from reconcile.marks import CutNames, Mark
from reconcile.model import PublicKey, Ref, Secret, SecretAnswer
from reconcile.rules import Rules

# For clocks that differ, and for a run that was at work when the source changed.
GRACE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Source:
    """
    What a Secret or a Receiver gives now, a public key or a path, and when it last changed.

    *secret* is the Secret itself, or that of the Receiver's token.
    """

    ref: Ref
    secret: Ref
    gives: PublicKey | str
    changed: datetime


@dataclass(frozen=True, slots=True)
class Sources:
    """The sources that exist here, as far as all that is judged by is known of them."""

    by_ref: Mapping[Ref, Source] = field(default_factory=dict)
    _cut: dict[str, CutNames] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, receivers: Iterable[ReceiverRequest], secrets: Mapping[Ref, SecretAnswer]) -> Sources:
        """Collect what the Secrets' private keys and the Receivers give."""
        return cls({**dict(_keys(secrets)), **dict(_paths(receivers, secrets))})

    def contradicting(self, found: Found, rules: Rules) -> Source | None:
        """
        Return the source of an item of ours that cannot have asked for it, or None.

        The source gives something else, and had not changed for a while when GitLab got the item.
        """
        mark, created = found.mark, found.created
        if mark is None or created is None or mark.namespace not in rules.identity.namespaces:
            return None
        gives = found.key if isinstance(found, FoundKey) else rules.path_of(found.url)
        source = self._named("Secret" if isinstance(found, FoundKey) else "Receiver", mark)
        if source is None or gives is None or source.gives == gives:
            return None
        return source if created > source.changed + GRACE else None

    def _named(self, kind: str, mark: Mark) -> Source | None:
        if "~" not in mark.name:
            return self.by_ref.get(Ref(kind, mark.namespace, mark.name))
        if kind not in self._cut:
            self._cut[kind] = CutNames([(ref.namespace, ref.name) for ref in self.by_ref if ref.kind == kind])
        name = self._cut[kind].whole(mark)
        return self.by_ref.get(Ref(kind, *name)) if name else None


def _keys(secrets: Mapping[Ref, SecretAnswer]) -> Iterator[tuple[Ref, Source]]:
    for ref, secret in secrets.items():
        if isinstance(secret, Secret) and secret.public_key and secret.changed:
            yield ref, Source(ref, ref, secret.public_key, secret.changed)


def _paths(receivers: Iterable[ReceiverRequest], secrets: Mapping[Ref, SecretAnswer]) -> Iterator[tuple[Ref, Source]]:
    for receiver in receivers:
        secret = secrets.get(receiver.secret) if receiver.secret else None
        if not receiver.secret or not isinstance(secret, Secret) or not receiver.path:
            continue
        if secret.changed and receiver.spec_changed:
            changed = max(secret.changed, receiver.spec_changed)
            yield receiver.ref, Source(receiver.ref, receiver.secret, receiver.path, changed)

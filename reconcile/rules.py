"""The settings that the decision depends on, as one frozen value."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from reconcile.credentials import OwnToken
from reconcile.marks import Identity, Mark, Owner
from reconcile.model import PublicKey, Ref
from reconcile.shares import ALL, Share
from reconcile.tenancy import Tenancy

_HOOK_PATH = re.compile(r"/hook/[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Rules:
    """
    What this run owns, what it may touch and how webhooks should look.

    *receiver_url* has no trailing slash; None means that webhooks are neither made nor removed. *owned_keys* holds
    SHA-256 fingerprints. *relative_root* is GitLab's, without slashes. *share* says which projects are this run's. No
    webhook may carry *own_token*.
    """

    identity: Identity
    receiver_url: str | None = None
    previous_receiver_urls: tuple[str, ...] = ()
    receiver_url_is_ours: bool = False
    owned_keys: frozenset[str] = frozenset()
    read_only_keys: bool = False
    tls_verification: bool = True
    tenancy: Tenancy = field(default_factory=Tenancy)
    cross_namespace_refs: bool = False
    relative_root: str = ""
    adopt: bool = False
    refresh_tokens: bool = False
    heal_webhooks: bool = False
    foreign_hosts: frozenset[str] = frozenset()
    share: Share = ALL
    own_token: OwnToken = field(default_factory=OwnToken, repr=False)

    def counts(self, url: str) -> bool:
        """Whether *url* is one of our base URLs, `/hook/`, 64 lower-case hex digits and nothing after."""
        return self.path_of(url) is not None

    def path_of(self, url: str) -> str | None:
        """Return the webhook path of a URL that counts, or None."""
        bases = (self.receiver_url, *self.previous_receiver_urls)
        paths = (url[len(base) :] for base in bases if base and url.startswith(base))
        return next((path for path in paths if is_hook_path(path)), None)

    def key_owner(self, mark: Mark | None, key: PublicKey) -> Owner:
        """Return a deploy key's owner; `owned_keys` make an unmarked key ours, never one with another's mark."""
        if mark is None and self.owned_keys and key.fingerprint in self.owned_keys:
            return Owner.OURS
        return self.identity.owner(mark)

    def webhook_owner(self, mark: Mark | None, url: str) -> Owner:
        """Return a webhook's owner; `receiver_url_is_ours` makes everything unmarked under our URLs ours."""
        if mark is None and self.receiver_url_is_ours and self.counts(url):
            return Owner.OURS
        return self.identity.owner(mark)

    def known_as(self, ref: Ref) -> list[Ref]:
        """Under which names a mark may know this object: its own, and the same one in its former namespaces."""
        namespaces = {ref.namespace, *self.identity.previous_namespaces}
        return [Ref(ref.kind, namespace, ref.name) for namespace in sorted(namespaces)]


def is_hook_path(path: str) -> bool:
    """Whether *path* has the form of Flux's `status.webhookPath`."""
    return _HOOK_PATH.fullmatch(path) is not None

"""
How much work the passphrases of one namespace's private keys may make in a run, in rounds of bcrypt.

They are counted from the keys' unencrypted headers and not in seconds, so that every run decides the same. Of the
formats that Flux reads only OpenSSH's has a passphrase that takes long.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from reconcile.model import Ref

# The first keys of a namespace are free where they cost what ssh-keygen writes by default.
FREE_KEYS = 500
FREE_ROUNDS = 24
# All others of the namespace share these.
SHARED_ROUNDS = 2048


def over_budget(rounds: Mapping[Ref, int]) -> frozenset[Ref]:
    """Return the Secrets whose keys are not opened: in each namespace the cheapest are, then the first by name."""
    by_namespace: dict[str, list[tuple[int, Ref]]] = defaultdict(list)
    for ref, count in rounds.items():
        if count:
            by_namespace[ref.namespace].append((count, ref))
    return frozenset(ref for keys in by_namespace.values() for ref in _over(sorted(keys)))


def _over(cheapest_first: list[tuple[int, Ref]]) -> list[Ref]:
    usual = sum(count <= FREE_ROUNDS for count, _ in cheapest_first)
    left, over = SHARED_ROUNDS, []
    for count, ref in cheapest_first[min(usual, FREE_KEYS) :]:
        if count > left:
            over.append(ref)
        else:
            left -= count
    return over

"""Deletes of items whose namespace holds nothing any more that could want them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from reconcile.desired.desired import Desired
from reconcile.model import Kind
from reconcile.plan.changes import Change, Delete
from reconcile.rules import Rules


class Deserted(NamedTuple):
    """
    Deletes of one kind that are marked with *namespace*, which holds no GitRepository (for keys) or no Receiver.

    *namespace* is None for what carries no mark, or a former namespace's. *everywhere*: no namespace that is read holds
    any.
    """

    kind: Kind
    namespace: str | None
    deletes: tuple[Delete, ...]
    everywhere: bool


def deserted_by(changes: Iterable[Change], desired: Desired, rules: Rules) -> tuple[Deserted, ...]:
    """Return the deletes in namespaces that hold nothing, by kind and namespace."""
    read = rules.identity.namespaces
    if rules.identity.every_namespace or not read:
        # A whole cluster is retired: nobody asked Kubernetes what is left.
        return ()
    inhabited = {Kind.DEPLOY_KEY: desired.repositories_in, Kind.WEBHOOK: desired.receivers_in}
    found: dict[tuple[Kind, str], list[Delete]] = defaultdict(list)
    for change in changes:
        if not isinstance(change, Delete):
            continue
        namespace = change.mark.namespace if change.mark and change.mark.namespace in read else ""
        is_empty = namespace not in inhabited[change.kind] if namespace else not read & inhabited[change.kind]
        if is_empty:
            found[change.kind, namespace].append(change)
    return tuple(
        Deserted(kind, namespace or None, tuple(deletes), not read & inhabited[kind])
        for (kind, namespace), deletes in sorted(found.items())
    )

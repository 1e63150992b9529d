"""Ownership of deploy keys and webhooks, by the mark in a deploy key's title or a webhook's description."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

PROGRAM = "flux-gitlab-syncer"
# GitLab refuses longer titles and descriptions (app/models/key.rb: 1 to 255 characters).
LONGEST = 255
_DIGITS = 12


class Mark(NamedTuple):
    """`flux-gitlab-syncer <cluster> <namespace>/<name>`; *name* is the Secret's or the Receiver's."""

    cluster: str
    namespace: str
    name: str

    def __str__(self) -> str:
        whole = f"{PROGRAM} {self.cluster} {self.namespace}/{self.name}"
        if len(whole) <= LONGEST:
            return whole
        digest = hashlib.sha256(whole.encode()).hexdigest()[:_DIGITS]
        # `~` cannot stand in a Kubernetes name, so a cut mark is never mistaken for a whole one.
        return f"{whole[: LONGEST - _DIGITS - 1]}~{digest}"

    @classmethod
    def parse(cls, text: str) -> Mark | None:
        """The mark in *text*, or None: it must be the whole text, field by field. A cut name stays cut."""
        match text.split(" "):
            case [program, cluster, source] if program == PROGRAM and cluster:
                namespace, _, name = source.partition("/")
                if namespace and name and "/" not in name:
                    return cls(cluster, namespace, name)
        return None

    def names(self, namespace: str, name: str) -> bool:
        """Whether this parsed mark stands for that object, also where GitLab's limit cut its name."""
        return self.key == Mark(self.cluster, namespace, name).key

    def is_one_of(self, names: Collection[tuple[str, str]]) -> bool:
        """Whether this parsed mark stands for one of the objects with these namespaces and names."""
        if "~" in self.name:
            return any(self.names(namespace, name) for namespace, name in names)
        return (self.namespace, self.name) in names

    @property
    def key(self) -> tuple[str, str, str]:
        """Equal for a whole mark and for the same mark once cut."""
        cut = Mark.parse(str(self))
        return (self.cluster, self.namespace, cut.name if cut else self.name)


class CutNames:
    """The names of objects that are too long for a mark, by what GitLab's limit leaves of them."""

    def __init__(self, names: Iterable[tuple[str, str]]) -> None:
        self._names = names
        self._by_cluster: dict[str, dict[tuple[str, str], tuple[str, str]]] = {}

    def whole(self, mark: Mark) -> tuple[str, str] | None:
        """Return namespace and name of the object that a cut *mark* stands for, or None."""
        if mark.cluster not in self._by_cluster:
            whole = [(Mark(mark.cluster, *name).key, name) for name in self._names]
            self._by_cluster[mark.cluster] = {key[1:]: name for key, name in whole if key[2] != name[1]}
        return self._by_cluster[mark.cluster].get((mark.namespace, mark.name))


class Owner(Enum):
    """The owner of an item, decided by its mark."""

    OURS = "ours"
    OTHER_CLUSTER = "another cluster"
    OTHER_INSTANCE = "another instance of this cluster"
    UNMARKED = "unmarked"

    @property
    def is_anothers(self) -> bool:
        """Whether another cluster or another instance marked it: such an item is never changed."""
        return self in {Owner.OTHER_CLUSTER, Owner.OTHER_INSTANCE}


@dataclass(frozen=True, slots=True)
class Identity:
    """
    Which marks are ours: our cluster (or a former name of it) with a namespace this run reads (or a former one).

    *every_namespace* is for retiring a whole cluster.
    """

    cluster: str
    namespaces: frozenset[str]
    previous_clusters: frozenset[str] = frozenset()
    previous_namespaces: frozenset[str] = frozenset()
    every_namespace: bool = False

    def owner(self, mark: Mark | None) -> Owner:
        """Return the owner of an item with this mark; None is an item without one."""
        if mark is None:
            return Owner.UNMARKED
        if mark.cluster != self.cluster and mark.cluster not in self.previous_clusters:
            return Owner.OTHER_CLUSTER
        known = self.namespaces | self.previous_namespaces
        return Owner.OURS if self.every_namespace or mark.namespace in known else Owner.OTHER_INSTANCE

"""What a run needs of the world: Kubernetes and GitLab, as far as it asks them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import Any, Protocol, TypeVar

from reconcile.actual import Actual
from reconcile.model import LookUpResult, Project, Ref, SecretAnswer
from reconcile.plan.changes import Change, Written

Item = TypeVar("Item")
Answer = TypeVar("Answer")
Claimed = TypeVar("Claimed")
Heard = TypeVar("Heard")


# A GitRepository or a Receiver, as Kubernetes shows it.
Object = Mapping[str, Any]


class Flux(Protocol):
    """What a run needs of Kubernetes. Every method raises ReadError where it cannot answer whole."""

    def read_objects(
        self, repository: Callable[[Object], Claimed], receiver: Callable[[Object], Heard]
    ) -> tuple[Sequence[Claimed], Sequence[Heard]]:
        """
        List both kinds in every namespace, and keep of each object what the function for its kind makes of it.

        A function may be called again for an object whose list had to begin anew.
        """

    def expect_secrets(self, keys: Iterable[Ref], tokens: Iterable[Ref]) -> None:
        """The next `read_secrets` will ask for these: they may be fetched while something else is read."""

    def read_secrets(self, keys: Iterable[Ref], tokens: Iterable[Ref]) -> Mapping[Ref, SecretAnswer]:
        """Read each Secret once: *keys* for their private key, *tokens* for their token."""


class GitLab(Protocol):
    """What a run needs of GitLab. The reading methods raise ReadError, `write` raises WriteFailed."""

    def read_hosts(self) -> frozenset[str]:
        """Prove who we are, list the group's projects, and say under which hosts this GitLab is known."""

    def listed_paths(self) -> Set[str]:
        """The lower-case paths of the tenants' projects, as the listing shows them."""

    def group_paths(self) -> Set[str]:
        """The lower-case full paths of the groups; projects that were named by themselves lie in none."""

    def find(self, paths: Iterable[str]) -> Mapping[str, LookUpResult]:
        """Where each lower-case path leads, by a look-up where the listing lacks it."""

    def read_actual(self, also: Iterable[Project]) -> Actual:
        """The deploy keys and webhooks of all listed projects and of *also*, as far as they are this run's share."""

    def write(self, change: Change) -> Written:
        """Make one change, and be sure that it was made."""

    def expect_writes(self, count: int) -> None:
        """So many changes are about to be made: whoever watches wants to know how far that is."""

    def in_parallel(self, work: Callable[[Item], Answer], items: Iterable[Item]) -> Iterable[Answer]:
        """Do *work* for each item, several at a time, and give the answers in the order of the items."""

    def stopped(self) -> str:
        """Why no new write may begin (a signal came, the time is up), as a clause; empty while it may."""

"""Which webhook paths are in use: those of all listed Receivers, also of those that want nothing of this program."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from reconcile.desired.receivers import ReceiverRequest
from reconcile.model import Ref
from reconcile.tenancy import Tenancy


@dataclass(frozen=True, slots=True)
class ListedReceivers:
    """
    Every Receiver that is listed and not being deleted, whatever its type, resources and state.

    *by_path* names one Receiver for each path. *without_path* is the first of each namespace
    whose path nobody knows yet. *refs* are all.
    """

    by_path: Mapping[str, Ref] = field(default_factory=dict, repr=False)
    without_path: tuple[Ref, ...] = ()
    refs: tuple[Ref, ...] = ()

    @classmethod
    def of(cls, receivers: Iterable[ReceiverRequest]) -> ListedReceivers:
        """Collect the paths; where several Receivers have the same path the first by name stands for all."""
        listed = sorted(receivers, key=lambda receiver: receiver.ref)
        by_path: dict[str, Ref] = {}
        for receiver in listed:
            if receiver.path:
                by_path.setdefault(receiver.path, receiver.ref)
        # One for each namespace: which projects it may name is the same for all of them.
        without_path: dict[str, Ref] = {}
        for receiver in listed:
            if not receiver.path:
                without_path.setdefault(receiver.ref.namespace, receiver.ref)
        return cls(by_path, tuple(without_path.values()), tuple(receiver.ref for receiver in listed))

    def user_of(self, path: str, project: str, tenancy: Tenancy) -> Ref | None:
        """
        Return the Receiver that a webhook with this path on that project may be for, or None.

        A Receiver without a path may have any, on the projects that *tenancy* lets its namespace name.
        """
        known = self.by_path.get(path)
        if known:
            return known
        return next((ref for ref in self.without_path if tenancy.allows(ref.namespace, project)), None)

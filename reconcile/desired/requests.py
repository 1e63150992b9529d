"""What Flux's objects ask for, before their Secrets are read."""

from __future__ import annotations

from dataclasses import dataclass, field

from reconcile.desired.receivers import ReceiverRequest
from reconcile.desired.repositories import RepositoryRequest
from reconcile.model import Project
from reconcile.stopping import Stopped, never


@dataclass(frozen=True, slots=True)
class Requests:
    """
    The requests of all GitRepositories and of all Receivers.

    *groups* are the lower-case paths of the groups. *stopped* says why the run must end; it is asked in every loop.
    """

    repositories: tuple[RepositoryRequest, ...]
    receivers: tuple[ReceiverRequest, ...]
    groups: frozenset[str] = frozenset()
    stopped: Stopped = field(default=never, compare=False, repr=False)

    @property
    def projects(self) -> frozenset[Project]:
        """The projects that were found for the GitRepositories."""
        return frozenset(request.project for request in self.repositories if request.project and not request.dropped)

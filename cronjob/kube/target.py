"""Where Kubernetes is, how to get in as far as the settings say and as far as it was found, and what is asked there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cronjob.concurrency.stop import Halt

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Access:
    """
    How to reach Kubernetes. *timeout* is in seconds, for each try.

    *kubeconfig* is what --kubeconfig or KUBECONFIG says; it may list several files, as PATH does. Once *halt* says so
    nothing is repeated.
    """

    kubeconfig: str | None = None
    context: str | None = None
    timeout: float = 30.0
    version: str = "0"
    halt: Halt = field(default_factory=Halt)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the settings lead: *source* is the file, or `in-cluster`."""

    source: str
    user: str
    namespace: str | None


@dataclass(frozen=True, slots=True)
class Call:
    """One request, before anybody's credentials are on it."""

    method: str
    path: str
    query: Mapping[str, str]
    body: object
    seconds: float

    @property
    def content_type(self) -> str:
        """What the body is; a PATCH's replaces the fields that it has."""
        return "application/merge-patch+json" if self.method == "PATCH" else JSON

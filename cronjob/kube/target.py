"""Where Kubernetes is, how to get in as far as the settings say and as far as it was found, and what is asked there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cronjob.concurrency.stop import StopControl

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class KubeOptions:
    """
    How to reach Kubernetes. *timeout* is in seconds, for each try.

    *kubeconfig* is what --kubeconfig or KUBECONFIG says; it may list several files, as PATH does. Once
    *stop_control* says so nothing is repeated.
    """

    kubeconfig: str | None = None
    context: str | None = None
    timeout: float = 30.0
    version: str = "0"
    stop_control: StopControl = field(default_factory=StopControl)


@dataclass(frozen=True, slots=True)
class ClusterTarget:
    """Where the settings lead: *source* is the file, or `in-cluster`."""

    source: str
    user: str
    namespace: str | None


@dataclass(frozen=True, slots=True)
class KubeRequest:
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

"""The values that describe a connection to the API server: its options, its target, and one request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cronjob.concurrency.stop import StopControl

JSON = "application/json"
Headers = tuple[tuple[str, str], ...]


def _ignore(_message: str, _cause: str) -> None:
    """Drop a warning."""


@dataclass(frozen=True, slots=True)
class KubeOptions:
    """
    How to reach Kubernetes. *timeout* is in seconds, for each try, and for a plugin that logs in.

    *kubeconfig* is what --kubeconfig or KUBECONFIG says; it may list several files, as PATH does. Requests are retried
    until *stop_control* stops the run. *warn* takes a sentence and its cause.
    """

    kubeconfig: str | None = None
    context: str | None = None
    timeout: float = 30.0
    version: str = "0"
    stop_control: StopControl = field(default_factory=StopControl)
    warn: Callable[[str, str], None] = _ignore


@dataclass(frozen=True, slots=True)
class ClusterTarget:
    """
    The cluster that was found: *source* is the kubeconfig's path, or `in-cluster`.

    *user* is the user's name in the kubeconfig, and *headers* impersonate another one. Without *has_credentials* the
    API server sees an anonymous user.
    """

    server: str
    source: str
    user: str
    namespace: str | None
    headers: Headers = ()
    has_credentials: bool = True


@dataclass(frozen=True, slots=True)
class KubeRequest:
    """One request, without credentials; *seconds* is its timeout, *max_bytes* the limit of its answer's body."""

    method: str
    path: str
    query: Mapping[str, str]
    body: object
    seconds: float
    max_bytes: int | None = None

    @property
    def content_type(self) -> str:
        """The type of the body; the body of a PATCH is a JSON merge patch."""
        return "application/merge-patch+json" if self.method == "PATCH" else JSON

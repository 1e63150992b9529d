"""Where Kubernetes is and how to get in, as far as the settings say and as far as it was found."""

from __future__ import annotations

from dataclasses import dataclass, field

from cronjob.halt import Halt


@dataclass(frozen=True, slots=True)
class Access:
    """
    How to reach Kubernetes. *timeout* is in seconds, for each read of each try.

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

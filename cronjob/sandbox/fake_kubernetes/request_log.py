"""The log of requests to the embedded Kubernetes."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Request:
    """
    One answered request. Its status is 0 where the connection was dropped or the answer was cut.

    *impersonation* are its Impersonate headers, by their lower-cased name.
    """

    method: str
    path: str
    query: dict[str, str]
    status: int
    impersonation: dict[str, list[str]] = field(default_factory=dict)

"""The log of requests to the embedded Kubernetes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Request:
    """One answered request. Its status is 0 where the connection was dropped or the answer was cut."""

    method: str
    path: str
    query: dict[str, str]
    status: int

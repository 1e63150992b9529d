"""
What is asked of the embedded Kubernetes, and what goes wrong on request.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field
from typing import Any, TypedDict


@dataclass(frozen=True)
class Request:
    """One request as it was answered; a dropped connection has status 0."""

    method: str
    path: str
    query: dict[str, str]
    status: int


class FailureOptions(TypedDict, total=False):
    """
    What `KubernetesWorld.fail` takes. Each is optional.

    method, path: which requests; *path* is a regular expression, searched in path and query.
    times: how many of them; None is all.
    delay: seconds to wait first; alone, the request is then answered as ever.
    drop: close the connection without an answer.
    status, body, headers: the answer; without a *body* it is a Status object.
    """

    method: str | None
    path: str
    times: int | None
    delay: float
    drop: bool
    status: int
    body: str | dict[str, Any] | None
    headers: dict[str, str]


@dataclass
class Failure:
    """One kind of trouble, and how many more requests it will meet."""

    method: str | None = None
    path: str = ""
    times: int | None = 1
    delay: float = 0.0
    drop: bool = False
    status: int = 0
    body: str | dict[str, Any] | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def meets(self, method: str, path_and_query: str) -> bool:
        """Whether this request is one of those that fail, and some are left to fail."""
        wanted = self.method is None or self.method.upper() == method
        return wanted and self.times != 0 and re.search(self.path, path_and_query) is not None


class Weather:
    """Failures in the order in which they were ordered; each request meets one at most."""

    def __init__(self) -> None:
        self.failures: list[Failure] = []
        self._lock = threading.Lock()

    def take(self, method: str, path_and_query: str) -> Failure | None:
        """The failure that this request meets, used up by one."""
        with self._lock:
            for failure in self.failures:
                if failure.meets(method, path_and_query):
                    if failure.times is not None:
                        failure.times -= 1
                    return failure
        return None

"""
What is asked of the embedded Kubernetes, and what goes wrong on request.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from typing import Any

from cronjob.sandbox.faults.fault import Trouble, TroubleFields
from cronjob.sandbox.faults.random_faults import UnderClimate


@dataclass(frozen=True)
class Request:
    """One request as it was answered; a connection that was dropped, or an answer that was cut, has status 0."""

    method: str
    path: str
    query: dict[str, str]
    status: int


class FailureOptions(TroubleFields, total=False):
    """
    What `KubernetesWorld.fail` takes. Each is optional.

    method, path: which requests; *path* is a regular expression, searched in path and query.
    skip: so many of them pass first.
    times: how many of them fail; None is all.
    The rest says how, as in `Trouble`; without a *body* the answer of a *status* is a Status object.
    """

    method: str | None
    path: str
    skip: int
    times: int | None


@dataclass(kw_only=True)
class Failure(Trouble):
    """One kind of trouble, how many requests it will let pass, how many more it will meet, and how many it met."""

    body: Any = None
    method: str | None = None
    path: str = ""
    skip: int = 0
    times: int | None = 1
    struck: int = 0

    def meets(self, method: str, path_and_query: str) -> bool:
        """Whether this request is one of those that fail, which is then used up; one that passes is, too."""
        wanted = self.method is None or self.method.upper() == method
        if not wanted or self.times == 0 or re.search(self.path, path_and_query) is None:
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.times is not None:
            self.times -= 1
        self.struck += 1
        return True


class Weather(UnderClimate):
    """Failures in the order in which they were ordered, and a climate; each request meets one at most."""

    def __init__(self) -> None:
        super().__init__()
        self.failures: list[Failure] = []
        self._lock = threading.Lock()

    def take(self, method: str, path_and_query: str) -> Trouble | None:
        """What befalls this request: a failure that was ordered, used up by one, else what the climate has for it."""
        with self._lock:
            ordered = next((failure for failure in self.failures if failure.meets(method, path_and_query)), None)
        path, _, query = path_and_query.partition("?")
        return ordered or self.climates_trouble(method, path, query)

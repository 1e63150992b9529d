"""A server in a process of its own, as whoever measures sees it. Standard library only; see `measuring.py`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Offer:
    """
    The first line that `server.py` says.

    *gitlab* is a URL, *access* the token for it, *kubeconfig* the text of one; *names* has `group`, `cluster`,
    `namespace` and `receiver`. Each of *wanted* has a `project`, its `key`, and its webhook's `url` and `token`.
    """

    gitlab: str
    kubeconfig: str
    access: str = field(repr=False)
    names: Mapping[str, str]
    wanted: Sequence[Mapping[str, str]]


@dataclass(frozen=True)
class RequestTally:
    """
    What one run asked for: requests by method, and the *bytes* in the bodies of GitLab's answers.

    *keys* and *webhooks* are how many projects have exactly the one that they should have, and no other. *left* is,
    after a tenant has left, how many keys and webhooks its project has: `ours` and `foreign`.
    """

    gitlab: Mapping[str, int]
    kubernetes: Mapping[str, int]
    bytes: int
    keys: int
    webhooks: int
    left: Mapping[str, int]

    @property
    def requests(self) -> int:
        """To GitLab, of any method."""
        return sum(self.gitlab.values())

    @property
    def writes(self) -> int:
        """To GitLab, of any method but GET."""
        return sum(count for method, count in self.gitlab.items() if method != "GET")


@dataclass(frozen=True)
class Place:
    """How the servers are. Latencies are in milliseconds; *refuses_one*: one project's keys and webhooks answer 403."""

    projects: int
    latency: float = 0
    kubernetes_latency: float = 0
    refuses_one: bool = False


class Server:
    """One that is up: what it offers, and what has been asked of it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.offer = Offer(**self._next())

    def tally(self) -> RequestTally:
        """What was asked since it was last called."""
        return self._told("")

    def tenant_leaves(self) -> None:
        """The last of the tenants is not wanted any more, in the cluster and in `offer`."""
        self._told("leave")
        self.offer = replace(self.offer, wanted=self.offer.wanted[:-1])

    def _told(self, line: str) -> RequestTally:
        stdin = self._process.stdin
        assert stdin is not None
        stdin.write(line + "\n")
        stdin.flush()
        return RequestTally(**self._next())

    def _next(self) -> dict[str, Any]:
        stdout = self._process.stdout
        assert stdout is not None
        said: dict[str, Any] = json.loads(stdout.readline())
        return said


@contextmanager
def served(place: Place) -> Iterator[Server]:
    """Fresh servers, up; whoever asks first finds projects that have nothing yet."""
    command = [sys.executable, "-m", "bench.peers.server", str(place.projects), str(place.latency)]
    command += ["--kubernetes-latency", str(place.kubernetes_latency)]
    if place.refuses_one:
        command.append("--refuse-one")
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Server(process)

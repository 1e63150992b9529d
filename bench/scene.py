"""Both embedded servers in a process of their own, and what one run of a command costs, measured from outside."""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from bench.hostile import add_hostile_namespace
from cronjob.commands.sandbox_story import running
from cronjob.sandbox.samples import CLUSTER, GROUP, Sandbox, sample_tenants
from tests.worlds.builders import a_public_key

LAUNCH = Path(__file__).with_name("launch.py")
_SPAWN = multiprocessing.get_context("spawn")


@dataclass(frozen=True)
class Stage:
    """The servers' process; every method is one question to it."""

    environment: dict[str, str]
    _asked: Connection = field(repr=False)

    def set_latency(self, seconds: float) -> None:
        """From now on every answer of both servers takes so long."""
        self._ask("latency", seconds)

    def drift(self, every: int) -> int:
        """On each *every*-th project somebody switches an event of the webhook on; how many that are."""
        changed: int = self._ask("drift", every)
        return changed

    def add_hostile_namespace(self) -> None:
        """Add the namespace of somebody who asks for as much work as he can."""
        self._ask("add_hostile_namespace")

    def counted(self) -> dict[str, int]:
        """The requests to GitLab since this was last asked, by method, and all to Kubernetes as `kubernetes`."""
        counts: dict[str, int] = self._ask("counted")
        return counts

    def cpu_seconds(self) -> float:
        """What the servers have used so far."""
        seconds: float = self._ask("cpu_seconds")
        return seconds

    def _ask(self, name: str, *arguments: object) -> Any:
        self._asked.send((name, arguments))
        return self._asked.recv()


@contextmanager
def a_stage(tenants: int, others: int = 0) -> Iterator[Stage]:
    """
    Servers with so many ordinary tenants, each with a key and a webhook to have.

    *others* are projects that no object names, with a key and a webhook of somebody else's.
    """
    ours, theirs = _SPAWN.Pipe()
    process = _SPAWN.Process(target=_serve, args=(tenants, others, theirs), daemon=True)
    process.start()
    try:
        environment = ours.recv()
        yield Stage({**_plain(os.environ), **environment}, ours)
    finally:
        process.terminate()
        process.join()


def _plain(environment: Mapping[str, str]) -> dict[str, str]:
    """Without the CAs that a machine may name: no server here speaks TLS, and bare urllib3 loads none either."""
    return {name: value for name, value in environment.items() if name not in {"SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"}}


def _serve(tenants: int, others: int, connection: Connection) -> None:
    sandbox = sample_tenants(tenants, samples=False)
    for number in range(others):
        project = sandbox.gitlab.add_project(f"{GROUP}/{CLUSTER}/other-{number:05}")
        sandbox.gitlab.add_deploy_key(project, a_public_key(number).text, title=f"somebody's key {number}")
        sandbox.gitlab.add_hook(project, f"https://ci.example.org/hooks/{number:040}", push_events=True)
    with running(sandbox) as environment:
        del environment["SYNCER_EXTRA_PROJECT"]
        connection.send(environment)
        answers: Mapping[str, Callable[..., object]] = {
            "latency": lambda seconds: _delay(sandbox, seconds),
            "drift": lambda every: _drift(sandbox, every),
            "add_hostile_namespace": lambda: add_hostile_namespace(sandbox),
            "counted": lambda: _counted(sandbox),
            "cpu_seconds": time.process_time,
        }
        while True:
            name, arguments = connection.recv()
            connection.send(answers[name](*arguments))


def _delay(sandbox: Sandbox, seconds: float) -> None:
    sandbox.gitlab.latency = sandbox.kubernetes.latency = seconds


def _drift(sandbox: Sandbox, every: int) -> int:
    projects = [
        one for one in sandbox.gitlab.projects.values() if one.path_with_namespace.startswith(f"{GROUP}/{CLUSTER}/")
    ]
    changed = projects[::every]
    for project in changed:
        for hook in sandbox.gitlab.hooks_of(project):
            hook.issues_events = True
    return len(changed)


def _counted(sandbox: Sandbox) -> dict[str, int]:
    counts = Counter(one.method for one in sandbox.gitlab.requests)
    counts["kubernetes"] = len(sandbox.kubernetes.requests)
    sandbox.gitlab.requests.clear()
    sandbox.kubernetes.requests.clear()
    return dict(counts)


@dataclass(frozen=True)
class Cost:
    """One process from start to end: seconds on the clock and of CPU (with the system's), and its largest size."""

    wall: float
    cpu: float
    peak_bytes: int
    code: int
    out: str = field(repr=False)

    @property
    def peak_mb(self) -> float:
        """In units of 1,000,000 bytes."""
        return self.peak_bytes / 1e6


def cost_of(command: Sequence[str], environment: Mapping[str, str]) -> Cost:
    """Run *command* to its end, with its output caught and its errors let through."""
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / "cost.json"
        launched = [sys.executable, "-I", "-S", str(LAUNCH), str(written), *command]
        done = subprocess.run(launched, env=dict(environment), stdout=subprocess.PIPE, text=True, check=True)
        return Cost(**json.loads(written.read_text(encoding="utf-8")), out=done.stdout)


def instructions_of(command: Sequence[str], environment: Mapping[str, str]) -> int | None:
    """How many it takes, by valgrind, whatever else the machine is at; None where valgrind is not installed."""
    if shutil.which("valgrind") is None:
        return None
    # With one seed for hashes, they are nearly the same each time.
    counted = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null", *command]
    variables = {**environment, "PYTHONHASHSEED": "0"}
    done = subprocess.run(counted, env=variables, capture_output=True, text=True, check=True)
    found = re.search(r"I +refs: +([0-9,]+)", done.stderr)
    assert found, done.stderr
    return int(found[1].replace(",", ""))

"""
Run the program in child processes, which can be killed at any request.

They are forked from a server that has imported everything: that takes a tenth of the time of starting Python.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cronjob.cli import program as command
from cronjob.sandbox.samples import NAMESPACE
from tests.worlds.hurry import hurry
from tests.worlds.program import VALIDATOR, Program

_FORKED = multiprocessing.get_context("forkserver")
_FORKED.set_forkserver_preload([__name__, "cronjob.commands.job"])


@dataclass(frozen=True)
class Ended:
    """The exit code of a child (negative for a signal) and its output."""

    code: int
    out: str
    err: str

    @property
    def report(self) -> dict[str, Any]:
        """The JSON report on stdout, validated."""
        document: dict[str, Any] = json.loads(self.out)
        VALIDATOR.validate(document)
        return document


def run(program: Program, *options: str, **environment: str) -> Ended:
    """Run `run -o json` in a child and wait; *environment* is added to the sandbox's."""
    return _run({**program.environment, **environment}, options, lambda _: None)


def run_and_signal(
    program: Program, number: signal.Signals, announce: Callable[[Callable[[], None]], object], *options: str
) -> Ended:
    """Run `run -o json` in a child; *announce* gets a function that sends the signal, to be called at a request."""
    return _run(program.environment, options, lambda pid: announce(lambda: os.kill(pid() or 0, number)))


def _run(
    environment: dict[str, str], options: tuple[str, ...], prepare: Callable[[Callable[[], int | None]], object]
) -> Ended:
    with tempfile.TemporaryDirectory() as folder:
        child = _FORKED.Process(target=_child, args=(folder, environment, options))
        prepare(lambda: child.pid)
        child.start()
        child.join(60)
        if child.exitcode is None:
            child.kill()
            raise AssertionError("the run did not end")
        out, err = ((Path(folder) / name).read_text(errors="replace") for name in ("out", "err"))
        return Ended(child.exitcode, out, err)


def lease_expires(program: Program) -> None:
    """Release the Lease of a killed run, as if its duration were over."""
    found = program.kubernetes.get("Lease", NAMESPACE, "flux-gitlab-syncer")
    if found and found.get("spec"):
        program.kubernetes.apply(found | {"spec": {**found["spec"], "holderIdentity": ""}})


def _child(folder: str, environment: dict[str, str], options: tuple[str, ...]) -> None:
    os.environ.clear()
    os.environ.update(environment)
    hurry()
    with (
        (Path(folder) / "out").open("w") as out,
        (Path(folder) / "err").open("w") as err,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            command(["run", "-o", "json", *options], prog_name="flux-gitlab-syncer")
        except SystemExit as done:
            code = done.code if isinstance(done.code, int) else 1
            out.flush()
            err.flush()
    sys.exit(code)

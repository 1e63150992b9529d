"""
One run of a tool, weighed by the kernel.

Standard library only, here and in what is used here: Linux counts the memory of whoever starts a child as part of the
child's peak, so this process has to stay smaller than any tool.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.peers.offer import Place, RequestTally, Server, served
from bench.peers.tools import Tool, environment_of


@dataclass(frozen=True)
class Cost:
    """One run: its exit *code*, *wall* and *cpu* (user and system) in seconds, *peak* memory in KiB, what it *said*."""

    code: int
    wall: float
    cpu: float
    peak: int
    said: str
    tally: RequestTally


@dataclass(frozen=True)
class Pair:
    """A run that finds projects without anything, and one that finds them as it left them."""

    first: Cost
    steady: Cost


def pair(tool: Tool, place: Place) -> Pair:
    """Run *tool* twice against fresh servers."""
    with served(place) as server, tempfile.TemporaryDirectory(prefix="bench-peers-") as folder:
        return Pair(run(tool, server, Path(folder)), run(tool, server, Path(folder)))


def quickest(pairs: Sequence[Pair]) -> Pair:
    """The quickest first run and the quickest of the others: whatever else a machine does makes runs slower only."""
    return Pair(min((each.first for each in pairs), key=_wall), min((each.steady for each in pairs), key=_wall))


def _wall(cost: Cost) -> float:
    return cost.wall


def departure(tool: Tool, place: Place) -> Cost:
    """The run, with the option to prune, after one tenant has left a group that was in sync."""
    with served(place) as server, tempfile.TemporaryDirectory(prefix="bench-peers-") as folder:
        run(tool, server, Path(folder))
        server.tenant_leaves()
        return run(replace(tool, prepare=tool.pruning or tool.prepare), server, Path(folder))


def run(tool: Tool, server: Server, folder: Path) -> Cost:
    """Run *tool* once against *server*; what it has to be told is written to *folder*."""
    call = tool.prepare(server.offer, folder)
    log = folder / "log"
    with log.open("wb") as output:
        began = time.perf_counter()
        child = subprocess.Popen(
            call.command,
            env=environment_of(call, folder),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - began
    child.returncode = os.waitstatus_to_exitcode(status)
    cpu = usage.ru_utime + usage.ru_stime
    return Cost(child.returncode, wall, cpu, usage.ru_maxrss, log.read_text(errors="replace"), server.tally())

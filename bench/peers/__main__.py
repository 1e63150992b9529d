"""
`make bench-peers`: our program and its peers side by side, against the embedded GitLab, with the same projects.

The table is printed; with `--write FILE` it also replaces what is between the markers there.
"""

from __future__ import annotations

import argparse
import subprocess
from dataclasses import replace
from pathlib import Path

from bench.page import publish, say, where_and_when
from bench.peers.measuring import departure, pair, quickest
from bench.peers.offer import Place
from bench.peers.table import Failures, Result, Round, table_of
from bench.peers.tools import OURS, TOOLS, Tool

# Where no latency is waited for, other work on the machine is most of what differs between two runs.
TRIES = 3
VERSION = "import sys; from importlib.metadata import version; print(version(sys.argv[1]))"


def main() -> None:
    options = _options()
    place = Place(options.projects)
    # The failures come first: whatever is compiled or cached at a first start is there when seconds count.
    failures = {tool.name: _failures(tool, place) for tool in TOOLS}
    # Tool after tool at each latency: what else the machine does meets all of them.
    rounds = {ms: {tool.name: _round(tool, replace(place, latency=ms)) for tool in TOOLS} for ms in options.latencies}
    results = [
        Result(
            tool,
            _version(tool),
            place.projects,
            {ms: done[tool.name] for ms, done in rounds.items()},
            failures[tool.name],
        )
        for tool in TOOLS
    ]
    publish("bench-peers", f"{_heading(options.projects)}\n\n{table_of(results)}", options.write)


def _failures(tool: Tool, place: Place) -> Failures:
    say(f"{tool.name}: failures")
    return Failures(pair(tool, replace(place, refuses_one=True)).first, departure(tool, place))


def _round(tool: Tool, place: Place) -> Round:
    say(f"{tool.name}: {place.latency:g} ms")
    if not place.latency:
        return Round(quickest([pair(tool, place) for _ in range(TRIES)]))
    slow = replace(place, kubernetes_latency=place.latency)
    return Round(pair(tool, place), pair(tool, slow) if tool is OURS else None)


def _version(tool: Tool) -> str:
    command = [tool.program("python"), "-c", VERSION, tool.package]
    version = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    return version if tool.package in {OURS.package, tool.name} else f"{tool.package} {version}"


def _heading(projects: int) -> str:
    """When, on what, with how much."""
    python = subprocess.run([OURS.program("python"), "-V"], check=True, capture_output=True, text=True).stdout.strip()
    return f"{projects:,} projects; {where_and_when()}; every tool on {python}."


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench-peers ARGS=...", description=__doc__)
    parser.add_argument("--projects", type=int, default=100)
    parser.add_argument("--latencies", type=_numbers, default="0,20,100", help="of GitLab, in milliseconds")
    parser.add_argument("--write", type=Path, metavar="FILE")
    return parser.parse_args()


def _numbers(text: str) -> list[int]:
    return [int(one) for one in text.split(",")]


if __name__ == "__main__":
    main()

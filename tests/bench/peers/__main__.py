"""
`make bench-peers`: our program and its peers side by side, against the embedded GitLab, with the same projects.

The table is printed; with `--write FILE` it also replaces what is between the markers there.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from bench.peers.measuring import departure, pair
from bench.peers.offer import Place
from bench.peers.table import Result, table_of
from bench.peers.tools import OURS, TOOLS, Tool

MARKERS = re.compile(r"(<!-- bench-peers -->\n).*?(<!-- /bench-peers -->)", re.DOTALL)
VERSION = "import sys; from importlib.metadata import version; print(version(sys.argv[1]))"


def main() -> None:
    options = _options()
    latencies = [int(text) for text in options.latencies.split(",")]
    results = [_measured(tool, options.projects, latencies) for tool in TOOLS]
    text = f"{_heading(options.projects)}\n\n{table_of(results)}"
    sys.stdout.write(text)
    if options.write:
        page = options.write.read_text(encoding="utf-8")
        options.write.write_text(MARKERS.sub(lambda found: found[1] + text + found[2], page), encoding="utf-8")


def _measured(tool: Tool, projects: int, latencies: list[int]) -> Result:
    """All runs of one tool. The accidents come first: whatever is compiled or cached at a first start is then there."""
    _say(f"{tool.name}: accidents")
    refused = pair(tool, Place(projects, refuses_one=True)).first
    departed = departure(tool, Place(projects))
    pairs, slow = {}, {}
    for latency in latencies:
        _say(f"{tool.name}: {latency} ms")
        pairs[latency] = pair(tool, Place(projects, latency))
        if tool is OURS and latency:
            slow[latency] = pair(tool, Place(projects, latency, kubernetes_latency=latency))
    return Result(tool, _version(tool), projects, pairs, slow, refused, departed)


def _version(tool: Tool) -> str:
    command = [tool.program("python"), "-c", VERSION, tool.package]
    version = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    return version if tool.package in {OURS.package, tool.name} else f"{tool.package} {version}"


def _heading(projects: int) -> str:
    """When, on what, with how much."""
    python = subprocess.run([OURS.program("python"), "-V"], check=True, capture_output=True, text=True).stdout.strip()
    today = datetime.now(UTC).date()
    machine = f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}"
    return f"{projects:,} projects; {today:%-d %B %Y}; {machine}; every tool on {python}."


def _say(what: str) -> None:
    sys.stderr.write(f"{what} ...\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench-peers ARGS=...", description=__doc__)
    parser.add_argument("--projects", type=int, default=100)
    parser.add_argument("--latencies", default="0,20,100", help="of GitLab, in milliseconds")
    parser.add_argument("--write", type=Path, metavar="FILE")
    return parser.parse_args()


if __name__ == "__main__":
    main()

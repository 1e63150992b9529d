"""
`make bench`: what a run costs at each size and latency, next to bare urllib3 and to a bare click program.

The tables are printed; with `--write FILE` they also replace what is between the markers there.
"""

from __future__ import annotations

import argparse
import math
import os
import platform
import tempfile
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from itertools import chain, pairwise
from pathlib import Path
from statistics import median

from bench.hostile import settings_file
from bench.page import publish, say, where_and_when
from bench.planner import measured, seconds_of_receiver_of_all
from bench.scene import Cost, Stage, a_stage, cost_of, instructions_of

IMPORTS = "import cronjob.commands.job"
BARE = Path(__file__).with_name("bare.py")
PROFILED = Path(__file__).with_name("profiled.py")
CLICK = "import click\n@click.group()\ndef g(): 'x'\n@g.command()\n@click.option('--a', help='b')\ndef run(a): 'y'\ng()"
FIVE = "import kubernetes.client, kubernetes.config, requests, yaml, click, pythonjsonlogger.json"
# Not what lies in the working directory: that may have no byte code, and is then compiled at every start.
INSTALLED = ["-P"]
CONCURRENCY = 16
TRIES = 7


class Bench:
    """Runs everything with one Python, in which the program is installed as it is in the image."""

    def __init__(self, python: str) -> None:
        self._python = python

    def runs(self, projects: int, latencies: Sequence[int]) -> Iterator[str]:
        """A line for each kind of run."""
        with a_stage(projects) as stage:
            yield self._line("first", projects, 0, stage)
            for latency in latencies:
                stage.set_latency(latency / 1000)
                yield self._line("unchanged", projects, latency, stage)
            stage.set_latency(0)
            stage.drift(100)
            yield self._line("1 % drift", projects, 0, stage)

    def others(self, projects: int) -> str:
        """A dry run over projects with a key and a webhook each, of which one is a tenant's."""
        with a_stage(1, projects) as stage:
            return self._line("nobody's", projects, 0, stage, "--dry-run")

    def _line(self, kind: str, projects: int, latency: int, stage: Stage, *options: str) -> str:
        say(f"{projects} projects, {latency} ms, {kind}")
        stage.counted()
        cost = self._run(stage, *options)
        counts = stage.counted()
        asked = sum(count for method, count in counts.items() if method != "kubernetes")
        writes = asked - counts["GET"]
        ideal = asked * latency / 1000 / CONCURRENCY
        over = f"{cost.wall / ideal:.2f}" if ideal else "-"
        cpu = f"{1000 * cost.cpu / projects:.2f}"
        assert cost.code == 0, cost
        cells = [f"{projects:,}", kind, str(latency), f"{counts['GET']:,}", f"{writes:,}", f"{counts['kubernetes']:,}"]
        return row(*cells, over, cpu, f"{cost.peak_mb:.0f}")

    def _run(self, stage: Stage, *options: str) -> Cost:
        return cost_of([*self._running(), *options], stage.environment)

    def _running(self) -> list[str]:
        quiet = ["--max-prune", "100%", "-o", "none", "--log-level", "error"]
        return [self._python, *INSTALLED, "-m", "cronjob", "run", *quiet]

    def hostile(self, tenants: int) -> Iterator[str]:
        """Runs that change nothing, without and with a namespace that asks for as much work as it can."""
        with a_stage(tenants) as stage, tempfile.TemporaryDirectory() as folder:
            self._run(stage)
            yield self._beside("nobody", tenants, stage)
            stage.add_hostile_namespace()
            stage.environment["SYNCER_CONFIG"] = str(settings_file(Path(folder)))
            stage.environment.pop("SYNCER_NAMESPACE", None)
            # Its errors must not fail the measurement; that the tenants are served does.
            yield self._beside("a hostile namespace", tenants, stage, "--fail-on", "never")

    def _beside(self, neighbour: str, tenants: int, stage: Stage, *options: str) -> str:
        say(f"{tenants} tenants beside {neighbour}")
        stage.drift(1)
        stage.counted()
        # Thousands of errors about the neighbour's objects are of no interest here.
        shell = ["/bin/sh", "-c", 'exec "$0" "$@" 2>/dev/null']
        cost = cost_of([*shell, *self._running(), *options], stage.environment)
        counts = stage.counted()
        assert (cost.code, counts["PUT"]) == (0, tenants), (cost, counts)
        cells = [f"{tenants:,}", neighbour, f"{counts['GET']:,}", f"{counts['PUT']:,}", f"{counts['kubernetes']:,}"]
        return row(*cells, f"{cost.wall:.1f}", f"{cost.cpu:.1f}", f"{cost.peak_mb:.0f}")

    def against_bare(self, projects: int) -> Iterator[str]:
        """Pairs, in turn: an unchanged run, and the same requests by bare urllib3; and one pair's instructions."""
        bare = [self._python, str(BARE)]
        with a_stage(projects) as stage:
            self._run(stage)
            pairs = []
            for _ in range(TRIES):
                ours, theirs = self._run(stage), cost_of(bare, stage.environment)
                assert (ours.code, theirs.code) == (0, 0)
                pairs.append(ours.cpu / theirs.cpu)
            mine, least = (instructions_of(command, stage.environment) for command in (self._running(), bare))
            counted = f"{mine / least:.2f}" if mine and least else "no valgrind here"
            yield row(f"{projects:,}", *(f"{value:.2f}" for value in (median(pairs), min(pairs), max(pairs))), counted)

    def starts(self) -> Iterator[str]:
        """Pairs, in turn: what is started, and what it is compared with."""
        program = [*INSTALLED, "-m", "cronjob"]
        for name, ours, other in (
            ("`run --help` / a bare click program's", [*program, "run", "--help"], ["-c", CLICK, "run", "--help"]),
            ("`run --nope` / a bare click program's", [*program, "run", "--nope"], ["-c", CLICK, "run", "--nope"]),
            (
                "imports of a run / the five given packages",
                [*INSTALLED, "-c", IMPORTS],
                ["-c", FIVE],
            ),
        ):
            pairs = [(self._start(ours), self._start(other)) for _ in range(TRIES)]
            ratio = median(one.cpu / two.cpu for one, two in pairs)
            mine, theirs = (median(pair[side].peak_mb for pair in pairs) for side in (0, 1))
            yield row(name, f"{ratio:.2f}", f"{mine:.0f}", f"{theirs:.0f}")

    def _start(self, arguments: Sequence[str]) -> Cost:
        # What a usage error says is of no interest here.
        shell = ["/bin/sh", "-c", 'exec "$0" "$@" 2>/dev/null', self._python, *arguments]
        return cost_of(shell, os.environ)

    def profile(self, projects: int) -> str:
        """Where the CPU of an unchanged run goes."""
        with a_stage(projects) as stage:
            self._run(stage)
            return cost_of([self._python, str(PROFILED)], stage.environment).out


def planning(sizes: Sequence[int]) -> Iterator[str]:
    """The planner next to a dict merge, and how both grow from size to size."""
    found = [measured(size) for size in sizes]
    for one in found:
        yield row(
            f"{one.projects:,}",
            f"{one.seconds / one.merge_seconds:.0f}",
            f"{one.peak_bytes / one.merge_peak_bytes:.1f}",
            f"{1e6 * one.seconds / one.projects:.1f}",
        )
    for one, other in pairwise(found):
        grown = math.log(other.seconds / one.seconds) / math.log(other.projects / one.projects)
        say(f"growth exponent {one.projects} -> {other.projects}: {grown:.2f}")


def receiver_of_all(sizes: Sequence[int]) -> Iterator[str]:
    """How planning grows with the projects of one Receiver."""
    for size in sizes:
        seconds = min(seconds_of_receiver_of_all(size) for _ in range(3))
        yield row(f"{size:,}", f"{1000 * seconds:.0f}", f"{1e6 * seconds / size:.0f}")


def row(*cells: str) -> str:
    """One line of a Markdown table."""
    return f"| {' | '.join(cells)} |"


def table(head: Sequence[str], rows: Iterator[str]) -> str:
    """A Markdown table whose numbers are on the right."""
    ruler = row("---", *("---:" for _ in head[1:]))
    return "\n".join([row(*head), ruler, *rows]) + "\n"


def main() -> None:
    options = _options()
    bench = Bench(options.python)
    sizes, latencies = options.sizes, options.latencies
    if options.profile:
        text, name = bench.profile(max(sizes)), "profile"
    else:
        runs = chain(
            (line for size in sizes for line in bench.runs(size, latencies)),
            (bench.others(size) for size in options.others),
        )
        head = ("projects", "run", "ms", "GET", "writes", "Kubernetes", "time / ideal", "CPU ms / project", "peak MB")
        parts = [
            _heading(),
            table(head, runs),
            table(
                ("projects", "CPU / bare urllib3, median", "least", "most", "instructions / bare"),
                chain.from_iterable(map(bench.against_bare, (1, 1000))),
            ),
            table(("what is started", "CPU, ratio", "peak MB", "the other's"), bench.starts()),
            table(("projects", "time / merge", "memory / merge", "CPU us / project"), planning(options.planned)),
            table(
                ("tenants", "beside", "GET", "PUT", "Kubernetes", "seconds", "CPU s", "peak MB"),
                chain.from_iterable(map(bench.hostile, options.hostile)),
            ),
            table(("projects of one `*` Receiver", "CPU ms", "CPU us / project"), receiver_of_all(options.starred)),
        ]
        text, name = "\n".join(parts), "bench"
    publish(name, text, options.write)


def _heading() -> str:
    libraries = ", ".join(f"{name} {version(name)}" for name in ("kubernetes", "requests", "urllib3", "cryptography"))
    return f"{where_and_when()}; Python {platform.python_version()}; {libraries}.\n"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--python", required=True, help="the Python in which the program is installed")
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 1000, 10_000])
    parser.add_argument("--others", type=int, nargs="*", default=[10_000, 50_000])
    parser.add_argument("--latencies", type=int, nargs="+", default=[0, 20, 100])
    parser.add_argument("--planned", type=int, nargs="+", default=[1000, 10_000, 100_000])
    parser.add_argument("--starred", type=int, nargs="+", default=[500, 1000, 2000])
    parser.add_argument("--hostile", type=int, nargs="*", default=[500])
    parser.add_argument("--profile", action="store_true", help="where the CPU of an unchanged run goes, instead")
    parser.add_argument("--write", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()

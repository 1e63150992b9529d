"""What was measured as a Markdown table: a column for each tool, requests, ratios and bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from statistics import median

from bench.peers.measuring import Cost, Pair
from bench.peers.tools import Tool

# GitLab gives at most so many projects a page.
PAGE = 100


@dataclass(frozen=True)
class Round:
    """Two runs at one latency of GitLab; *slow_cluster* are those with Kubernetes as slow, of who asks it."""

    usual: Pair
    slow_cluster: Pair | None = None


@dataclass(frozen=True)
class Failures:
    """A first run in which one project *refused*, and a run after one tenant has *departed*."""

    refused: Cost
    departed: Cost


@dataclass(frozen=True)
class Result:
    """All runs of one tool; *rounds* are by GitLab's latency in milliseconds."""

    tool: Tool
    version: str
    projects: int
    rounds: Mapping[int, Round]
    failures: Failures

    @property
    def pairs(self) -> list[Pair]:
        """One for each latency."""
        return [each.usual for each in self.rounds.values()]

    @property
    def some(self) -> Pair:
        """Any pair: requests do not depend on latency."""
        return self.pairs[0]

    def ideal(self, latency: int, *, is_first: bool) -> float:
        """
        Seconds that the job takes of who sends nothing but what it needs, one after the other, and is never busy: the
        group's pages, each list of each project, and in a first run a write for each.
        """
        each = self.tool.lists * (2 if is_first else 1)
        return (ceil(self.projects / PAGE) + each * self.projects) * latency / 1000


def table_of(results: Sequence[Result]) -> str:
    """The table; ratios of seconds and CPU are to the first of *results*."""
    latencies = sorted(results[0].rounds)
    rows = [*_of_requests(), *_of_resources(results[0])]
    rows += [_wall_row(results[0], latency, is_first=is_first) for is_first in (True, False) for latency in latencies]
    rows += [
        _ideal_row(latency, is_first=is_first) for is_first in (True, False) for latency in latencies if latency > 0
    ]
    rows += _of_failures()
    lines = [["", *(result.tool.name for result in results)], ["---", *("---:" for _ in results)]]
    lines += [[title, *(cell(result) for result in results)] for title, cell in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


Row = tuple[str, Callable[[Result], str]]


def _of_requests() -> list[Row]:
    return [
        ("version", lambda result: result.version),
        ("does", lambda result: result.tool.does),
        ("first run: requests to GitLab", lambda result: _methods(result.some.first.tally.gitlab)),
        ("first run: projects then as wanted", lambda result: _served(result, result.some.first)),
        ("steady state: requests to GitLab", lambda result: _methods(result.some.steady.tally.gitlab)),
        ("steady state: writes", lambda result: f"**{result.some.steady.tally.writes:,}**"),
        ("steady state: KiB in GitLab's answers", lambda result: f"{result.some.steady.tally.bytes / 1024:,.0f}"),
        ("steady state: requests to Kubernetes", lambda result: _methods(result.some.steady.tally.kubernetes)),
    ]


def _of_resources(base: Result) -> list[Row]:
    def cpu(result: Result, *, is_first: bool) -> float:
        return median(_run(pair, is_first=is_first).cpu for pair in result.pairs)

    def row(name: str, *, is_first: bool) -> Row:
        whole = cpu(base, is_first=is_first)
        return (
            f"{name}: CPU s (× ours)",
            lambda result: f"{cpu(result, is_first=is_first):.2f} ({cpu(result, is_first=is_first) / whole:.1f}×)",
        )

    return [
        row("first run", is_first=True),
        row("steady state", is_first=False),
        ("peak memory, MiB", lambda result: f"{_peak(result) / 1024:,.0f}"),
    ]


def _of_failures() -> list[Row]:
    return [
        ("one project answers 403: exit code", lambda result: str(result.failures.refused.code)),
        (
            "one project answers 403: others then as wanted",
            lambda result: _served(result, result.failures.refused, missing=1),
        ),
        ("a tenant leaves: its key and webhook", lambda result: _left(result, "ours")),
        ("a tenant leaves: what people put there by hand", lambda result: _left(result, "foreign")),
    ]


def _wall_row(base: Result, latency: int, *, is_first: bool) -> Row:
    whole = _run(base.rounds[latency].usual, is_first=is_first).wall
    return (
        f"{_phase(is_first=is_first)}, {latency} ms: time, × ours",
        lambda result: f"{_run(result.rounds[latency].usual, is_first=is_first).wall / whole:.1f}×",
    )


def _ideal_row(latency: int, *, is_first: bool) -> Row:
    def cell(result: Result) -> str:
        ideal = result.ideal(latency, is_first=is_first)
        text = f"{_run(result.rounds[latency].usual, is_first=is_first).wall / ideal:.2f}"
        slow = result.rounds[latency].slow_cluster
        return f"{text} ({_run(slow, is_first=is_first).wall / ideal:.2f})" if slow else text

    return f"{_phase(is_first=is_first)}, {latency} ms: time ÷ ideal", cell


def _phase(*, is_first: bool) -> str:
    return "first run" if is_first else "steady state"


def _run(pair: Pair, *, is_first: bool) -> Cost:
    return pair.first if is_first else pair.steady


def _peak(result: Result) -> int:
    return max(cost.peak for pair in result.pairs for cost in (pair.first, pair.steady))


def _methods(counts: Mapping[str, int]) -> str:
    """`GET 203, POST 200`; a dash for none."""
    return ", ".join(f"{method} {counts[method]:,}" for method in sorted(counts)) or "–"


def _served(result: Result, cost: Cost, missing: int = 0) -> str:
    tally = cost.tally
    done = min(tally.keys, tally.webhooks) if result.tool.lists == 2 else tally.webhooks
    return f"{done:,} of {result.projects - missing:,}"


def _left(result: Result, whose: str) -> str:
    """Whether what is *whose* was removed, or is all still there."""
    count = result.failures.departed.tally.left.get(whose, 0)
    made = result.tool.lists if whose == "ours" else 2
    return {0: "removed", made: "still there"}.get(count, f"{count} of {made} still there")

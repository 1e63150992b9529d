"""Foreign hosts, each reported once: the one that matters must not hide among a hundred GitRepositories on another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from reconcile.problems import Code, Problem

_SHOWN = 3


def foreign_hosts_once(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """The problems, with one notice for each foreign host, on the first GitRepository that names it."""
    problems = tuple(problems)
    # The message is about the host alone, so it is the same for all GitRepositories there.
    same: dict[str, list[Problem]] = defaultdict(list)
    for problem in problems:
        if problem.code == Code.FOREIGN_HOST:
            same[problem.message].append(problem)
    others = [problem for problem in problems if problem.code != Code.FOREIGN_HOST]
    return (*others, *map(_one_of, same.values()))


def _one_of(problems: list[Problem]) -> Problem:
    first, *others = sorted(problems, key=lambda problem: problem.sort_key)
    if not others:
        return first
    shown = [str(problem.object) for problem in others[:_SHOWN]]
    more = len(others) - len(shown)
    listed = f"{', '.join(shown)} and {more} more" if more else ", ".join(shown)
    return replace(first, message=f"{first.message} The same host: {listed}.")

"""One dry run in one thread under cProfile, and where its CPU went as a Markdown table."""

from __future__ import annotations

import cProfile
import pstats
import sys
from pathlib import Path
from typing import Any

from cronjob.cli import program
from cronjob.concurrency.worker_pool import WorkerPool
from cronjob.flux import secrets as flux_secrets
from cronjob.gitlab import group as gitlab

SHOWN = 10
# Where time is spent, by the name of a package or module, and why that stays.
WHY = {
    "sockets": "the kernel's, and waiting for the servers",
    "built-in": "Python's own types, at work for all of the others",
    "urllib3": "connections, requests and answers; bare urllib3 does the same, and a PoolManager on top of it",
    "http": "the standard library's half of that: what is sent, and the first lines of what comes",
    "email": "the headers of each answer: the parser that the standard library's `http` is made with",
    "requests": "what the users chose; it is given prepared requests, one pool, and no environment to look through",
    "kubernetes": "credentials and the call of each request to Kubernetes",
    "cryptography": "public keys, of which Flux's Secrets hold the private half",
    "parse": "addresses taken apart and put together",
    "json": "what the answers say",
    "dataclasses": "classes, made at the start, and changed copies of the requests",
    "click": "the command line",
    "tenacity": "nothing, unless a request is repeated",
    "cronjob": "the shape of each answer is checked: what is not understood must never look empty",
    "reconcile": "the decision",
}


class Inline(WorkerPool[Any, Any]):
    """A worker pool that works at once, in the thread that adds the item."""

    def add(self, item: Any) -> None:
        self._answers.append(self._work(item))


def main() -> None:
    for module in (gitlab, flux_secrets):
        module.WorkerPool = Inline
    profile = cProfile.Profile()
    profile.enable()
    try:
        program(["run", "--dry-run", "-o", "none", "--log-level", "error"], prog_name="flux-gitlab-syncer")
    except SystemExit:
        pass
    finally:
        profile.disable()
    sys.stdout.write(_table(pstats.Stats(profile)))


def _table(stats: Any) -> str:
    """By package, and the functions of ours and of others in which most time was spent itself."""
    total = sum(own for _, _, own, _, _ in stats.stats.values())
    by_package: dict[str, float] = {}
    for (file, _, name), (_, _, own, _, _) in stats.stats.items():
        by_package[_package(file, name)] = by_package.get(_package(file, name), 0.0) + own
    lines = ["| where | % | why it stays |", "|---|---:|---|"]
    for package, own in sorted(by_package.items(), key=lambda pair: -pair[1])[:SHOWN]:
        lines.append(f"| {package} | {100 * own / total:.1f} | {WHY.get(package, '')} |")
    lines += ["", "| function | calls | % itself |", "|---|---:|---:|"]
    functions = sorted(stats.stats.items(), key=lambda pair: -pair[1][2])
    for (file, _, name), (_, calls, own, _, _) in functions[:SHOWN]:
        lines.append(f"| `{_package(file, name)}: {name}` | {calls} | {100 * own / total:.1f} |")
    return "\n".join(lines) + "\n"


def _package(file: str, name: str) -> str:
    if file == "~":
        return "sockets" if "socket" in name or "poll" in name else "built-in"
    parts = Path(file).parts
    return next((one for one in WHY if one in parts), Path(file).stem if "lib" in parts else file)


if __name__ == "__main__":
    main()

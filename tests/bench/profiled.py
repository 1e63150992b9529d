"""One dry run in one thread under cProfile, and where its CPU went as a Markdown table."""

from __future__ import annotations

import cProfile
import pstats
import sys
from pathlib import Path
from typing import Any

from cronjob import crew, flux_secrets, gitlab
from cronjob.cli import program

SHOWN = 10
PACKAGES = (
    "requests",
    "urllib3",
    "kubernetes",
    "cryptography",
    "tenacity",
    "http",
    "email",
    "json",
    "reconcile",
    "cronjob",
)


class Inline(crew.Crew[Any, Any]):
    """A crew that does everything at once, in the thread that asks for it."""

    def add(self, item: Any) -> None:
        self._answers.append(self._work(item))


def main() -> None:
    for module in (gitlab, flux_secrets):
        module.Crew = Inline
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
    lines = ["| where | % |", "|---|---:|"]
    for package, own in sorted(by_package.items(), key=lambda pair: -pair[1])[:SHOWN]:
        lines.append(f"| {package} | {100 * own / total:.1f} |")
    lines += ["", "| function | calls | % itself |", "|---|---:|---:|"]
    functions = sorted(stats.stats.items(), key=lambda pair: -pair[1][2])
    for (file, _, name), (_, calls, own, _, _) in functions[: 3 * SHOWN]:
        lines.append(f"| `{_package(file, name)}: {name}` | {calls} | {100 * own / total:.1f} |")
    return "\n".join(lines) + "\n"


def _package(file: str, name: str) -> str:
    if file == "~":
        return "sockets" if "socket" in name or "poll" in name else "built-in"
    parts = Path(file).parts
    return next((one for one in PACKAGES if one in parts), Path(file).stem if "lib" in parts else file)


if __name__ == "__main__":
    main()

"""
Run the reproductions of tests/flow/harm with an old program and with this one, and print a table of both.

A reproduction `test_sNN...py` uses `a_program` of tests/worlds/program.py; the servers and the tests are this tree's.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import pytest

_FOLDER = Path(__file__).parent
# How much of a failed assertion is shown, in characters.
_SHOWN = 80
SAFE = "safe"


class Outcomes:
    """A plugin of pytest that keeps how each test ended, by finding and test."""

    def __init__(self) -> None:
        self.by_test: dict[tuple[str, str], str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Called by pytest for the set-up, the test and the tear-down; the worst counts."""
        path, _, test = report.nodeid.partition("::")
        name = (_finding(path), test)
        if report.failed:
            self.by_test[name] = f"HARM: {_why(report)}"
        elif name not in self.by_test or report.skipped:
            self.by_test[name] = "skipped" if report.skipped else SAFE


def outcomes(tree: Path | None, tests: list[str]) -> dict[tuple[str, str], str]:
    """Run the reproductions with the program of *tree* (None: this one); return how each ended."""
    os.environ.pop("HARM_TREE", None)
    if tree:
        os.environ["HARM_TREE"] = str(tree)
    found = Outcomes()
    code = pytest.main(["-q", "--tb=no", "--no-summary", "-p", "no:cacheprovider", *tests], plugins=[found])
    if code not in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}:
        sys.exit(f"the reproductions did not run: {code!r}")
    return found.by_test


def _finding(path: str) -> str:
    """`tests/flow/harm/test_s04_in_use.py` is S4."""
    return "S" + Path(path).stem.removeprefix("test_s").partition("_")[0].lstrip("0")


def _why(report: pytest.TestReport) -> str:
    """The first line of what was asserted."""
    crash = getattr(report.longrepr, "reprcrash", None)
    [line, *_] = (crash.message if crash else str(report.longrepr)).splitlines() or [""]
    return " ".join(line.removeprefix("AssertionError: ").replace("|", "/").split())[:_SHOWN]


def _row(name: tuple[str, str], old: str, new: str) -> str:
    finding, test = name
    sentence = test.removeprefix("test_").replace("_", " ")
    return f"| {finding} | {sentence} | {old} | {new} |"


def main() -> int:
    """Print the table; return 1 where this tree's program is not safe."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--old", type=Path, required=True, help="the checkout of the old program, with its .venv")
    parser.add_argument("tests", nargs="*", default=[str(_FOLDER)], help="paths of reproductions; all by default")
    arguments = parser.parse_args()
    old, new = outcomes(arguments.old.resolve(), arguments.tests), outcomes(None, arguments.tests)
    names = sorted(new, key=lambda name: (int(name[0].removeprefix("S")), name[1]))
    rows = [_row(name, old.get(name, "-"), new[name]) for name in names]
    sys.stdout.write("\n".join(["", "| finding | promise | old | new |", "|---|---|---|---|", *rows, ""]))
    return int(any(ended != SAFE for ended in new.values()))


if __name__ == "__main__":
    sys.exit(main())

"""How long the chaos lasts, and its figures, which the tests hand over as properties."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Two clusters at the same time are for `make chaos`: each step takes two runs."""
    is_long = collection_path.name == "test_two_clusters.py"
    return True if is_long and not config.getoption("--chaos-all") else None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    figures: Counter[str] = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", "") == "call":
                for name, value in report.user_properties:
                    figures[name] += value
    if figures:
        terminalreporter.section("chaos")
        for name, value in figures.items():
            terminalreporter.write_line(f"{name}: {value:,}")

"""How long the chaos lasts, and its figures, which the tests hand over as properties."""

from __future__ import annotations

from collections import Counter

import pytest


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

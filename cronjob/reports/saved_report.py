"""Read a JSON report that an earlier run wrote."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cronjob.reports.schemas import REPORT

STDIN = "-"


def text_of(path: str) -> str:
    """Return the text of the file at *path*, or of standard input for `-`. Raises OSError."""
    if path == STDIN:
        return sys.stdin.read()
    return Path(path).read_bytes().decode("utf-8", errors="replace")


def report_in(text: str) -> Mapping[str, Any] | None:
    """
    Return the report in *text*, or None where it is not JSON, or a single log line.

    Raises ValueError, whose text is a predicate, where it is JSON of another kind.
    """
    try:
        report = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if isinstance(report, dict) and "run_id" in report and "schema" not in report:
        return None
    if not isinstance(report, dict) or report.get("schema") != REPORT:
        raise ValueError(f"is not a report with the schema {REPORT}")
    return report

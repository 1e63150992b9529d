"""A JSON report of an earlier run, read from its file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cronjob.reports.schemas import REPORT


def report_in(path: Path) -> Mapping[str, Any]:
    """The report that stands in a file. Raises ValueError, whose text is a predicate, and OSError."""
    try:
        report = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        raise ValueError(f"names {str(path)!r}, which is not JSON; give a file that --report json=PATH wrote") from None
    if not isinstance(report, dict) or report.get("schema") != REPORT:
        raise ValueError(f"names {str(path)!r}, which is no report of the schema {REPORT}")
    return report

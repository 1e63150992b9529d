"""Read a JSON report that an earlier run wrote."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cronjob.reports.schemas import REPORT


def report_in(path: Path) -> Mapping[str, Any]:
    """Return the report in the file at *path*. Raises OSError, and ValueError with a text such as "names ..."."""
    try:
        report = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        raise ValueError(f"names {str(path)!r}, which is not JSON; give a file that --report json=PATH wrote") from None
    if not isinstance(report, dict) or report.get("schema") != REPORT:
        raise ValueError(f"names {str(path)!r}, which is not a report with the schema {REPORT}")
    return report

"""Which plan was reviewed: a checksum, or the JSON report that shows it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cronjob.document import SCHEMA
from reconcile.guard import Expected
from reconcile.model import Kind

_CHECKSUM = re.compile(r"[0-9a-f]{12}")


def expected_plan(text: str) -> Expected:
    """The plan that *text* names: 12 hex digits, or the path of a JSON report. Raises ValueError."""
    word = text.strip().lower()
    if _CHECKSUM.fullmatch(word):
        return Expected(word)
    report = _report_in(Path(text))
    checksum = report.get("plan")
    if not isinstance(checksum, str) or not _CHECKSUM.fullmatch(checksum):
        raise ValueError(f"names {text!r}, the report of a run that decided nothing; give one that shows a plan")
    try:
        return Expected(checksum, tuple(_described(change) for change in report["changes"]))
    except (KeyError, TypeError, ValueError, AttributeError):
        raise ValueError(f"names {text!r}, a report whose changes cannot be read; give an unedited one") from None


def _report_in(path: Path) -> Mapping[str, Any]:
    try:
        report = json.loads(path.read_bytes())
    except OSError as error:
        reason = error.strerror or "unreadable"
        raise ValueError(f"is neither 12 hex digits nor a file that can be read: {str(path)!r} ({reason})") from None
    except (ValueError, RecursionError):
        raise ValueError(f"names {str(path)!r}, which is not JSON; give a file that --report json=PATH wrote") from None
    if not isinstance(report, dict) or report.get("schema") != SCHEMA:
        raise ValueError(f"names {str(path)!r}, which is no report of the schema {SCHEMA}")
    return report


def _described(change: Mapping[str, Any]) -> str:
    """The same line that `reconcile.changes.described` makes of a change."""
    kind = Kind(change["kind"])
    name = change["key"]["fingerprint"] if kind is Kind.DEPLOY_KEY else change["webhook"]["url"]
    return f"{change['action']} {kind} {name or ''} on {change['project']}"

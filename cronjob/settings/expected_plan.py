"""Parse --expect-plan: the checksum of a reviewed plan, or the JSON report that holds it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cronjob.reports.saved_report import report_in, text_of
from cronjob.settings.values import reason_of
from reconcile.model import Kind
from reconcile.plan.objections import Expected

_CHECKSUM = re.compile(r"[0-9a-f]{12}")


def expected_plan(text: str) -> Expected:
    """Parse *text*: 12 hex digits, or the path of a JSON report. Raises ValueError."""
    word = text.strip().lower()
    if _CHECKSUM.fullmatch(word):
        return Expected(word)
    try:
        report = report_in(text_of(str(Path(text))))
    except OSError as error:
        raise ValueError(
            f"is neither 12 hex digits nor a file that can be read: {text!r} ({reason_of(error)})"
        ) from None
    except ValueError as error:
        raise ValueError(f"names {text!r}, which {error}") from None
    if report is None:
        raise ValueError(f"names {text!r}, which is not JSON; give a file that --report json=PATH wrote")
    checksum = report.get("plan")
    if not isinstance(checksum, str) or not _CHECKSUM.fullmatch(checksum):
        raise ValueError(f"names {text!r}, the report of a run that decided nothing; give one that shows a plan")
    try:
        return Expected(checksum, tuple(_described(change) for change in report["changes"]))
    except (KeyError, TypeError, ValueError, AttributeError):
        raise ValueError(f"names {text!r}, a report whose changes cannot be read; give an unedited one") from None


def _described(change: Mapping[str, Any]) -> str:
    """Describe a change of a report in the same words as `reconcile.plan.changes.described`."""
    kind = Kind(change["kind"])
    name = change["key"]["fingerprint"] if kind is Kind.DEPLOY_KEY else change["webhook"]["url"]
    return f"{change['action']} {kind} {name or ''} on {change['project']}"

"""How this program writes a moment: RFC 3339 in UTC with a `Z`, as Kubernetes and GitLab do."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_text(moment: datetime, timespec: str) -> str:
    """Return *moment* (with a time zone) as text; *timespec* is the precision, as in `datetime.isoformat`."""
    return moment.astimezone(UTC).isoformat(timespec=timespec).replace("+00:00", "Z")

"""
When a Kubernetes object last changed, by its `metadata.managedFields`.

The API server keeps one entry for each field manager, with the time of its last change; one that changes nothing keeps
the time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any


def object_changed(metadata: Mapping[str, Any]) -> datetime | None:
    """Return when the object last changed, apart from its subresources such as the status; None where it is unknown."""
    return _newest(_entries(metadata))


def spec_changed(metadata: Mapping[str, Any]) -> datetime | None:
    """Return when a manager of the object's spec last changed it; None where it is unknown."""
    return _newest(entry for entry in _entries(metadata) if _has_spec(entry.get("fieldsV1")))


def _has_spec(fields: object) -> bool:
    return isinstance(fields, dict) and "f:spec" in fields


def _entries(metadata: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    entries = metadata.get("managedFields")
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and not entry.get("subresource"):
            yield entry


def _newest(entries: Iterable[Mapping[str, Any]]) -> datetime | None:
    return max(filter(None, (_time(entry.get("time")) for entry in entries)), default=None)


def _time(value: object) -> datetime | None:
    try:
        time = datetime.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)

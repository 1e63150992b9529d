"""
Pagination of lists: `limit`, `continue`, and continue tokens.

The first chunk of a list takes a snapshot, and later chunks are taken from it, so that the whole list is consistent.
"""

from __future__ import annotations

import base64
import binascii
import json
import time
from bisect import bisect_left
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from cronjob.sandbox.fake_kubernetes.status import bad_request, expired

KEPT_SNAPSHOTS = 64

Row = tuple[tuple[str, str], dict[str, Any]]


@dataclass(frozen=True)
class Page:
    """One chunk of a list, with the list's metadata about the rest."""

    items: list[dict[str, Any]]
    resource_version: int
    token: str
    remaining: int


@dataclass(frozen=True)
class Snapshot:
    """All objects of a list, in the order of their keys, as they were at one time."""

    rows: list[Row]
    resource_version: int
    taken_at: float


class Snapshots:
    """The snapshots of outstanding continue tokens; the oldest are dropped."""

    def __init__(self) -> None:
        self.time_to_live = 300.0
        self._kept: OrderedDict[int, Snapshot] = OrderedDict()
        self.taken = 0

    def forget(self) -> None:
        """Expire every outstanding token."""
        self._kept.clear()

    def first(self, rows: list[Row], resource_version: int, *, limit: int) -> Page:
        """The first chunk of *rows*, which are sorted; without *limit* (0) all rows."""
        snapshot = Snapshot(rows, resource_version, time.monotonic())
        if not limit or len(rows) <= limit:
            return _page(snapshot, 0, number=0, limit=len(rows))
        self.taken += 1
        self._kept[self.taken] = snapshot
        if len(self._kept) > KEPT_SNAPSHOTS:
            self._kept.popitem(last=False)
        return _page(snapshot, 0, number=self.taken, limit=limit)

    def following(self, token: str, *, limit: int) -> Page | tuple[str, str]:
        """
        The chunk for *token*, or the key from which the list must be read from the current state.

        The error for an expired token contains another token, which reads from the current state.
        """
        number, key = _opened(token)
        if number < 0:
            return key
        snapshot = self._kept.get(number)
        if snapshot is None or time.monotonic() - snapshot.taken_at > self.time_to_live:
            raise expired(_token(-1, key))
        start = bisect_left(snapshot.rows, key, key=lambda row: row[0])
        return _page(snapshot, start, number=number, limit=limit or len(snapshot.rows))


def _page(snapshot: Snapshot, start: int, *, number: int, limit: int) -> Page:
    rows = snapshot.rows
    end = start + limit
    token = _token(number, rows[end][0]) if end < len(rows) else ""
    items = [manifest for _, manifest in rows[start:end]]
    return Page(items, snapshot.resource_version, token, max(0, len(rows) - end))


def _token(number: int, key: tuple[str, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps([number, *key]).encode()).decode().rstrip("=")


def _opened(token: str) -> tuple[int, tuple[str, str]]:
    try:
        number, namespace, name = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        return int(number), (str(namespace), str(name))
    except (binascii.Error, ValueError, TypeError):
        raise bad_request("continue key is not valid: it was not made by this server") from None

"""Ends a loop of the decision where the run must end: a signal came, or the time is up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from reconcile.errors import ReadError

Item = TypeVar("Item")
# Says why the run must end, as a clause; empty while it may go on.
Stopped = Callable[[], str]


def never() -> str:
    """Let the loop go on."""
    return ""


def until_stopped(items: Iterable[Item], stopped: Stopped) -> Iterator[Item]:
    """Yield the items. Raises ReadError where the run must end: what was not looked at decides nothing."""
    for item in items:
        if reason := stopped():
            raise ReadError(f"Not everything was decided: {reason}.", code="Stopped")
        yield item

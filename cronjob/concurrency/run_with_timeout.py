"""An end to waiting, for what no timeout of a socket ends."""

from __future__ import annotations

from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TypeVar

Result = TypeVar("Result")


def run_with_timeout(seconds: float, work: Callable[[], Result]) -> Result | None:
    """
    What *work*, which must not raise, comes to, or None where that takes longer.

    A socket's timeout begins anew with every byte, and looking up a name has none: only who stands beside it can end
    the waiting. The thread is left behind then, and ends with the process at the latest.
    """
    ends: SimpleQueue[Result] = SimpleQueue()
    Thread(target=lambda: ends.put(work()), daemon=True).start()
    try:
        return ends.get(timeout=seconds)
    except Empty:
        return None

"""Run a function with a timeout, for waits that no timeout of a socket ends."""

from __future__ import annotations

from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TypeVar

Result = TypeVar("Result")


def run_with_timeout(seconds: float, work: Callable[[], Result]) -> Result | None:
    """
    Return what *work*, which must not raise, returns, or None where that takes longer than *seconds*.

    A socket's timeout begins anew with every byte, and a name look-up has none, so *work* runs in a thread of its own.
    The thread is left behind after a timeout, and ends with the process at the latest.
    """
    ends: SimpleQueue[Result] = SimpleQueue()
    Thread(target=lambda: ends.put(work()), daemon=True).start()
    try:
        return ends.get(timeout=seconds)
    except Empty:
        return None

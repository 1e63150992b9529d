"""
Total timeout: an answer has so many seconds from its request to its last byte, headers included.

A socket's timeout begins anew with every byte, so a server that sends one now and then would hold a worker for ever.
"""

from __future__ import annotations

import io
import time
from contextlib import suppress
from functools import cache
from http.client import HTTPResponse
from typing import Any, TypeVar

Manager = TypeVar("Manager")


def with_total_timeout(manager: Manager) -> Manager:
    """
    Give the answers of urllib3's pool *manager* a total timeout: the read timeout of their request.

    An answer that takes longer raises what urllib3 raises for a read timeout. Returns the same manager.
    """
    pools: Any = manager
    pools.pool_classes_by_scheme = {
        scheme: _with_timed_answers(pool) for scheme, pool in pools.pool_classes_by_scheme.items()
    }
    return manager


@cache
def _with_timed_answers(pool: Any) -> Any:
    """A subclass of the class *pool*, whose connections read their answers within the total timeout."""
    kind = pool.ConnectionCls
    connection = type(kind.__name__, (kind,), {"response_class": _TimedResponse})
    return type(pool.__name__, (pool,), {"ConnectionCls": connection})


class _TimedResponse(HTTPResponse):
    """One is made for each answer, and for a proxy's answer to CONNECT, once its request is sent."""

    def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        if seconds := sock.gettimeout():
            buffered: Any = self.fp
            self.fp = io.BufferedReader(TimedReader(buffered.detach(), sock, seconds))


class TimedReader(io.RawIOBase):
    """Reads the bytes of *raw*, which reads from *sock*, within *seconds* in all."""

    def __init__(self, raw: Any, sock: Any, seconds: float) -> None:
        self._raw = raw
        self._sock = sock
        self._seconds = seconds
        self._deadline = time.monotonic() + seconds
        self._is_first = True
        self._is_shortened = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> Any:
        """Read what has arrived, or wait for it. Raises TimeoutError as a socket does."""
        seconds_left = self._deadline - time.monotonic()
        if seconds_left <= 0:
            raise TimeoutError("timed out")
        if self._is_first:
            # The socket's timeout was set a moment ago. Most answers come with one read.
            self._is_first = False
        else:
            self._is_shortened = True
            self._sock.settimeout(seconds_left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        """Close it; the next request on the same connection finds the timeout as it was."""
        if self._is_shortened:
            self._is_shortened = False
            with suppress(OSError):
                self._sock.settimeout(self._seconds)
        self._raw.close()
        super().close()

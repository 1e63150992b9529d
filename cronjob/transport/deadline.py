"""
An answer has so many seconds from its request to its last byte, headers included.

A socket's timeout begins anew with every byte, so a server that sends one now and then would hold a worker for ever.
"""

from __future__ import annotations

import io
import time
from functools import cache
from http.client import HTTPResponse
from typing import Any, TypeVar

Manager = TypeVar("Manager")


def with_total_timeout(manager: Manager) -> Manager:
    """
    The same pool manager of urllib3, whose answers from now on have the read timeout of their request as a whole.

    What comes later is a timeout like any other.
    """
    pools: Any = manager
    pools.pool_classes_by_scheme = {scheme: _bounded(pool) for scheme, pool in pools.pool_classes_by_scheme.items()}
    return manager


@cache
def _bounded(pool: Any) -> Any:
    """The class of *pool*, whose connections read their answers so."""
    kind = pool.ConnectionCls
    connection = type(kind.__name__, (kind,), {"response_class": _Answer})
    return type(pool.__name__, (pool,), {"ConnectionCls": connection})


class _Answer(HTTPResponse):
    """What is made for each answer, and for a proxy's to CONNECT, once its request is sent."""

    def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        if seconds := sock.gettimeout():
            whole: Any = self.fp
            self.fp = io.BufferedReader(_Bytes(whole.detach(), time.monotonic() + seconds))


class _Bytes(io.RawIOBase):
    """Those of one connection, until it is too late."""

    def __init__(self, raw: Any, until: float) -> None:
        self._raw = raw
        self._until = until

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> Any:
        """So many as there are. Raises TimeoutError as a socket does."""
        if time.monotonic() > self._until:
            raise TimeoutError("timed out")
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()

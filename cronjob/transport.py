"""How bytes get to GitLab: one TLS context and one pool for all connections, and what urllib3 may repeat by itself."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.util import Retry

# GitLab behind a proxy answers these while it restarts or is overloaded; 520 is Cloudflare's.
_WEATHER = frozenset({429, 500, 502, 503, 504, 520})
# These say that the write was not done (lib/api/api.rb: "409 Conflict: Resource lock").
_NOT_DONE = frozenset({409, 429})


class Adapter(HTTPAdapter):
    """One TLS context for all connections; requests otherwise loads the CA bundle for each of them."""

    def __init__(self, context: ssl.SSLContext, width: int, retry: Retry) -> None:
        self._context = context
        super().__init__(pool_connections=1, pool_maxsize=width, max_retries=retry)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Hand the context to every direct connection."""
        super().init_poolmanager(*args, ssl_context=self._context, **kwargs)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """Hand the context to every connection through a proxy."""
        return super().proxy_manager_for(proxy, ssl_context=self._context, **kwargs)

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Nothing: the context verifies, and urllib3 must not load CA files into it again."""

    def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:
        """The host alone: what verifies is the same for all."""
        host, _ = super().build_connection_pool_key_attributes(request, verify, cert)
        return host, {}


def tls_context(ca_file: str | None) -> ssl.SSLContext:
    """A context that verifies, with the CAs in *ca_file* (a file or a directory), else the system's."""
    if ca_file:
        is_dir = Path(ca_file).is_dir()
        return ssl.create_default_context(cafile=None if is_dir else ca_file, capath=ca_file if is_dir else None)
    context = ssl.create_default_context()
    known = ssl.get_default_verify_paths()
    if not (known.cafile or known.capath):
        # A bare container: no system store, so the one that requests ships.
        context.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)
    return context


def reading() -> Retry:
    """GETs are repeated after anything that may pass."""
    return _retry(_WEATHER, {"GET"}, read=3)


def writing() -> Retry:
    """Of writes only what was certainly not done is repeated: a refused connection, a lock, a limit."""
    return _retry(_NOT_DONE, None, read=False)


def _retry(statuses: frozenset[int], methods: set[str] | None, *, read: int | bool) -> Retry:
    return Retry(
        total=6,
        connect=3,
        read=read,
        status=5,
        redirect=0,
        other=0,
        allowed_methods=methods,
        status_forcelist=statuses,
        backoff_factor=0.5,
        backoff_max=30,
        backoff_jitter=0.5,
        # A longer wait than this is the next run's business.
        retry_after_max=120,
        # The last answer is worth more than urllib3's own error: it says why.
        raise_on_status=False,
    )

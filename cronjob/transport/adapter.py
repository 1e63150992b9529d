"""HTTP transport to GitLab: one TLS context, one connection pool, answers read whole, and failures classified."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import requests
from requests import exceptions as requests_errors
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3 import HTTPResponse
from urllib3 import exceptions as urllib3_errors

from cronjob.transport.answer import Answer
from cronjob.transport.deadline import with_total_timeout
from cronjob.transport.failures import cause_of, certificate_error, wrapped
from cronjob.transport.single_pool import target
from reconcile.causes import Cause, CauseCode
from reconcile.errors import SettingsError

# What comes instead of an answer; the second kind escapes from requests where a host name cannot be one, and from
# urllib3 while a body is read.
NO_ANSWER = (requests_errors.RequestException, urllib3_errors.HTTPError)
_PASSING = (
    requests_errors.ConnectionError,
    requests_errors.Timeout,
    requests_errors.ChunkedEncodingError,
    urllib3_errors.DecodeError,
    urllib3_errors.NewConnectionError,
    urllib3_errors.ProtocolError,
    urllib3_errors.ProxyError,
    urllib3_errors.SSLError,
    urllib3_errors.TimeoutError,
)
_NEVER_SENT = (
    requests_errors.ConnectTimeout,
    requests_errors.ProxyError,
    urllib3_errors.ConnectTimeoutError,
    urllib3_errors.ProxyError,
)
# A hundred projects are half a megabyte. Whatever answers with more than this is not GitLab.
_LARGEST = 32 * 1024 * 1024
_PIECE = 64 * 1024


class TooLarge(urllib3_errors.HTTPError):
    """The answer is larger than anything that GitLab sends."""


# What requests raises by itself; the rest wraps an error of urllib3.
_CAUSES = (
    ((requests_errors.InvalidProxyURL,), Cause(CauseCode.PROXY_FAILED)),
    (
        (requests_errors.InvalidURL, requests_errors.InvalidSchema, requests_errors.MissingSchema),
        Cause(CauseCode.ADDRESS_UNUSABLE),
    ),
    (
        (requests_errors.InvalidHeader,),
        Cause(CauseCode.CREDENTIALS_UNUSABLE, "the token cannot be sent in a header"),
    ),
    ((TooLarge,), Cause(CauseCode.MALFORMED, f"it is larger than {_LARGEST // 1024**2} MiB")),
)


class _Sent(requests.Response):
    """A response that has its raw answer only; the rest costs requests as much as sending."""

    def __init__(self, raw: HTTPResponse) -> None:
        # Without the constructor of the base class: it makes a cookie jar, which is not needed.
        self.raw = raw


class Adapter(HTTPAdapter):
    """
    For one host, through one proxy or none: one TLS context for all connections, which requests otherwise loads for
    each, and one pool, which it otherwise looks for again for each request. Nothing is repeated here.
    """

    def __init__(self, context: ssl.SSLContext | None, concurrency: int) -> None:
        self._context = context
        self._pool: Any = None
        super().__init__(pool_connections=1, pool_maxsize=concurrency)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Hand the context to every direct connection."""
        super().init_poolmanager(*args, ssl_context=self._context, **kwargs)
        with_total_timeout(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """Hand the context to every connection through a proxy."""
        return with_total_timeout(super().proxy_manager_for(proxy, ssl_context=self._context, **kwargs))

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        """The connection pool that the first request found: all requests go to the same server."""
        if self._pool is None:
            self._pool = super().get_connection_with_tls_context(*args, **kwargs)
        return self._pool

    def request_url(self, request: Any, proxies: Any) -> str:
        """The path alone, unless a proxy is spoken to, which may want to know the host."""
        return super().request_url(request, proxies) if proxies else target(request.url)

    def build_response(self, _: Any, resp: Any) -> requests.Response:
        """The response without what requests adds to it."""
        return _Sent(resp)

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
        try:
            return ssl.create_default_context(cafile=None if is_dir else ca_file, capath=ca_file if is_dir else None)
        except OSError as error:
            raise SettingsError(f"--ca-file {ca_file} cannot be used: {error.strerror or 'no certificate'}.") from error
    context = ssl.create_default_context()
    known = ssl.get_default_verify_paths()
    if not (known.cafile or known.capath):
        # A bare container: no system store, so the one that requests ships.
        context.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)
    return context


def read_answer(response: HTTPResponse) -> Answer:
    """The answer with its body, read to its end. Raises one of NO_ANSWER."""
    pieces, size = [], 0
    while piece := response.read1(_PIECE, decode_content=True):
        pieces.append(piece)
        size += len(piece)
        if size > _LARGEST:
            response.close()
            raise TooLarge
    return Answer(response.status, response.headers, b"".join(pieces))


def may_pass(error: Exception) -> bool:
    """Whether a retry may get an answer. What is wrong with a certificate stays wrong."""
    return certificate_error(error) is None and any(isinstance(one, _PASSING) for one in wrapped(error))


def was_never_sent(error: Exception) -> bool:
    """Whether the request certainly did not reach the server."""
    return certificate_error(error) is None and any(isinstance(one, _NEVER_SENT) for one in wrapped(error))


def cause_of_failure(error: Exception) -> Cause:
    """Why no answer came, for one of NO_ANSWER."""
    return cause_of(error, _CAUSES)


def timed_out(error: Exception) -> bool:
    """Whether the request was sent and its answer did not come, or not to its end, in time."""
    timeouts = (requests_errors.ReadTimeout, urllib3_errors.ReadTimeoutError)
    return any(isinstance(one, timeouts) for one in wrapped(error))

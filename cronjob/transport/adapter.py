"""How bytes get to GitLab and back: one TLS context and one pool, answers read to their end, and why one failed."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
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
from cronjob.transport.single_pool import target
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
    """An answer that nobody should have to hold in memory."""


_CLAUSES: tuple[tuple[tuple[type[BaseException], ...], str], ...] = (
    (
        (requests_errors.ProxyError, requests_errors.InvalidProxyURL),
        "the proxy does not let it through (HTTPS_PROXY, NO_PROXY)",
    ),
    ((urllib3_errors.NameResolutionError,), "its name cannot be resolved"),
    ((requests_errors.SSLError,), "no TLS connection comes about; is it https there?"),
    ((requests_errors.ConnectTimeout,), "it does not accept connections in time"),
    ((requests_errors.Timeout, urllib3_errors.ReadTimeoutError), "it does not answer in time (--timeout)"),
    ((urllib3_errors.NewConnectionError,), "the connection was refused"),
    ((requests_errors.ContentDecodingError, urllib3_errors.DecodeError), "its answer cannot be decoded"),
    (
        (requests_errors.ConnectionError, requests_errors.ChunkedEncodingError, urllib3_errors.ProtocolError),
        "the connection broke off",
    ),
    ((TooLarge,), f"its answer is larger than {_LARGEST // 1024**2} MiB"),
    (
        (requests_errors.InvalidURL, requests_errors.InvalidSchema, requests_errors.MissingSchema),
        "its address cannot be used (--gitlab-url)",
    ),
    ((requests_errors.InvalidHeader,), "the token cannot be sent in a header"),
    (NO_ANSWER, "the request could not be sent"),
)


class _Sent(requests.Response):
    """A response of which nobody asks more than what came; looking up the rest costs requests as much as sending."""

    def __init__(self, raw: HTTPResponse) -> None:
        # Not the other's: it makes a jar for cookies, which nobody keeps.
        self.raw = raw


class Adapter(HTTPAdapter):
    """
    For one host, through one proxy or none: one TLS context for all connections, which requests otherwise loads for
    each, and one pool, which it otherwise looks for again for each request. Nothing is repeated here.
    """

    def __init__(self, context: ssl.SSLContext | None, width: int) -> None:
        self._context = context
        self._pool: Any = None
        super().__init__(pool_connections=1, pool_maxsize=width)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Hand the context to every direct connection."""
        super().init_poolmanager(*args, ssl_context=self._context, **kwargs)
        with_total_timeout(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """Hand the context to every connection through a proxy."""
        return with_total_timeout(super().proxy_manager_for(proxy, ssl_context=self._context, **kwargs))

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        """The pool that the first request found: all go to the same place."""
        if self._pool is None:
            self._pool = super().get_connection_with_tls_context(*args, **kwargs)
        return self._pool

    def request_url(self, request: Any, proxies: Any) -> str:
        """The path alone, unless a proxy is spoken to, which may want to know the host."""
        return super().request_url(request, proxies) if proxies else target(request.url)

    def build_response(self, _: Any, resp: Any) -> requests.Response:
        """What came, and nothing made of it."""
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
    """Whether asking again may get an answer. What is wrong with a certificate stays wrong."""
    return _untrusted(error) is None and any(isinstance(one, _PASSING) for one in _all(error))


def was_never_sent(error: Exception) -> bool:
    """Whether the request certainly did not reach the server."""
    return _untrusted(error) is None and any(isinstance(one, _NEVER_SENT) for one in _all(error))


def cause_of(error: Exception) -> str:
    """Why no answer came, as a clause, without the URL and the objects that requests puts into its messages."""
    untrusted = _untrusted(error)
    if untrusted:
        return f"its certificate is not trusted: {untrusted.verify_message} (--ca-file names the CA)"
    return next(text for kinds, text in _CLAUSES if any(isinstance(one, kinds) for one in _all(error)))


def timed_out(error: Exception) -> bool:
    """Whether the request was sent and its answer did not come, or not to its end, in time."""
    return any(isinstance(one, (requests_errors.ReadTimeout, urllib3_errors.ReadTimeoutError)) for one in _all(error))


def _untrusted(error: Exception) -> ssl.SSLCertVerificationError | None:
    return next((one for one in _all(error) if isinstance(one, ssl.SSLCertVerificationError)), None)


def _all(error: BaseException) -> Iterator[BaseException]:
    """The error and those it wraps: requests and urllib3 put them into `args` and `reason`."""
    yield error
    for inner in (*error.args, getattr(error, "reason", None)):
        if isinstance(inner, BaseException):
            yield from _all(inner)

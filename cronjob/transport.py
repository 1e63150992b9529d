"""How bytes get to GitLab: one TLS context and one pool, what may be asked again, how fast, and why it failed."""

from __future__ import annotations

import re
import secrets
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import requests
from requests import exceptions as trouble
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3 import exceptions as weather
from urllib3.util import Retry

from cronjob.halt import Halt
from reconcile.errors import SettingsError

# What a header's number may be: more digits are nobody's limit, and Python refuses to read thousands of them.
_SMALL = re.compile(r"[0-9]{1,12}")
# What comes instead of an answer; the second kind escapes from requests where a host name cannot be one.
NO_ANSWER = (trouble.RequestException, weather.HTTPError)
# These say that a write was not done (lib/api/api.rb: "409 Conflict: Resource lock").
_NOT_DONE = frozenset({409, 429})
# GitLab behind a proxy answers these while it restarts or is overloaded; 520 is Cloudflare's.
_PASSING = _NOT_DONE | {500, 502, 503, 504, 520}
_NEVER_SENT = (trouble.ConnectTimeout, weather.NewConnectionError, trouble.ProxyError)
_TRIES = 6
# A server that does not even answer is not worth more: each of these may take the whole timeout.
_SILENT_TRIES = 4
# A longer wait than this is the next run's business.
_LONGEST = 180.0
# Limits that give no time count by the minute.
_MINUTE = 60.0

_CLAUSES: tuple[tuple[tuple[type[BaseException], ...], str], ...] = (
    ((trouble.ProxyError, trouble.InvalidProxyURL), "the proxy does not let it through (HTTPS_PROXY, NO_PROXY)"),
    ((weather.NameResolutionError,), "its name cannot be resolved"),
    ((trouble.SSLError,), "no TLS connection comes about; is it https there?"),
    ((trouble.ConnectTimeout,), "it does not accept connections in time"),
    ((trouble.Timeout, weather.ReadTimeoutError), "it does not answer in time (--timeout)"),
    ((weather.NewConnectionError,), "the connection was refused"),
    ((trouble.ConnectionError, trouble.ChunkedEncodingError), "the connection broke off"),
    ((trouble.ContentDecodingError,), "its answer cannot be decoded"),
    ((trouble.InvalidURL, trouble.InvalidSchema, trouble.MissingSchema), "its address cannot be used (--gitlab-url)"),
    ((trouble.InvalidHeader,), "the token cannot be sent in a header"),
    (NO_ANSWER, "the request could not be sent"),
)


class Adapter(HTTPAdapter):
    """One TLS context for all connections, which requests otherwise loads for each; nothing is repeated here."""

    def __init__(self, context: ssl.SSLContext, width: int) -> None:
        self._context = context
        super().__init__(pool_connections=1, pool_maxsize=width)

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


class Patience:
    """How often one request is repeated, and when: a few tries with growing pauses, minutes in all."""

    def __init__(self, method: str, backoff: float) -> None:
        self._reads = method == "GET"
        self._backoff = backoff
        self._tries = 0
        self._until = time.monotonic() + _LONGEST

    def pause(self, outcome: requests.Response | Exception) -> float | None:
        """Seconds until the next try; None where another one cannot help or must not be made."""
        self._tries += 1
        if isinstance(outcome, Exception):
            wait = pause_before(self._tries, self._backoff) if self._may_ask_again(outcome) else None
        else:
            wait = self._pause_asked_for(outcome)
        return None if wait is None or time.monotonic() + wait > self._until else wait

    def _may_ask_again(self, error: Exception) -> bool:
        """GETs after whatever may pass; of writes only those that were certainly never sent."""
        if self._tries >= _SILENT_TRIES or _untrusted(error):
            return False
        passing = (trouble.ConnectionError, trouble.Timeout, trouble.ChunkedEncodingError)
        return isinstance(error, passing) if self._reads else any(isinstance(one, _NEVER_SENT) for one in _all(error))

    def _pause_asked_for(self, answer: requests.Response) -> float | None:
        if self._tries >= _TRIES or answer.status_code not in (_PASSING if self._reads else _NOT_DONE):
            return None
        if not self._reads and answer.status_code == 409 and b"Resource lock" not in answer.content:
            return None
        asked = _retry_after(answer.headers)
        usual = _MINUTE if answer.status_code == 429 else pause_before(self._tries, self._backoff)
        return asked or usual


class Pace:
    """When each request of all workers may be sent: evenly spaced under a limit, late after a 429."""

    def __init__(self, per_minute: int | None, width: int, halt: Halt | None = None) -> None:
        self._halt = halt or Halt()
        self._gap = 60.0 / per_minute if per_minute else 0.0
        # With fewer left than this, the requests that are under way could use the limit up.
        self._few = 2 * width
        # Requests that have their turn and no answer yet: GitLab may not have counted them.
        self._under_way = 0
        self._next = 0.0
        self._slow_gap = 0.0
        self._slow_until = 0.0
        self._lock = threading.Lock()

    def wait(self) -> float:
        """Wait for this request's turn, or until the run must end; the seconds waited. `heed` must follow."""
        with self._lock:
            self._under_way += 1
            now = time.monotonic()
            turn = max(self._next, now)
            self._next = turn + (max(self._gap, self._slow_gap) if turn < self._slow_until else self._gap)
        self._halt.sleep(turn - now)
        return min(turn, time.monotonic()) - now

    def hold(self, seconds: float) -> None:
        """Send nothing for so long."""
        with self._lock:
            self._next = max(self._next, time.monotonic() + seconds)

    def heed(self, headers: Mapping[str, str]) -> None:
        """
        A request is over, with these headers, or none where it was not answered.

        What is left of GitLab's limit is spread over the rest of its window before it answers 429.
        """
        with self._lock:
            self._under_way -= 1
            left, reset = headers.get("RateLimit-Remaining", ""), headers.get("RateLimit-Reset", "")
            if not (_SMALL.fullmatch(left) and _SMALL.fullmatch(reset)) or int(left) > self._few:
                return
            window = min(max(int(reset) - _server_time(headers), 0.0), _MINUTE)
            self._slow_gap = window / (max(int(left) - self._under_way, 0) + 1)
            now = time.monotonic()
            self._slow_until = now + window
            self._next = max(self._next, now + self._slow_gap)


def pause_before(repeat: int, backoff: float) -> float:
    """Seconds before the *repeat*-th repetition: twice as long each time, with jitter, so that workers scatter."""
    return backoff * float(2 ** (repeat - 1)) * (0.5 + secrets.randbelow(1000) / 1000)


def cause_of(error: Exception) -> str:
    """Why no answer came, as a clause, without the URL and the objects that requests puts into its messages."""
    untrusted = _untrusted(error)
    if untrusted:
        return f"its certificate is not trusted: {untrusted.verify_message} (--ca-file names the CA)"
    return next(text for kinds, text in _CLAUSES if any(isinstance(one, kinds) for one in _all(error)))


def timed_out(error: Exception) -> bool:
    """Whether the request was sent and its answer did not come, or not to its end, in time."""
    return any(isinstance(one, (trouble.ReadTimeout, weather.ReadTimeoutError)) for one in _all(error))


def _untrusted(error: Exception) -> ssl.SSLCertVerificationError | None:
    return next((one for one in _all(error) if isinstance(one, ssl.SSLCertVerificationError)), None)


def _all(error: BaseException) -> Iterator[BaseException]:
    """The error and those it wraps: requests and urllib3 put them into `args` and `reason`."""
    yield error
    for inner in (*error.args, getattr(error, "reason", None)):
        if isinstance(inner, BaseException):
            yield from _all(inner)


def _retry_after(headers: Mapping[str, str]) -> float:
    """The seconds in Retry-After, a number or a date; 0 where there is none to be understood."""
    try:
        return float(Retry().parse_retry_after(headers.get("Retry-After", "")))
    except (weather.InvalidHeader, ValueError, OverflowError):
        return 0.0


def _server_time(headers: Mapping[str, str]) -> float:
    """By the server's own clock, which RateLimit-Reset is by."""
    try:
        return parsedate_to_datetime(headers.get("Date", "")).timestamp()
    except (ValueError, OverflowError):
        return datetime.now(UTC).timestamp()

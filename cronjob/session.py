"""
HTTP to GitLab: one pool for all workers, one place where answers and failures are understood.

A `Session` speaks to the configured API and to nothing else: redirects are never followed, the token travels in a
header only, and a session made without *allow_writes* refuses every method but GET before anything is sent.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.utils import get_environ_proxies
from urllib3.util import Retry

from cronjob.transport import Adapter, reading, tls_context, writing
from reconcile.errors import SyncerError, WriteFailed

_SHOWN = 200


class Refused(SyncerError):
    """GitLab answered with another status than hoped for; *location* is where a redirect points."""

    def __init__(self, status: int, reason: str, *, location: str = "") -> None:
        super().__init__(reason)
        self.status = status
        self.location = location


class NoAnswer(SyncerError):
    """No usable answer came: a write may or may not have been done."""


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach the API. *url* has no trailing slash; *timeout* is in seconds, for each read of each try."""

    url: str
    token: str = field(repr=False)
    allow_writes: bool = False
    concurrency: int = 16
    timeout: float = 30.0
    max_per_minute: int | None = None
    ca_file: str | None = None
    version: str = "0"


@dataclass(slots=True)
class Traffic:
    """What was sent, retries included, and how long workers waited to keep within limits."""

    requests: Counter[str] = field(default_factory=Counter)
    retries: int = 0
    throttled_seconds: float = 0.0


class Session:
    """Requests to one GitLab's REST API v4, safe to share between threads."""

    def __init__(self, access: Access) -> None:
        self.traffic = Traffic()
        self._access = access
        self._base = f"{access.url}/api/v4"
        self._lock = threading.Lock()
        self._pace = _Pace(access.max_per_minute)
        self._reading = self._http(reading())
        self._writing = self._http(writing())

    def close(self) -> None:
        """Close all connections."""
        self._reading.close()
        self._writing.close()

    def get(self, path: str, params: Mapping[str, str] | None = None) -> tuple[Any, Mapping[str, str]]:
        """The parsed body and the headers of a 200. Raises Refused for any other status, NoAnswer for none."""
        answer = self._send("GET", path, params=params)
        if answer.status_code != 200:
            raise _refused(answer)
        return _parsed(answer), answer.headers

    def write(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """
        The parsed body of a 2xx, None where it is empty.

        Raises Refused where GitLab said no, NoAnswer where the outcome is unknown: no answer, or a 5xx.
        """
        if not self._access.allow_writes:
            raise WriteFailed(f"{method} {path} was not sent: this is a dry run, and its session only reads")
        answer = self._send(method, path, json=body)
        if answer.status_code >= 500:
            raise NoAnswer(f"{method}: {_reason(answer)}")
        if answer.status_code >= 300:
            raise _refused(answer)
        return _parsed(answer) if answer.content else None

    def _send(self, method: str, path: str, **arguments: Any) -> requests.Response:
        waited = self._pace.wait()
        session = self._reading if method == "GET" else self._writing
        try:
            answer = session.request(
                method,
                self._base + path,
                timeout=(min(10.0, self._access.timeout), self._access.timeout),
                allow_redirects=False,
                **arguments,
            )
        except requests.RequestException as error:
            self._count(method, 0, waited)
            raise NoAnswer(_cause(error)) from error
        history = getattr(answer.raw.retries, "history", ())
        self._count(method, len(history), waited)
        return answer

    def _count(self, method: str, retries: int, waited: float) -> None:
        with self._lock:
            self.traffic.requests[method] += 1 + retries
            self.traffic.retries += retries
            self.traffic.throttled_seconds += waited

    def _http(self, retry: Retry) -> requests.Session:
        session = requests.Session()
        # Otherwise requests looks through the environment and ~/.netrc for every single request.
        session.trust_env = False
        session.proxies = get_environ_proxies(self._base)
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        session.headers.update(
            {
                # Not PRIVATE-TOKEN: requests drops only Authorization when a host changes.
                "Authorization": f"Bearer {self._access.token}",
                "User-Agent": f"flux-gitlab-syncer/{self._access.version}",
                "Accept": "application/json",
            }
        )
        session.adapters.clear()
        adapter = Adapter(tls_context(self._access.ca_file), self._access.concurrency, retry)
        session.mount(self._access.url + "/", adapter)
        return session


class _Pace:
    """At most so many requests a minute, evenly spaced, over all workers."""

    def __init__(self, per_minute: int | None) -> None:
        self._gap = 60.0 / per_minute if per_minute else 0.0
        self._next = 0.0
        self._lock = threading.Lock()

    def wait(self) -> float:
        """Wait for this request's turn; the seconds waited."""
        if not self._gap:
            return 0.0
        with self._lock:
            turn = max(self._next, time.monotonic())
            self._next = turn + self._gap
        delay = max(0.0, turn - time.monotonic())
        time.sleep(delay)
        return delay


def _refused(answer: requests.Response) -> Refused:
    return Refused(answer.status_code, _reason(answer), location=answer.headers.get("Location", ""))


def _parsed(answer: requests.Response) -> Any:
    try:
        return json.loads(answer.content)
    except ValueError as error:
        raise NoAnswer(f"GitLab answered {answer.status_code} with something that is not JSON") from error


def _reason(answer: requests.Response) -> str:
    """One clause: the status and what GitLab says, from any of its envelopes, plain text or HTML."""
    try:
        said = _said(json.loads(answer.content))
    except ValueError:
        is_html = "html" in answer.headers.get("Content-Type", "")
        said = "" if is_html else " ".join(answer.text.split())[:_SHOWN]
    number = str(answer.status_code)
    return f"GitLab answered {said if said.startswith(number) else f'{number} {said}'}".strip()


def _said(body: object) -> str:
    if not isinstance(body, dict):
        return ""
    said = body.get("error_description") or body.get("message") or body.get("error") or ""
    if isinstance(said, dict):
        said = "; ".join(f"{name} {_flat(value)}" for name, value in said.items())
    return re.sub(r"\s+", " ", str(said))[:_SHOWN]


def _flat(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _cause(error: requests.RequestException) -> str:
    """Why no answer came, without the URL and the objects that requests puts into its messages."""
    known = (
        (requests.exceptions.SSLError, "its certificate is not trusted (--ca-file names the CA)"),
        (requests.exceptions.ProxyError, "the proxy does not answer"),
        (requests.exceptions.ConnectTimeout, "it does not accept connections in time"),
        (requests.exceptions.Timeout, "it does not answer in time"),
        (requests.exceptions.ConnectionError, "the connection was refused or broke off"),
    )
    text = next((text for kind, text in known if isinstance(error, kind)), type(error).__name__)
    return f"GitLab gave no answer: {text}"

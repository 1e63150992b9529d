"""
HTTP to GitLab: one pool for all workers, one place where answers and failures are understood.

A `Session` speaks to the configured API and to nothing else: redirects are never followed, the token travels in a
header only, and a session made without *allow_writes* refuses every method but GET before anything is sent.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlencode

import requests
from requests.utils import get_environ_proxies

from cronjob.halt import Halt
from cronjob.reasons import reason, redacted
from cronjob.transport import NO_ANSWER, Adapter, Pace, Patience, cause_of, pause_before, timed_out, tls_context
from reconcile.errors import SyncerError, WriteFailed

# A proxy did not wait any longer (524 is Cloudflare's); GitLab may.
_GAVE_UP = frozenset({504, 524})


class Refused(SyncerError):
    """GitLab answered with another status than hoped for; *location* is where a redirect points."""

    def __init__(self, status: int, reason: str, *, location: str = "") -> None:
        super().__init__(reason)
        self.status = status
        self.location = location


class NoAnswer(SyncerError):
    """No usable answer came: a write may or may not have been done."""


class NotAsked(NoAnswer):
    """The run was stopped while a GET waited for its turn."""


class TooSlow(NoAnswer):
    """GitLab did not answer in time, and may still be working on it."""


class Unproven(NoAnswer):
    """A DELETE was answered, but not as GitLab does: something before it may have done that."""


@dataclass(frozen=True, slots=True)
class Access:
    """
    How to reach the API. *url* has no trailing slash; *timeout* is in seconds, for each read of each try.

    *backoff* is about how many seconds pass before the first repetition; each further one waits twice as long.
    """

    url: str
    token: str = field(repr=False)
    allow_writes: bool = False
    concurrency: int = 16
    timeout: float = 30.0
    max_per_minute: int | None = None
    ca_file: str | None = None
    version: str = "0"
    backoff: float = 0.5


@dataclass(slots=True)
class Traffic:
    """What was sent, retries included, and how long workers waited to keep within limits."""

    requests: Counter[str] = field(default_factory=Counter)
    retries: int = 0
    throttled_seconds: float = 0.0


class Session:
    """
    Requests to one GitLab's REST API v4, safe to share between threads.

    Once *halt* says so nothing is repeated and nobody waits. What begins only then is sent once: it belongs to a
    change that was begun before, and tells how that ended.
    """

    def __init__(self, access: Access, halt: Halt | None = None) -> None:
        self.traffic = Traffic()
        self._access = access
        self._base = f"{access.url}/api/v4"
        self._lock = threading.Lock()
        self.halt = halt or Halt()
        self._pace = Pace(access.max_per_minute, access.concurrency, self.halt)
        self._http = self._connected()

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def get(self, path: str, params: Mapping[str, str] | None = None) -> tuple[Any, Mapping[str, str]]:
        """The parsed body and the headers of a 200. Raises Refused for any other status, NoAnswer for none."""
        answer = self._send("GET", f"{path}?{urlencode(params)}" if params else path)
        if answer.status_code != 200:
            raise self._refused(answer)
        return _parsed(answer), answer.headers

    def write(self, method: str, path: str, body: Mapping[str, Any] | None = None, *, once: bool = False) -> Any:
        """
        The parsed body of a 2xx, None where it is empty.

        Raises Refused where GitLab said no, NoAnswer where the outcome is unknown: no answer, or a 5xx. What may be
        sent only *once* is not repeated after a lock or a limit either, which is waited out: NoAnswer.
        """
        if not self._access.allow_writes:
            raise WriteFailed(f"{method} {path} was not sent: this is a dry run, and its session only reads")
        answer = self._send(method, path, body, once=once)
        if answer.status_code >= 500:
            kind = TooSlow if answer.status_code in _GAVE_UP else NoAnswer
            raise kind(f"{method}: {self._reason(answer, body)}")
        if answer.status_code >= 300:
            raise self._refused(answer, body)
        if method == "DELETE" and (answer.content or answer.status_code not in {202, 204}):
            raise Unproven(f"{method}: {self._reason(answer)}")
        return _parsed(answer) if answer.content else None

    def pause(self, repeat: int) -> None:
        """Wait a little before the *repeat*-th look at a write whose outcome is unknown."""
        self.halt.sleep(pause_before(repeat, self._access.backoff))

    def _send(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, once: bool = False
    ) -> requests.Response:
        """Ask, and ask again for as long as that is safe and may help."""
        patience = Patience(method, self._access.backoff)
        late = self.halt()
        if not self._has_turn(late=late):
            stopped = f"{method} was not sent: the run was stopped, or its deadline passed"
            raise NotAsked(stopped) if method == "GET" else WriteFailed(stopped)
        outcome = self._try(method, path, body)
        while not self.halt() and (wait := patience.pause(outcome)) is not None:
            if isinstance(outcome, requests.Response) and outcome.status_code == 429:
                # All workers wait; the next turn is after it.
                self._pace.hold(wait)
            else:
                self.halt.sleep(wait)
            if once and isinstance(outcome, requests.Response):
                raise NoAnswer(f"{method}: {self._reason(outcome, body)}")
            if not self._has_turn():
                break
            with self._lock:
                self.traffic.retries += 1
            outcome = self._try(method, path, body)
        if isinstance(outcome, requests.Response):
            return outcome
        # Not `from outcome`: what requests says may hold the token, in a header that cannot be sent.
        kind = TooSlow if timed_out(outcome) else NoAnswer
        raise kind(redacted(f"GitLab gave no answer: {cause_of(outcome)}", self._secrets(body))) from None

    def _has_turn(self, *, late: bool = False) -> bool:
        """Wait for the next turn; whether it may be used: the run still goes on, or had ended before."""
        waited = self._pace.wait()
        with self._lock:
            self.traffic.throttled_seconds += waited
        if late or not self.halt():
            return True
        self._pace.heed({})
        return False

    def _try(self, method: str, path: str, body: Mapping[str, Any] | None) -> requests.Response | Exception:
        with self._lock:
            self.traffic.requests[method] += 1
        timeout = (min(10.0, self._access.timeout), self._access.timeout)
        try:
            answer = self._http.send(self._prepared(method, path, body), timeout=timeout, allow_redirects=False)
        except NO_ANSWER as error:
            self._pace.heed({})
            return error
        self._pace.heed(answer.headers)
        return answer

    def _refused(self, answer: requests.Response, body: Mapping[str, Any] | None = None) -> Refused:
        return Refused(answer.status_code, self._reason(answer, body), location=answer.headers.get("Location", ""))

    def _reason(self, answer: requests.Response, body: Mapping[str, Any] | None = None) -> str:
        """What GitLab says, without the secrets that it, or something before it, echoes."""
        return reason(answer.status_code, answer.content, self._secrets(body))

    def _secrets(self, body: Mapping[str, Any] | None) -> tuple[str, str]:
        return self._access.token, str((body or {}).get("token") or "")

    @cached_property
    def _template(self) -> requests.PreparedRequest:
        return self._http.prepare_request(requests.Request("GET", self._base))

    def _prepared(self, method: str, path: str, body: Mapping[str, Any] | None) -> requests.PreparedRequest:
        """Without a body a copy of the one that requests prepared: only method and path differ, and preparing costs."""
        if body is not None:
            return self._http.prepare_request(requests.Request(method, self._base + path, json=body))
        prepared = self._template.copy()
        prepared.method, prepared.url = method, self._base + path
        return prepared

    def _connected(self) -> requests.Session:
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
        # Nothing is mounted for any other address.
        session.mount(self._access.url + "/", Adapter(tls_context(self._access.ca_file), self._access.concurrency))
        return session


def _parsed(answer: requests.Response) -> Any:
    try:
        return json.loads(answer.content)
    except (ValueError, RecursionError):
        raise NoAnswer(f"GitLab answered {answer.status_code} with something that is not JSON") from None

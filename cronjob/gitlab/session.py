"""
HTTP to GitLab: one pool for all workers, one place where answers and failures are understood.

A `Session` speaks to the configured API and to nothing else: redirects are never followed, the token travels in a
header only, and a session made without *allow_writes* refuses every method but GET before anything is sent.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

import requests
from requests.utils import get_environ_proxies
from urllib3 import Timeout

from cronjob.concurrency.stop import StopControl
from cronjob.gitlab.error_causes import GATEWAY_TIMEOUTS, cause_of_answer
from cronjob.gitlab.error_texts import reason, redacted, who_answered
from cronjob.gitlab.errors import Cancelled, GatewayTimeout, NoAnswer, Refused, UnconfirmedDelete
from cronjob.transport import retry
from cronjob.transport.adapter import NO_ANSWER, Adapter, cause_of_failure, read_answer, timed_out, tls_context
from cronjob.transport.adaptive_concurrency import ConcurrencyLimiter
from cronjob.transport.answer import Answer
from cronjob.transport.rate_limit import RateLimiter
from cronjob.transport.request_counts import RequestCounts
from cronjob.transport.retry import Outcome, RetryPolicy
from reconcile.causes import Cause, CauseCode
from reconcile.errors import SyncerError, WriteFailed

_NOT_GITLAB = Cause(CauseCode.NOT_GITLAB)
# A server that answers so has more to do than it can.
_OVERLOADED = frozenset({429, 502, 503, *GATEWAY_TIMEOUTS})


@dataclass(frozen=True, slots=True)
class GitLabConnection:
    """
    How to reach the API. *url* has no trailing slash; *timeout* is in seconds, for the whole answer to one try.

    *backoff* is the most seconds before the first repetition, *limit* how many a 429 without a time is waited out.
    """

    url: str
    token: str = field(repr=False)
    allow_writes: bool = False
    concurrency: int = 16
    timeout: float = 30.0
    max_per_minute: int | None = None
    ca_file: str | None = None
    version: str = "0"
    backoff: float = field(default_factory=lambda: retry.BACKOFF)
    limit: float = field(default_factory=lambda: retry.MINUTE)


class Session:
    """
    Requests to one GitLab's REST API v4, safe to share between threads.

    Once *stop_control* says so nothing is repeated and nobody waits. What begins only then is sent once: it belongs to
    a change that was begun before, and tells how that ended.
    """

    def __init__(self, access: GitLabConnection, stop_control: StopControl | None = None) -> None:
        self.traffic = RequestCounts()
        self._access = access
        self._base = f"{access.url}/api/v4"
        self.stop_control = stop_control or StopControl()
        self._retry_policy = RetryPolicy(self.stop_control, access.backoff, access.limit)
        self._rate_limiter = RateLimiter(access.max_per_minute, access.concurrency, self.stop_control)
        self._limiter = ConcurrencyLimiter(access.concurrency)
        self._http = self._connected()

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def get(self, path: str, params: Mapping[str, str] | None = None) -> tuple[Any, Mapping[str, str]]:
        """The parsed body and the headers of a 200. Raises Refused for any other status, NoAnswer for none."""
        answer = self._send("GET", f"{path}?{urlencode(params)}" if params else path)
        if answer.status != 200:
            raise self._refused(answer, path)
        return _parsed(answer), answer.headers

    def write(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, retry_on_limit: bool = True
    ) -> Any:
        """
        The parsed body of a 2xx, None where it is empty.

        Raises Refused where GitLab said no, NoAnswer where the outcome is unknown: no answer, or a 5xx. Without
        *retry_on_limit* there is no retry after a lock or a rate limit, which is waited out: NoAnswer.
        """
        if not self._access.allow_writes:
            raise WriteFailed(f"{method} {path} was not sent: this is a dry run, and its session only reads")
        answer = self._send(method, path, body, retry_on_limit=retry_on_limit)
        if answer.status >= 500:
            kind = GatewayTimeout if answer.status in GATEWAY_TIMEOUTS else NoAnswer
            raise kind(f"{method}: {self._reason(answer, body)}", cause=cause_of_answer(answer, path))
        if answer.status >= 300:
            raise self._refused(answer, path, body)
        if method == "DELETE" and (answer.body or answer.status not in {202, 204}):
            raise UnconfirmedDelete(f"{method}: {self._reason(answer)}", cause=_NOT_GITLAB)
        return _parsed(answer) if answer.body else None

    def pause(self, repeat: int) -> None:
        """Wait a little before the *repeat*-th look at a write whose outcome is unknown."""
        self.stop_control.sleep(self._access.backoff * 2 ** (repeat - 1))

    def _send(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, retry_on_limit: bool = True
    ) -> Answer:
        """The answer after as many retries as are safe and may help."""
        late = self.stop_control.must_stop()
        last: Outcome | None = None

        def attempt() -> Outcome:
            nonlocal last
            if self._has_turn(late=late):
                again, last = last is not None, self._try(method, path, body)
                self.traffic.count(method, last, again=again)
            if last is None:
                raise self._unsent(method)
            return last

        def wait(outcome: Outcome, seconds: float) -> None:
            if isinstance(outcome, Answer) and outcome.status == 429:
                # All workers wait; the next turn is after it.
                self._rate_limiter.block_for(seconds)
            else:
                self.stop_control.sleep(seconds)
            if isinstance(outcome, Answer) and not retry_on_limit:
                raise NoAnswer(f"{method}: {self._reason(outcome, body)}", cause=cause_of_answer(outcome, path))

        outcome = self._retry_policy.repeat(method, attempt, wait)
        if isinstance(outcome, Answer):
            return outcome
        # Not `from outcome`: what requests says may hold the token, in a header that cannot be sent.
        kind = GatewayTimeout if timed_out(outcome) else NoAnswer
        cause = cause_of_failure(outcome)
        raise kind(redacted(f"GitLab gave no answer: {cause.clause}", self._secrets(body)), cause=cause) from None

    def _has_turn(self, *, late: bool) -> bool:
        """Wait for the next turn; whether it may be used: the run still goes on, or had ended before."""
        if waited := self._rate_limiter.wait():
            self.traffic.wait(waited)
        if late or not self.stop_control.must_stop():
            return True
        self._rate_limiter.observe({})
        return False

    def _unsent(self, method: str) -> SyncerError:
        why = f"{method} was not sent: {self.stop_control.reason()}"
        return Cancelled(why) if method == "GET" else WriteFailed(why)

    def _try(self, method: str, path: str, body: Mapping[str, Any] | None) -> Outcome:
        outcome: Outcome | None = None
        self._limiter.acquire()
        try:
            request = self._prepared(method, path, body)
            # Not the session's own send, which looks for cookies and redirects in every answer.
            sent = self._http.get_adapter(str(request.url)).send(request, **self._sending)
            outcome = read_answer(sent.raw)
        except NO_ANSWER as error:
            outcome = error
        finally:
            # Whatever was raised: a place that is never given back would be waited for.
            answer = outcome if isinstance(outcome, Answer) else None
            self._limiter.release(overloaded=answer is None or answer.status in _OVERLOADED)
            self._rate_limiter.observe(answer.headers if answer else {})
        return outcome

    def _refused(self, answer: Answer, path: str, sent: Mapping[str, Any] | None = None) -> Refused:
        return Refused(self._reason(answer, sent), answer, cause_of_answer(answer, path))

    def _reason(self, answer: Answer, body: Mapping[str, Any] | None = None) -> str:
        """What GitLab says, without the secrets that it, or something before it, echoes."""
        return reason(answer, self._secrets(body))

    def _secrets(self, body: Mapping[str, Any] | None) -> tuple[str, str]:
        return self._access.token, str((body or {}).get("token") or "")

    @cached_property
    def _sending(self) -> dict[str, Any]:
        """How every request is sent."""
        seconds = self._access.timeout
        return {"timeout": Timeout(connect=min(10.0, seconds), read=seconds), "proxies": self._http.proxies}

    @cached_property
    def _headers(self) -> Any:
        """Those of every request, as requests checks and completes them; a plain dict, which costs least to copy."""
        return dict(self._http.prepare_request(requests.Request("GET", self._base)).headers)

    def _prepared(self, method: str, path: str, body: Mapping[str, Any] | None) -> requests.PreparedRequest:
        """What requests would make of it, with one set of headers for all that only read: preparing costs."""
        prepared = requests.PreparedRequest()
        prepared.method, prepared.url, prepared.headers = method, self._base + path, self._headers
        if method != "GET":
            prepared.headers = self._headers.copy()
            # In maintenance mode GitLab answers a write in words only where its type is JSON, also without a body.
            prepared.headers["Content-Type"] = "application/json"
        if body is not None:
            prepared.prepare_body(None, None, json=body)
        return prepared

    def _connected(self) -> requests.Session:
        access, session = self._access, requests.Session()
        # Otherwise requests looks through the environment and ~/.netrc for every single request.
        session.trust_env = False
        session.proxies = get_environ_proxies(self._base)
        session.headers.update(
            {
                # Not PRIVATE-TOKEN: requests drops only Authorization when a host changes.
                "Authorization": f"Bearer {access.token}",
                "User-Agent": f"flux-gitlab-syncer/{access.version}",
                "Accept": "application/json",
                # An old list from a cache would be taken for what GitLab has.
                "Cache-Control": "no-cache",
            }
        )
        session.adapters.clear()
        needs_tls = bool(access.ca_file or session.proxies or not access.url.startswith("http://"))
        context = tls_context(access.ca_file) if needs_tls else None
        # Nothing is mounted for any other address.
        session.mount(access.url + "/", Adapter(context, access.concurrency))
        return session


def _parsed(answer: Answer) -> Any:
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        text = f"{who_answered(answer.body)} answered {answer.status} with something that is not JSON"
        raise NoAnswer(text, cause=_NOT_GITLAB) from None

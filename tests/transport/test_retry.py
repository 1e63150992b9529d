"""After what a request is made again, how often, and after how long."""

from __future__ import annotations

import email.utils
import ssl
import time
from typing import Any

import pytest
from requests import exceptions as requests_errors
from requests.structures import CaseInsensitiveDict
from urllib3 import exceptions as urllib3_errors

from cronjob.concurrency.stop import StopControl
from cronjob.transport.answer import Answer
from cronjob.transport.rate_limit import RateLimiter
from cronjob.transport.retry import Outcome, RetryPolicy

NO_POOL: Any = None


class Hasty(StopControl):
    """Writes down how long it should sleep, and does not."""

    def __init__(self, deadline: float | None = None) -> None:
        super().__init__(deadline=deadline)
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


def an_outcome(status: int, body: bytes = b"", /, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, CaseInsensitiveDict(named), body)


def waits(
    method: str,
    outcome: Outcome,
    *,
    limit: float | None = 60.0,
    stop_control: Hasty | None = None,
    told: list[float] | None = None,
) -> list[float]:
    """The pauses between tries that all end in *outcome*."""
    stop_control = stop_control or Hasty()
    heard = (lambda _, wait: told.append(wait)) if told is not None else None
    assert RetryPolicy(stop_control, 1.0, limit).repeat(method, lambda: outcome, heard) is outcome
    return stop_control.slept


def refused() -> Exception:
    """What requests raises when nobody listens."""
    never = urllib3_errors.NewConnectionError(NO_POOL, "Connection refused")
    return requests_errors.ConnectionError(urllib3_errors.MaxRetryError(NO_POOL, "/", never))


class TestPatience:
    @pytest.mark.parametrize("status", [409, 500, 502, 503, 504, 520])
    def test_a_get_is_tried_six_times_with_growing_pauses(self, status: int) -> None:
        pauses = waits("GET", an_outcome(status))

        assert len(pauses) == 5
        for number, pause in enumerate(pauses):
            assert 0 <= pause <= 2**number

    @pytest.mark.parametrize("status", [200, 201, 301, 400, 401, 403, 404, 422, 501])
    def test_what_is_an_answer_is_not_asked_again(self, status: int) -> None:
        assert waits("GET", an_outcome(status)) == waits("POST", an_outcome(status)) == []

    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
    @pytest.mark.parametrize("status", [500, 502, 503, 504, 520])
    def test_a_write_is_not_repeated_after_what_may_have_been_done(self, method: str, status: int) -> None:
        assert waits(method, an_outcome(status)) == []
        assert waits(method, an_outcome(status, Retry_After="1")) == []

    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
    def test_a_write_is_repeated_after_a_lock(self, method: str) -> None:
        assert len(waits(method, an_outcome(409, b'{"message": "409 Conflict: Resource lock"}'))) == 5

    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
    def test_a_write_is_not_repeated_after_any_other_conflict(self, method: str) -> None:
        assert waits(method, an_outcome(409, b'{"message": "409 Conflict"}')) == []

    @pytest.mark.parametrize(
        "headers",
        [
            {"Retry_After": "9" * 5000},
            {"Retry_After": "Fri, 01 Jan 99999 00:00:00 GMT"},
            {"RateLimit_Remaining": "0", "RateLimit_Reset": "9" * 400},
            {"RateLimit_Remaining": "0", "RateLimit_Reset": "1", "Date": "Fri, 01 Jan 99999 00:00:00 GMT"},
            {"RateLimit_Remaining": "9" * 5000, "RateLimit_Reset": "9" * 400},
        ],
    )
    def test_absurd_headers_are_as_good_as_none(self, headers: dict[str, str]) -> None:
        assert waits("GET", an_outcome(429, **headers))[0] == 60
        RateLimiter(None, 4).observe(an_outcome(200, **headers).headers)

    @pytest.mark.parametrize("method", ["GET", "POST"])
    def test_a_limit_without_a_time_is_waited_out_for_a_minute(self, method: str) -> None:
        assert waits(method, an_outcome(429))[0] == 60

    @pytest.mark.parametrize("status", [429, 503])
    def test_retry_after_is_honoured(self, status: int) -> None:
        assert waits("GET", an_outcome(status, Retry_After="7")) == [7] * 5

    def test_retry_after_may_be_a_date(self) -> None:
        soon = email.utils.formatdate(time.time() + 20, usegmt=True)

        assert 15 < waits("GET", an_outcome(503, Retry_After=soon))[0] <= 20

    @pytest.mark.parametrize("unclear", ["0", "soon", ""])
    def test_a_retry_after_that_says_nothing_is_as_none(self, unclear: str) -> None:
        assert waits("GET", an_outcome(429, Retry_After=unclear))[0] == 60

    def test_a_wait_of_more_than_three_minutes_is_the_next_runs_business(self) -> None:
        assert waits("GET", an_outcome(429, Retry_After="181")) == []
        assert waits("GET", an_outcome(429, Retry_After="170"))

    @pytest.mark.parametrize(
        "error",
        [
            requests_errors.ConnectionError(),
            requests_errors.ReadTimeout(),
            requests_errors.ChunkedEncodingError(),
            requests_errors.ProxyError(),
        ],
    )
    def test_a_get_without_answer_is_tried_four_times(self, error: Exception) -> None:
        assert len(waits("GET", error)) == 3

    @pytest.mark.parametrize(
        "error", [requests_errors.InvalidURL(), requests_errors.InvalidHeader(), requests_errors.TooManyRedirects()]
    )
    def test_what_will_not_change_is_not_tried_again(self, error: Exception) -> None:
        assert waits("GET", error) == []

    def test_a_certificate_that_is_not_trusted_is_not_tried_again(self) -> None:
        assert waits("GET", requests_errors.SSLError(ssl.SSLCertVerificationError("no"))) == []
        assert len(waits("GET", requests_errors.SSLError(ssl.SSLEOFError("broke off")))) == 3

    @pytest.mark.parametrize(
        "error",
        [requests_errors.ConnectionError(), requests_errors.ReadTimeout(), requests_errors.ChunkedEncodingError()],
    )
    def test_a_write_that_may_have_arrived_is_not_repeated(self, error: Exception) -> None:
        assert waits("POST", error) == []

    @pytest.mark.parametrize("error", [refused(), requests_errors.ConnectTimeout(), requests_errors.ProxyError()])
    def test_a_write_that_was_never_sent_is_repeated(self, error: Exception) -> None:
        assert len(waits("POST", error)) == 3

    def test_pauses_are_anything_between_nothing_and_their_longest(self) -> None:
        first = [waits("GET", an_outcome(503))[0] for _ in range(200)]

        assert min(first) < 0.1
        assert max(first) > 0.9

    def test_somebody_else_may_let_the_time_pass(self) -> None:
        told: list[float] = []

        assert waits("GET", an_outcome(429), told=told) == []
        assert told == [60.0] * 5

    def test_where_a_limit_gives_no_time_and_has_no_window_it_is_like_other_trouble(self) -> None:
        assert max(waits("GET", an_outcome(429), limit=None)) <= 16

    def test_once_the_run_must_end_nothing_is_tried_again(self) -> None:
        assert waits("GET", an_outcome(503), stop_control=Hasty(deadline=-1)) == []

    def test_what_was_tried_last_is_what_it_came_to(self) -> None:
        outcomes: list[Outcome] = [requests_errors.ConnectionError(), an_outcome(503), an_outcome(200, b"[]")]

        outcome = RetryPolicy(Hasty(), 1.0).repeat("GET", lambda: outcomes.pop(0))

        assert isinstance(outcome, Answer)
        assert outcome.body == b"[]"

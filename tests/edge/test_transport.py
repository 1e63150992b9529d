"""What may be asked again and when, how fast, why no answer came, and whose certificates are trusted."""

from __future__ import annotations

import email.utils
import hashlib
import inspect
import io
import socket
import ssl
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests
from edge.gitlab_builders import OK, TOKEN, Authority, a_session, an_answer, raw_server
from requests import exceptions as trouble
from urllib3 import exceptions as weather

from cronjob.session import NoAnswer
from cronjob.transport import NO_ANSWER, Pace, Patience, cause_of, pause_before, tls_context
from reconcile.errors import SettingsError

pytest_plugins = ["edge.gitlab_fixtures"]
pytestmark = pytest.mark.usefixtures("no_proxies")

NO_POOL: Any = None


def an_outcome(status: int, body: bytes = b"", /, **headers: str) -> requests.Response:
    answer = requests.Response()
    answer.status_code = status
    answer.raw = io.BytesIO(body)
    answer.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    return answer


def waits(method: str, outcome: requests.Response | Exception, backoff: float = 1.0) -> list[float]:
    """The pauses between tries that all end in *outcome*."""
    patience = Patience(method, backoff)
    return list(iter(lambda: patience.pause(outcome), None))


def refused() -> Exception:
    """What requests raises when nobody listens."""
    never = weather.NewConnectionError(NO_POOL, "Connection refused")
    return trouble.ConnectionError(weather.MaxRetryError(NO_POOL, "/", never))


class TestPatience:
    @pytest.mark.parametrize("status", [409, 500, 502, 503, 504, 520])
    def test_a_get_is_tried_six_times_with_growing_pauses(self, status: int) -> None:
        pauses = waits("GET", an_outcome(status))

        assert len(pauses) == 5
        for number, pause in enumerate(pauses):
            assert 0.5 * 2**number <= pause <= 1.5 * 2**number

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
        Pace(None, 4).heed(an_outcome(200, **headers).headers)

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
        [trouble.ConnectionError(), trouble.ReadTimeout(), trouble.ChunkedEncodingError(), trouble.ProxyError()],
    )
    def test_a_get_without_answer_is_tried_four_times(self, error: Exception) -> None:
        assert len(waits("GET", error)) == 3

    @pytest.mark.parametrize("error", [trouble.InvalidURL(), trouble.InvalidHeader(), trouble.TooManyRedirects()])
    def test_what_will_not_change_is_not_tried_again(self, error: Exception) -> None:
        assert waits("GET", error) == []

    def test_a_certificate_that_is_not_trusted_is_not_tried_again(self) -> None:
        assert waits("GET", trouble.SSLError(ssl.SSLCertVerificationError("no"))) == []
        assert len(waits("GET", trouble.SSLError(ssl.SSLEOFError("broke off")))) == 3

    @pytest.mark.parametrize(
        "error", [trouble.ConnectionError(), trouble.ReadTimeout(), trouble.ChunkedEncodingError()]
    )
    def test_a_write_that_may_have_arrived_is_not_repeated(self, error: Exception) -> None:
        assert waits("POST", error) == []

    @pytest.mark.parametrize("error", [refused(), trouble.ConnectTimeout(), trouble.ProxyError()])
    def test_a_write_that_was_never_sent_is_repeated(self, error: Exception) -> None:
        assert len(waits("POST", error)) == 3

    def test_pauses_scatter(self) -> None:
        assert len({pause_before(1, 1.0) for _ in range(20)}) > 10


def turns(pace: Pace, number: int, workers: int = 1) -> list[float]:
    """When each of so many requests was sent, in seconds from the first."""
    began = time.monotonic()

    def one(_: int) -> float:
        pace.wait()
        return time.monotonic() - began

    with ThreadPoolExecutor(workers) as pool:
        return sorted(pool.map(one, range(number)))


class TestPace:
    def test_without_a_limit_nobody_waits(self) -> None:
        pace = Pace(None, 4)

        assert [pace.wait() for _ in range(100)] == [0.0] * 100

    @pytest.mark.parametrize("workers", [1, 5])
    def test_a_limit_spaces_the_requests_of_all_workers_evenly(self, workers: int) -> None:
        sent = turns(Pace(1200, workers), 11, workers)

        # Never early; how late depends on the machine.
        assert all(when >= 0.05 * number - 0.001 for number, when in enumerate(sent))
        assert sent[-1] < 5

    def test_the_first_request_does_not_wait(self) -> None:
        assert Pace(1, 4).wait() == 0.0

    def test_one_limit_that_was_hit_holds_all_workers(self) -> None:
        pace = Pace(None, 4)
        pace.hold(0.2)

        assert all(when >= 0.19 for when in turns(pace, 4, 4))
        assert pace.wait() == 0.0

    def test_a_shorter_hold_does_not_end_a_longer_one(self) -> None:
        pace = Pace(None, 4)
        pace.hold(0.2)
        pace.hold(0.01)

        assert pace.wait() > 0.1

    def test_what_little_is_left_of_a_limit_is_spread_over_the_rest_of_its_window(self) -> None:
        pace = Pace(None, 4)
        pace.wait()
        pace.heed(_left(4, seconds=1))

        waited = [pace.wait() for _ in range(3)]

        assert all(0.1 < each <= 0.2 for each in waited)

    def test_what_is_under_way_counts_as_used(self) -> None:
        pace = Pace(None, 4)
        for _ in range(4):
            pace.wait()
        pace.heed(_left(4, seconds=1))

        assert 0.4 < pace.wait() <= 0.5

    def test_once_the_window_is_over_nobody_waits(self) -> None:
        pace = Pace(None, 4)
        pace.wait()
        pace.heed(_left(1, seconds=0))

        assert [pace.wait() for _ in range(5)] == [0.0] * 5

    def test_while_enough_is_left_nobody_waits(self) -> None:
        pace = Pace(None, 4)
        pace.wait()
        pace.heed(_left(9, seconds=30))

        assert pace.wait() == 0.0

    @pytest.mark.parametrize(
        "headers", [{}, {"RateLimit-Remaining": "0"}, {"RateLimit-Remaining": "0", "RateLimit-Reset": "?"}]
    )
    def test_headers_that_say_nothing_slow_nobody(self, headers: dict[str, str]) -> None:
        pace = Pace(None, 4)
        pace.wait()
        pace.heed(headers)

        assert pace.wait() == 0.0

    def test_the_reset_is_read_by_the_servers_clock(self) -> None:
        """Ours may be hours off: the same moment, seen from a server that lives in 1970."""
        pace = Pace(None, 4)
        pace.wait()
        pace.heed({"RateLimit-Remaining": "1", "RateLimit-Reset": "1001", "Date": "Thu, 01 Jan 1970 00:16:40 GMT"})

        assert 0.3 < pace.wait() <= 0.5

    def test_without_a_date_our_clock_is_used(self) -> None:
        pace = Pace(None, 4)
        pace.wait()
        headers = _left(1, seconds=10)
        del headers["Date"]
        pace.heed(headers | {"RateLimit-Reset": str(int(time.time()) - 5)})

        assert pace.wait() == 0.0


def _left(number: int, *, seconds: int) -> dict[str, str]:
    now = int(time.time())
    date = email.utils.formatdate(now, usegmt=True)
    return {"RateLimit-Remaining": str(number), "RateLimit-Reset": str(now + seconds), "Date": date}


ALL = [kind for _, kind in inspect.getmembers(trouble, inspect.isclass) if issubclass(kind, trouble.RequestException)]


class TestCauses:
    @pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
    def test_every_exception_of_requests_has_a_clause(self, kind: type[Exception]) -> None:
        error = kind("glpat-secret", "", 0) if issubclass(kind, trouble.JSONDecodeError) else kind("glpat-secret")
        clause = cause_of(error)

        assert isinstance(error, NO_ANSWER)
        assert len(clause.split()) > 3
        assert "secret" not in clause
        # Only those that have nothing to say about why end up with the last clause.
        vague = {"RequestException", "HTTPError", "URLRequired", "TooManyRedirects", "RetryError"}
        vague |= {"StreamConsumedError", "UnrewindableBodyError", "InvalidJSONError", "JSONDecodeError"}
        assert (clause == "the request could not be sent") == (kind.__name__ in vague)

    def test_what_escapes_from_urllib3_has_one_too(self) -> None:
        assert isinstance(weather.LocationParseError("a..b"), NO_ANSWER)
        assert cause_of(weather.LocationParseError("a..b")) == "the request could not be sent"

    def test_a_name_that_nobody_knows_is_said(self) -> None:
        unknown = weather.NameResolutionError("nowhere", NO_POOL, socket.gaierror())
        error = trouble.ConnectionError(weather.MaxRetryError(NO_POOL, "/", unknown))

        assert cause_of(error) == "its name cannot be resolved"

    def test_a_timeout_inside_a_body_is_a_timeout(self) -> None:
        error = trouble.ConnectionError(weather.ReadTimeoutError(NO_POOL, "/", "Read timed out."))

        assert cause_of(error) == "it does not answer in time (--timeout)"

    def test_a_refused_connection_is_not_one_that_broke_off(self) -> None:
        assert cause_of(refused()) == "the connection was refused"
        assert cause_of(trouble.ConnectionError(ConnectionResetError())) == "the connection broke off"


class TestTls:
    def test_a_server_of_an_unknown_ca_is_refused(self, authority: Authority) -> None:
        with raw_server(OK, context=authority.server()) as server, a_session(server.url) as session:
            with pytest.raises(NoAnswer, match=r"its certificate is not trusted: unable to get .*\(--ca-file"):
                session.get("/user")

            assert server.requests == []
            assert session.traffic.requests == {"GET": 1}

    def test_its_ca_file_makes_it_trusted(self, authority: Authority) -> None:
        with (
            raw_server(OK, context=authority.server()) as server,
            a_session(server.url, ca_file=authority.file) as session,
        ):
            assert session.get("/user")[0] == {}
            assert session.get("/user")[0] == {}

        assert len(server.requests) == 2

    def test_a_folder_of_cas_will_do(self, authority: Authority, tmp_path: Path) -> None:
        folder = tmp_path / "cas"
        folder.mkdir()
        # OpenSSL finds a CA by the hash of its subject.
        digest = _subject_hash(authority)
        (folder / f"{digest}.0").write_text(Path(authority.file).read_text())
        with (
            raw_server(OK, context=authority.server()) as server,
            a_session(server.url, ca_file=str(folder)) as session,
        ):
            assert session.get("/user")[0] == {}

    def test_a_certificate_for_somebody_else_is_refused(self, authority: Authority) -> None:
        with (
            raw_server(OK, context=authority.server("192.0.2.7")) as server,
            a_session(server.url, ca_file=authority.file) as session,
            pytest.raises(NoAnswer, match="not trusted: IP address mismatch"),
        ):
            session.get("/user")

        assert server.requests == []

    def test_plain_http_where_https_was_meant_is_told(self) -> None:
        with raw_server(b"HTTP/1.1 400 Bad Request\r\n\r\n") as server:
            url = server.url.replace("http:", "https:")
            with a_session(url) as session, pytest.raises(NoAnswer, match="no TLS connection comes about"):
                session.get("/user")

    def test_a_ca_file_that_is_not_there_is_a_matter_of_settings(self, tmp_path: Path) -> None:
        with pytest.raises(SettingsError, match=r"--ca-file .*ca.pem cannot be used: No such file"):
            tls_context(str(tmp_path / "ca.pem"))

    def test_a_ca_file_without_certificates_is_one_too(self, tmp_path: Path) -> None:
        (tmp_path / "ca.pem").write_text("nothing")

        with pytest.raises(SettingsError, match=r"--ca-file .* cannot be used"):
            tls_context(str(tmp_path / "ca.pem"))

    def test_the_systems_cas_are_used_without_a_file(
        self, monkeypatch: pytest.MonkeyPatch, authority: Authority
    ) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", authority.file)

        assert [ca["serialNumber"] for ca in tls_context(None).get_ca_certs()] == [
            f"{authority.certificate.serial_number:X}".zfill(40)
        ]

    def test_where_the_system_has_none_there_are_those_of_requests(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
        monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "none"))

        assert tls_context(None).cert_store_stats()["x509_ca"] > 50


def _subject_hash(authority: Authority) -> str:
    """What `openssl x509 -hash` prints: SHA-1 over the subject in canonical form, its first four bytes reversed."""
    (name,) = authority.certificate.subject
    text = str(name.value).lower().encode()
    pair = bytes([0x06, 3, 0x55, 4, 3, 0x0C, len(text)]) + text
    sequence = bytes([0x30, len(pair)]) + pair
    canonical = bytes([0x31, len(sequence)]) + sequence
    return hashlib.sha1(canonical, usedforsecurity=False).digest()[:4][::-1].hex()


def tunnel(port: int, seen: list[bytes]) -> Callable[[socket.socket], None]:
    """A proxy's side of CONNECT, to *port*; it sees only what is not encrypted."""

    def relay(source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                seen.append(data)
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            return

    def answer(client: socket.socket) -> None:
        with ExitStack() as stack:
            server = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=relay, args=(server, client), daemon=True)
            back.start()
            relay(client, server)
            back.join(5)

    return answer


class TestProxy:
    def test_through_a_proxy_the_server_is_verified_and_the_token_is_not_seen(
        self, authority: Authority, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen: list[bytes] = []
        with (
            raw_server(an_answer("200 OK", "{}"), context=authority.server()) as server,
            raw_server(tunnel(server.port, seen)) as proxy,
        ):
            monkeypatch.setenv("HTTPS_PROXY", proxy.url)
            with a_session(server.url, ca_file=authority.file) as session:
                assert session.get("/user")[0] == {}
            with a_session(server.url) as session, pytest.raises(NoAnswer, match="not trusted"):
                session.get("/user")

        assert len(server.requests) == 1
        assert len(proxy.requests) == 2
        assert proxy.requests[0].startswith(f"CONNECT 127.0.0.1:{server.port} ".encode())
        assert TOKEN.encode() in server.requests[0]
        assert TOKEN.encode() not in b"".join([*proxy.requests, *seen])

    def test_a_proxy_that_refuses_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with raw_server(an_answer("403 Forbidden")) as proxy:
            monkeypatch.setenv("HTTPS_PROXY", proxy.url)
            with a_session("https://127.0.0.1:9") as session, pytest.raises(NoAnswer, match="the proxy does not let"):
                session.get("/user")

    def test_no_proxy_is_honoured(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        with raw_server(OK) as server, a_session(server.url) as session:
            assert session.get("/user")[0] == {}

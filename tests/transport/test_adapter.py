"""Why no answer came, how much of one is taken, and whose certificates are trusted."""

from __future__ import annotations

import gzip
import hashlib
import inspect
import json
import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from requests import exceptions as requests_errors
from urllib3 import exceptions as urllib3_errors

from cronjob.gitlab.errors import GatewayTimeout, NoAnswer
from cronjob.transport.adapter import NO_ANSWER, cause_of_failure, tls_context
from reconcile.causes import Cause, CauseCode
from reconcile.errors import SettingsError
from tests.worlds.gitlab_builders import OK, TOKEN, Authority, a_session, an_answer, dripping, raw_server

pytest_plugins = ["tests.worlds.gitlab_fixtures"]
pytestmark = pytest.mark.usefixtures("no_proxies")

NO_POOL: Any = None


def refused() -> Exception:
    """What requests raises when nobody listens."""
    never = urllib3_errors.NewConnectionError(NO_POOL, "Connection refused")
    return requests_errors.ConnectionError(urllib3_errors.MaxRetryError(NO_POOL, "/", never))


ALL = [
    kind
    for _, kind in inspect.getmembers(requests_errors, inspect.isclass)
    if issubclass(kind, requests_errors.RequestException)
]


class TestCauses:
    @pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
    def test_no_exception_of_requests_shows_what_it_holds(self, kind: type[Exception]) -> None:
        error = (
            kind("glpat-secret", "", 0) if issubclass(kind, requests_errors.JSONDecodeError) else kind("glpat-secret")
        )

        assert isinstance(error, NO_ANSWER)
        assert "secret" not in cause_of_failure(error).clause

    @pytest.mark.parametrize(
        ("error", "code"),
        [
            (requests_errors.ProxyError(urllib3_errors.ProxyError("", OSError())), CauseCode.PROXY_FAILED),
            (requests_errors.InvalidProxyURL(), CauseCode.PROXY_FAILED),
            (requests_errors.SSLError(urllib3_errors.SSLError()), CauseCode.TLS_FAILED),
            (
                requests_errors.ConnectTimeout(urllib3_errors.ConnectTimeoutError()),
                CauseCode.CONNECT_TIMEOUT,
            ),
            (requests_errors.ReadTimeout(urllib3_errors.ReadTimeoutError(NO_POOL, "/", "")), CauseCode.TIMEOUT),
            (requests_errors.ConnectionError(urllib3_errors.ProtocolError()), CauseCode.CONNECTION_BROKEN),
            (requests_errors.ConnectionError(ConnectionResetError()), CauseCode.CONNECTION_BROKEN),
            (urllib3_errors.DecodeError(), CauseCode.MALFORMED),
            (requests_errors.InvalidURL(), CauseCode.ADDRESS_UNUSABLE),
            (requests_errors.InvalidHeader(), CauseCode.CREDENTIALS_UNUSABLE),
            (requests_errors.RequestException(), CauseCode.UNKNOWN),
            (urllib3_errors.LocationParseError("a..b"), CauseCode.UNKNOWN),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_what_the_libraries_raise_has_a_cause(self, error: Exception, code: CauseCode) -> None:
        assert isinstance(error, NO_ANSWER)
        assert cause_of_failure(error).code is code

    def test_a_name_that_nobody_knows_is_said(self) -> None:
        unknown = urllib3_errors.NameResolutionError("nowhere", NO_POOL, socket.gaierror())
        error = requests_errors.ConnectionError(urllib3_errors.MaxRetryError(NO_POOL, "/", unknown))

        assert cause_of_failure(error) == Cause(CauseCode.NAME_NOT_RESOLVED)

    def test_a_timeout_inside_a_body_is_a_timeout(self) -> None:
        error = requests_errors.ConnectionError(urllib3_errors.ReadTimeoutError(NO_POOL, "/", "Read timed out."))

        assert cause_of_failure(error) == Cause(CauseCode.TIMEOUT)

    def test_a_refused_connection_is_not_one_that_broke_off(self) -> None:
        assert cause_of_failure(refused()) == Cause(CauseCode.CONNECTION_REFUSED)


class TestWholeAnswers:
    def test_one_that_drips_is_given_up_in_time_though_no_single_wait_is_long(self) -> None:
        def drip(connection: socket.socket) -> None:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n")
            for _ in range(200):
                connection.sendall(b" ")
                time.sleep(0.05)

        began = time.monotonic()
        with (
            raw_server(drip) as server,
            a_session(server.url, timeout=0.3) as session,
            pytest.raises(GatewayTimeout, match="does not answer in time"),
        ):
            session.write("POST", "/projects")

        assert time.monotonic() - began < 8

    @pytest.mark.parametrize("begun", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nX-Page: "])
    def test_one_whose_headers_drip_is_given_up_in_time_too(self, begun: bytes) -> None:
        with (
            raw_server(dripping(begun)) as server,
            a_session(server.url, timeout=0.3) as session,
            pytest.raises(GatewayTimeout, match="does not answer in time"),
        ):
            session.write("POST", "/projects")

    def test_so_is_a_proxys(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with raw_server(dripping(b"HTTP/1.1 200 OK\r\n")) as proxy:
            monkeypatch.setenv("HTTPS_PROXY", proxy.url)
            with (
                a_session("https://127.0.0.1:9", timeout=0.3) as session,
                pytest.raises(NoAnswer, match="does not answer in time"),
            ):
                session.write("POST", "/projects")

    def test_the_next_one_on_the_same_connection_has_its_own_time(self) -> None:
        def twice(connection: socket.socket) -> None:
            for _ in range(2):
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]")
                connection.recv(65536)

        with raw_server(twice) as server, a_session(server.url, timeout=1.0) as session:
            assert session.get("/projects")[0] == []
            time.sleep(1.1)
            assert session.get("/projects")[0] == []
            assert len(server.requests) == 1

    @pytest.mark.parametrize("sized", [True, False])
    def test_one_that_comes_in_pieces_is_put_together(self, *, sized: bool) -> None:
        body = json.dumps(["x" * 5000] * 100).encode()

        def pieces(connection: socket.socket) -> None:
            if sized:
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body))
            else:
                connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            for start in range(0, len(body), 50_000):
                piece = body[start : start + 50_000]
                connection.sendall(piece if sized else b"%x\r\n%s\r\n" % (len(piece), piece))
            connection.sendall(b"" if sized else b"0\r\n\r\n")

        with raw_server(pieces) as server, a_session(server.url) as session:
            assert len(session.get("/projects")[0]) == 100

    @pytest.mark.parametrize("encoding", ["identity", "gzip"])
    def test_one_that_nobody_could_hold_is_not_taken(self, encoding: str) -> None:
        body = b" " * (33 * 1024 * 1024)
        packed = gzip.compress(body) if encoding == "gzip" else body
        with raw_server(an_answer("200 OK", packed, f"Content-Encoding: {encoding}")) as server:
            with a_session(server.url) as session, pytest.raises(NoAnswer, match="larger than 32 MiB"):
                session.get("/projects")

            assert len(server.requests) == 1

    def test_a_packed_one_is_unpacked(self) -> None:
        packed = gzip.compress(b'["a"]')
        with raw_server(an_answer("200 OK", packed, "Content-Encoding: gzip")) as server, a_session(server.url) as one:
            assert one.get("/projects")[0] == ["a"]


class TestTls:
    def test_a_server_of_an_unknown_ca_is_refused(self, authority: Authority) -> None:
        with raw_server(OK, context=authority.server()) as server, a_session(server.url) as session:
            with pytest.raises(NoAnswer, match=r"certificate is not trusted, or it speaks no TLS: unable to get"):
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

    def test_an_expired_certificate_gets_no_advice_about_cas(self, authority: Authority) -> None:
        with (
            raw_server(OK, context=authority.server(expired=True)) as server,
            a_session(server.url, ca_file=authority.file) as session,
            pytest.raises(NoAnswer, match="has expired, or is not valid yet: certificate has expired") as refused,
        ):
            session.get("/user")

        assert refused.value.cause
        assert refused.value.cause.code is CauseCode.CERTIFICATE_EXPIRED
        assert "--ca-file" not in refused.value.cause.next_step

    def test_a_certificate_for_somebody_else_is_refused(self, authority: Authority) -> None:
        with (
            raw_server(OK, context=authority.server("192.0.2.7")) as server,
            a_session(server.url, ca_file=authority.file) as session,
            pytest.raises(NoAnswer, match="is for another name: IP address mismatch"),
        ):
            session.get("/user")

        assert server.requests == []

    def test_plain_http_where_https_was_meant_is_told(self) -> None:
        with raw_server(b"HTTP/1.1 400 Bad Request\r\n\r\n") as server:
            url = server.url.replace("http:", "https:")
            with a_session(url) as session, pytest.raises(NoAnswer, match="or it speaks no TLS"):
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

"""Requests to GitLab: what is counted and repeated, what is never sent, and how answers and failures are told."""

from __future__ import annotations

import contextlib
import html
import json
import logging
import socket
import struct
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from cronjob.concurrency.stop import StopControl
from cronjob.gitlab.errors import GatewayTimeout, NoAnswer, Refused, UnconfirmedDelete
from cronjob.gitlab.session import GitLabConnection, Session
from reconcile.errors import WriteFailed
from tests.worlds.gitlab_builders import OK, TOKEN, GitLab, a_gitlab, a_session, an_answer, raw_server

pytest_plugins = ["tests.worlds.gitlab_fixtures"]
pytestmark = pytest.mark.usefixtures("no_proxies")

GROUP = "/groups/tenants"
WRITES = ["POST", "PUT", "DELETE"]


def reset(connection: socket.socket) -> None:
    """Close with RST instead of FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def hang(connection: socket.socket) -> None:
    """Say nothing until the other side gives up."""
    connection.recv(1)


class TestAsking:
    def test_an_answer_comes_parsed_with_its_headers(self, gitlab: GitLab) -> None:
        group, headers = gitlab.session().get(GROUP, {"with_projects": "false"})

        assert group["full_path"] == "tenants"
        assert headers["content-TYPE"] == "application/json"
        assert gitlab.world.requests[0].query == {"with_projects": "false"}

    def test_below_a_relative_root_the_api_is_found(self) -> None:
        with a_gitlab(url_root="/gitlab") as served:
            assert served.session().get(GROUP)[0]["full_path"] == "tenants"
            assert served.world.requests[0].path == "/gitlab/api/v4/groups/tenants"

    def test_a_write_answers_what_was_made(self, gitlab: GitLab) -> None:
        project = gitlab.project()
        path = f"/projects/{project.id}/hooks"
        session = gitlab.session()

        made = session.write("POST", path, {"url": "https://flux.example/"})

        assert made["url"] == "https://flux.example/"
        assert session.write("DELETE", f"{path}/{made['id']}") is None
        assert session.traffic.requests == {"POST": 1, "DELETE": 1}

    def test_every_try_is_counted(self, gitlab: GitLab) -> None:
        gitlab.world.fail(status=503, times=2)
        session = gitlab.session()

        session.get(GROUP)
        session.get(GROUP)

        assert session.traffic.requests == {"GET": 4} == {"GET": len(gitlab.world.requests)}
        assert session.traffic.retries == 2

    def test_tries_that_end_without_an_answer_are_counted_too(self, gitlab: GitLab) -> None:
        gitlab.world.fail(drop=True, times=None)
        session = gitlab.session()

        with pytest.raises(NoAnswer, match=r"^GitLab gave no answer: the connection broke off$"):
            session.get(GROUP)

        assert session.traffic.requests == {"GET": 4} == {"GET": len(gitlab.world.requests)}
        assert session.traffic.retries == 3

    def test_many_threads_share_one_session_and_its_counts(self, gitlab: GitLab) -> None:
        session = gitlab.session(concurrency=4)
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda _: session.get(GROUP)[0]["full_path"], range(40)))

        assert answers == ["tenants"] * 40
        assert session.traffic.requests == {"GET": 40}

    def test_connections_are_kept(self) -> None:
        alive = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

        def twice(connection: socket.socket) -> None:
            connection.sendall(alive)
            connection.recv(65536)
            connection.sendall(alive)

        with raw_server(twice) as server, a_session(server.url) as session:
            session.get("/user")
            session.get("/user")

        assert len(server.requests) == 1

    def test_cookies_are_not_kept(self) -> None:
        with (
            raw_server(an_answer("200 OK", "{}", "Set-Cookie: _gitlab_session=1; Path=/")) as server,
            a_session(server.url) as session,
        ):
            session.get("/user")
            session.get("/user")

        assert b"Cookie" not in server.requests[1]


class TestRepeatedGets:
    @pytest.mark.parametrize("status", [500, 502, 503, 504, 520])
    def test_a_get_is_repeated_after_bad_weather(self, gitlab: GitLab, status: int) -> None:
        gitlab.world.fail(
            status=status, body="<html>Bad Gateway</html>", headers={"Content-Type": "text/html"}, times=3
        )
        session = gitlab.session()

        assert session.get(GROUP)[0]["full_path"] == "tenants"
        assert session.traffic.retries == 3

    def test_a_get_is_repeated_after_a_reset(self, gitlab: GitLab) -> None:
        gitlab.world.fail(drop=True)
        session = gitlab.session()

        assert session.get(GROUP)[0]["full_path"] == "tenants"
        assert session.traffic.retries == 1

    def test_a_get_is_repeated_after_a_reset_that_says_so(self) -> None:
        with raw_server(reset, OK) as server, a_session(server.url) as session:
            assert session.get("/user")[0] == {}

    def test_a_get_is_repeated_when_its_answer_breaks_off_in_the_middle(self) -> None:
        cut = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[{"
        with raw_server(cut, OK) as server, a_session(server.url) as session:
            assert session.get("/user")[0] == {}
            assert session.traffic.requests == {"GET": 2}

    def test_a_get_is_repeated_after_a_timeout(self, gitlab: GitLab) -> None:
        gitlab.world.fail(delay=1, status=200)
        session = gitlab.session(timeout=0.2)

        assert session.get(GROUP)[0]["full_path"] == "tenants"
        assert session.traffic.retries == 1

    def test_a_limit_is_waited_out_for_as_long_as_it_says(self, gitlab: GitLab) -> None:
        gitlab.world.fail(status=429, body="Retry later\n", headers={"Retry-After": "1"})
        session = gitlab.session()
        began = time.monotonic()

        assert session.get(GROUP)[0]["full_path"] == "tenants"
        assert time.monotonic() - began >= 1
        assert 0.9 <= session.traffic.throttled_seconds < 5
        assert session.traffic.retries == 1

    def test_the_last_answer_says_why(self, gitlab: GitLab) -> None:
        gitlab.world.fail(status=503, body={"message": "503 down for maintenance"}, times=None)
        session = gitlab.session()

        with pytest.raises(Refused, match=r"^GitLab answered 503 down for maintenance$") as refused:
            session.get(GROUP)

        assert refused.value.status == 503
        assert session.traffic.requests == {"GET": 6}

    def test_a_refusal_is_not_asked_again(self, gitlab: GitLab) -> None:
        session = gitlab.session()

        with pytest.raises(Refused, match=r"^GitLab answered 404 Group Not Found$") as refused:
            session.get("/groups/none")

        assert refused.value.status == 404
        assert session.traffic.requests == {"GET": 1}


class TestRepeatedWrites:
    @pytest.mark.parametrize("method", WRITES)
    @pytest.mark.parametrize("status", [500, 502, 503, 504, 520])
    def test_after_a_5xx_a_write_is_not_repeated(self, gitlab: GitLab, method: str, status: int) -> None:
        gitlab.world.fail(status=status, headers={"Retry-After": "1"}, times=None)
        session = gitlab.session()

        with pytest.raises(NoAnswer, match=f"^{method}: GitLab answered {status}$"):
            session.write(method, "/projects/1", {})

        assert len(gitlab.world.writes) == 1
        assert session.traffic.requests == {method: 1}

    @pytest.mark.parametrize("method", WRITES)
    @pytest.mark.parametrize("fault", [{"after": True}, {"after": False}])
    def test_after_a_reset_a_write_is_not_repeated(self, gitlab: GitLab, method: str, fault: dict[str, Any]) -> None:
        gitlab.world.fail(drop=True, times=None, **fault)

        with pytest.raises(NoAnswer, match=r"^GitLab gave no answer: the connection broke off$"):
            gitlab.session().write(method, "/projects/1", {})

        assert len(gitlab.world.writes) == 1

    @pytest.mark.parametrize("method", WRITES)
    def test_after_a_timeout_a_write_is_not_repeated(self, gitlab: GitLab, method: str) -> None:
        gitlab.world.fail(delay=0.5, status=200, times=None)

        with pytest.raises(NoAnswer, match=r"^GitLab gave no answer: it does not answer in time$"):
            gitlab.session(timeout=0.1).write(method, "/projects/1", {})

        assert len(gitlab.world.writes) == 1

    @pytest.mark.parametrize("method", ["POST", "PUT"])
    def test_a_write_that_met_a_lock_is_repeated(self, gitlab: GitLab, method: str) -> None:
        gitlab.world.fail(status=409, body={"message": "409 Conflict: Resource lock"}, times=2)
        gitlab.world.fail(status=200, body={"id": 1})
        session = gitlab.session()

        assert session.write(method, "/projects/1", {}) == {"id": 1}
        assert session.traffic.requests == {method: 3}

    def test_a_removal_that_met_a_lock_is_repeated(self, gitlab: GitLab) -> None:
        gitlab.world.fail(status=409, body={"message": "409 Conflict: Resource lock"}, times=2)
        gitlab.world.fail(status=204)
        session = gitlab.session()

        assert session.write("DELETE", "/projects/1") is None
        assert session.traffic.requests == {"DELETE": 3}

    @pytest.mark.parametrize(("status", "body"), [(200, ""), (200, "true"), (200, "<html>"), (201, "1"), (202, "{}")])
    def test_a_removal_that_is_answered_in_another_way_is_unproven(
        self, gitlab: GitLab, status: int, body: str
    ) -> None:
        gitlab.world.fail(status=status, body=body)

        with pytest.raises(UnconfirmedDelete, match=f"^DELETE: (something in front of )?GitLab answered {status}"):
            gitlab.session().write("DELETE", "/projects/1")

    @pytest.mark.parametrize("status", [202, 204])
    def test_one_that_is_answered_with_nothing_is_done(self, gitlab: GitLab, status: int) -> None:
        gitlab.world.fail(status=status, body="")

        assert gitlab.session().write("DELETE", "/projects/1") is None

    @pytest.mark.parametrize(
        ("status", "body"), [(409, {"message": "409 Conflict: Resource lock"}), (429, "Retry later")]
    )
    def test_what_may_be_sent_once_is_not_repeated_after_any_answer(
        self, gitlab: GitLab, status: int, body: object
    ) -> None:
        gitlab.world.fail(status=status, body=body, headers={"Retry-After": "1"}, times=None)

        with pytest.raises(NoAnswer, match=f"^POST: GitLab answered {status}"):
            gitlab.session().write("POST", "/projects/1/hooks", {}, retry_on_limit=False)

        assert len(gitlab.world.writes) == 1

    def test_an_answer_that_stops_in_the_middle_is_too_slow(self) -> None:
        def half(connection: socket.socket) -> None:
            connection.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n{")
            hang(connection)

        with raw_server(half) as server, a_session(server.url, timeout=0.2) as session, pytest.raises(GatewayTimeout):
            session.write("POST", "/projects/1/hooks", {})

    def test_a_lock_that_stays_is_a_refusal(self, gitlab: GitLab) -> None:
        gitlab.world.fail(status=409, body={"message": "409 Conflict: Resource lock"}, times=None)

        with pytest.raises(Refused, match=r"^GitLab answered 409 Conflict: Resource lock$"):
            gitlab.session().write("POST", "/projects/1", {})

    def test_a_write_that_met_a_limit_is_repeated_when_it_is_over(self, gitlab: GitLab) -> None:
        gitlab.world.fail(status=429, headers={"Retry-After": "1"})
        gitlab.world.fail(status=201, body={"id": 1})
        began = time.monotonic()

        assert gitlab.session().write("POST", "/projects/1", {}) == {"id": 1}
        assert time.monotonic() - began >= 1

    def test_a_write_is_repeated_when_nobody_listened(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server_socket:
            url = f"http://127.0.0.1:{server_socket.getsockname()[1]}"
        with a_session(url) as session:
            with pytest.raises(NoAnswer, match=r"^GitLab gave no answer: the connection was refused$"):
                session.write("POST", "/projects/1", {})

            assert session.traffic.requests == {"POST": 4}

    def test_a_2xx_that_is_no_json_leaves_the_outcome_unknown(self, gitlab: GitLab) -> None:
        gitlab.world.fail(status=201, body="<html>")

        with pytest.raises(
            NoAnswer, match=r"^something in front of GitLab answered 201 with something that is not JSON$"
        ):
            gitlab.session().write("POST", "/projects/1", {})


class TestLimits:
    def test_one_429_slows_all_workers(self, gitlab: GitLab) -> None:
        gitlab.world.fail(status=429, headers={"Retry-After": "3"})
        session = gitlab.session(concurrency=4)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: session.get(GROUP), range(12)))

        # Those under way may pass; everything after them waits, not only the one that was refused: two alone could not
        # have waited so long.
        assert len(gitlab.world.requests) == 13
        assert session.traffic.throttled_seconds > 6

    def test_a_limit_that_is_nearly_used_up_is_never_hit(self, gitlab: GitLab) -> None:
        gitlab.world.rate_limit(per_minute=600, period=1)
        session = gitlab.session(concurrency=2)
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda _: session.get(GROUP), range(22)))

        assert [request.status for request in gitlab.world.requests] == [200] * 22
        assert session.traffic.throttled_seconds > 0
        assert session.traffic.retries == 0

    def test_our_own_rate_limit_holds_for_all_workers_retries_included(self, gitlab: GitLab) -> None:
        gitlab.world.fail(status=503, times=2)
        session = gitlab.session(max_per_minute=1200, concurrency=4)
        began = time.monotonic()
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: session.get(GROUP), range(9)))

        assert session.traffic.requests == {"GET": 11}
        assert time.monotonic() - began >= 0.5
        assert session.traffic.throttled_seconds >= 0.4


class TestStopping:
    def test_after_a_stop_nothing_is_repeated(self, gitlab: GitLab) -> None:
        gitlab.world.fail(status=503, times=None)
        session = gitlab.session(stop_control=StopControl(deadline=-1), backoff=15.0)

        with pytest.raises(Refused, match="503"):
            session.get(GROUP)

        assert session.traffic.requests == {"GET": 1}

    @pytest.mark.parametrize("status", [429, 503])
    def test_a_stop_ends_a_wait(self, gitlab: GitLab, status: int) -> None:
        gitlab.world.fail(status=status, headers={"Retry-After": "20"}, times=None)
        stop_control = StopControl()
        session = gitlab.session(stop_control=stop_control)
        threading.Timer(0.2, stop_control.stop.set).start()
        began = time.monotonic()

        with pytest.raises(Refused, match=str(status)):
            session.get(GROUP)

        assert time.monotonic() - began < 10
        assert session.traffic.requests == {"GET": 1}
        assert session.traffic.retries == 0
        assert session.traffic.throttled_seconds < 10

    def test_whoever_waits_for_a_turn_sends_nothing_more(self, gitlab: GitLab) -> None:
        stop_control = StopControl(deadline=1)
        session = gitlab.session(stop_control=stop_control, max_per_minute=1)
        session.get(GROUP)

        with pytest.raises(WriteFailed, match=r"^POST was not sent: the run's --deadline had passed$"):
            session.write("POST", "/projects/1", {})

        assert gitlab.world.writes == []

    def test_what_begins_after_a_stop_is_sent_at_once(self, gitlab: GitLab) -> None:
        session = gitlab.session(stop_control=StopControl(deadline=-1), max_per_minute=1)

        assert [session.get(GROUP)[0]["full_path"] for _ in range(2)] == ["tenants"] * 2

    def test_a_pause_ends_with_the_run(self, gitlab: GitLab) -> None:
        began = time.monotonic()
        gitlab.session(stop_control=StopControl(deadline=0.1), backoff=20.0).pause(1)

        assert time.monotonic() - began < 7


class TestDryRuns:
    @pytest.mark.parametrize("method", [*WRITES, "PATCH"])
    def test_nothing_but_get_is_sent_without_leave_to_write(self, gitlab: GitLab, method: str) -> None:
        session = gitlab.session(allow_writes=False)

        with pytest.raises(WriteFailed, match=f"^{method} /projects/1 was not sent: this is a dry run"):
            session.write(method, "/projects/1", {})

        assert gitlab.world.requests == []
        assert session.traffic.requests == {}

    def test_reading_needs_no_leave(self, gitlab: GitLab) -> None:
        assert gitlab.session(allow_writes=False).get(GROUP)[0]["full_path"] == "tenants"

    def test_leave_must_be_given(self) -> None:
        assert not GitLabConnection("https://gitlab.test", TOKEN).allow_writes


class TestRedirects:
    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    @pytest.mark.parametrize("method", ["GET", "POST"])
    def test_they_are_not_followed_not_even_on_the_same_host(self, gitlab: GitLab, status: int, method: str) -> None:
        location = f"{gitlab.url}/api/v4{GROUP}"
        gitlab.world.fail(status=status, headers={"Location": location})
        session = gitlab.session()

        with pytest.raises(Refused, match=f"^GitLab answered {status}, a redirect to {location}$") as refused:
            session.get("/projects/1") if method == "GET" else session.write(method, "/projects/1", {})

        assert refused.value.location == location
        assert len(gitlab.world.requests) == 1

    def test_they_are_not_followed_to_another_host(self, gitlab: GitLab) -> None:
        with raw_server(OK) as elsewhere:
            gitlab.world.fail(status=302, headers={"Location": f"{elsewhere.url}/api/v4/user"})
            with pytest.raises(Refused, match="302"):
                gitlab.session().get("/user")

        assert elsewhere.requests == []

    def test_a_session_knows_no_way_to_another_host(self, gitlab: GitLab) -> None:
        with raw_server(OK) as elsewhere:
            session = gitlab.session(url=gitlab.url)
            session._base = elsewhere.url
            with pytest.raises(NoAnswer, match="its address cannot be used"):
                session.get("/user")

        assert elsewhere.requests == []


class TestTheToken:
    def test_it_travels_in_the_authorization_header_and_nowhere_else(self) -> None:
        # A connection that is kept and then closed would lose the POST now and then.
        with raw_server(an_answer("200 OK", "{}")) as server, a_session(server.url, version="1.2.3") as session:
            session.get("/user", {"page": "1"})
            session.write("POST", "/projects/1/hooks", {"url": "https://flux.example"})

        for request in server.requests:
            head, _, body = request.partition(b"\r\n\r\n")
            lines = head.decode().split("\r\n")
            assert [line for line in lines if TOKEN in line] == [f"Authorization: Bearer {TOKEN}"]
            assert "User-Agent: flux-gitlab-syncer/1.2.3" in lines
            assert TOKEN.encode() not in body

    def test_it_is_in_no_repr(self, gitlab: GitLab) -> None:
        session = gitlab.session()

        assert TOKEN not in f"{session!r} {session.traffic!r} {GitLabConnection(gitlab.url, TOKEN)!r}"

    def test_it_is_in_no_log_and_no_exception(self, gitlab: GitLab, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        gitlab.world.fail(status=503, times=1)
        gitlab.world.fail(drop=True, times=4)
        gitlab.world.fail(status=401, body={"message": "401 Unauthorized"})
        session = gitlab.session()
        told = ""
        for _ in range(2):
            try:
                session.get(GROUP)
            except (NoAnswer, Refused) as error:
                told += "".join(traceback.format_exception(error)) + repr(error)

        assert "the connection broke off" in told
        assert "401 Unauthorized" in told
        # The library does log: what it logs is harmless.
        assert "GET /api/v4/groups/tenants" in caplog.text
        assert TOKEN not in told + caplog.text

    def test_one_that_no_header_can_carry_is_not_shown_either(self, gitlab: GitLab) -> None:
        session = gitlab.session(token=f"{TOKEN}\nX-Other: 1")

        with pytest.raises(NoAnswer, match="the token cannot be sent in a header") as failed:
            session.get("/user")

        assert TOKEN not in "".join(traceback.format_exception(failed.value))
        assert gitlab.world.requests == []

    def test_netrc_is_not_looked_at(
        self, gitlab: GitLab, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        netrc = tmp_path_factory.mktemp("home") / "netrc"
        netrc.write_text("machine 127.0.0.1 login somebody password else\n")
        monkeypatch.setenv("NETRC", str(netrc))

        assert gitlab.session().get("/user")[0]["username"] == "bot"


LONG = "x" * 5_000_000
ENVELOPES: dict[str, tuple[str | bytes, str]] = {
    "a message": ('{"message": "404 Project Not Found"}', "404 Project Not Found"),
    "a message without the number": ('{"message": "Insufficient\\n rights"}', "422 Insufficient rights"),
    "an object of lists": (
        '{"message": {"deploy_key.fingerprint_sha256": ["has already been taken"], "title": ["is bad", "is long"]}}',
        "422 deploy_key.fingerprint_sha256 has already been taken; title is bad, is long",
    ),
    "an object of texts": ('{"message": {"error": "Too many. Try later."}}', "422 error Too many. Try later."),
    "a list": ('{"message": ["one", "two"]}', "422 one, two"),
    "an error": ('{"error": "title is missing"}', "422 title is missing"),
    "an error with its description": (
        '{"error": "invalid_token", "error_description": "Token was revoked."}',
        "422 Token was revoked.",
    ),
    "a missing scope": (
        '{"error": "insufficient_scope", "error_description": "SecretsToRead more.", "scope": "api read_api"}',
        "422 SecretsToRead more. (scope api read_api)",
    ),
    "plain text": ("Retry later\n", "422 Retry later"),
    "bytes that are no text": (b"\xff\xfe no", "422 \ufffd\ufffd no"),
    "a page": ("<!DOCTYPE html><html><body>Bad Gateway</body></html>", "422"),
    "nothing": ("", "422"),
    "broken JSON": ('{"message": "404 Proj', "422"),
    "JSON without an envelope": ("[1, 2]", "422"),
    "an empty envelope": ('{"message": null}', "422"),
    "JSON that is too deep": ("[" * 100_000, "422"),
    "much text": (LONG, "422 " + "x" * 200),
    "much JSON": (json.dumps({"message": LONG}), "422 " + "x" * 200),
}


class TestReasons:
    @pytest.mark.parametrize("name", ENVELOPES)
    def test_every_envelope_becomes_one_clause(self, name: str) -> None:
        body, reason = ENVELOPES[name]
        status = "404 Not Found" if reason.startswith("404") else "422 Unprocessable"
        with raw_server(an_answer(status, body)) as server, a_session(server.url) as session:
            with pytest.raises(Refused) as read:
                session.get("/user")
            with pytest.raises(Refused) as written:
                session.write("POST", "/user", {})

        who = "something in front of GitLab" if name == "a page" else "GitLab"
        assert str(read.value) == str(written.value) == f"{who} answered {reason}"

    def test_a_redirect_says_where_it_leads_without_secrets(self, gitlab: GitLab) -> None:
        location = f"https://someone:secret@sso.example/login?back={TOKEN}"
        gitlab.world.fail(status=302, headers={"Location": location})

        with pytest.raises(Refused) as refused:
            gitlab.session().write("POST", "/projects/1/deploy_keys/2/enable")

        assert str(refused.value) == "GitLab answered 302, a redirect to https://…@sso.example/login?…"

    @pytest.mark.parametrize(("method", "body"), [("POST", None), ("DELETE", None), ("PUT", {"a": 1})])
    def test_every_write_is_json_and_every_request_asks_no_cache(
        self, method: str, body: dict[str, int] | None
    ) -> None:
        with raw_server(an_answer("204 No Content")) as server, a_session(server.url) as session:
            session.write(method, "/projects/1", body)
            with pytest.raises(Refused):
                session.get("/user")
            written, read = (request.partition(b"\r\n\r\n")[0].lower() for request in server.requests)

        assert b"content-type: application/json" in written
        assert b"content-type" not in read
        assert b"cache-control: no-cache" in written
        assert b"cache-control: no-cache" in read

    @pytest.mark.parametrize("body", ["<html>Sign in</html>", "", '{"id": ', b"\xff\xfe", "[" * 100_000])
    def test_a_200_that_is_no_json_is_no_answer(self, body: str | bytes) -> None:
        with (
            raw_server(an_answer("200 OK", body)) as server,
            a_session(server.url) as session,
            pytest.raises(
                NoAnswer, match=r"(something in front of )?GitLab answered 200 with something that is not JSON$"
            ),
        ):
            session.get("/user")

    def test_a_read_that_times_out_says_so(self) -> None:
        with raw_server(hang) as server, a_session(server.url, timeout=0.05) as session:
            with pytest.raises(NoAnswer, match=r"^GitLab gave no answer: it does not answer in time$"):
                session.get("/user")

            assert session.traffic.requests == {"GET": 4}

    def test_an_encoding_that_is_broken_says_so(self) -> None:
        broken = an_answer("200 OK", "no gzip", "Content-Encoding: gzip")
        with (
            raw_server(broken) as server,
            a_session(server.url) as session,
            pytest.raises(NoAnswer, match="the answer cannot be understood: it cannot be decoded"),
        ):
            session.get("/user")


class TestStops:
    """A signal, or the deadline, is heard while waiting."""

    def test_a_stop_ends_a_long_wait_and_nothing_more_is_sent(self, gitlab: GitLab) -> None:
        gitlab.world.fail(status=429, body="Retry later\n", headers={"Retry-After": "100"}, times=None)
        stop_control = StopControl()
        session = Session(GitLabConnection(gitlab.url, TOKEN), stop_control)
        threading.Timer(0.2, stop_control.stop.set).start()
        began = time.monotonic()

        with closing(session), pytest.raises(Refused, match="429"):
            session.get(GROUP)

        assert time.monotonic() - began < 50
        assert session.traffic.requests == {"GET": 1}

    def test_the_deadline_ends_it_too(self, gitlab: GitLab) -> None:
        gitlab.world.fail(status=503, times=None)
        with closing(Session(GitLabConnection(gitlab.url, TOKEN, backoff=10), StopControl(deadline=0.2))) as session:
            with pytest.raises(Refused, match="503"):
                session.get(GROUP)

            assert session.traffic.requests == {"GET": 1}

    def test_after_a_stop_one_look_is_still_possible(self, gitlab: GitLab) -> None:
        stop_control = StopControl()
        stop_control.stop.set()
        with closing(Session(GitLabConnection(gitlab.url, TOKEN), stop_control)) as session:
            assert session.get(GROUP)[0]["full_path"] == "tenants"


class TestEchoes:
    """What GitLab, or something before it, sends back is shown without our secrets."""

    def test_the_token_the_webhooks_token_and_the_digest_are_cut(self, gitlab: GitLab) -> None:
        digest = "0123456789abcdef" * 4
        echo = f"Bearer {TOKEN} token=hook-secret /hook/{digest} %2Fhook%2F{digest}"
        gitlab.world.fail(method="POST", status=400, body=echo)

        with pytest.raises(Refused) as refused:
            gitlab.session().write("POST", "/projects/1/hooks", {"token": "hook-secret"})

        for secret in (TOKEN, "hook-secret", digest):
            assert secret not in str(refused.value)
        assert "/hook/01234567…" in str(refused.value)

    @pytest.mark.parametrize(
        ("status", "body"),
        [
            # Half a secret, where the text is cut.
            (400, "x" * 190 + " {}"),
            (400, " " * 790 + "{}"),
            (400, json.dumps({"message": {"url": ["x" * 180 + " {}", {"a": "{}"}]}})),
            (502, json.dumps({"error": "x" * 195 + "{}"})),
            (403, json.dumps({"error": "insufficient_scope", "scope": "{}"})),
        ],
    )
    @pytest.mark.parametrize("secret", [TOKEN, "two  words/&\"'é", f"/hook/{'0123456789abcdef' * 4}"])
    def test_no_part_of_a_secret_is_left_where_a_text_is_cut(
        self, gitlab: GitLab, status: int, body: str, secret: str
    ) -> None:
        echo = secret if body.startswith(("x", " ")) else json.dumps(secret)[1:-1]
        gitlab.world.fail(method="POST", status=status, body=body.replace("{}", echo))

        with pytest.raises((Refused, NoAnswer)) as error:
            gitlab.session().write("POST", "/projects/1/hooks", {"token": "two  words/&\"'é"})

        told = str(error.value)
        for part in ("glpat", "two", "words", "012345678"):
            assert part not in told

    @pytest.mark.parametrize("spell", [quote, quote_plus, html.escape, str.strip, repr])
    def test_a_secret_is_found_however_it_is_written(self, gitlab: GitLab, spell: Callable[[str], str]) -> None:
        token = " two  words&/é\\ "
        gitlab.world.fail(method="POST", status=400, body=f"got {spell(token)}")

        with pytest.raises(Refused) as error:
            gitlab.session().write("POST", "/projects/1/hooks", {"token": token})

        assert "words" not in str(error.value)

    @pytest.mark.parametrize("slash", ["/", "%2F", "%2f", "%252F", "\\/", "&#x2F;", "\\u002f"])
    def test_a_digest_is_cut_however_its_path_is_written(self, gitlab: GitLab, slash: str) -> None:
        gitlab.world.fail(status=400, body=f"at {slash}hook{slash}0123456789ABCDEF")

        with pytest.raises(Refused, match=r"01234567…$"):
            gitlab.session().get(GROUP)


class TestWidth:
    @pytest.mark.parametrize("fault", [{"status": 502}, {"status": 503}, {"status": 504}, {"drop": True}])
    def test_an_overloaded_server_is_asked_for_less_at_a_time(self, gitlab: GitLab, fault: dict[str, Any]) -> None:
        session = gitlab.session(concurrency=16)
        gitlab.world.fail(path=GROUP, **fault)

        session.get(GROUP)

        assert session._limiter.limit == 4

    @pytest.mark.parametrize("fault", [{"status": 404}, {"status": 500}, {"status": 200, "body": {"full_path": "x"}}])
    def test_any_other_answer_changes_nothing(self, gitlab: GitLab, fault: dict[str, Any]) -> None:
        session = gitlab.session(concurrency=16)
        gitlab.world.fail(path=GROUP, **fault)

        with contextlib.suppress(Refused):
            session.get(GROUP)

        assert session._limiter.limit == 8

    def test_whatever_is_raised_the_place_is_given_back(self, gitlab: GitLab, monkeypatch: pytest.MonkeyPatch) -> None:
        session = gitlab.session(concurrency=1)
        with monkeypatch.context() as broken:
            broken.setattr(session, "_prepared", lambda *_: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                session.get(GROUP)

        assert session.get(GROUP)[0]["full_path"] == "tenants"

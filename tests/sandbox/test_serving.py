"""The loopback server that both embedded APIs run on."""

import asyncio
import threading
import time

import pytest
import requests
from aiohttp import web

from cronjob.sandbox.serving import serving


def an_app(body: str = "hello") -> web.Application:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=body)

    app = web.Application()
    app.router.add_get("/", answer)
    return app


def server_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "sandbox-server"]


def test_an_application_answers_over_real_http() -> None:
    with serving(an_app()) as url:
        assert requests.get(url, timeout=5).text == "hello"


def test_the_url_is_on_loopback_with_a_port_of_its_own() -> None:
    with serving(an_app("one")) as first, serving(an_app("two")) as second:
        assert first != second
        assert first.startswith("http://127.0.0.1:")
        assert requests.get(second, timeout=5).text == "two"


def test_after_the_block_nobody_answers_and_no_thread_is_left() -> None:
    with serving(an_app()) as url:
        assert server_threads()
    assert not server_threads()
    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=5)


def test_a_port_can_be_asked_for() -> None:
    with serving(an_app()) as url:
        port = int(url.rsplit(":", 1)[1])
    with serving(an_app(), port=port) as again:
        assert again == url
        assert requests.get(again, timeout=5).text == "hello"


def test_a_port_that_is_taken_raises_where_it_was_asked_for() -> None:
    with serving(an_app()) as url:
        port = int(url.rsplit(":", 1)[1])
        with pytest.raises(OSError, match="address already in use"), serving(an_app(), port=port):
            pytest.fail("the port was free")
        assert len(server_threads()) == 1


def test_an_error_inside_the_block_stops_the_server_and_is_not_hidden() -> None:
    with pytest.raises(RuntimeError, match="mine"), serving(an_app()):
        raise RuntimeError("mine")
    assert not server_threads()


def test_an_answer_that_never_ends_does_not_keep_the_server_up() -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"first\n")
        await asyncio.Event().wait()
        return response

    app = web.Application()
    app.router.add_get("/", endless)
    with serving(app) as url, requests.get(url, stream=True, timeout=5) as response:
        assert next(response.iter_lines()) == b"first"
        before = time.monotonic()
    assert time.monotonic() - before < 2

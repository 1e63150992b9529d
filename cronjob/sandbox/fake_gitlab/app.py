"""The embedded GitLab as an aiohttp application: request log, latency and fault injection."""

import asyncio
import json
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from cronjob.sandbox.fake_gitlab.answers import Answer
from cronjob.sandbox.fake_gitlab.records import Request
from cronjob.sandbox.fake_gitlab.request_handling import IncomingRequest, handled
from cronjob.sandbox.fake_gitlab.world import GitLabWorld
from cronjob.sandbox.faults.fault import Fault
from cronjob.sandbox.faults.inject import inject, is_connected


def gitlab_app(world: GitLabWorld) -> web.Application:
    """An application that answers as the GitLab of *world* would, below ``{url_root}/api/v4``."""

    async def answer(request: web.Request) -> web.StreamResponse:
        return await _answered(world, request)

    app = web.Application()
    # One route for everything: aiohttp's own routing would decode the slashes inside project paths.
    app.router.add_route("*", "/{path:.*}", answer)
    return app


async def _answered(world: GitLabWorld, request: web.Request) -> web.StreamResponse:
    """Log the request, wait for the latency, and handle it with the fault that is due, if any."""
    path, _, query = request.raw_path.partition("?")
    logged = Request(request.method, path, dict(parse_qsl(query, keep_blank_values=True)))
    logged.body = await _body_of(request)
    world.requests.append(logged)
    fault = world.faults.fault_for(request.method, path, query)
    await asyncio.sleep(world.latency)

    async def handle() -> web.StreamResponse:
        incoming = IncomingRequest(logged, request.headers, f"{request.scheme}://{request.host}")
        return _response(world.read_cache.answer(logged, request.headers, lambda: handled(world, incoming)))

    response = await inject(fault, request, handle, _answer_of)
    # By the world's clock, as the rate limits are.
    response.headers.setdefault("Date", formatdate(world.clock(), usegmt=True))
    if is_connected(request):
        logged.status = response.status
    return response


async def _body_of(request: web.Request) -> dict[str, Any] | list[Any] | str | None:
    """The body as data: JSON, a form, or otherwise its text."""
    text = (await request.read()).decode(errors="replace")
    if not text:
        return None
    if request.content_type == "application/x-www-form-urlencoded":
        return dict(parse_qsl(text, keep_blank_values=True))
    try:
        data: dict[str, Any] | list[Any] = json.loads(text)
    except ValueError:
        return text
    return data


def _answer_of(fault: Fault) -> web.Response:
    return _response(Answer(fault.status or 500, "" if fault.body is None else fault.body, fault.headers))


def _response(answer: Answer) -> web.Response:
    headers = dict(answer.headers)
    if answer.body is None:
        return web.Response(status=answer.status, headers=headers)
    if isinstance(answer.body, str):
        body, kind = answer.body, "text/plain; charset=utf-8"
    else:
        body, kind = json.dumps(answer.body, separators=(",", ":")), "application/json"
    headers.setdefault("Content-Type", kind)
    return web.Response(status=answer.status, headers=headers, body=body.encode())

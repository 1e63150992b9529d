"""Trouble on the wire: connections that are reset, and answers that break off half way."""

import asyncio
import struct
from collections.abc import Awaitable, Callable
from socket import SO_LINGER, SOL_SOCKET

from aiohttp import web

from cronjob.sandbox.faults.fault import Trouble


async def answered(
    request: web.Request,
    trouble: Trouble | None,
    handle: Callable[[], Awaitable[web.StreamResponse]],
    failed: Callable[[Trouble], web.Response],
) -> web.StreamResponse:
    """The answer to *request*, which *handle* gives, as *trouble* leaves it; *failed* makes the answer of a trouble."""
    if trouble is None:
        return await handle()
    if trouble.after:
        answer = await handle()
        await _strike(trouble)
    else:
        await _strike(trouble)
        answer = web.Response() if trouble.replaces else await handle()
    if trouble.drop:
        return _dropped(request)
    if trouble.replaces:
        answer = failed(trouble)
    return await _cut(request, answer) if trouble.cut else answer


def was_answered(request: web.Request) -> bool:
    """Whether there still is somebody to answer: neither side has given the connection up."""
    return request.transport is not None and not request.transport.is_closing()


async def _strike(trouble: Trouble) -> None:
    await asyncio.sleep(trouble.delay)
    if trouble.call:
        trouble.call()


def _dropped(request: web.Request) -> web.StreamResponse:
    if request.transport:
        # Without lingering what is sent is a reset, not the orderly end of a connection.
        request.transport.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
        request.transport.abort()
    # What is returned after this goes nowhere.
    return web.Response()


async def _cut(request: web.Request, answer: web.StreamResponse) -> web.StreamResponse:
    body = answer.body if isinstance(answer, web.Response) else None
    if not isinstance(body, bytes) or not body or request.method == "HEAD":
        return _dropped(request)
    begun = web.StreamResponse(status=answer.status, headers=answer.headers)
    begun.content_length = len(body)
    await begun.prepare(request)
    await begun.write(body[: len(body) // 2])
    if request.transport:
        # Unlike a reset this lets the half that was written arrive.
        request.transport.close()
    return begun

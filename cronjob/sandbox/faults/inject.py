"""Fault injection on the wire: connections that are reset, and answers that are cut off half way."""

import asyncio
import struct
from collections.abc import Awaitable, Callable
from socket import SO_LINGER, SOL_SOCKET

from aiohttp import web

from cronjob.sandbox.faults.fault import Fault


async def inject(
    fault: Fault | None,
    request: web.Request,
    handle: Callable[[], Awaitable[web.StreamResponse]],
    answer_of: Callable[[Fault], web.Response],
) -> web.StreamResponse:
    """
    Answer *request* with *fault* injected, or without one.

    *handle* handles the request and returns the real answer; *answer_of* makes the answer of a fault's status.
    """
    if fault is None:
        return await handle()
    if fault.after:
        answer = await handle()
        await _wait_and_call(fault)
    else:
        await _wait_and_call(fault)
        answer = web.Response() if fault.replaces_answer else await handle()
    if fault.drop:
        return _dropped(request)
    if fault.replaces_answer:
        answer = answer_of(fault)
    return await _cut(request, answer) if fault.cut else answer


def is_connected(request: web.Request) -> bool:
    """Whether the client can still get an answer: neither side has closed the connection."""
    return request.transport is not None and not request.transport.is_closing()


async def _wait_and_call(fault: Fault) -> None:
    await asyncio.sleep(fault.delay)
    if fault.call:
        fault.call()


def _dropped(request: web.Request) -> web.StreamResponse:
    if request.transport:
        # Without lingering, closing sends a reset instead of the orderly end of a connection.
        request.transport.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
        request.transport.abort()
    # Nobody receives what is returned after this.
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
        # Unlike a reset, closing lets the half that was written arrive.
        request.transport.close()
    return begun

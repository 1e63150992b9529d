"""Serve an aiohttp application on loopback from a thread."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Thread

from aiohttp import web

HOST = "127.0.0.1"

# Slow answers may be under way when the server stops; no client is left to read them.
SHUTDOWN_TIMEOUT = 0.2


@contextmanager
def serving(app: web.Application, *, port: int = 0) -> Iterator[str]:
    """
    Serve *app* on loopback and yield its URL, ``http://127.0.0.1:PORT``.

    Without *port* the operating system chooses one. A port in use raises ``OSError``. After the block the thread,
    the event loop and all connections are closed.
    """
    started: Future[_Running] = Future()
    thread = Thread(target=_run, args=(app, port, started), name="sandbox-server", daemon=True)
    thread.start()
    try:
        running = started.result()
        try:
            yield running.url
        finally:
            running.stop()
    finally:
        thread.join()


@dataclass(frozen=True)
class _Running:
    url: str
    loop: asyncio.AbstractEventLoop
    stopping: asyncio.Event

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self.stopping.set)


def _run(app: web.Application, port: int, started: Future[_Running]) -> None:
    try:
        asyncio.run(_serve(app, port, started))
    except Exception as error:
        if started.done():
            raise
        started.set_exception(error)


async def _serve(app: web.Application, port: int, started: Future[_Running]) -> None:
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=SHUTDOWN_TIMEOUT)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, port).start()
        chosen = runner.addresses[0][1]
        running = _Running(f"http://{HOST}:{chosen}", asyncio.get_running_loop(), asyncio.Event())
        started.set_result(running)
        await running.stopping.wait()
    finally:
        await runner.cleanup()

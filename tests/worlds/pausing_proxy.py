"""A forwarding HTTP proxy that does something between two requests: how two real runs are interleaved."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

_HOP_BY_HOP = {"connection", "content-length", "transfer-encoding"}


@dataclass
class PausingProxy:
    """Requests to *url* reach the real server; before number *pause_before* (from 0) is forwarded, *then* is called."""

    url: str
    pause_before: int | None = None
    then: Callable[[], None] = lambda: None
    seen: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def hear(self, method: str, path: str) -> None:
        """Count a request, and pause where it is the one."""
        with self.lock:
            number = len(self.seen)
            self.seen.append(f"{method} {path}")
        if number == self.pause_before:
            self.then()


@contextmanager
def pausing_proxy(target: str) -> Iterator[PausingProxy]:
    """Serve a proxy to the server at *target*."""
    address = urlsplit(target)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Buffered: a header and a body sent apart wait for each other's acknowledgement.
        wbufsize = -1

        def forward(self) -> None:
            proxy.hear(self.command, self.path.partition("?")[0])
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            connection = HTTPConnection(str(address.hostname), address.port, timeout=30)
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP_BY_HOP}
            connection.request(self.command, self.path, body or None, headers)
            answer = connection.getresponse()
            content = answer.read()
            connection.close()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in _HOP_BY_HOP | {"date", "server"}:
                    self.send_header(name, value)
            if answer.status != 204:
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        # The names that the standard library calls.
        do_GET = do_POST = do_PUT = do_DELETE = forward  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Nothing is logged."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    proxy = PausingProxy(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

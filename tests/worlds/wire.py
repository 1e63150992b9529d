"""Answers as they look on the wire when they break off: what arrived, and how it ended."""

import http.client
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Torn:
    """An answer that broke off; *arrived* is what came of its body, *stated* how long that was to be."""

    status: int
    stated: int
    arrived: bytes


def torn(url: str, method: str, path: str, token: str = "") -> Torn:
    """Send a request whose answer breaks off within its body."""
    with closing(http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)) as connection:
        connection.request(method, path, headers={"PRIVATE-TOKEN": token} if token else {})
        answer = connection.getresponse()
        try:
            answer.read()
        except http.client.IncompleteRead as broken:
            return Torn(answer.status, int(answer.headers["Content-Length"]), broken.partial)
    raise AssertionError(f"{method} {path} was answered whole")


@contextmanager
def sent(url: str, request: str, body: bytes = b"") -> Iterator[socket.socket]:
    """The connection on which *request*, its lines without the empty one at the end, was sent."""
    place = urlsplit(url)
    with socket.create_connection((place.hostname, place.port), timeout=10) as connection:
        connection.sendall(f"{request}Host: localhost\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        yield connection

"""The total timeout of one answer bounds each read."""

from __future__ import annotations

import io
import socket
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from cronjob.transport import deadline
from cronjob.transport.deadline import TimedReader


@dataclass
class Clock:
    now: float = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(deadline, "time", clock)
    return clock


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, servers = socket.socketpair()
    with ours, servers:
        ours.settimeout(30.0)
        yield ours, servers


def reader(ours: socket.socket) -> io.BufferedReader:
    raw = ours.makefile("rb", buffering=0)
    return io.BufferedReader(TimedReader(raw, ours, 30.0))


def test_silence_after_a_late_byte_lasts_no_longer_than_what_is_left(
    clock: Clock, ends: tuple[socket.socket, socket.socket]
) -> None:
    ours, servers = ends
    answer = reader(ours)
    servers.sendall(b"H")
    assert answer.read1(1) == b"H"

    clock.now += 29.5
    servers.sendall(b"T")
    assert answer.read1(1) == b"T"

    assert ours.gettimeout() == 0.5


def test_nothing_is_read_after_the_deadline(clock: Clock, ends: tuple[socket.socket, socket.socket]) -> None:
    ours, servers = ends
    answer = reader(ours)
    servers.sendall(b"H")

    clock.now += 30.0

    with pytest.raises(TimeoutError):
        answer.read1(1)


def test_the_next_request_on_the_connection_has_the_whole_timeout_again(
    clock: Clock, ends: tuple[socket.socket, socket.socket]
) -> None:
    ours, servers = ends
    answer = reader(ours)
    for byte in (b"H", b"T"):
        servers.sendall(byte)
        assert answer.read1(1) == byte
        clock.now += 20.0
    assert ours.gettimeout() == 10.0

    answer.close()

    assert ours.gettimeout() == 30.0

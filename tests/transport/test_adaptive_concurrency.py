"""How many requests are under way at a time, over servers that bear more or less, in simulated time."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from heapq import heappop, heappush

import pytest

from cronjob.transport.adaptive_concurrency import ConcurrencyLimiter

LATENCY = 0.04


@dataclass
class Server:
    """
    Answers *requests* of 64 workers, *bears* of them at a time; the others wait in its queue.

    *spread* is how far one answer's time may lie from the usual one, as a part of it.
    """

    most: int
    bears: int = 1000
    spread: float = 0.5
    seed: int = 1
    now: float = 0.0
    limits: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._answered = 0
        self._busy_until = [0.0] * 1000
        self._ends: list[float] = []
        self.limiter = ConcurrencyLimiter(self.most, lambda: self.now)

    def serve(self, requests: int, *, overloaded: bool = False) -> float:
        """Answer so many; the seconds that takes in all."""
        began, left = self.now, requests
        while left or self._ends:
            while left and len(self._ends) < min(self.limiter.limit, 64):
                self.limiter.acquire()
                left -= 1
                heappush(self._ends, self._end())
            self.now = heappop(self._ends)
            self.limiter.release(overloaded=overloaded)
            self.limits.append(self.limiter.limit)
        return self.now - began

    def _end(self) -> float:
        place = min(range(self.bears), key=lambda one: self._busy_until[one])
        start = max(self.now, self._busy_until[place])
        # Scattered evenly, the same way each time: multiples of the golden ratio.
        self._answered += 1
        chance = (self._answered * 0.618034 + self.seed * 0.31) % 1
        self._busy_until[place] = start + LATENCY * (1 + self.spread * (2 * chance - 1))
        return self._busy_until[place]

    @property
    def usual_limit(self) -> float:
        return sum(self.limits) / len(self.limits)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("most", [1, 2, 8, 16, 64])
def test_a_server_that_bears_everything_gets_all_that_is_allowed(most: int, seed: int) -> None:
    server = Server(most, seed=seed)
    server.serve(200)

    seconds = server.serve(5000)

    assert max(server.limits) == most
    assert seconds < 1.1 * 5000 * LATENCY / most


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("bears", [1, 2, 4, 8])
def test_a_server_that_bears_less_is_asked_for_less_and_is_as_busy(bears: int, seed: int) -> None:
    server = Server(16, bears=bears, seed=seed)

    seconds = server.serve(5000)

    assert server.usual_limit < 1.5 * bears + 2
    assert seconds < 1.1 * 5000 * LATENCY / bears


def test_a_server_that_recovers_is_soon_asked_for_more() -> None:
    server = Server(16, bears=2)
    server.serve(2000)
    assert server.limiter.limit <= 4

    server.bears = 1000
    server.serve(4000)

    assert server.limiter.limit == 16


def test_what_an_overloaded_server_says_halves_it_at_once() -> None:
    server = Server(16)
    server.serve(500)
    assert server.limiter.limit == 16

    server.serve(1, overloaded=True)
    assert server.limiter.limit == 8
    server.serve(10, overloaded=True)
    assert server.limiter.limit == 1
    server.serve(2000)
    assert server.limiter.limit == 16


def test_what_is_not_asked_for_proves_nothing() -> None:
    # One worker alone never fills the limit, so its answers say nothing about more.
    limiter = ConcurrencyLimiter(16, clock=lambda: 0.0)
    for _ in range(1000):
        limiter.acquire()
        limiter.release()

    assert limiter.limit == 8


def test_no_more_are_under_way_than_that() -> None:
    limiter, at_once, most = ConcurrencyLimiter(4), [0], [0]
    lock = threading.Lock()

    def work() -> None:
        for _ in range(200):
            limiter.acquire()
            with lock:
                at_once[0] += 1
                most[0] = max(most[0], at_once[0])
            with lock:
                at_once[0] -= 1
            limiter.release()

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 1 <= most[0] <= 4

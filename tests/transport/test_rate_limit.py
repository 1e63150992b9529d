"""How fast requests are sent, by all workers together."""

from __future__ import annotations

import email.utils
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from cronjob.transport.rate_limit import RateLimiter


def turns(limiter: RateLimiter, number: int, workers: int = 1) -> list[float]:
    """When each of so many requests was sent, in seconds from the first."""
    began = time.monotonic()

    def one(_: int) -> float:
        limiter.wait()
        return time.monotonic() - began

    with ThreadPoolExecutor(workers) as pool:
        return sorted(pool.map(one, range(number)))


class TestPace:
    def test_without_a_limit_nobody_waits(self) -> None:
        limiter = RateLimiter(None, 4)

        assert [limiter.wait() for _ in range(100)] == [0.0] * 100

    @pytest.mark.parametrize("workers", [1, 5])
    def test_a_limit_spaces_the_requests_of_all_workers_evenly(self, workers: int) -> None:
        sent = turns(RateLimiter(1200, workers), 11, workers)

        # Never early; how late depends on the machine.
        assert all(when >= 0.05 * number - 0.001 for number, when in enumerate(sent))
        assert sent[-1] < 5

    def test_the_first_request_does_not_wait(self) -> None:
        assert RateLimiter(1, 4).wait() == 0.0

    def test_one_limit_that_was_hit_holds_all_workers(self) -> None:
        limiter = RateLimiter(None, 4)
        limiter.block_for(0.2)

        assert all(when >= 0.19 for when in turns(limiter, 4, 4))
        assert limiter.wait() == 0.0

    def test_a_shorter_hold_does_not_end_a_longer_one(self) -> None:
        limiter = RateLimiter(None, 4)
        limiter.block_for(0.2)
        limiter.block_for(0.01)

        assert limiter.wait() > 0.1

    def test_what_little_is_left_of_a_limit_is_spread_over_the_rest_of_its_window(self) -> None:
        limiter = RateLimiter(None, 4)
        limiter.wait()
        limiter.observe(_left(4, seconds=1))

        waited = [limiter.wait() for _ in range(3)]

        assert all(0.1 < each <= 0.2 for each in waited)

    def test_what_is_under_way_counts_as_used(self) -> None:
        limiter = RateLimiter(None, 4)
        for _ in range(4):
            limiter.wait()
        limiter.observe(_left(4, seconds=1))

        assert 0.4 < limiter.wait() <= 0.5

    def test_once_the_window_is_over_nobody_waits(self) -> None:
        limiter = RateLimiter(None, 4)
        limiter.wait()
        limiter.observe(_left(1, seconds=0))

        assert [limiter.wait() for _ in range(5)] == [0.0] * 5

    def test_while_enough_is_left_nobody_waits(self) -> None:
        limiter = RateLimiter(None, 4)
        limiter.wait()
        limiter.observe(_left(9, seconds=30))

        assert limiter.wait() == 0.0

    @pytest.mark.parametrize(
        "headers", [{}, {"RateLimit-Remaining": "0"}, {"RateLimit-Remaining": "0", "RateLimit-Reset": "?"}]
    )
    def test_headers_that_say_nothing_slow_nobody(self, headers: dict[str, str]) -> None:
        limiter = RateLimiter(None, 4)
        limiter.wait()
        limiter.observe(headers)

        assert limiter.wait() == 0.0

    def test_the_reset_is_read_by_the_servers_clock(self) -> None:
        """Ours may be hours off: the same moment, seen from a server that lives in 1970."""
        limiter = RateLimiter(None, 4)
        limiter.wait()
        limiter.observe(
            {"RateLimit-Remaining": "1", "RateLimit-Reset": "1001", "Date": "Thu, 01 Jan 1970 00:16:40 GMT"}
        )

        assert 0.3 < limiter.wait() <= 0.5

    def test_without_a_date_our_clock_is_used(self) -> None:
        limiter = RateLimiter(None, 4)
        limiter.wait()
        headers = _left(1, seconds=10)
        del headers["Date"]
        limiter.observe(headers | {"RateLimit-Reset": str(int(time.time()) - 5)})

        assert limiter.wait() == 0.0


def _left(number: int, *, seconds: int) -> dict[str, str]:
    now = int(time.time())
    date = email.utils.formatdate(now, usegmt=True)
    return {"RateLimit-Remaining": str(number), "RateLimit-Reset": str(now + seconds), "Date": date}

"""A worker pool does every item, no more at a time than it may, and stops when it is closed."""

from __future__ import annotations

import threading
import time

import pytest

from cronjob.concurrency.worker_pool import WorkerPool


def test_everything_is_done_once() -> None:
    pool = WorkerPool[int, int](lambda number: number * 2, 4, "test")
    for number in range(1000):
        pool.add(number)

    assert sorted(pool.answers()) == [2 * number for number in range(1000)]
    pool.close()


def test_answers_that_were_given_are_not_none_the_second_time() -> None:
    pool = WorkerPool[int, int](lambda number: number, 2, "test")
    pool.add(1)

    assert pool.answers() == [1]
    with pytest.raises(RuntimeError, match="once"):
        pool.answers()
    pool.close()


def test_without_anything_to_do_there_are_no_answers_and_no_threads() -> None:
    before = threading.active_count()
    pool = WorkerPool[int, int](lambda number: number, 4, "test")

    assert pool.answers() == []
    assert threading.active_count() == before
    pool.close()


@pytest.mark.parametrize("threads", [1, 3])
def test_no_more_are_under_way_than_it_has_threads(threads: int) -> None:
    under_way, most, lock = [0], [0], threading.Lock()

    def work(_: int) -> None:
        with lock:
            under_way[0] += 1
            most[0] = max(most[0], under_way[0])
        time.sleep(0.001)
        with lock:
            under_way[0] -= 1

    pool = WorkerPool[int, None](work, threads, "test")
    for number in range(50):
        pool.add(number)
    pool.answers()
    pool.close()

    assert 1 <= most[0] <= threads


def test_what_one_raises_is_raised_at_the_end() -> None:
    pool = WorkerPool[int, float](lambda number: 1 / number, 2, "test")
    for number in (1, 0, 2, 3):
        pool.add(number)

    with pytest.raises(ZeroDivisionError):
        pool.answers()
    pool.close()


def test_an_empty_item_is_an_item() -> None:
    pool = WorkerPool[object, object](lambda item: item, 1, "test")
    pool.add(None)
    pool.add(())

    assert pool.answers() == [None, ()]
    pool.close()


def test_several_threads_may_add() -> None:
    pool = WorkerPool[int, int](lambda number: number, 2, "test")
    adding = [threading.Thread(target=lambda: [pool.add(number) for number in range(100)]) for _ in range(4)]
    for thread in adding:
        thread.start()
    for thread in adding:
        thread.join()

    assert len(pool.answers()) == 400
    pool.close()


def test_once_closed_what_was_not_begun_is_given_up() -> None:
    done, begun = [], threading.Event()

    def work(number: int) -> None:
        begun.set()
        time.sleep(0.01)
        done.append(number)

    pool = WorkerPool[int, None](work, 1, "test")
    for number in range(1000):
        pool.add(number)
    begun.wait()
    pool.close()

    assert 1 <= len(done) < 1000

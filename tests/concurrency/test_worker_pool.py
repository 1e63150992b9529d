"""A crew does everything it is given, no more at a time than it may, and stops when nobody wants to know any more."""

from __future__ import annotations

import threading
import time

import pytest

from cronjob.concurrency.worker_pool import WorkerPool


def test_everything_is_done_once() -> None:
    crew = WorkerPool[int, int](lambda number: number * 2, 4, "test")
    for number in range(1000):
        crew.add(number)

    assert sorted(crew.answers()) == [2 * number for number in range(1000)]
    crew.close()


def test_answers_that_were_given_are_not_none_the_second_time() -> None:
    crew = WorkerPool[int, int](lambda number: number, 2, "test")
    crew.add(1)

    assert crew.answers() == [1]
    with pytest.raises(RuntimeError, match="once"):
        crew.answers()
    crew.close()


def test_without_anything_to_do_there_are_no_answers_and_no_threads() -> None:
    before = threading.active_count()
    crew = WorkerPool[int, int](lambda number: number, 4, "test")

    assert crew.answers() == []
    assert threading.active_count() == before
    crew.close()


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

    crew = WorkerPool[int, None](work, threads, "test")
    for number in range(50):
        crew.add(number)
    crew.answers()
    crew.close()

    assert 1 <= most[0] <= threads


def test_what_one_raises_is_raised_at_the_end() -> None:
    crew = WorkerPool[int, float](lambda number: 1 / number, 2, "test")
    for number in (1, 0, 2, 3):
        crew.add(number)

    with pytest.raises(ZeroDivisionError):
        crew.answers()
    crew.close()


def test_an_empty_item_is_an_item() -> None:
    crew = WorkerPool[object, object](lambda item: item, 1, "test")
    crew.add(None)
    crew.add(())

    assert crew.answers() == [None, ()]
    crew.close()


def test_several_threads_may_add() -> None:
    crew = WorkerPool[int, int](lambda number: number, 2, "test")
    adding = [threading.Thread(target=lambda: [crew.add(number) for number in range(100)]) for _ in range(4)]
    for thread in adding:
        thread.start()
    for thread in adding:
        thread.join()

    assert len(crew.answers()) == 400
    crew.close()


def test_once_closed_what_was_not_begun_is_given_up() -> None:
    done, begun = [], threading.Event()

    def work(number: int) -> None:
        begun.set()
        time.sleep(0.01)
        done.append(number)

    crew = WorkerPool[int, None](work, 1, "test")
    for number in range(1000):
        crew.add(number)
    begun.wait()
    crew.close()

    assert 1 <= len(done) < 1000

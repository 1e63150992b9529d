"""Worker pool (a thread pool): a few threads work through items while more items are still being found."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from threading import Lock
from typing import Generic, TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class WorkerPool(Generic[Item, Answer]):
    """
    Does *work* for each item, in *threads* threads that are started as they are needed.

    The items wait in one queue: a future for each would often be larger than what is kept of it.
    """

    def __init__(self, work: Callable[[Item], Answer], threads: int, name: str) -> None:
        self._work = work
        self._most = threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        # In a list of their own, so that no item is taken for the end.
        self._todo: SimpleQueue[tuple[Item] | None] = SimpleQueue()
        self._answers: list[Answer] = []
        self._workers: list[Future[None]] = []
        self._starting = Lock()
        self._given_up = False
        self._answered = False

    def add(self, item: Item) -> None:
        """Queue an item, from any thread."""
        self._todo.put((item,))
        if len(self._workers) < self._most:
            with self._starting:
                if len(self._workers) < self._most:
                    self._workers.append(self._pool.submit(self._serve))

    def answers(self) -> list[Answer]:
        """
        Return all answers, in no order, once every item is done. Raises what *work* raised.

        May be called once; RuntimeError afterwards, so that nothing looks as if it had no answers.
        """
        if self._answered:
            raise RuntimeError("a worker pool gives its answers once")
        self._answered = True
        self._end()
        for worker in self._workers:
            worker.result()
        # The pool may live much longer.
        answers, self._answers = self._answers, []
        return answers

    def close(self) -> None:
        """Drop the items that were not begun, and wait for the others."""
        self._given_up = True
        self._end()
        self._pool.shutdown()

    def _end(self) -> None:
        for _ in self._workers:
            self._todo.put(None)

    def _serve(self) -> None:
        while (item := self._todo.get()) is not None:
            if self._given_up:
                return
            self._answers.append(self._work(*item))

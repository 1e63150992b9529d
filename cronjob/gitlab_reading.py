"""Reading each project while the next ones are still being listed."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue

from reconcile.actual import Items, Unreadable
from reconcile.model import Project

State = Items | Unreadable


class Reading:
    """
    A few threads that *read* the projects they are given, each once. All methods are for one thread.

    They take from one queue: a future for each project would cost more memory than what is read of it.
    """

    def __init__(self, read: Callable[[Project], State], threads: int) -> None:
        self._read = read
        self._most = threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="reading")
        self._todo: SimpleQueue[Project | None] = SimpleQueue()
        self._added: set[int] = set()
        self._states: list[State] = []
        self._workers: list[Future[None]] = []
        self._given_up = False

    def add(self, project: Project) -> None:
        """Let the project be read, if it is not already."""
        if project.id in self._added:
            return
        self._added.add(project.id)
        self._todo.put(project)
        if len(self._workers) < self._most:
            self._workers.append(self._pool.submit(self._work))

    def states(self) -> list[State]:
        """Everything that was read, in no order. Raises what a reading raised."""
        self._end()
        for worker in self._workers:
            worker.result()
        self._workers.clear()
        return self._states

    def close(self) -> None:
        """Give up what was not begun."""
        self._given_up = True
        self._end()
        self._pool.shutdown()

    def _end(self) -> None:
        for _ in self._workers:
            self._todo.put(None)

    def _work(self) -> None:
        while (project := self._todo.get()) is not None:
            if self._given_up:
                return
            self._states.append(self._read(project))

"""The progress bar: one line on the terminal's stderr that is erased when the run ends."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from threading import Event, Lock, Thread
from typing import TextIO

from cronjob.concurrency.progress_counts import ProgressCounts
from cronjob.transport.request_counts import RequestCounts

# Move to the start of the line and erase it.
ERASE = "\r\x1b[2K"
# Seconds between two updates.
_INTERVAL = 0.2
# Seconds before the speed is shown: earlier it says nothing.
_SPEED_AFTER = 1.0
_WIDEST = 40
_NARROWEST = 10


class Screen:
    """
    A terminal whose last line may be a progress line. What is written to it, as by a log, goes above that line.

    Thread-safe.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._line = ""
        self._lock = Lock()

    @property
    def columns(self) -> int:
        """The width of the terminal now."""
        try:
            return os.get_terminal_size(self._stream.fileno()).columns or 80
        except OSError:
            return 80

    @property
    def in_foreground(self) -> bool:
        """Whether this process may draw: in the background it would draw into what the user types."""
        try:
            return os.tcgetpgrp(self._stream.fileno()) == os.getpgrp()
        except OSError:
            # It is not the process's controlling terminal, so there is no job control.
            return True

    def write(self, text: str) -> None:
        """Write whole lines above the progress line."""
        with self._lock:
            self._stream.write(f"{ERASE}{text}{self._line}" if self._line else text)

    def flush(self) -> None:
        """Send what was written to the terminal."""
        self._stream.flush()

    def show(self, line: str) -> None:
        """Replace the progress line; an empty one erases it."""
        with self._lock:
            if line != self._line:
                self._stream.write(f"{ERASE}{line}")
                self._stream.flush()
                self._line = line

    def erase(self) -> None:
        """Erase the progress line without taking the lock: for a signal handler, right before the process ends."""
        if self._line:
            with suppress(OSError):
                os.write(self._stream.fileno(), ERASE.encode())


class ProgressBar:
    """A context in which *screen* shows the progress of *counts*, with retries and throttling from *requests*."""

    def __init__(self, screen: Screen, counts: ProgressCounts, requests: RequestCounts) -> None:
        self._screen = screen
        self._counts = counts
        self._requests = requests
        self._stage = ""
        self._stage_began = 0.0
        self._stopped = Event()
        self._thread = Thread(target=self._draw, name="progress", daemon=True)

    def __enter__(self) -> ProgressBar:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()
        # The terminal may be closed by now.
        with suppress(OSError, ValueError):
            self._screen.show("")

    def _draw(self) -> None:
        with suppress(OSError, ValueError):
            while not self._stopped.wait(_INTERVAL):
                self._screen.show(self._progress_line() if self._screen.in_foreground else "")

    def _progress_line(self) -> str:
        stage = stage_of(self._counts)
        if stage != self._stage:
            self._stage, self._stage_began = stage, time.monotonic()
        return progress_line(self._counts, self._requests, time.monotonic() - self._stage_began, self._screen.columns)


def stage_of(counts: ProgressCounts) -> str:
    """Return the stage that the run is in; empty before it begins."""
    if counts.expected:
        return "Applying"
    if counts.found:
        return "Reading"
    return "Listing" if counts.listing else ""


def progress_line(counts: ProgressCounts, requests: RequestCounts, seconds: float, columns: int) -> str:
    """Return the progress line, narrower than the terminal: a full line would wrap and could not be erased."""
    total: int | None = None
    match stage_of(counts):
        case "Applying":
            done, total = counts.written, counts.expected
            text = f"Applying {done}/{total} changes"
        case "Reading" if counts.listed:
            done, total = counts.read, counts.found
            text = f"Reading {done}/{total} projects"
        case "Reading":
            # The listing goes on, so the total is not known yet.
            done, text = counts.read, f"Reading {counts.read} of at least {counts.found} projects"
        case "Listing":
            done, text = 0, "Listing projects"
        case _:
            return ""
    words = "  ".join([text, *_speed(done, total, seconds), *_slowed_by(requests)])
    return _with_bar(words, done / total if total else None, columns - 1)


def _speed(done: int, total: int | None, seconds: float) -> list[str]:
    """Return the rate and the remaining time at that rate."""
    if not done or seconds < _SPEED_AFTER:
        return []
    rate = done / seconds
    words = [f"{rate:.0f}/s" if rate >= 10 else f"{rate:.1f}/s"]
    if total is not None and done < total:
        minutes, left = divmod(round((total - done) / rate), 60)
        words.append(f"{minutes}:{left:02} left")
    return words


def _slowed_by(requests: RequestCounts) -> list[str]:
    """Return the retries and the seconds of throttling, where there are any."""
    words = [f"{requests.retries} {'retry' if requests.retries == 1 else 'retries'}"] if requests.retries else []
    return [*words, f"{requests.throttled_seconds:.0f} s throttled"] if requests.throttled_seconds >= 1 else words


def _with_bar(text: str, done: float | None, columns: int) -> str:
    cells = min(columns - len(text) - 3, _WIDEST)
    if done is None or cells < _NARROWEST:
        return text[: max(columns, 0)]
    full = int(min(done, 1) * cells)
    return f"[{'#' * full}{'.' * (cells - full)}] {text}"

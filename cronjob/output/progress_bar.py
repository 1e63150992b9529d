"""One line on a terminal's stderr that says how far a run is; it goes away without a trace."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from threading import Event, Lock, Thread
from typing import TextIO

from cronjob.concurrency.progress_counts import ProgressCounts
from cronjob.transport.request_counts import RequestCounts

# Back to the line's beginning, and erase it whole.
ERASE = "\r\x1b[2K"
# Seconds between two pictures.
_INTERVAL = 0.2
# Seconds before a speed means anything.
_SETTLED = 1.0
_WIDEST = 40
_NARROWEST = 10


class Screen:
    """
    A terminal whose last line may be a picture. What is written to it, as a log does, goes above the picture.

    Safe to share between threads.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._picture = ""
        self._lock = Lock()

    @property
    def columns(self) -> int:
        """How wide it is now."""
        try:
            return os.get_terminal_size(self._stream.fileno()).columns or 80
        except OSError:
            return 80

    @property
    def is_ours(self) -> bool:
        """Whether this process may draw: one in the background would draw into somebody's typing."""
        try:
            return os.tcgetpgrp(self._stream.fileno()) == os.getpgrp()
        except OSError:
            # It is not this process's own terminal, so there is no job control either.
            return True

    def write(self, text: str) -> None:
        """Whole lines, above the picture."""
        with self._lock:
            self._stream.write(f"{ERASE}{text}{self._picture}" if self._picture else text)

    def flush(self) -> None:
        """Let it be seen."""
        self._stream.flush()

    def show(self, picture: str) -> None:
        """Draw this picture instead of the last one; an empty one only erases that."""
        with self._lock:
            if picture != self._picture:
                self._stream.write(f"{ERASE}{picture}")
                self._stream.flush()
                self._picture = picture

    def drop(self) -> None:
        """Erase the picture where no lock can be waited for: in a signal's handler, right before the end."""
        if self._picture:
            with suppress(OSError):
                os.write(self._stream.fileno(), ERASE.encode())


class Bar:
    """A context in which *screen* shows how far *tally* is, with what *traffic* says of trouble."""

    def __init__(self, screen: Screen, tally: ProgressCounts, traffic: RequestCounts) -> None:
        self._screen = screen
        self._tally = tally
        self._traffic = traffic
        self._stage = ""
        self._since = 0.0
        self._over = Event()
        self._painter = Thread(target=self._paint, name="progress", daemon=True)

    def __enter__(self) -> Bar:
        self._painter.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._painter.join()
        # Whoever watched may have gone.
        with suppress(OSError, ValueError):
            self._screen.show("")

    def _paint(self) -> None:
        with suppress(OSError, ValueError):
            while not self._over.wait(_INTERVAL):
                self._screen.show(self._picture() if self._screen.is_ours else "")

    def _picture(self) -> str:
        stage = stage_of(self._tally)
        if stage != self._stage:
            self._stage, self._since = stage, time.monotonic()
        return picture(self._tally, self._traffic, time.monotonic() - self._since, self._screen.columns)


def stage_of(tally: ProgressCounts) -> str:
    """What the run is at, as far as it can be watched; empty before it begins."""
    if tally.expected:
        return "Applying"
    if tally.found:
        return "Reading"
    return "Listing" if tally.listing else ""


def picture(tally: ProgressCounts, traffic: RequestCounts, seconds: float, columns: int) -> str:
    """The line, never as wide as the terminal: a full line would wrap, and could not be erased."""
    of: int | None = None
    match stage_of(tally):
        case "Applying":
            done, of = tally.written, tally.expected
            text = f"Applying {done}/{of} changes"
        case "Reading" if tally.listed:
            done, of = tally.read, tally.found
            text = f"Reading {done}/{of} projects"
        case "Reading":
            # More may be found: nobody knows yet how far this is.
            done, text = tally.read, f"Reading {tally.read} of at least {tally.found} projects"
        case "Listing":
            done, text = 0, "Listing projects"
        case _:
            return ""
    words = "  ".join([text, *_speed(done, of, seconds), *_trouble(traffic)])
    return _with_bar(words, done / of if of else None, columns - 1)


def _speed(done: int, of: int | None, seconds: float) -> list[str]:
    """How fast, and how long it still takes if it goes on so."""
    if not done or seconds < _SETTLED:
        return []
    rate = done / seconds
    words = [f"{rate:.0f}/s" if rate >= 10 else f"{rate:.1f}/s"]
    if of is not None and done < of:
        minutes, left = divmod(round((of - done) / rate), 60)
        words.append(f"{minutes}:{left:02} left")
    return words


def _trouble(traffic: RequestCounts) -> list[str]:
    """What makes it slow, where something does."""
    words = [f"{traffic.retries} {'retry' if traffic.retries == 1 else 'retries'}"] if traffic.retries else []
    return [*words, f"{traffic.throttled_seconds:.0f} s throttled"] if traffic.throttled_seconds >= 1 else words


def _with_bar(text: str, done: float | None, columns: int) -> str:
    cells = min(columns - len(text) - 3, _WIDEST)
    if done is None or cells < _NARROWEST:
        return text[: max(columns, 0)]
    full = int(min(done, 1) * cells)
    return f"[{'#' * full}{'.' * (cells - full)}] {text}"

"""Progress counts: how far a run is, counted by all its workers, for the progress bar and the log."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field


@dataclass(slots=True)
class ProgressCounts:
    """
    Projects *found* and *read*, and changes that are *expected* and *written*, whether they worked or not.

    More projects may be found until they are all *listed*.
    """

    found: int = 0
    read: int = 0
    expected: int = 0
    written: int = 0
    listing: bool = False
    listed: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def one_found(self) -> None:
        """One project more is to be read."""
        with self._lock:
            self.found += 1

    def one_read(self) -> None:
        """One project's keys and webhooks were read, or could not be."""
        with self._lock:
            self.read += 1

    def expect(self, writes: int) -> None:
        """So many changes more are to be made."""
        with self._lock:
            self.expected += writes

    def one_written(self) -> None:
        """One of them was made, or failed."""
        with self._lock:
            self.written += 1

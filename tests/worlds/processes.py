"""Servers that a test starts as processes of their own, on loopback."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

# In seconds.
_DOWN_WITHIN = 30
_UP_WITHIN = 120


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port: int = server.getsockname()[1]
        return port


@contextmanager
def running(
    command: Sequence[str | Path], log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """The process, started; *log* gets all that it prints. It ends with the block, by force if it must."""
    with log.open("wb") as file:
        process = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            env={**os.environ, **(environment or {})},
        )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(_DOWN_WITHIN)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait_until_up(is_up: Callable[[], bool], processes: Mapping[Path, subprocess.Popen[bytes]]) -> None:
    """Wait for servers; *processes* are those that must live on, by the file of their log, which a failure shows."""
    end = time.monotonic() + _UP_WITHIN
    while not is_up():
        ended = [process.args for process in processes.values() if process.poll() is not None]
        if ended or time.monotonic() > end:
            logs = "\n".join(log.read_text(errors="replace")[-2000:] for log in sorted(processes))
            raise AssertionError(f"not up ({ended or 'in time'}):\n{logs}")
        time.sleep(0.1)

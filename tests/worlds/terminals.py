"""Terminals to run the program on, and what is left on them."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.worlds.program import Program


def on_screen(text: str) -> list[str]:
    """What a terminal shows after *text*, line by line: it knows line breaks, the line's beginning, and erasing."""
    lines = [""]
    for part in re.split(r"(\r\n|\n|\r|\x1b\[2K)", text):
        if part in {"\n", "\r\n"}:
            lines.append("")
        elif part == "\x1b[2K":
            lines[-1] = ""
        elif part != "\r":
            lines[-1] += part
    return lines


@dataclass
class Watched:
    """What one run wrote to its terminal, and how it ended."""

    code: int = -1
    text: str = ""
    screen: list[str] = field(default_factory=list)

    @property
    def pictures(self) -> list[str]:
        return re.findall(r"\r\x1b\[2K((?:\[[#.]+\] )?(?:Reading|Applying|Listing)[^\r]*)", self.text)


@contextmanager
def a_pty(columns: int) -> Iterator[tuple[int, int]]:
    """The terminal's side and the watcher's."""
    watcher, side = pty.openpty()
    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    try:
        yield side, watcher
    finally:
        os.close(watcher)
        os.close(side)


def watched(program: Program, *options: str, columns: int = 80, twice: bool = False, **environment: str) -> Watched:
    """The program in a process of its own, whose stderr and stdout are the terminal; *twice* it gets a Ctrl-C."""
    variables = {**program.environment, "SYNCER_LOG_FORMAT": "auto", "TERM": "xterm", **environment}
    command = [sys.executable, "-m", "cronjob", "run", *options]
    seen, drawn = Watched(), threading.Event()
    with a_pty(columns) as (side, watcher):
        process = subprocess.Popen(command, env={**variables, "PATH": os.environ["PATH"]}, stdout=side, stderr=side)

        def read() -> None:
            while b"\x04" not in (chunk := os.read(watcher, 65536)):
                seen.text += chunk.decode()
                if "Reading" in seen.text:
                    drawn.set()

        reader = threading.Thread(target=read)
        reader.start()
        while twice and process.poll() is None:
            if drawn.wait(0.1):
                process.send_signal(signal.SIGINT)
                time.sleep(0.1)
        seen.code = process.wait(120)
        # The end, in the same stream, after everything that the program wrote.
        os.write(side, b"\x04")
        reader.join()
    seen.screen = on_screen(seen.text)
    return seen

"""The line that says how far a run is: what stands in it, when there is none, and that nothing of it stays."""

from __future__ import annotations

import fcntl
import io
import logging
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

import pytest
from program import Program, a_program

from cronjob.logs import log, log_warning, logging_to, set_up_logging
from cronjob.progress import ERASE, Bar, Screen, picture
from cronjob.tally import Tally
from cronjob.telling import wants_bar
from cronjob.traffic import Traffic

READING = Tally(found=1000, read=400, listed=True)


class Terminal(io.StringIO):
    """A terminal in memory."""

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        raise OSError


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


# what stands in it


@pytest.mark.parametrize(
    ("tally", "seconds", "text"),
    [
        (Tally(), 1, ""),
        (Tally(listing=True), 1, "Listing projects"),
        (Tally(listing=True, found=300, read=120), 4, "Reading 120 of at least 300 projects  30/s"),
        (READING, 20, "[################......................] Reading 400/1000 projects  20/s  0:30 left"),
        (READING, 400, "[###############.......................] Reading 400/1000 projects  1.0/s  10:00 left"),
        (Tally(found=2, read=2, listed=True), 1, "[" + "#" * 40 + "] Reading 2/2 projects  2.0/s"),
        (Tally(found=2, read=2, listed=True), 0.9, "[" + "#" * 40 + "] Reading 2/2 projects"),
        (Tally(found=9, read=0, listed=True), 9, "[" + "." * 40 + "] Reading 0/9 projects"),
        (Tally(found=9, read=9, listed=True, expected=8, written=2), 1, "Applying 2/8 changes  2.0/s  0:03 left"),
    ],
)
def test_it_says_how_far_it_is_how_fast_and_how_long_it_takes(tally: Tally, seconds: float, text: str) -> None:
    line = picture(tally, Traffic(), seconds, 90)

    assert line.endswith(text.rsplit("] ", maxsplit=1)[-1])
    assert line.startswith("[") is (tally.listed)
    assert len(line) < 90


def test_the_bar_is_as_full_as_the_work_is_done() -> None:
    line = picture(Tally(found=4, read=1, listed=True), Traffic(), 1, 160)

    assert line.startswith(f"[{'#' * 10}{'.' * 30}] Reading 1/4 projects")


@pytest.mark.parametrize("retries", [0, 1, 7])
@pytest.mark.parametrize("throttled", [0.4, 61.2])
def test_trouble_is_named_where_there_is_some(retries: int, throttled: float) -> None:
    line = picture(READING, Traffic(retries=retries, throttled_seconds=throttled), 20, 160)

    assert ("retr" in line) is (retries > 0)
    assert ("1 retry" in line) is (retries == 1)
    assert ("61 s throttled" in line) is (throttled > 1)


@pytest.mark.parametrize("columns", [1, 2, 10, 40, 60, 80, 160])
def test_it_is_always_narrower_than_the_terminal(columns: int) -> None:
    for tally in (READING, Tally(listing=True), Tally(listing=True, found=10**6, read=10**5), Tally(expected=3)):
        assert len(picture(tally, Traffic(retries=12345, throttled_seconds=99999), 7, columns)) < columns


# when there is none


def test_a_terminal_with_logs_for_people_gets_one() -> None:
    assert wants_bar(Terminal(), "text", "info", {"TERM": "xterm"})


@pytest.mark.parametrize(
    ("stream", "log_format", "level", "environment"),
    [
        (io.StringIO(), "text", "info", {}),
        (Terminal(), "json", "info", {}),
        (Terminal(), "text", "debug", {}),
        (Terminal(), "text", "info", {"CI": "true"}),
        (Terminal(), "text", "info", {"TERM": "dumb"}),
    ],
)
def test_others_get_none(stream: io.StringIO, log_format: str, level: str, environment: dict[str, str]) -> None:
    assert not wants_bar(stream, log_format, level, environment)


# that nothing of it stays


def test_a_picture_replaces_the_one_before_and_an_empty_one_leaves_nothing() -> None:
    terminal = Terminal()
    screen = Screen(terminal)

    screen.show("Reading 1/2")
    screen.show("Reading 1/2")
    assert terminal.getvalue() == f"{ERASE}Reading 1/2"
    screen.show("2/2")
    assert on_screen(terminal.getvalue()) == ["2/2"]
    screen.show("")
    assert on_screen(terminal.getvalue()) == [""]


def test_log_lines_go_above_the_picture_and_afterwards_where_they_went_before() -> None:
    terminal = Terminal()
    screen = Screen(terminal)
    set_up_logging("text", "info", {})
    [handler] = log.handlers
    assert isinstance(handler, logging.StreamHandler)
    before = handler.stream

    with logging_to(screen):
        log_warning("first", "why")
        screen.show("Reading 1/2")
        log_warning("second", "why")
        assert on_screen(terminal.getvalue()) == ["warning first: why", "warning second: why", "Reading 1/2"]
        screen.show("")

    assert on_screen(terminal.getvalue()) == ["warning first: why", "warning second: why", ""]
    assert handler.stream is before


def test_many_threads_neither_tear_a_line_nor_leave_a_picture() -> None:
    terminal = Terminal()
    screen = Screen(terminal)

    def work(number: int) -> None:
        for turn in range(50):
            screen.show(f"picture {number} {turn}")
            screen.write(f"line {number} {turn}\n")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    screen.show("")

    *lines, last = on_screen(terminal.getvalue())
    assert sorted(lines) == sorted(f"line {number} {turn}" for number in range(4) for turn in range(50))
    assert last == ""


def test_a_terminal_that_has_gone_ends_the_bar_and_not_the_run() -> None:
    terminal = Terminal()
    terminal.close()

    with Bar(Screen(terminal), READING, Traffic()) as bar:
        bar._painter.join()


def test_a_process_in_the_background_does_not_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    with a_pty(80) as (side, _):
        screen = Screen(os.fdopen(os.dup(side), "w"))
        assert screen.is_ours
        monkeypatch.setattr(os, "tcgetpgrp", lambda _: os.getpgrp() + 1)
        assert not screen.is_ours
        screen._stream.close()


# on a terminal


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


@pytest.fixture
def program() -> Iterator[Program]:
    """Twelve new tenants at a GitLab that takes its time."""
    with a_program(12, samples=False) as ready:
        ready.gitlab.latency = 0.15
        ready.environment["SYNCER_CONCURRENCY"] = "4"
        yield ready


@pytest.mark.parametrize("columns", [80, 160])
def test_a_run_on_a_terminal_is_watched_and_leaves_its_log_and_its_report(program: Program, columns: int) -> None:
    seen = watched(program, "--no-lease", columns=columns)

    assert seen.code == 0
    stages = [re.findall("Listing|Reading|Applying", one)[0] for one in seen.pictures]
    assert {"Reading", "Applying"} <= set(stages)
    assert stages == sorted(stages, key=["Listing", "Reading", "Applying"].index)
    assert all(len(one) < columns for one in seen.pictures)
    left = "\n".join(seen.screen)
    assert "Reading 0" not in left
    assert "\x1b[2K" not in left
    assert not re.search(r"[#.]{10}\]|/s ", left)
    assert sum(line.startswith("info    create made") for line in seen.screen) == 24
    assert any(line.startswith("Applied: 24 created") for line in seen.screen)


@pytest.mark.parametrize(
    ("options", "environment"),
    [(["--log-level", "debug"], {}), (["--log-format", "json"], {}), ([], {"CI": "true"}), ([], {"TERM": "dumb"})],
)
def test_a_run_that_nobody_watches_writes_no_picture(
    program: Program, options: list[str], environment: dict[str, str]
) -> None:
    seen = watched(program, "--no-lease", "--dry-run", *options, **environment)

    assert (seen.code, seen.pictures, "\x1b[2K" in seen.text) == (0, [], False)


def test_into_a_pipe_no_picture_is_written(program: Program) -> None:
    command = [sys.executable, "-m", "cronjob", "run", "--dry-run", "--log-format", "text"]
    done = subprocess.run(command, env=program.environment, capture_output=True, text=True, check=True, timeout=120)

    assert "\x1b" not in done.stderr + done.stdout
    assert done.stderr.startswith("info    Drift")


def test_a_second_ctrl_c_leaves_no_picture_either(program: Program) -> None:
    program.gitlab.latency = 1.0

    seen = watched(program, "--no-lease", "--dry-run", twice=True)

    assert seen.code == 130
    assert seen.pictures != []
    assert seen.screen == [""]

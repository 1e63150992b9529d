"""The line that says how far a run is: what stands in it, when there is none, and that nothing of it stays."""

from __future__ import annotations

import io
import logging
import os
import threading

import pytest

from cronjob.commands.publish import wants_progress_bar
from cronjob.concurrency.progress_counts import ProgressCounts
from cronjob.output.logs import log, log_warning, logging_to, set_up_logging
from cronjob.output.progress_bar import ERASE, ProgressBar, Screen, progress_line
from cronjob.transport.request_counts import RequestCounts
from tests.worlds.terminals import a_pty, on_screen

READING = ProgressCounts(found=1000, read=400, listed=True)


class Terminal(io.StringIO):
    """A terminal in memory."""

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        raise OSError


# what stands in it


@pytest.mark.parametrize(
    ("tally", "seconds", "text"),
    [
        (ProgressCounts(), 1, ""),
        (ProgressCounts(listing=True), 1, "Listing projects"),
        (ProgressCounts(listing=True, found=300, read=120), 4, "Reading 120 of at least 300 projects  30/s"),
        (READING, 20, "[################......................] Reading 400/1000 projects  20/s  0:30 left"),
        (READING, 400, "[###############.......................] Reading 400/1000 projects  1.0/s  10:00 left"),
        (ProgressCounts(found=2, read=2, listed=True), 1, "[" + "#" * 40 + "] Reading 2/2 projects  2.0/s"),
        (ProgressCounts(found=2, read=2, listed=True), 0.9, "[" + "#" * 40 + "] Reading 2/2 projects"),
        (ProgressCounts(found=9, read=0, listed=True), 9, "[" + "." * 40 + "] Reading 0/9 projects"),
        (
            ProgressCounts(found=9, read=9, listed=True, expected=8, written=2),
            1,
            "Applying 2/8 changes  2.0/s  0:03 left",
        ),
    ],
)
def test_it_says_how_far_it_is_how_fast_and_how_long_it_takes(tally: ProgressCounts, seconds: float, text: str) -> None:
    line = progress_line(tally, RequestCounts(), seconds, 90)

    assert line.endswith(text.rsplit("] ", maxsplit=1)[-1])
    assert line.startswith("[") is (tally.listed)
    assert len(line) < 90


def test_the_bar_is_as_full_as_the_work_is_done() -> None:
    line = progress_line(ProgressCounts(found=4, read=1, listed=True), RequestCounts(), 1, 160)

    assert line.startswith(f"[{'#' * 10}{'.' * 30}] Reading 1/4 projects")


@pytest.mark.parametrize("retries", [0, 1, 7])
@pytest.mark.parametrize("throttled", [0.4, 61.2])
def test_trouble_is_named_where_there_is_some(retries: int, throttled: float) -> None:
    line = progress_line(READING, RequestCounts(retries=retries, throttled_seconds=throttled), 20, 160)

    assert ("retr" in line) is (retries > 0)
    assert ("1 retry" in line) is (retries == 1)
    assert ("61 s throttled" in line) is (throttled > 1)


@pytest.mark.parametrize("columns", [1, 2, 10, 40, 60, 80, 160])
def test_it_is_always_narrower_than_the_terminal(columns: int) -> None:
    for tally in (
        READING,
        ProgressCounts(listing=True),
        ProgressCounts(listing=True, found=10**6, read=10**5),
        ProgressCounts(expected=3),
    ):
        assert len(progress_line(tally, RequestCounts(retries=12345, throttled_seconds=99999), 7, columns)) < columns


# when there is none


def test_a_terminal_with_logs_for_people_gets_one() -> None:
    assert wants_progress_bar(Terminal(), "text", "info", {"TERM": "xterm"})


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
    assert not wants_progress_bar(stream, log_format, level, environment)


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

    with ProgressBar(Screen(terminal), READING, RequestCounts()) as bar:
        bar._thread.join()


def test_a_process_in_the_background_does_not_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    with a_pty(80) as (side, _):
        screen = Screen(os.fdopen(os.dup(side), "w"))
        assert screen.in_foreground
        monkeypatch.setattr(os, "tcgetpgrp", lambda _: os.getpgrp() + 1)
        assert not screen.in_foreground
        screen._stream.close()

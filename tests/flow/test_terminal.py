"""What a person sees: the report on a terminal, with and without colour, and in a pipe."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.worlds.program import Program, a_program

COLOUR = re.compile("\x1b\\[[0-9]+m")


@pytest.fixture
def program() -> Iterator[Program]:
    with a_program(1, samples=False) as ready:
        del ready.environment["SYNCER_LOG_FORMAT"]
        yield ready


def on_a_terminal(program: Program, *, piped: bool = False, **environment: str) -> tuple[str, str]:
    """What a dry run shows on the screen, and what comes out of the pipe if its report is *piped*."""
    screen, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "cronjob", "run", "--dry-run"],
        env={**program.environment, "COLUMNS": "80", **environment},
        stdout=subprocess.PIPE if piped else terminal,
        stderr=terminal,
        text=True,
    )
    os.close(terminal)
    shown = b""
    try:
        while part := os.read(screen, 65536):
            shown += part
    except OSError:
        # How a terminal says that nobody writes to it any more.
        pass
    os.close(screen)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 0, shown
    return shown.decode().replace("\r\n", "\n"), out or ""


def test_a_terminal_gets_colour_and_the_summary_first_and_last_only(program: Program) -> None:
    shown, _ = on_a_terminal(program)
    assert COLOUR.search(shown)
    lines = COLOUR.sub("", shown).splitlines()
    assert [line for line in lines if line.startswith("info")] == []
    assert len([line for line in lines if line.startswith("Drift: 2 to create")]) == 2
    assert lines[-2].startswith("Next: flux-gitlab-syncer run --expect-plan ")
    assert lines[-1] == "exit 0: a dry run found changes"


def test_no_color_takes_the_colour_and_nothing_else(program: Program) -> None:
    coloured, _ = on_a_terminal(program)
    plain, _ = on_a_terminal(program, NO_COLOR="1")
    assert not COLOUR.search(plain)
    seconds = re.compile(r"in \d+\.\d s")
    assert seconds.sub("", COLOUR.sub("", coloured)) == seconds.sub("", plain)


def test_a_pipe_gets_no_colour_and_the_terminal_beside_it_one_line(program: Program) -> None:
    shown, piped = on_a_terminal(program, piped=True)
    assert not COLOUR.search(piped)
    assert piped.startswith("flux-gitlab-syncer ")
    assert shown == "info    Drift: 2 to create, 0 to update, 0 to delete, 0 unchanged, 0 problems.\n"


def test_nothing_but_names_and_commands_is_wider_than_the_terminal(program: Program) -> None:
    shown, _ = on_a_terminal(program, NO_COLOR="1")
    assert [line for line in shown.splitlines() if len(line) > 80 and len(line.split()) > 2] == []

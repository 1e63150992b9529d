"""The whole program on a terminal of its own: it is watched, and what stays is its log and its report."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.worlds.program import Program, a_program
from tests.worlds.terminals import watched


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
    # With its blanks: a key's fingerprint may end in `/s` too.
    assert not re.search(r"[#.]{10}\]|  [0-9.]+/s  ", left)
    assert sum(line.startswith("info    create applied") for line in seen.screen) == 24
    assert any("Applied" in line and "24 created" in line for line in seen.screen)


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
    # Until then the first one cannot have ended the run.
    program.gitlab.fail(path="/deploy_keys", delay=60, times=None)

    seen = watched(program, "--no-lease", "--dry-run", twice=True)

    assert seen.code == 130
    assert seen.pictures != []
    assert seen.screen == [""]

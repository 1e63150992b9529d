"""`flux-gitlab-syncer sandbox`: what a newcomer sees first."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

COMMAND = [sys.executable, "-m", "cronjob", "sandbox"]


@pytest.fixture(scope="module")
def story() -> str:
    done = subprocess.run(COMMAND, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize(
    "sentence",
    [
        "Drift: 3 to create, 0 to update, 2 to delete, 0 unchanged, 3 errors, 1 warning.",
        "Applied: 3 created, 0 updated, 2 deleted, 0 unchanged, 3 errors, 1 warning.",
        "In sync: 3 unchanged, 3 errors, 1 warning.",
        "Applied: 0 created, 0 updated, 2 deleted, 1 unchanged, 3 errors, 1 warning.",
        "sample-tenant: Ready=True Succeeded",
        "docs-getting-started: Ready=False URLInvalid",
        "Did you mean docs-getting-started?",
        "what people put there by hand is untouched.",
    ],
)
def test_the_story_tells_a_dry_run_a_run_nothing_left_and_a_prune(story: str, sentence: str) -> None:
    assert sentence in story


def test_only_the_runs_that_change_something_write(story: str) -> None:
    counts = [line.split(", ")[1] for line in story.splitlines() if line.startswith("GitLab saw")]
    assert counts == [f"{writes} of them writes." for writes in (0, 5, 0, 2)]


def test_served_worlds_are_there_for_a_second_terminal_until_interrupted() -> None:
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    server = subprocess.Popen(
        [*COMMAND, "--serve", "--tenants", "3"], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert server.stdout is not None
    settings = {}
    for line in server.stdout:
        if line.startswith("export "):
            name, _, value = line.removeprefix("export ").strip().partition("=")
            settings[name] = value
        if line.startswith("# Ctrl-C"):
            break

    run = [sys.executable, "-m", "cronjob", "run", "--dry-run", "--log-level", "error"]
    done = subprocess.run(run, env=settings, capture_output=True, text=True, check=False)
    server.send_signal(signal.SIGINT)
    server.stdout.close()

    assert "Drift: 9 to create" in done.stdout
    assert server.wait(timeout=10) == 0

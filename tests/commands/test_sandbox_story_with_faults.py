"""`flux-gitlab-syncer sandbox --faults`: the story, and the served worlds, under fault injection."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest
import requests
from click.testing import CliRunner

from cronjob.cli import program
from cronjob.commands import sandbox_story as story
from cronjob.sandbox.faults.names import FAULT_PROFILES

COMMAND = [sys.executable, "-m", "cronjob", "sandbox", "--faults"]


@pytest.fixture(scope="module")
def told() -> list[str]:
    done = subprocess.run([*COMMAND, "rain", "--seed", "3"], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0
    return done.stdout.splitlines()


def test_the_story_names_its_fault_profile(told: list[str]) -> None:
    assert f"Fault injection is on: rain (seed 3): {FAULT_PROFILES['rain']}." in told


def test_each_chapter_counts_the_faults_beside_the_requests(told: list[str]) -> None:
    seen = [number for number, line in enumerate(told) if line.startswith("GitLab saw ")]
    assert len(seen) == 6
    assert all(told[number + 1].startswith("Faults injected: ") for number in seen)


def test_after_the_faults_one_more_run_leaves_nothing_to_do(told: list[str]) -> None:
    rest = told[told.index("No more faults are injected.") :]
    assert [line for line in rest if line.startswith("$ ")] == [
        "$ flux-gitlab-syncer run",
        "$ flux-gitlab-syncer run --dry-run --fail-on never --drift-exit-code 3",
    ]
    assert [line for line in rest if line.startswith("Faults injected")] == ["Faults injected: 0."] * 2
    assert "In sync: 1 unchanged, 3 errors, 1 warning." in rest
    assert "Exit code 0." in rest


def test_the_story_checks_every_write_and_says_so(told: list[str]) -> None:
    [checked] = [line for line in told if line.startswith("Each of the ")]
    assert checked.endswith(" writes was checked as it happened: what people put there by hand is untouched.")


@pytest.mark.parametrize(
    ("setting", "last"),
    [({"SYNCER_DRY_RUN": "true"}, "Exit code 3."), ({"GITLAB_TOKEN": "glpat-wrong"}, "Exit code 1, ")],
)
def test_what_is_still_to_do_without_faults_is_not_called_well(
    capfd: pytest.CaptureFixture[str], setting: dict[str, str], last: str
) -> None:
    with story._staged(story.Scene(faults="maintenance")) as stage:
        assert stage.faults
        assert not story._is_well_after(replace(stage, environment={**stage.environment, **setting}), stage.faults)
        assert [line for line in capfd.readouterr().out.splitlines() if line.startswith("Exit")][-1].startswith(last)
        assert story._is_well_after(stage, stage.faults)


def test_a_write_that_should_not_have_been_is_told_at_the_end() -> None:
    with story._staged(story.Scene()) as stage:
        gitlab = stage.sandbox.gitlab
        monitor = story._monitored(gitlab)
        docs = next(one for one in gitlab.projects.values() if one.path == "docs-getting-started")
        [theirs] = gitlab.hooks_of(docs)
        url = f"{stage.environment['SYNCER_GITLAB_URL']}/api/v4/projects/{docs.id}/hooks/{theirs.id}"
        requests.delete(url, headers={"PRIVATE-TOKEN": stage.environment["GITLAB_TOKEN"]}, timeout=10)
        ending = story._ending(stage.sandbox, monitor)
    assert f"the foreign webhook {theirs.id} is gone" in ending
    assert "untouched" not in ending


def test_served_worlds_inject_the_faults_too_and_count_them_at_the_end() -> None:
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    command = [*COMMAND, "maintenance", "--serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as server:
        assert server.stdout is not None
        lines = []
        for line in server.stdout:
            lines.append(line.strip())
            if line.startswith("# Ctrl-C"):
                break
        settings = dict(line.removeprefix("export ").split("=", 1) for line in lines if line.startswith("export "))
        url, headers = f"{settings['SYNCER_GITLAB_URL']}/api/v4/user", {"PRIVATE-TOKEN": settings["GITLAB_TOKEN"]}
        statuses = [requests.get(url, headers=headers, timeout=10).status_code for _ in range(3)]
        server.send_signal(signal.SIGINT)
        rest = server.stdout.read()
        assert server.wait(timeout=10) == 0

    assert f"# Fault injection is on: maintenance (seed 1): {FAULT_PROFILES['maintenance']}." in lines
    assert statuses == [503, 503, 200]
    assert "# Faults injected: 2 (2 x 503 page at GitLab)." in rest


def test_an_unknown_fault_profile_is_refused_with_the_known_ones() -> None:
    done = CliRunner().invoke(program, ["sandbox", "--faults", "snow"])
    assert done.exit_code == 2
    assert all(name in done.stderr for name in ("'snow'", *FAULT_PROFILES))
    assert "Traceback" not in done.stderr


def test_a_seed_that_is_no_number_is_refused() -> None:
    done = CliRunner().invoke(program, ["sandbox", "--faults", "rain", "--seed", "x"])
    assert (done.exit_code, "'x' is not a valid integer" in done.stderr) == (2, True)

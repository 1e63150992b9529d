"""Which of several pods this is, and that two never take the same projects."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconcile.plan.limits import Limits
from reconcile.shares import ALL, Share
from tests.worlds.settings_samples import complaint, read, write


def indexed(text: str) -> dict[str, str]:
    return {"JOB_COMPLETION_INDEX": text}


@pytest.mark.parametrize(("text", "index"), [("0", 0), ("7", 7), (" 3 ", 3)])
def test_kubernetes_says_which_pod_it_is(text: str, index: int) -> None:
    settings = read(environment=indexed(text), shards="8")

    assert settings.share == Share(index, 8)
    assert settings.rules(["tenants"]).share == settings.share
    assert settings.run_options().limits == Limits().divided(8)


@pytest.mark.parametrize("environment", [{}, indexed(""), indexed("0")])
def test_without_shards_everything_is_this_runs(environment: dict[str, str]) -> None:
    settings = read(environment=environment)

    assert settings.share == ALL
    assert settings.run_options().limits == Limits()


def test_the_number_may_come_from_the_environment_or_the_file(tmp_path: Path) -> None:
    path = write(tmp_path / "settings.yaml", shards=4)

    assert read(environment={**indexed("1"), "SYNCER_SHARDS": "4"}).share == Share(1, 4)
    assert read(environment=indexed("1"), config=path).share == Share(1, 4)


def test_without_an_index_nobody_knows_which_projects_are_meant() -> None:
    assert complaint(shards="8") == (
        "--shards is 8, but this pod's index is not known: set JOB_COMPLETION_INDEX to 0 to 7, as Kubernetes does "
        "in a Job whose completionMode is Indexed."
    )


@pytest.mark.parametrize(("shards", "text"), [("8", "8"), ("8", "-1"), ("8", "one"), ("8", "1.0"), ("1", "1")])
def test_an_index_beyond_the_shards_is_refused(shards: str, text: str) -> None:
    last = int(shards) - 1
    assert complaint(environment=indexed(text), shards=shards) == (
        f"JOB_COMPLETION_INDEX is {text!r}, and --shards is {shards}, so it must be 0 to {last}: give --shards the "
        "number of the Job's completions."
    )


@pytest.mark.parametrize("shards", ["0", "101", "many"])
def test_a_number_of_shards_that_makes_no_sense_is_one_complaint(shards: str) -> None:
    assert complaint(environment=indexed("0"), shards=shards).startswith("--shards ")


def test_adopting_needs_the_whole_group() -> None:
    assert complaint(environment=indexed("0"), shards="2", adopt=True).startswith(
        "--adopt needs to see the whole group"
    )
    assert read(adopt=True).adopt


def test_undo_has_the_same_part_as_a_run() -> None:
    for command in ("run", "undo"):
        assert read(command, indexed("1"), shards="2").rules().share == Share(1, 2)


@pytest.mark.parametrize("command", ["check", "retire"])
def test_other_commands_look_at_everything(command: str) -> None:
    assert read(command, {"SYNCER_SHARDS": "8", **indexed("3")}).shard == 0
    assert read(command, {"SYNCER_SHARDS": "8"}).shard == 0

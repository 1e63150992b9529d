"""`undo` from the log of a pod, as `kubectl logs` gives it: a default installation keeps no report."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cronjob.sandbox.samples import CLUSTER, add_objects, reconcile_flux
from tests.worlds.program import Done, Program, a_program

TENANTS = [f"{CLUSTER}/tenant-000{number}" for number in (1, 2)]


@dataclass
class Scene:
    """Three tenants in sync, of which two then left; *log* is that of the run that pruned them."""

    program: Program
    log: Path
    before: list[tuple[list[str], list[str]]]

    @property
    def items(self) -> list[tuple[list[str], list[str]]]:
        return [(self.program.titles(path), self.program.urls(path)) for path in TENANTS]

    def undo(self, *options: str) -> Done:
        return self.program("undo", str(self.log), "-o", "json", *options)

    def lines(self) -> list[str]:
        return self.log.read_text().splitlines()


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with a_program(3, samples=False) as program:
        program.run()
        before = [(program.titles(path), program.urls(path)) for path in TENANTS]
        program.tenants_leave(range(1, 3))
        # The lowest level that is logged does not matter for what `undo` needs.
        ended = program.run("--log-format", "json", "--log-level", "error", "--max-prune", "100%", "-o", "none")
        assert ended.code == 0
        log = tmp_path / "run.log"
        log.write_text(ended.err)
        for number in (1, 2):
            add_objects(program.sandbox, f"tenant-000{number}")
        reconcile_flux(program.sandbox)
        yield Scene(program, log, before)


def test_what_a_pod_logged_is_enough_to_put_everything_back(scene: Scene) -> None:
    assert scene.items == [([], []), ([], [])]

    done = scene.undo("--confirm", CLUSTER)

    assert (done.code, scene.items) == (0, scene.before)
    assert "4 deletes of run" in done.err


def test_without_the_clusters_name_it_is_shown_only(scene: Scene) -> None:
    done = scene.undo()
    assert (done.report["dry_run"], done.writes, done.report["summary"]["create"]) == (True, [], 4)


def test_a_log_that_was_rotated_says_how_much_is_missing_and_puts_back_the_rest(scene: Scene) -> None:
    removed = [line for line in scene.lines() if '"removed"' in line]
    scene.log.write_text("\n".join(line for line in scene.lines() if line not in removed[:1]))

    done = scene.undo("--confirm", CLUSTER)

    assert done.code == 1
    assert [problem["message"] for problem in done.report["problems"] if "missing" in problem["message"]] == [
        "1 of 4 deletes are missing in this log; the rest is put back."
    ]
    assert done.report["summary"]["create"] == 3


def test_the_log_of_two_runs_wants_a_choice(scene: Scene) -> None:
    other = [line.replace(run_of(line), "other") for line in scene.lines() if '"removed"' in line]
    scene.log.write_text("\n".join([*scene.lines(), *other]))

    refused = scene.undo()
    assert (refused.code, refused.writes) == (2, [])
    assert "other" in refused.err
    assert "--run-id" in refused.err

    assert scene.undo("--run-id", run_of(scene.lines()[0])).report["summary"]["create"] == 4
    assert "has no deletes of the run 'nobody'" in scene.undo("--run-id", "nobody").err


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "neither a JSON report"),
        ("some text\n", "neither a JSON report"),
        (json.dumps({"run_id": "a", "cluster": CLUSTER}), "deleted nothing"),
        (json.dumps({"schema": "other"}), "not a report with the schema"),
        ('{"run_id": "a", "cluster": "c"}\n{"run_id": "a", "cluster": "c", "deletes": 0}', "deleted nothing"),
    ],
)
def test_what_is_no_log_of_deletes_is_refused_with_what_to_give(scene: Scene, text: str, says: str) -> None:
    scene.log.write_text(text)
    refused = scene.undo()
    assert (refused.code, refused.writes) == (2, [])
    assert says in refused.err


def test_the_log_of_another_cluster_is_refused(scene: Scene) -> None:
    scene.log.write_text(scene.log.read_text().replace(f'"cluster": "{CLUSTER}"', '"cluster": "other"'))
    refused = scene.undo()
    assert (refused.code, refused.writes) == (2, [])
    assert "is of cluster 'other'" in refused.err


def run_of(line: str) -> str:
    return str(json.loads(line)["run_id"])

"""S9: a project was renamed and another one was made at its old path; the newcomer gets neither key nor token."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cronjob.sandbox.samples import CLUSTER, GROUP, NAMESPACE
from tests.worlds.program import Done, Program, a_program

NAME = "tenant-0001"
PATH = f"{CLUSTER}/{NAME}"
RENAMED = f"{CLUSTER}/renamed"


@pytest.fixture
def program() -> Iterator[Program]:
    with a_program(3, samples=False) as ready:
        long_ago = datetime.now(UTC) - timedelta(days=30)
        set_spec_time(ready, long_ago)
        ready.run()
        for key, _ in ready.gitlab.keys_of(ready.project(PATH)):
            key.created_at = long_ago + timedelta(days=1)
        yield ready


def set_spec_time(program: Program, time: datetime) -> None:
    entry = {
        "manager": "kubectl-client-side-apply",
        "operation": "Update",
        "apiVersion": "source.toolkit.fluxcd.io/v1",
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "fieldsType": "FieldsV1",
        "fieldsV1": {"f:spec": {"f:url": {}}},
    }
    program.kubernetes.set_managed_fields("GitRepository", NAMESPACE, NAME, [entry])


def take_over(program: Program) -> Any:
    """Rename the project, and make another one at its path."""
    program.gitlab.move_project(program.project(PATH), f"{GROUP}/{RENAMED}")
    return program.gitlab.add_project(f"{GROUP}/{PATH}")


def codes(done: Done) -> list[str]:
    return [problem["code"] for problem in done.report["problems"]]


def test_the_newcomer_gets_nothing_and_the_renamed_project_keeps_what_it_has(program: Program) -> None:
    before = (program.titles(PATH), program.urls(PATH))
    take_over(program)

    done = program.run()

    assert codes(done) == ["ProjectReplaced"]
    assert done.writes == []
    assert (program.titles(PATH), program.urls(PATH)) == ([], [])
    assert (program.titles(RENAMED), program.urls(RENAMED)) == before
    assert done.code == 1


def test_it_is_judged_on_all_that_was_read_also_with_project(program: Program) -> None:
    take_over(program)

    done = program.run("--project", f"{GROUP}/{PATH}")

    assert codes(done) == ["ProjectReplaced"]
    assert program.titles(PATH) == []


def test_the_annotation_with_the_new_id_lifts_it(program: Program) -> None:
    newcomer = take_over(program)
    repository = program.kubernetes.get("GitRepository", NAMESPACE, NAME)
    assert repository
    repository["metadata"]["annotations"] = {"flux-gitlab-syncer/project-id": str(newcomer.id)}
    program.kubernetes.apply(repository)

    program.run()

    assert len(program.titles(PATH)) == len(program.urls(PATH)) == 1


def test_a_change_of_the_spec_lifts_it(program: Program) -> None:
    take_over(program)
    set_spec_time(program, datetime.now(UTC))

    program.run()

    assert len(program.titles(PATH)) == len(program.urls(PATH)) == 1

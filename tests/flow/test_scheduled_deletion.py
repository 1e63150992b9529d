"""Projects that GitLab is about to delete: said everywhere, with when and how to restore them; nothing made there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from cronjob.sandbox.samples import CLUSTER, GROUP, NAMESPACE, add_tenant, reconcile_flux, remove_tenant
from tests.worlds.program import Done, Program, a_program
from tests.worlds.tracing import at, traced, verdict_of

NAME = "tenant-0001"
REF = f"GitRepository/{NAMESPACE}/{NAME}"
PATH = f"{GROUP}/{CLUSTER}/{NAME}"
CODE = "ProjectScheduledForDeletion"


@pytest.fixture
def program() -> Iterator[Program]:
    """Two tenants, in sync."""
    with a_program(2, samples=False) as ready:
        assert ready.run().code == 0
        yield ready


def scheduled(program: Program) -> Any:
    project = program.project(f"{CLUSTER}/{NAME}")
    program.gitlab.schedule_project_deletion(project)
    return project


def problems(done: Done) -> list[dict[str, Any]]:
    return [problem for problem in done.report["problems"] if problem["code"] == CODE]


def test_a_run_says_when_and_how_to_restore_it(program: Program) -> None:
    project = scheduled(program)
    done = program.run()

    [problem] = problems(done)
    assert (done.code, problem["severity"], problem["object"]) == (1, "error", REF)
    assert f"{PATH} is scheduled for deletion since {project.marked_for_deletion_on}" in problem["message"]
    assert "Settings > General > Advanced" in problem["message"]
    assert "deletion_scheduled" not in problem["message"]
    assert [each["code"] for each in done.report["problems"]] == [CODE]
    assert done.writes == []


def test_what_it_lacks_is_not_created_and_what_it_has_stays(program: Program) -> None:
    project = scheduled(program)
    program.gitlab.projects[project.id].hooks.clear()
    assert program.run().writes == []
    assert len(program.gitlab.keys_of(project)) == 1


def test_once_it_is_restored_all_is_created_again(program: Program) -> None:
    project = scheduled(program)
    project.hooks.clear()
    program.gitlab.move_project(project, PATH)
    project.archived, project.marked_for_deletion_on = False, None
    done = program.run()

    assert (done.code, [change["kind"] for change in done.report["changes"]]) == (0, ["webhook"])


def test_the_same_where_its_group_is_scheduled(program: Program) -> None:
    program.gitlab.schedule_group_deletion(program.gitlab.groups_by_path[f"{GROUP}/{CLUSTER}".lower()])
    done = program.run()

    assert done.writes == []
    assert len(problems(done)) == 2
    assert f"GitLab deletes the group {GROUP}/{CLUSTER}" in problems(done)[0]["message"]
    assert "ProjectMoved" not in done.out


def test_a_url_with_its_new_path_is_the_same(program: Program) -> None:
    project = scheduled(program)
    item = program.kubernetes.get("GitRepository", NAMESPACE, NAME)
    item["spec"]["url"] = f"ssh://git@code.vt.edu/{project.path_with_namespace}.git"
    program.kubernetes.apply(item)

    assert [problem["object"] for problem in problems(program.run())] == [REF]


def test_one_that_nobody_wants_is_pruned_as_ever(program: Program) -> None:
    scheduled(program)
    remove_tenant(program.sandbox, NAME)
    done = program.run()

    assert (done.code, problems(done)) == (0, [])
    assert {change["action"] for change in done.report["changes"]} == {"delete"}


def test_a_project_that_is_marked_after_it_was_read_gets_nothing(program: Program) -> None:
    add_tenant(program.sandbox, "late")
    reconcile_flux(program.sandbox)
    late = program.project(f"{CLUSTER}/late")
    program.gitlab.fail(path=f"/projects/{late.id}$", call=lambda: program.gitlab.schedule_project_deletion(late))
    done = program.run()

    changes = done.report["changes"]
    assert {(change["status"], change["cause"]["code"]) for change in changes} == {("failed", CODE)}
    assert done.writes == []


def test_deletes_go_on_where_it_is_marked_after_it_was_read(program: Program) -> None:
    project = program.project(f"{CLUSTER}/{NAME}")
    remove_tenant(program.sandbox, NAME)
    program.gitlab.fail(path=f"/projects/{project.id}$", call=lambda: program.gitlab.schedule_project_deletion(project))

    assert {change["status"] for change in program.run().report["changes"]} == {"applied"}


def test_trace_breaks_at_the_project(program: Program) -> None:
    scheduled(program)
    done = traced(program, NAME)

    assert verdict_of(done) == "broken"
    assert "is scheduled for deletion since" in at(done, "project")
    assert "Unarchive" not in at(done, "project")


def test_check_warns(program: Program) -> None:
    scheduled(program)
    findings = json.loads(program("check", "-o", "json").out)["findings"]

    [found] = [finding for finding in findings if "scheduled for deletion" in finding["message"]]
    assert (found["level"], found["check"]) == ("warn", "projects")
    assert REF in found["message"]

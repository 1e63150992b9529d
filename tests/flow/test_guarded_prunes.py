"""Large prunes are refused, shown whole, and approved by the plan's checksum."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cronjob.sandbox.samples import CLUSTER, add_tenant, reconcile_flux
from tests.worlds.program import Program, a_program


@pytest.fixture
def program() -> Iterator[Program]:
    """Twenty tenants in sync, of which fifteen leave."""
    with a_program(20, samples=False) as ready:
        ready.run()
        ready.tenants_leave(range(6, 21))
        yield ready


def left(program: Program) -> int:
    """How many of the twenty projects still have a deploy key."""
    return sum(bool(program.titles(f"{CLUSTER}/tenant-{number:04}")) for number in range(1, 21))


def test_removing_most_tenants_is_refused_with_everything_that_would_go(program: Program) -> None:
    done = program.run()

    assert done.code == 4
    assert done.writes == []
    assert left(program) == 20
    assert [one["status"] for one in done.report["changes"]] == ["refused"] * 30
    [objection] = done.report["objections"]
    assert objection["code"] == "TooManyPrunes"
    assert "Would remove from 15 of the 20 projects with items of ours" in objection["message"]
    assert (objection["refuses"], objection["project"], objection["namespace"]) == (30, None, None)
    assert "--max-prune" in objection["message"]
    assert f"--expect-plan {done.report['plan']}" in objection["message"]


def test_a_dry_run_ends_the_same_way(program: Program) -> None:
    assert program.run("--dry-run").code == 4


def test_creates_go_on_while_deletes_are_refused(program: Program) -> None:
    add_tenant(program.sandbox, "newcomer")
    reconcile_flux(program.sandbox)

    done = program.run()

    assert done.code == 4
    assert len(program.titles(f"{CLUSTER}/newcomer")) == 1
    assert left(program) == 20


def test_the_reviewed_plan_is_applied_by_its_checksum(program: Program) -> None:
    checksum = program.run("--dry-run").report["plan"]

    done = program.run("--expect-plan", checksum)

    assert done.code == 0
    assert left(program) == 5
    assert program.run().report["result"] == "in_sync"


def test_the_reviewed_plan_is_applied_by_its_report(program: Program, tmp_path: Path) -> None:
    report = tmp_path / "reviewed.json"
    program.run("--dry-run", "--report", f"json={report}")

    assert program.run("--expect-plan", str(report)).code == 0
    assert left(program) == 5


def test_another_plan_than_the_reviewed_one_is_not_applied_at_all(program: Program, tmp_path: Path) -> None:
    report = tmp_path / "reviewed.json"
    program.run("--dry-run", "--report", f"json={report}")
    add_tenant(program.sandbox, "newcomer")
    reconcile_flux(program.sandbox)

    done = program.run("--expect-plan", str(report))

    assert done.code == 4
    assert done.writes == []
    [objection] = done.report["objections"]
    assert objection["code"] == "PlanChanged"
    assert json.loads(report.read_text())["plan"] in objection["message"]
    assert "now also: create deploy_key" in objection["message"]


def test_a_higher_limit_lets_it_through(program: Program) -> None:
    assert program.run("--max-prune", "30,75%").code == 0
    assert left(program) == 5


def test_a_namespace_without_any_git_repository_deletes_nothing(program: Program) -> None:
    program.tenants_leave(range(1, 6))

    done = program.run("--max-prune", "100%")

    assert done.code == 4
    assert {one["code"] for one in done.report["objections"]} == {"DesiredIsEmpty"}
    assert left(program) == 20


def test_retire_shows_first_and_removes_only_with_the_clusters_name(program: Program) -> None:
    shown = program("retire", "-o", "json")
    assert shown.report["dry_run"] is True
    assert shown.report["summary"]["delete"] == 40
    assert shown.writes == []

    refused = program("retire", "--confirm", "aws-dev")
    assert (refused.code, refused.writes) == (2, [])

    done = program("retire", "-o", "json", "--confirm", CLUSTER)
    assert done.code == 0
    assert left(program) == 0


def test_retire_leaves_what_people_put_there(program: Program) -> None:
    project = program.project(f"{CLUSTER}/tenant-0001")
    program.gitlab.add_hook(project, "https://ci.example.org/gitlab")

    program("retire", "--confirm", CLUSTER)

    assert [hook.url for hook in program.gitlab.hooks_of(project)] == ["https://ci.example.org/gitlab"]

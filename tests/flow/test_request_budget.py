"""What a run costs GitLab, counted on the server's side."""

from __future__ import annotations

from math import ceil

import pytest

from cronjob.sandbox.fake_gitlab.world import GitLabWorld
from cronjob.sandbox.samples import GROUP
from tests.worlds.program import a_program


def deepen(gitlab: GitLabWorld, projects: int) -> None:
    """Projects without any object, in subgroups of subgroups."""
    for depth in ("a", "a/b", "a/b/c"):
        gitlab.add_group(f"{GROUP}/{depth}")
    for number in range(projects):
        gitlab.add_project(f"{GROUP}/a/b/c/extra-{number}")


@pytest.mark.parametrize(("tenants", "others"), [(5, 200), (10, 90), (1, 0)])
def test_a_run_that_finds_nothing_to_do_costs_two_gets_a_project_and_a_listing(tenants: int, others: int) -> None:
    with a_program(tenants, samples=False) as program:
        deepen(program.gitlab, others)
        program.run("--max-prune", "100%")

        done = program.run()

    projects = tenants + others
    assert done.report["result"] == "in_sync"
    assert done.writes == []
    # Whose token (2), the group (1), its pages, and both lists of every project.
    assert len(done.requests) == 3 + ceil(projects / 100) + 2 * projects
    assert len(done.requests) <= ceil(projects / 100) + 2 * projects + 6
    assert done.report["requests"]["gitlab"]["GET"] == len(done.requests)


def test_a_changed_project_costs_one_get_more_and_one_write_a_change() -> None:
    with a_program(10, samples=False) as program:
        done = program.run()

    assert len(done.writes) == 20
    assert len(done.requests) == 3 + 1 + 2 * 10 + 10 + 20


def test_a_delete_costs_one_get_of_the_item_more() -> None:
    with a_program(10, samples=False) as program:
        program.run()
        program.tenants_leave(range(1, 3))
        done = program.run()

    assert len(done.writes) == 4
    # The listing, both lists of each project, the two that change again, and each item before its removal.
    assert len(done.requests) == 3 + 1 + 2 * 10 + 2 + 4 + 4


def test_kubernetes_is_asked_once_for_each_list_and_each_secret() -> None:
    with a_program(10, samples=False) as program:
        program.run()
        before = len(program.kubernetes.requests)
        program.run()
        asked = [one.path for one in program.kubernetes.requests[before:]]

    assert sum("/secrets/" in path for path in asked) == 20
    assert sum(path.endswith("/gitrepositories") for path in asked) == 1
    assert sum(path.endswith("/receivers") for path in asked) == 1

"""What a run does when GitLab stops answering, or stops accepting the token, while projects are read."""

from __future__ import annotations

from typing import Any

import pytest

from cronjob.gitlab.circuit_breaker import IN_A_ROW
from reconcile.errors import ReadError, WriteFailed
from reconcile.plan.changes import Create
from tests.worlds.builders import a_wanted_key
from tests.worlds.gitlab_builders import GitLab, ours

pytest_plugins = ["tests.worlds.gitlab_fixtures"]

PROJECTS = 60
OF_A_PROJECT = "/projects/[0-9]+/"


def many(gitlab: GitLab) -> None:
    for number in range(PROJECTS):
        gitlab.project(f"tenants/p{number}")


@pytest.mark.parametrize("fault", [{"status": 503}, {"drop": True}, {"status": 200, "body": "<html>"}])
def test_where_nothing_answers_no_more_projects_are_asked(gitlab: GitLab, fault: dict[str, Any]) -> None:
    many(gitlab)
    gitlab.world.fail(path=f"{OF_A_PROJECT}|/version$", times=None, **fault)

    with pytest.raises(ReadError, match="no answer about 20 projects in a row, nor about its version") as error:
        gitlab.reader(concurrency=1).read_actual(())

    assert error.value.code == "GitLabUnreadable"
    assert len({path for path in gitlab.paths() if "/deploy_keys" in path}) == IN_A_ROW


def test_with_many_workers_no_more_are_begun_than_are_in_work(gitlab: GitLab) -> None:
    many(gitlab)
    gitlab.world.fail(path=f"{OF_A_PROJECT}|/version$", times=None, status=503)

    with pytest.raises(ReadError):
        gitlab.reader(concurrency=8).read_actual(())

    assert IN_A_ROW <= len({path for path in gitlab.paths() if "/deploy_keys" in path}) <= IN_A_ROW + 8


def test_where_the_version_is_answered_the_reading_goes_on(gitlab: GitLab) -> None:
    many(gitlab)
    gitlab.world.fail(path=OF_A_PROJECT, times=None, status=503)

    actual = gitlab.reader(concurrency=1).read_actual(())

    assert len(actual.unreadable) == PROJECTS
    assert gitlab.paths().count("/version") == PROJECTS // IN_A_ROW


def test_projects_that_answer_in_between_keep_the_reading_going(gitlab: GitLab) -> None:
    many(gitlab)
    gitlab.world.fail(path="/projects/[0-9]*[1-9]/deploy_keys", times=None, status=503)

    actual = gitlab.reader(concurrency=1).read_actual(())

    assert 0 < len(actual.projects) < PROJECTS
    assert "/version" not in gitlab.paths()


def test_refusals_are_answers(gitlab: GitLab) -> None:
    many(gitlab)
    gitlab.world.fail(path=OF_A_PROJECT, times=None, status=403, body={"message": "403 Forbidden"})

    assert len(gitlab.reader(concurrency=1).read_actual(()).unreadable) == PROJECTS
    assert "/version" not in gitlab.paths()


def test_a_token_that_ends_meanwhile_ends_the_reading_at_once(gitlab: GitLab) -> None:
    many(gitlab)
    gitlab.world.fail(path=OF_A_PROJECT, skip=9, times=None, status=401, body={"message": "401 Unauthorized"})

    with pytest.raises(ReadError, match="does not accept the token") as error:
        gitlab.reader(concurrency=1).read_actual(())

    assert error.value.code == "TokenRefused"
    assert sum("/deploy_keys" in path or "/hooks" in path for path in gitlab.paths()) == 10


def test_a_token_that_ends_while_paths_are_looked_up_ends_the_reading(gitlab: GitLab) -> None:
    group = gitlab.reader(concurrency=1)
    group.read_hosts()
    gitlab.world.fail(path="tenants%2F", times=None, status=401, body={"message": "401 Unauthorized"})

    with pytest.raises(ReadError) as error:
        group.find(f"tenants/absent{number}" for number in range(30))

    assert error.value.code == "TokenRefused"
    assert sum("absent" in path for path in gitlab.paths()) == 1


def test_a_token_that_ends_while_writing_stops_the_writing(gitlab: GitLab) -> None:
    project = gitlab.project()
    group, _ = gitlab.ready()
    gitlab.world.fail(method="POST", times=None, status=401, body={"message": "401 Unauthorized"})
    assert group.stopped() == ""

    with pytest.raises(WriteFailed, match="401 Unauthorized"):
        group.write(Create(a_wanted_key(project=ours(project)), "missing"))

    assert group.stopped() == "GitLab does not accept the token any more"

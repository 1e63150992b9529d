"""S11 (n), (o), T7: what is not GitLab's whole answer decides nothing, and a GitLab that is down is not asked on."""

from __future__ import annotations

from tests.worlds.program import a_program


def test_a_list_that_is_shorter_than_its_headers_say_removes_and_creates_nothing() -> None:
    with a_program(3, samples=False) as program:
        program.run()
        project = next(iter(program.gitlab.projects.values()))
        cut = {"X-Total": "1", "X-Total-Pages": "1", "X-Next-Page": ""}
        program.gitlab.fail(path=f"/projects/{project.id}/hooks", status=200, body=[], headers=cut)

        done = program.run()

        assert (done.code, done.writes, done.report["result"]) == (1, [], "incomplete")
        (problem,) = done.report["problems"]
        assert (problem["code"], problem["project"]) == ("ProjectUnreadable", project.path_with_namespace)
        assert "is not whole: its headers count 1, and 0 elements came" in problem["message"]


def test_where_gitlab_is_down_after_the_listing_the_run_ends_early() -> None:
    with a_program(60, samples=False) as program:
        program.gitlab.fail(path="/projects/[0-9]+/|/version$", status=404, body="<html>", times=None)

        done = program.run(SYNCER_CONCURRENCY="1")

        assert (done.code, done.report["result"], done.writes) == (1, "failed", [])
        (problem,) = done.report["problems"]
        assert (problem["code"], problem["cause"]["code"]) == ("GitLabUnreadable", "NotGitLab")
        assert "something in front of GitLab answered 404" in problem["message"]
        assert sum("/deploy_keys" in request.path for request in done.requests) == 20


def test_a_token_that_ends_while_projects_are_read_ends_the_run_at_once() -> None:
    with a_program(60, samples=False) as program:
        over = {"error": "invalid_token", "error_description": "Token was revoked. You have to re-authorize."}
        program.gitlab.fail(path="/projects/[0-9]+/", skip=10, status=401, body=over, times=None)

        done = program.run(SYNCER_CONCURRENCY="1")

        assert (done.code, done.report["result"]) == (1, "failed")
        (problem,) = done.report["problems"]
        assert (problem["code"], problem["cause"]["code"]) == ("TokenRefused", "TokenRevoked")
        assert sum("/projects/1" in request.path for request in done.requests) == 11

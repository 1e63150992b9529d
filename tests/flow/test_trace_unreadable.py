"""`trace` where a server does not answer, or not as it should: what can be told is told."""

from __future__ import annotations

from cronjob.sandbox.samples import (
    NAMESPACE,
)
from tests.worlds.hurry import in_a_hurry
from tests.worlds.program import Program
from tests.worlds.tracing import (
    NAME,
    at,
    decided_at,
    document_of,
    levels,
    traced,
    verdict_of,
)

pytest_plugins = ["tests.worlds.trace_fixtures"]


class TestUnreadable:
    def test_a_kubernetes_that_does_not_answer_is_the_whole_answer(self, program: Program) -> None:
        program.kubernetes.deny(verb="list", resource="gitrepositories")
        done = traced(program)
        document = document_of(done)

        assert (done.code, document["result"], document["chains"]) == (1, "fail", [])
        assert "refuses to list gitrepositories" in document["error"]
        assert "refuses to list gitrepositories" in " ".join(program("trace", NAME).out.split())

    def test_without_gitlab_the_links_in_the_cluster_are_told(self, program: Program) -> None:
        program.gitlab.fail(status=503, times=None)
        with in_a_hurry():
            done = traced(program)

        assert verdict_of(done) == "unknown"
        assert "GitLab did not say whether" in at(done, "project")
        assert levels(done)["secret"] == levels(done)["fetch"] == levels(done)["kustomization"] == "ok"

    def test_a_deadline_that_passes_is_the_whole_answer(self, program: Program) -> None:
        program.gitlab.fail(status=503, times=None)
        done = traced(program, NAME, SYNCER_DEADLINE="1s")

        assert (done.code, document_of(done)["chains"]) == (1, [])
        assert "--deadline had passed" in document_of(done)["error"]

    def test_a_token_that_is_refused_is_told_at_the_project(self, program: Program) -> None:
        done = traced(program, GITLAB_TOKEN="glpat-somebodys-old-one")

        assert verdict_of(done) == "unknown"
        assert "GitLab does not accept the token" in at(done, "project")

    def test_secrets_that_may_not_be_read(self, program: Program) -> None:
        program.kubernetes.deny(verb="get", resource="secrets")
        done = traced(program)

        assert verdict_of(done) == "unknown"
        command = f"kubectl auth can-i get secrets --namespace {NAMESPACE}"
        assert decided_at(done, "unknown") == ("secret", command)

    def test_what_controllers_write_cannot_steer_a_terminal_nor_show_a_password(self, program: Program) -> None:
        message = "\x1b[31mcannot clone https://bot:hunter2-and-more@code.vt.edu/a/b and ssh://git:pw@code.vt.edu/a"
        ready = {"type": "Ready", "status": "False", "reason": "GitOperationFailed", "message": message} | {
            "lastTransitionTime": program.kubernetes.now()
        }
        program.kubernetes.set_status("GitRepository", NAMESPACE, NAME, {"conditions": [ready]})
        text = program("trace", NAME).out

        assert "\x1b" not in text
        assert "hunter2" not in text
        assert "pw@" not in text
        assert "https://…@code.vt.edu/a/b" in text

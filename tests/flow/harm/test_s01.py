"""
S1: two properly named clusters that hold the same key removed each other's key, for ever.

Both clusters run at the same time: one has read the project without the key when the other one attaches it.
"""

from __future__ import annotations

import pytest

from tests.chaos import child_processes
from tests.worlds.pausing_proxy import PausingProxy, pausing_proxy
from tests.worlds.program import Done, Program, a_program

# The requests of a run with one tenant: the token (2), the group, its projects, keys, webhooks, the project again, then
# the POST of the key and that of the webhook.
POST_OF_THE_KEY = 7


def run_as(program: Program, cluster: str, **environment: str) -> Done:
    """A run of one of two clusters that have the same objects, and Kubernetes servers of their own."""
    names = {"SYNCER_CLUSTER": cluster, "SYNCER_CONCURRENCY": "1", "SYNCER_LEASE": "false", **environment}
    return program.run(**names)


def run_around(program: Program, proxy: PausingProxy, boundary: int, outer: str, inner: str) -> Done:
    """A run of the *outer* cluster; before its request number *boundary* the whole run of the *inner* one happens."""
    inside = {"SYNCER_CLUSTER": inner, "SYNCER_LEASE": "false"}
    codes: list[int] = []
    proxy.pause_before = boundary
    proxy.then = lambda: codes.append(child_processes.run(program, **inside).code)
    done = run_as(program, outer, SYNCER_GITLAB_URL=proxy.url)
    assert len(codes) == 1
    return done


def codes_of(done: Done) -> set[tuple[str, str]]:
    return {(problem["code"], problem["severity"]) for problem in done.report["problems"]}


@pytest.mark.parametrize("boundary", [5, 6, POST_OF_THE_KEY, 8])
def test_the_key_stays_wherever_the_runs_of_two_clusters_meet(boundary: int) -> None:
    with a_program(1, samples=False) as program, pausing_proxy(program.environment["SYNCER_GITLAB_URL"]) as proxy:
        (project,) = program.gitlab.projects.values()
        run_around(program, proxy, boundary, "prod", "staging")

        left = [len(program.gitlab.keys_of(project))]
        for cluster in ("staging", "prod"):
            run_as(program, cluster)
            left.append(len(program.gitlab.keys_of(project)))

        assert left == [1, 1, 1]
        assert len(program.gitlab.hooks_of(project)) >= 1
        assert [request.method for request in program.gitlab.writes if request.method == "DELETE"] == []


def test_the_run_that_joins_the_others_key_says_so_as_an_error_and_the_next_one_warns() -> None:
    """The POST is answered with 201 and the key that is already there; the plan could not know."""
    with a_program(1, samples=False) as program, pausing_proxy(program.environment["SYNCER_GITLAB_URL"]) as proxy:
        done = run_around(program, proxy, POST_OF_THE_KEY, "prod", "staging")

        (created,) = (change for change in done.report["changes"] if change["kind"] == "deploy_key")
        assert created["status"] == "applied"
        assert created["key"]["title"].startswith("flux-gitlab-syncer staging ")
        assert ("KeySharedAcrossClusters", "error") in codes_of(done)
        assert done.code == 1
        assert ("KeySharedAcrossClusters", "warning") in codes_of(run_as(program, "prod"))


def test_a_key_that_one_tenant_renamed_to_anothers_mark_is_joined_for_all_others() -> None:
    """S11 (f): tenants share a Secret, and the Maintainer of the first project gives its key another cluster's mark."""
    with a_program(2, samples=False) as program:
        program.run()
        first, second = program.gitlab.projects.values()
        ((shared, _),) = program.gitlab.keys_of(first)
        shared.title = "flux-gitlab-syncer staging flux-config/somebody"
        one, other = sorted(program.kubernetes.list("GitRepository"), key=lambda found: str(found["spec"]["url"]))
        other["spec"]["secretRef"] = one["spec"]["secretRef"]
        program.kubernetes.apply(other)

        done = program.run()

        assert [key.id for key, _ in program.gitlab.keys_of(second)] == [shared.id]
        assert ("KeySharedAcrossClusters", "error") in codes_of(done)
        again = program.run()
        assert again.writes == []
        assert ("KeySharedAcrossClusters", "warning") in codes_of(again)

"""Two runs never write at a time, and a run that loses the Lease writes nothing more."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from cronjob.kube.lease_record import CLUSTER as CLUSTER_OF
from cronjob.sandbox.samples import NAMESPACE
from tests.worlds.program import Done, Program, a_program

NAME = "flux-gitlab-syncer"


@pytest.fixture
def program() -> Iterator[Program]:
    with a_program(3, samples=False) as ready:
        yield ready


def put(program: Program, holder: str, cluster: str = "aws-prod", name: str = NAME) -> None:
    """A Lease that somebody else holds."""
    metadata = {"name": name, "namespace": NAMESPACE, "annotations": {CLUSTER_OF: cluster}}
    spec = {"holderIdentity": holder, "leaseDurationSeconds": 30, "renewTime": "2026-01-01T00:00:00.000000Z"}
    program.kubernetes.apply(
        {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}
    )


def lease(program: Program, name: str = NAME) -> dict[str, Any]:
    found = program.kubernetes.get("Lease", NAMESPACE, name)
    assert found is not None
    return found


def asked_for_leases(program: Program) -> list[str]:
    return [request.method for request in program.kubernetes.requests if "leases" in request.path]


def test_a_run_takes_the_lease_before_it_reads_and_gives_it_back(program: Program) -> None:
    done = program.run()

    assert done.code == 0
    paths = [request.path for request in program.kubernetes.requests]
    first = next(number for number, path in enumerate(paths) if "leases" not in path)
    assert [path.rpartition("/")[2] for path in paths[:first]] == [NAME, "leases"]
    assert lease(program)["spec"]["holderIdentity"] == ""
    assert lease(program)["metadata"]["annotations"] == {CLUSTER_OF: "aws-prod"}


@pytest.mark.parametrize("options", [["--dry-run"], ["--no-lease"], ["--dry-run", "--lease"]])
def test_a_dry_run_and_a_run_without_lease_do_not_even_look_at_it(program: Program, options: list[str]) -> None:
    put(program, "another-pod", cluster="elsewhere")

    assert program.run(*options).code == 0
    assert asked_for_leases(program) == []


def test_while_another_run_holds_it_nothing_is_read_and_the_code_is_5(program: Program) -> None:
    put(program, "another-pod")

    done = program.run("--lease-wait", "0s")

    assert (done.code, done.requests) == (5, [])
    assert (done.report["result"], done.report["changes"]) == ("failed", [])
    [problem] = done.report["problems"]
    assert problem["code"] == "LeaseHeld"
    assert f"Another run holds the Lease {NAMESPACE}/{NAME}: another-pod." in problem["message"]
    assert lease(program)["spec"]["holderIdentity"] == "another-pod"


def test_once_the_other_run_has_ended_it_goes_on(program: Program) -> None:
    put(program, "another-pod")
    threading.Timer(0.5, put, (program, "")).start()

    done = program.run("--lease-wait", "30s")

    assert (done.code, done.report["result"]) == (0, "applied")


def test_a_lease_of_another_cluster_ends_the_run_with_2_and_shows_both_names(program: Program) -> None:
    put(program, "", cluster="aws-dev")

    done = program("run")

    assert (done.code, done.requests, done.out) == (2, [], "")
    assert "belongs to cluster 'aws-dev', and this run is for 'aws-prod'" in done.err
    assert "Traceback" not in done.err
    assert lease(program)["metadata"]["annotations"] == {CLUSTER_OF: "aws-dev"}


def test_after_a_rename_the_former_name_may_stand_in_it(program: Program, tmp_path: Any) -> None:
    put(program, "", cluster="aws-dev")
    (tmp_path / "settings.yaml").write_text("previous_clusters: [aws-dev]\n")

    assert program.run("--config", str(tmp_path / "settings.yaml")).code == 0
    assert lease(program)["metadata"]["annotations"] == {CLUSTER_OF: "aws-prod"}


@pytest.mark.parametrize("trouble", ["kubernetes", "gitlab"])
def test_a_run_that_fails_gives_it_back(program: Program, trouble: str) -> None:
    if trouble == "gitlab":
        program.gitlab.fail(path="/user$", status=401, body={"message": "401 Unauthorized"}, times=None)
    else:
        program.kubernetes.deny(verb="list", resource="receivers")

    assert program.run().code == 1
    assert lease(program)["spec"]["holderIdentity"] == ""


def test_whoever_loses_it_while_applying_begins_no_further_write_and_says_why(program: Program) -> None:
    def lose() -> None:
        """Before the first write another run takes over; the write is under way until ours has noticed."""
        put(program, "another-pod")
        program.gitlab.latency = 7

    program.gitlab.fail(method="GET", path=r"/projects/\d+$", call=lose)

    done = program.run("--concurrency", "1")

    assert done.code == 1
    assert done.report["result"] == "incomplete"
    statuses = [change["status"] for change in done.report["changes"]]
    assert statuses == ["applied", *["not_reached"] * 5]
    assert len(done.writes) == 1
    errors = {change["error"] for change in done.report["changes"]} - {None}
    assert errors == {f"the Lease {NAMESPACE}/{NAME} was taken over by another-pod"}
    assert lease(program)["spec"]["holderIdentity"] == "another-pod"


class TestShards:
    """Whoever divides the projects otherwise, or not at all, may own the same project."""

    @staticmethod
    def shard(program: Program, index: int, of: int, *options: str) -> Done:
        return program.run("--shards", str(of), *options, JOB_COMPLETION_INDEX=str(index))

    @pytest.mark.parametrize("at_work", ["shards-of-4", "shards-of-3"])
    def test_while_shards_are_at_work_a_run_over_all_projects_waits_and_ends_with_5(
        self, program: Program, at_work: str
    ) -> None:
        put(program, at_work)

        done = program.run("--lease-wait", "0s")

        assert (done.code, done.requests) == (5, [])
        [problem] = done.report["problems"]
        assert problem["code"] == "LeaseHeld"
        assert f"Another run holds the Lease {NAMESPACE}/{NAME}: {at_work}." in problem["message"]

    @pytest.mark.parametrize("at_work", ["another-pod", "shards-of-3"])
    def test_while_a_run_with_another_division_is_at_work_a_shard_waits_and_ends_with_5(
        self, program: Program, at_work: str
    ) -> None:
        put(program, at_work)

        done = self.shard(program, 1, 4, "--lease-wait", "0s")

        assert (done.code, done.requests) == (5, [])
        [problem] = done.report["problems"]
        assert f"Another run holds the Lease {NAMESPACE}/{NAME}: {at_work}." in problem["message"]
        assert lease(program)["spec"]["holderIdentity"] == at_work
        assert lease(program, f"{NAME}-1")["spec"]["holderIdentity"] == ""

    def test_beside_others_of_its_kind_it_goes_on_and_they_keep_what_they_hold(self, program: Program) -> None:
        put(program, "shards-of-4")
        found = lease(program)
        found["metadata"]["annotations"]["flux-gitlab-syncer/shard-0"] = "pod-0"
        program.kubernetes.apply(found)

        assert self.shard(program, 1, 4, "--lease-wait", "0s").code == 0

        assert lease(program)["spec"]["holderIdentity"] == "shards-of-4"
        assert {*lease(program)["metadata"]["annotations"]} == {CLUSTER_OF, "flux-gitlab-syncer/shard-0"}

    def test_when_nobody_is_at_work_they_follow_each_other_without_waiting(self, program: Program) -> None:
        ended = [self.shard(program, index, of, "--lease-wait", "0s") for index, of in ((0, 2), (3, 4), (1, 2))]

        assert [done.code for done in (*ended, program.run("--lease-wait", "0s"))] == [0, 0, 0, 0]
        assert lease(program)["spec"]["holderIdentity"] == ""

    def test_the_same_shard_twice_waits_for_itself(self, program: Program) -> None:
        put(program, "another-pod", name=f"{NAME}-1")

        done = self.shard(program, 1, 4, "--lease-wait", "0s")

        assert done.code == 5
        [problem] = done.report["problems"]
        assert f"Another run holds the Lease {NAMESPACE}/{NAME}-1: another-pod." in problem["message"]
        assert self.shard(program, 2, 4, "--lease-wait", "0s").code == 0

    @pytest.mark.parametrize(
        "failure", [{"status": 500}, {"status": 403}, {"drop": True}, {"status": 200, "body": "<html>"}]
    )
    @pytest.mark.parametrize("name", [NAME, f"{NAME}-1"])
    def test_where_one_of_both_cannot_be_read_nothing_is_written(
        self, program: Program, failure: dict[str, Any], name: str
    ) -> None:
        program.kubernetes.fail(path=rf"/leases/{name}$", times=None, **failure)

        done = self.shard(program, 1, 4, "--lease-wait", "0s")

        assert (done.code, done.requests) == (1, [])
        assert [problem["code"] for problem in done.report["problems"]] == ["LeaseUnavailable"]


def test_two_runs_at_once_double_nothing(program: Program) -> None:
    codes: list[int] = []
    threads = [threading.Thread(target=lambda: codes.append(invoked(program))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(codes) == [0, 0]
    assert len([write for write in program.gitlab.writes if write.method == "POST"]) == 6
    assert program.run().report["result"] == "in_sync"


def invoked(program: Program) -> int:
    """One run in a process of its own."""
    environment = {**program.environment, "PATH": os.defpath}
    command = [sys.executable, "-m", "cronjob", "run", "-o", "none"]
    return subprocess.run(command, env=environment, capture_output=True, check=False, timeout=90).returncode

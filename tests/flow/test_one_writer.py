"""Two runs never write at a time, and a run that loses the Lease writes nothing more."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from program import Program, a_program

from cronjob.lease_record import CLUSTER as CLUSTER_OF
from cronjob.sandbox.samples import NAMESPACE

NAME = "flux-gitlab-syncer"


@pytest.fixture
def program() -> Iterator[Program]:
    with a_program(3, samples=False) as ready:
        yield ready


def put(program: Program, holder: str, cluster: str = "aws-prod") -> None:
    """A Lease that somebody else holds."""
    metadata = {"name": NAME, "namespace": NAMESPACE, "annotations": {CLUSTER_OF: cluster}}
    spec = {"holderIdentity": holder, "leaseDurationSeconds": 30, "renewTime": "2026-01-01T00:00:00.000000Z"}
    program.kubernetes.apply(
        {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}
    )


def lease(program: Program) -> dict[str, Any]:
    found = program.kubernetes.get("Lease", NAMESPACE, NAME)
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

"""Which namespace the Lease is in, and who names it: runs over the same namespaces always exclude each other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cronjob.sandbox.samples import NAMESPACE
from tests.worlds.program import Program, a_program

NAME = "flux-gitlab-syncer"
FIRST, JOBS = "a-team", "jobs"
RULES = "tenancy: [{namespace: '*', projects: '**'}]\n"


@pytest.fixture
def program() -> Iterator[Program]:
    with a_program(1, samples=False) as ready:
        for name in (FIRST, JOBS):
            ready.kubernetes.add_namespace(name)
        yield ready


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "settings.yaml"
    path.write_text(RULES)
    return path


def holders(program: Program) -> dict[str, str]:
    """The namespaces that have a Lease."""
    return {item["metadata"]["namespace"]: item["metadata"]["name"] for item in program.kubernetes.list("Lease")}


def run(program: Program, config: Path, *namespaces: str, **environment: str) -> Any:
    options = [word for name in namespaces for word in ("-n", name)]
    return program.run("--config", str(config), *options, **environment)


@pytest.mark.parametrize("namespaces", [(FIRST, NAMESPACE), (NAMESPACE, FIRST)])
def test_the_order_of_the_namespaces_does_not_matter(
    program: Program, config: Path, namespaces: tuple[str, ...]
) -> None:
    done = run(program, config, *namespaces)

    assert (done.code, holders(program)) == (0, {FIRST: NAME})
    assert done.report["lease"] == f"{FIRST}/{NAME}"


def test_the_jobs_own_namespace_comes_before_those_that_it_reads(program: Program, config: Path) -> None:
    assert run(program, config, NAMESPACE, FIRST, POD_NAMESPACE=JOBS).report["lease"] == f"{JOBS}/{NAME}"
    assert holders(program) == {JOBS: NAME}


def test_the_setting_comes_before_everything(program: Program, config: Path) -> None:
    config.write_text(f"{RULES}lease_namespace: {JOBS}\n")

    assert run(program, config, FIRST, NAMESPACE, POD_NAMESPACE=NAMESPACE).report["lease"] == f"{JOBS}/{NAME}"
    assert holders(program) == {JOBS: NAME}


def test_with_one_setting_runs_over_other_namespaces_exclude_each_other(program: Program, config: Path) -> None:
    config.write_text(f"{RULES}lease_namespace: {JOBS}\n")
    metadata = {"name": NAME, "namespace": JOBS}
    spec = {"holderIdentity": "another-pod", "leaseDurationSeconds": 30}
    program.kubernetes.apply(
        {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}
    )

    for namespaces in ((NAMESPACE,), (FIRST,), (FIRST, NAMESPACE)):
        options = [word for name in namespaces for word in ("-n", name)]
        done = program.run("--config", str(config), "--lease-wait", "0s", *options)
        assert (done.code, done.requests) == (5, [])
        assert f"Lease {JOBS}/{NAME}: another-pod" in done.report["problems"][0]["message"]


@pytest.mark.parametrize("value", ["'Not A Label'", "[a, b]", "''"])
def test_a_name_that_no_namespace_has_is_refused(program: Program, config: Path, value: str) -> None:
    config.write_text(f"{RULES}lease_namespace: {value}\n")

    done = program("run", "--config", str(config))
    assert done.code == 2
    assert "lease_namespace" in done.err


def test_the_report_and_check_name_it_and_a_run_that_takes_none_does_not(program: Program) -> None:
    assert f"Lease       {NAMESPACE}/{NAME}\n" in program("run").out
    assert f"Lease {NAMESPACE}/{NAME} exists" in program("check").out
    for options in (["--dry-run"], ["--no-lease"]):
        assert json.loads(program.run(*options).out)["lease"] is None
        assert "Lease" not in program("run", *options).out

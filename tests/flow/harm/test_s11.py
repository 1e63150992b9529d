"""S11: one reproduction for each of the smaller ways in which a run did harm or said nothing about it."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cronjob.sandbox.samples import CLUSTER, GROUP, MAINTAINER, MARK, NAMESPACE, add_tenant, reconcile_flux
from tests.worlds.program import Done, Program, a_program, program_under_test

NAME = "tenant-0001"
PROJECT = f"{CLUSTER}/{NAME}"
DIGEST = "0123456789abcdef" * 4
TENANCY = "tenancy: [{namespace: '*', projects: '**'}]\n"


@pytest.fixture
def program() -> Iterator[Program]:
    with a_program(2, samples=False) as ready:
        yield ready


def codes(done: Done, severity: str = "warning") -> list[str]:
    return [problem["code"] for problem in done.report["problems"] if problem["severity"] == severity]


def hold_lease(program: Program, namespace: str) -> None:
    """Another run holds the Lease there."""
    metadata = {"name": "flux-gitlab-syncer", "namespace": namespace}
    spec = {"holderIdentity": "another-pod", "leaseDurationSeconds": 30}
    program.kubernetes.apply(
        {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}
    )


def add_group_of_others(program: Program, projects: int) -> None:
    """A group beside the tenants', with projects of its own, in which the bot is a member too."""
    bot = program.gitlab.tokens[program.sandbox.token].user
    program.gitlab.add_member(program.gitlab.add_group("others"), bot, MAINTAINER)
    for number in range(projects):
        program.gitlab.add_project(f"others/p{number}")


def test_b_a_reviewed_plan_is_another_one_with_other_tls_verification(program: Program) -> None:
    reviewed = program.run("--dry-run").report["plan"]

    done = program.run("--expect-plan", reviewed, "--no-webhook-tls-verification")

    assert (done.code, done.writes) == (4, [])
    assert program.run("--expect-plan", reviewed).code == 0


def test_b_a_reviewed_plan_is_another_one_under_another_mark(program: Program) -> None:
    reviewed = program.run("--dry-run").report["plan"]
    for kind in ("GitRepository", "Receiver"):
        item: Any = program.kubernetes.get(kind, NAMESPACE, NAME)
        secret: Any = program.kubernetes.get("Secret", NAMESPACE, item["spec"]["secretRef"]["name"])
        program.kubernetes.apply({**secret, "metadata": {"name": f"new-{kind.lower()}", "namespace": NAMESPACE}})
        item["spec"]["secretRef"]["name"] = f"new-{kind.lower()}"
        program.kubernetes.apply(item)

    done = program.run("--expect-plan", reviewed)

    assert (done.code, done.writes) == (4, [])


@pytest.mark.parametrize("namespaces", [("a-team", NAMESPACE), (NAMESPACE, "a-team")])
def test_e_runs_over_the_same_namespaces_exclude_each_other(
    program: Program, tmp_path: Path, namespaces: tuple[str, str]
) -> None:
    program.kubernetes.add_namespace("a-team")
    hold_lease(program, "a-team")
    (tmp_path / "settings.yaml").write_text(TENANCY)
    options = [word for name in namespaces for word in ("-n", name)]

    done = program.run("--config", str(tmp_path / "settings.yaml"), "--lease-wait", "0s", *options)

    assert (done.code, done.requests) == (5, [])


def test_g_another_group_than_the_tenants_is_named(program: Program) -> None:
    add_group_of_others(program, projects=2)

    assert "TooManyOutside" in codes(program.run(SYNCER_GROUP="others"))
    assert program("check", SYNCER_GROUP="others").code == 1
    assert codes(program.run()) == []


def test_h_a_lost_receiver_url_is_a_warning(program: Program) -> None:
    program.run()

    assert "WebhooksOff" in codes(program.run(SYNCER_RECEIVER_URL=""))
    assert codes(program.run()) == []


def test_j_a_receiver_url_of_plain_http_is_a_warning(program: Program) -> None:
    assert "PlainHttpReceiver" in codes(program.run("--dry-run", SYNCER_RECEIVER_URL="http://flux.example.org"))


@pytest.mark.parametrize("output", ["text", "json", "yaml", "markdown", "csv"])
def test_k_the_digest_in_a_title_an_old_value_or_a_branch_filter_is_cut(program: Program, output: str) -> None:
    program.run()
    project = program.project(PROJECT)
    [hook] = program.gitlab.hooks_of(project)
    hook.push_events_branch_filter = hook.description = f"/hook/{DIGEST}"
    [(key, _)] = program.gitlab.keys_of(project)
    key.title = f"see /hook/{DIGEST}"
    program.gitlab.add_hook(project, "https://ci.example.org", description=f"{MARK}gone at /hook/{DIGEST}")

    done = program("run", "--dry-run", "--adopt", "--show-foreign", "-o", output)

    assert DIGEST[8:] not in done.out + done.err


def test_l_an_event_does_not_say_where_somebodys_private_project_is_now(program: Program) -> None:
    program.gitlab.add_group(f"{GROUP}/private-team")
    program.gitlab.move_project(program.project(PROJECT), f"{GROUP}/private-team/secret-plan")

    program.run("--events")

    messages = [event["message"] for event in program.kubernetes.list("Event", NAMESPACE)]
    assert len(messages) > 2
    assert [message for message in messages if "secret-plan" in message] == []


@pytest.mark.parametrize("other", ["./x", "folder/../x", "link/x"])
def test_m_two_reports_to_one_file_are_refused(program: Program, tmp_path: Path, other: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path)

    done = program.run("--report", f"json={tmp_path}/x", "--report", f"csv={tmp_path}/{other}")

    assert (done.code, done.requests) == (2, [])


def test_p_a_closed_terminal_ends_a_run_with_a_whole_report(program: Program, tmp_path: Path) -> None:
    for number in range(20):
        add_tenant(program.sandbox, f"more-{number}")
    reconcile_flux(program.sandbox)
    program.gitlab.latency = 0.05
    tree, python = program_under_test()
    report = tmp_path / "report.json"
    command = [python, "-m", "cronjob", "run", "--concurrency", "2", "--report", f"json={report}"]
    process = subprocess.Popen(
        command, cwd=tree, env=program.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while not program.gitlab.writes:
        assert process.poll() is None
    process.send_signal(signal.SIGHUP)

    assert process.wait(60) == 143
    statuses = [change["status"] for change in json.loads(report.read_text())["changes"]]
    assert statuses.count("applied") == len(program.gitlab.writes)
    assert statuses.count("not_reached") > 0

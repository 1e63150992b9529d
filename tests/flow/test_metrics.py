"""The run's metrics at a Pushgateway: of each kind of run, complete, and never in the run's way."""

from __future__ import annotations

import json
import math
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest

from cronjob.commands import job
from cronjob.output.metrics import METRICS, PREFIX
from cronjob.sandbox.samples import CLUSTER, NAMESPACE
from reconcile.plan.objections import ObjectionCode
from reconcile.problems import Code
from tests.worlds.gitlab_builders import raw_server
from tests.worlds.program import Done, Program, a_program
from tests.worlds.pushgateway import Gateway, a_gateway
from tests.worlds.secrets_shown import secrets_of, shown

DRY = "flux-gitlab-syncer-dry-run"


@pytest.fixture
def program() -> Iterator[Program]:
    with a_program(2, samples=False) as ready:
        yield ready


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with a_gateway() as made:
        yield made


def pushed(program: Program, gateway: Gateway, *options: str) -> Done:
    return program.run("--pushgateway", gateway.url, *options)


def warnings(done: Done) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in done.err.splitlines()]
    return [line for line in lines if line["msg"].startswith("the metrics were not pushed")]


class TestWhatIsPushed:
    def test_a_run_that_made_everything(self, program: Program, gateway: Gateway) -> None:
        before = time.time()
        done = pushed(program, gateway)

        for kind in ("deploy_key", "webhook"):
            assert gateway.value("changes", kind=kind, action="create", status="applied") == 2
            assert gateway.value("changes", kind=kind, action="delete", status="applied") == 0
            assert gateway.value("items", kind=kind, owner="ours") == 0
        assert gateway.value("gitlab_requests", method="POST", code="201") == 4
        assert gateway.value("gitlab_requests", method="GET", code="200") == done.report["requests"]["gitlab"]["GET"]
        assert gateway.value("throttled_seconds") == 0
        assert gateway.value("build_info", version=done.report["version"]) == 1
        ended = gateway.value("last_run_timestamp_seconds")
        assert ended is not None
        assert before <= ended <= time.time()
        assert gateway.value("last_success_timestamp_seconds") == ended
        assert 0 < (gateway.value("run_duration_seconds") or 0) < 60

    def test_every_metric_is_there_with_its_labels(self, program: Program, gateway: Gateway) -> None:
        pushed(program, gateway)

        [group] = gateway.groups.values()
        assert {name.removeprefix(PREFIX) for name in group} == set(METRICS)
        for name, series in group.items():
            labels, _ = METRICS[name.removeprefix(PREFIX)]
            assert {tuple(sorted(key for key, _ in one)) for one in series} == {tuple(sorted(labels))}

    def test_each_shard_has_a_group_of_its_own(self, program: Program, gateway: Gateway) -> None:
        for index in ("0", "1"):
            program.run("--pushgateway", gateway.url, "--shards", "2", JOB_COMPLETION_INDEX=index)
        pushed(program, gateway)

        alone = f"/metrics/job/flux-gitlab-syncer/cluster/{CLUSTER}"
        assert set(gateway.groups) == {alone, f"{alone}/shard/0", f"{alone}/shard/1"}

    def test_items_are_counted_by_whose_they_are(self, program: Program, gateway: Gateway) -> None:
        program.run()
        project = program.project(f"{CLUSTER}/tenant-0001")
        program.gitlab.add_hook(project, "https://ci.example.org/")
        program.gitlab.add_hook(project, "https://a.test/", description="flux-gitlab-syncer other ns/name")
        program.gitlab.add_hook(project, "https://b.test/", description=f"flux-gitlab-syncer {CLUSTER} elsewhere/name")

        pushed(program, gateway)

        owners = {owner: gateway.value("items", kind="webhook", owner=owner) for owner in OWNERS}
        assert owners == {"ours": 2, "other_cluster": 1, "other_instance": 1, "unmarked": 1}
        assert gateway.value("items", kind="deploy_key", owner="unmarked") == 0

    def test_when_the_token_expires(self, program: Program, gateway: Gateway) -> None:
        pushed(program, gateway)
        assert gateway.value("token_expiry_timestamp_seconds") == math.inf

        expires = datetime(2030, 1, 1, tzinfo=UTC)
        program.gitlab.tokens[program.sandbox.token].expires_at = expires.date().isoformat()
        pushed(program, gateway)
        assert gateway.value("token_expiry_timestamp_seconds") == expires.timestamp()

    def test_no_secret_is_in_them(self, program: Program, gateway: Gateway) -> None:
        pushed(program, gateway, "--show-foreign")

        assert shown(secrets_of(program.sandbox), *gateway.texts) == []
        assert len(gateway.texts) == 1


OWNERS = ("ours", "other_cluster", "other_instance", "unmarked")


class TestEachKindOfRun:
    def test_a_run_in_sync_is_a_success(self, program: Program, gateway: Gateway) -> None:
        program.run()
        pushed(program, gateway)

        assert gateway.value("last_success_timestamp_seconds") == gateway.value("last_run_timestamp_seconds")

    def test_a_dry_run_does_not_pass_for_the_job(self, program: Program, gateway: Gateway) -> None:
        pushed(program, gateway, "--dry-run")

        assert gateway.value("last_run_timestamp_seconds") is None
        assert gateway.value("changes", DRY, kind="webhook", action="create", status="planned") == 2
        assert gateway.value("last_success_timestamp_seconds", DRY) is not None

    @pytest.mark.parametrize("what", ["failed", "incomplete", "refused", "held"])
    def test_the_time_of_the_last_success_stays_until_the_next_one(
        self, program: Program, gateway: Gateway, what: str
    ) -> None:
        pushed(program, gateway)
        success = gateway.value("last_success_timestamp_seconds")
        goes_wrong(program, what)

        done = pushed(program, gateway, "--max-prune", "0", "--lease-wait", "0s")

        assert done.code in {1, 4, 5}
        assert gateway.value("last_success_timestamp_seconds") == success
        assert (gateway.value("last_run_timestamp_seconds") or 0) > (success or 0)

    def test_a_run_that_read_nothing_leaves_the_items_as_they_were(self, program: Program, gateway: Gateway) -> None:
        program.run()
        pushed(program, gateway)
        goes_wrong(program, "failed")

        assert pushed(program, gateway).report["result"] == "failed"
        assert gateway.value("items", kind="webhook", owner="ours") == 2
        assert gateway.value("problems", severity="error", code="SourceUnreadable") == 1

    def test_a_tenants_mistake_does_not_make_the_job_fail(self, program: Program, gateway: Gateway) -> None:
        program.kubernetes.delete("Secret", NAMESPACE, "tenant-0001-ssh")

        assert pushed(program, gateway).code == 1
        assert gateway.value("problems", severity="error", code="SecretNotFound") == 1
        assert gateway.value("last_success_timestamp_seconds") is not None

    def test_what_has_passed_does_not_linger(self, program: Program, gateway: Gateway) -> None:
        program.gitlab.fail(path="/projects/1000/hooks", status=403, body={"message": "403"}, times=None)
        pushed(program, gateway)
        assert gateway.value("problems", severity="error", code="ProjectUnreadable") == 1
        assert gateway.value("gitlab_requests", method="GET", code="403") == 1
        program.gitlab.faults.planned.clear()

        pushed(program, gateway)

        assert gateway.value("problems", severity="error", code="ProjectUnreadable") == 0
        assert gateway.value("gitlab_requests", method="GET", code="403") is None

    def test_a_refusal_is_counted_by_its_objection(self, program: Program, gateway: Gateway) -> None:
        program.run()
        goes_wrong(program, "refused")

        pushed(program, gateway, "--max-prune", "0")

        counts = {code: gateway.value("objections", code=code) for code in ObjectionCode}
        assert (counts["DesiredIsEmpty"], counts["PlanChanged"]) == (2, 0)

    def test_without_an_answer_the_code_is_none(self, program: Program, gateway: Gateway) -> None:
        program.gitlab.fail(path="/user", drop=True)

        pushed(program, gateway)

        assert gateway.value("gitlab_requests", method="GET", code="none") == 1


def goes_wrong(program: Program, what: str) -> None:
    if what == "failed":
        program.kubernetes.deny(verb="list", resource="receivers")
    elif what == "incomplete":
        program.gitlab.detach_key(*_a_key(program))
        program.gitlab.fail(method="POST", status=403, body={"message": "403 Forbidden"}, times=None)
    elif what == "refused":
        program.tenants_leave(range(1, 3))
    else:
        lease = program.kubernetes.get("Lease", NAMESPACE, "flux-gitlab-syncer")
        assert lease is not None
        program.kubernetes.apply(lease | {"spec": {**lease["spec"], "holderIdentity": "another"}})


def _a_key(program: Program) -> tuple[Any, Any]:
    project = program.project(f"{CLUSTER}/tenant-0001")
    [(key, _)] = program.gitlab.keys_of(project)
    return project, key


def drip(beginning: bytes, piece: bytes) -> Callable[[socket.socket], None]:
    """An answer without an end, of which something comes often enough for every timeout of a socket."""

    def answer(connection: socket.socket) -> None:
        connection.sendall(beginning)
        with suppress(OSError):
            while True:
                connection.sendall(piece)
                time.sleep(0.05)

    return answer


SLOW = {
    "silent": drip(b"", b""),
    "head": drip(b"HTTP/1.1 200 OK\r\nX-Long: ", b"x"),
    "body": drip(b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
}


class TestAGatewayThatFails:
    @pytest.mark.parametrize("status", [302, 400, 500])
    def test_an_answer_that_is_none_is_one_warning_and_no_failure(
        self, program: Program, gateway: Gateway, status: int
    ) -> None:
        gateway.status = status

        done = pushed(program, gateway)

        assert done.code == 0
        [line] = warnings(done)
        assert (line["level"], line["error"]) == ("warning", f"it answered {status}")
        assert len(gateway.texts) == 1

    def test_one_that_is_down_is_one_warning_too(self, program: Program) -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            done = program.run("--pushgateway", f"http://127.0.0.1:{unused.getsockname()[1]}")

        assert done.code == 0
        assert len(warnings(done)) == 1
        assert "it gave no answer" in warnings(done)[0]["error"]

    @pytest.mark.parametrize("way", ["silent", "head", "body"])
    def test_one_that_takes_for_ever_does_not_keep_the_run(self, program: Program, way: str) -> None:
        with raw_server(SLOW[way]) as slow:
            done = program.run("--pushgateway", slow.url, "--timeout", "1s")

        assert done.code == 0
        assert done.report["result"] == "applied"
        assert len(slow.requests) == 1
        # What answers at once has been heard, however long its body is.
        assert [line["error"] for line in warnings(done)] == ([] if way == "body" else ["it did not answer in time"])

    def test_the_summary_is_still_the_last_line(self, program: Program, gateway: Gateway) -> None:
        gateway.status = 500

        assert json.loads(pushed(program, gateway).err.splitlines()[-1])["msg"].startswith("Applied: ")

    def test_without_one_nothing_is_pushed(self, program: Program, gateway: Gateway) -> None:
        assert program.run().code == 0
        assert gateway.texts == []

    def test_without_the_package_it_says_what_to_install_before_anything_is_done(
        self, program: Program, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(job, "find_spec", lambda _name: None)

        done = pushed(program, gateway)

        assert (done.code, done.out) == (2, "")
        assert done.err == (
            "Error: --pushgateway needs the package prometheus-client: `pip install prometheus-client` installs it.\n"
        )
        assert done.requests == []


def test_every_code_of_a_problem_has_its_zero(program: Program, gateway: Gateway) -> None:
    pushed(program, gateway)

    [group] = gateway.groups.values()
    codes = {dict(labels)["code"] for labels in group[f"{PREFIX}problems"]}
    assert codes == set(map(str, Code))

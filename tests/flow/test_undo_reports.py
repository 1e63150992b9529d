"""`undo` from the command line, against the embedded servers: a run's report is played back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cronjob.sandbox.fake_gitlab.monitor import Monitor, Wanted
from cronjob.sandbox.samples import CLUSTER, MAINTAINER, NAMESPACE, add_objects, reconcile_flux
from tests.worlds.hurry import in_a_hurry
from tests.worlds.program import Done, Program, a_program

TENANT = f"{CLUSTER}/tenant-0001"


@dataclass
class Scene:
    """Three tenants in sync, of which the first then left; *report* is that of the run that pruned it."""

    program: Program
    report: Path
    before: tuple[list[str], list[str]]

    @property
    def items(self) -> tuple[list[str], list[str]]:
        return self.program.titles(TENANT), self.program.urls(TENANT)

    def undo(self, *options: str, **environment: str) -> Done:
        return self.program("undo", str(self.report), "-o", "json", *options, **environment)

    def edit(self, change: Callable[[dict[str, Any]], object]) -> None:
        document = json.loads(self.report.read_text())
        change(document)
        self.report.write_text(json.dumps(document))


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with a_program(3, samples=False) as program:
        program.run()
        before = program.titles(TENANT), program.urls(TENANT)
        program.tenants_leave(range(1, 2))
        report = tmp_path / "report.json"
        assert program.run("--report", f"json={report}").report["summary"]["delete"] == 2
        yield Scene(program, report, before)


def leases(scene: Scene) -> int:
    return sum("/leases" in one.path for one in scene.program.kubernetes.requests)


def secret_is_named(scene: Scene) -> None:
    """A GitRepository at another tenant's project names the Secret of the one that left."""
    (other, *_) = scene.program.kubernetes.list("GitRepository")
    title = json.loads(scene.report.read_text())["changes"][0]["key"]["title"]
    metadata = {"name": "another", "namespace": NAMESPACE}
    spec = {**other["spec"], "secretRef": {"name": title.rpartition("/")[2]}}
    scene.program.kubernetes.apply(
        {"apiVersion": other["apiVersion"], "kind": "GitRepository", "metadata": metadata, "spec": spec}
    )


def test_while_nothing_here_names_its_secret_nothing_is_put_back(scene: Scene) -> None:
    done = scene.undo("--confirm", CLUSTER)

    assert (done.code, done.writes) == (1, [])
    assert [one["code"] for one in done.report["problems"]] == ["CannotPutBack"] * 2


def test_what_left_is_shown_first_and_put_back_with_the_clusters_name(scene: Scene) -> None:
    secret_is_named(scene)
    shown = scene.undo()
    assert (shown.code, shown.writes, shown.report["dry_run"]) == (1, [], True)
    assert [one["status"] for one in shown.report["changes"]] == ["planned"]

    done = scene.undo("--confirm", CLUSTER)

    assert scene.items == (scene.before[0], [])
    assert done.report["plan"] == shown.report["plan"]
    assert [one["status"] for one in done.report["changes"]] == ["applied"]
    assert [one["code"] for one in done.report["problems"]] == ["CannotPutBack", "RemovedAgain"]
    assert done.code == 1
    assert done.report["options"]["undo"] == str(scene.report)


def test_with_the_tenant_all_of_it_comes_back_and_the_next_run_has_nothing_to_do(scene: Scene) -> None:
    tenant_is_restored(scene)

    done = scene.undo("--confirm", CLUSTER)

    assert (done.code, done.report["problems"]) == (0, [])
    assert (scene.items[0], len(scene.items[1])) == (scene.before[0], 1)
    [hook] = scene.program.gitlab.hooks_of(scene.program.project(TENANT))
    assert hook.token
    assert scene.program.run().report["result"] == "in_sync"
    assert scene.undo("--confirm", CLUSTER).report["summary"]["unchanged"] == 2


def tenant_is_restored(scene: Scene) -> None:
    """Its objects come back; its Secrets had stayed."""
    add_objects(scene.program.sandbox, "tenant-0001")
    reconcile_flux(scene.program.sandbox)


def test_the_text_says_what_to_type_next(scene: Scene) -> None:
    secret_is_named(scene)
    text = scene.program("undo", str(scene.report)).out

    assert "dry run of undo" in text
    assert f"a run removed it; marked for Secret/{NAMESPACE}/" in text
    assert f"Next: flux-gitlab-syncer undo {scene.report} --confirm {CLUSTER}" in text


def test_the_wrong_name_confirms_nothing(scene: Scene) -> None:
    done = scene.program("undo", str(scene.report), "--confirm", "aws-dev")

    assert (done.code, done.writes) == (2, [])
    assert "confirm exactly that name" in done.err


def test_it_writes_under_the_lease_and_a_dry_run_takes_none(scene: Scene) -> None:
    before = leases(scene)
    scene.undo()
    assert leases(scene) == before
    scene.undo("--confirm", CLUSTER)
    assert leases(scene) > before


def test_while_a_run_holds_the_lease_nothing_is_read_and_the_code_is_5(scene: Scene) -> None:
    metadata = {"name": "flux-gitlab-syncer", "namespace": NAMESPACE}
    spec = {"holderIdentity": "a run", "leaseDurationSeconds": 30, "renewTime": "2026-01-01T00:00:00.000000Z"}
    scene.program.kubernetes.apply(
        {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}
    )

    done = scene.undo("--confirm", CLUSTER, "--lease-wait", "0s")

    assert (done.code, done.requests) == (5, [])


def test_a_key_that_could_push_may_push_again(scene: Scene) -> None:
    secret_is_named(scene)
    scene.edit(lambda document: document["changes"][0]["key"].update(can_push=True))
    assert "a run removed it; it may push, as it could before" in scene.program("undo", str(scene.report)).out

    scene.undo("--confirm", CLUSTER)

    assert [can_push for _, can_push in scene.program.gitlab.keys_of(scene.program.project(TENANT))] == [True]


def test_a_key_that_another_project_has_with_another_comment_is_joined_and_may_push_again(scene: Scene) -> None:
    secret_is_named(scene)
    scene.edit(lambda document: document["changes"][0]["key"].update(can_push=True))
    change = json.loads(scene.report.read_text())["changes"][0]
    other = scene.program.project(f"{CLUSTER}/tenant-0002")
    scene.program.gitlab.add_deploy_key(other, f"{change['key']['public_key']} somebody", title=change["key"]["title"])

    done = scene.undo("--confirm", CLUSTER)

    assert [one["status"] for one in done.report["changes"]] == ["applied"]
    assert [can_push for _, can_push in scene.program.gitlab.keys_of(scene.program.project(TENANT))] == [True]


def test_a_project_that_has_moved_out_of_the_group_is_not_touched(scene: Scene) -> None:
    gitlab = scene.program.gitlab
    bot = next(user for user in gitlab.users.values() if user.username == "flux-bot")
    gitlab.add_member(gitlab.add_group("elsewhere"), bot, MAINTAINER)
    gitlab.move_project(scene.program.project(TENANT), "elsewhere/tenant-0001")

    done = scene.undo("--confirm", CLUSTER)

    assert (done.code, done.writes) == (1, [])
    assert "has moved to elsewhere/tenant-0001, outside the group" in done.report["problems"][0]["message"]


@pytest.mark.parametrize("output", ["text", "markdown", "html", "yaml", "csv", "none"])
def test_it_is_told_in_every_format_without_a_secret(scene: Scene, output: str) -> None:
    tenant_is_restored(scene)

    done = scene.program("undo", str(scene.report), "--confirm", CLUSTER, "-o", output)

    [hook] = scene.program.gitlab.hooks_of(scene.program.project(TENANT))
    assert done.code == 0
    assert (TENANT in done.out) is (output != "none")
    for secret in (hook.token, hook.url.rpartition("/")[2], scene.program.environment["GITLAB_TOKEN"]):
        assert secret
        assert secret not in done.out + done.err


def test_a_report_cannot_send_a_token_elsewhere(scene: Scene) -> None:
    tenant_is_restored(scene)
    digest = scene.before[1][0].rpartition("/")[2][:8]
    scene.edit(lambda document: document["changes"][1]["webhook"].update(url=f"https://evil.example/hook/{digest}…"))

    done = scene.undo("--confirm", CLUSTER)

    assert scene.items[1] == []
    assert "--receiver-url is another one" in done.report["problems"][0]["message"]


def test_it_touches_nothing_foreign_and_doubles_nothing_in_a_storm(scene: Scene) -> None:
    tenant_is_restored(scene)
    gitlab, project = scene.program.gitlab, scene.program.project(TENANT)
    foreign = gitlab.add_hook(project, "https://ci.example.org/gitlab")
    monitor = Monitor(gitlab, Wanted(), foreign_hooks=[foreign])
    gitlab.fail(method="POST", status=502, after=True, times=2)
    gitlab.fail(method="POST", drop=True, times=1)

    with in_a_hurry():
        done = scene.undo("--confirm", CLUSTER)

    assert (done.code, monitor.violations) == (0, [])
    assert monitor.writes >= 2
    assert (scene.items[0], len(scene.items[1])) == (scene.before[0], 2)


# what is no report of a run here


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda document: document.update(dry_run=True), "of a dry run, which removed nothing"),
        (lambda document: document.update(cluster="staging"), "The report is of cluster 'staging'"),
        (lambda document: document.update(cluster=["staging"]), "The report is of cluster ['staging']"),
        (
            lambda document: document["servers"].update(gitlab="https://gitlab.com"),
            "the GitLab at 'https://gitlab.com'",
        ),
        (lambda document: document["servers"].update(gitlab="https://[gitlab"), "the GitLab at 'https://[gitlab'"),
        (lambda document: document.update(servers=None), "The report is of the GitLab at None"),
        (lambda document: document.update(schema="of something else"), "which is not a report with the schema"),
        (lambda document: document.pop("changes"), "is not usable: it lists no changes"),
    ],
)
def test_another_report_is_refused(scene: Scene, change: Callable[[dict[str, Any]], object], said: str) -> None:
    scene.edit(change)
    done = scene.program("undo", str(scene.report), "--confirm", CLUSTER)

    assert (done.code, done.out, done.requests) == (2, "", [])
    assert said in done.err


def test_what_is_no_json_or_not_there_is_refused(scene: Scene) -> None:
    scene.report.write_text("Drift: 3 to create")
    assert "neither a JSON report" in scene.undo().err

    scene.report.unlink()
    done = scene.undo()
    assert (done.code, "cannot be read (No such file or directory)" in done.err) == (2, True)

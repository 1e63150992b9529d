"""The job as the shipped accounts, with exactly the shipped Roles, on the embedded and on a real API server."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from cronjob.concurrency.stop import StopControl
from cronjob.kube.lease import Lease
from cronjob.kube.lease_claim import NAME, LeaseClaim, LeaseTimes
from cronjob.kube.lease_record import CLUSTER as CLUSTER_OF
from cronjob.kube.lease_record import Holder
from cronjob.output.logs import log_warning
from cronjob.sandbox.samples import CLUSTER
from tests.cluster.api_servers import ApiServer
from tests.cluster.manifests import of_kind
from tests.cluster.objects import said
from tests.cluster.scene import AUDIT, JOB, TENANTS, Scene, a_scene
from tests.worlds.program import Done

REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
SOURCE = "source.toolkit.fluxcd.io"
NOTIFICATION = "notification.toolkit.fluxcd.io"
BASE = of_kind("Role", "base")[JOB]


def levels(scene: Scene, *options: str, **environment: str) -> dict[str, str]:
    """The worst level of each check."""
    found: dict[str, str] = {}
    done = scene.program("check", "-o", "json", *options, **{"SYNCER_RECEIVER_URL": "", **environment})
    for one in json.loads(done.out)["findings"]:
        found[one["check"]] = max(found.get(one["check"], "ok"), one["level"], key=("ok", "warn", "fail").index)
    return found


class TestTheJob:
    def test_it_adds_what_is_missing_says_so_and_gives_the_lease_back(self, scene: Scene) -> None:
        done = scene.child("run", "-o", "json", "--events")

        assert (done.code, done.report["result"], len(done.writes)) == (0, "applied", 4)
        assert [len(scene.program.urls(f"{CLUSTER}/{name}")) for name in TENANTS] == [1, 1]
        assert scene.program.titles(f"{CLUSTER}/tenant-0001") == [
            f"flux-gitlab-syncer {CLUSTER} {scene.namespace}/tenant-0001-ssh"
        ]
        said_of = {
            (one["involvedObject"]["kind"], one["involvedObject"]["name"], one["reason"]) for one in scene.events()
        }
        assert said_of == {
            (kind, name, reason)
            for name in TENANTS
            for kind, reason in (("GitRepository", "DeployKeyAdded"), ("Receiver", "WebhookAdded"))
        }
        lease = scene.lease()
        assert lease["metadata"]["annotations"][CLUSTER_OF] == CLUSTER
        assert (lease["spec"]["holderIdentity"], lease["spec"]["leaseTransitions"]) == ("", 1)

    def test_a_second_run_changes_nothing(self, scene: Scene) -> None:
        scene.program.run("--events")
        before = scene.events()

        done = scene.program.run("--events")

        assert (done.code, done.report["result"], done.writes) == (0, "in_sync", [])
        assert scene.events() == before
        assert scene.lease()["spec"]["leaseTransitions"] == 2

    def test_a_lasting_problem_is_one_event_whose_count_rises(self, scene: Scene) -> None:
        said(scene.server.api.send("DELETE", scene.path("Secret", "v1", "tenant-0001-ssh")), 200)

        for _ in range(3):
            assert scene.program.run("--events").code == 1

        [event] = [one for one in scene.events() if one["type"] == "Warning"]
        assert (event["reason"], event["count"]) == ("SecretNotFound", 3)
        assert f"Secret/{scene.namespace}/tenant-0001-ssh does not exist" in event["message"]

    def test_a_secret_that_holds_nothing_is_a_problem_of_its_object(self, scene: Scene) -> None:
        for name in ("tenant-0001-ssh", "tenant-0002-webhook"):
            said(scene.server.api.send("DELETE", scene.path("Secret", "v1", name)), 200)
            scene.make({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}})

        done = scene.program.run()

        assert done.code == 1
        assert {(one["object"].partition("/")[0], one["code"]) for one in done.report["problems"]} == {
            ("GitRepository", "SecretNotFound"),
            ("Receiver", "SecretNotFound"),
        }

    def test_a_check_has_nothing_to_say(self, scene: Scene) -> None:
        assert set(levels(scene, "--events").values()) == {"ok"}

    def test_a_trace_shows_what_it_may_see_and_says_which_right_the_rest_needs(self, scene: Scene) -> None:
        scene.program.run()

        [chain] = json.loads(scene.program("trace", "tenant-0001", "-o", "json").out)["chains"]

        links = {one["link"]: one for one in chain["links"]}
        # Whether it was fetched depends on who else is in the cluster.
        assert {name: one["level"] for name, one in links.items() if name != "fetch"} == {
            **dict.fromkeys(("gitrepository", "secret", "project", "deploy-key", "receiver", "webhook"), "ok"),
            "deliveries": "note",
            "kustomization": "skip",
        }
        assert "needs `get,list` on kustomizations.kustomize.toolkit.fluxcd.io" in links["kustomization"]["message"]

    def test_it_may_not_do_anything_else(self, scene: Scene) -> None:
        with scene.api_of(JOB) as api:
            for method, path in [
                ("GET", scene.path("Secret", "v1")),
                ("GET", "/api/v1/namespaces/kube-system/secrets/any"),
                ("GET", scene.path("Event", "v1")),
                ("POST", scene.path("Lease", "coordination.k8s.io/v1")),
                ("DELETE", scene.path("Lease", "coordination.k8s.io/v1", JOB)),
                ("PATCH", scene.path("GitRepository", f"{SOURCE}/v1", TENANTS[0])),
                ("PATCH", scene.path("Receiver", f"{NOTIFICATION}/v1", f"{TENANTS[0]}/status")),
            ]:
                assert said(api.send(method, path, body=None if method == "GET" else {}), 403)["reason"] == "Forbidden"

    @pytest.mark.parametrize(
        ("number", "message"),
        [
            (0, "Kubernetes refuses to list gitrepositories.source.toolkit.fluxcd.io in namespace {}"),
            (1, "Kubernetes refuses to list receivers.notification.toolkit.fluxcd.io in namespace {}"),
            (2, "Secret/{}/tenant-0001-ssh cannot be read: 403 Forbidden"),
            (3, "The Lease {}/flux-gitlab-syncer could not be taken: Kubernetes refuses to get it (403 Forbidden)."),
            (4, "Kubernetes refuses to patch events in namespace {} (403 Forbidden)"),
        ],
    )
    def test_without_one_of_its_rules_it_says_which(self, server: ApiServer, number: int, message: str) -> None:
        assert len(BASE["rules"]) == 5
        with a_scene(server, without=number) as scene:
            done = scene.program.run("--events")

            assert done.code == (0 if number == 4 else 1)
            said_it = [one["message"] for one in done.report["problems"]] + [done.err]
            assert any(message.format(scene.namespace) in one for one in said_it), said_it
            assert set(levels(scene, "--events").values()) != {"ok"}


class TestTheAudit:
    def test_it_sees_what_there_would_be_to_do(self, scene: Scene) -> None:
        done = scene.program.run("--dry-run", **scene.as_account(AUDIT))

        assert (done.code, done.report["result"], done.writes) == (0, "drift", [])
        assert len(done.report["changes"]) == 4
        assert scene.events() == []
        assert "spec" not in scene.lease() or "holderIdentity" not in scene.lease()["spec"]

    def test_a_check_of_its_dry_run_has_nothing_to_say(self, scene: Scene) -> None:
        assert set(levels(scene, "--dry-run", **scene.as_account(AUDIT)).values()) == {"ok"}

    def test_a_run_of_its_ends_before_it_reads(self, scene: Scene) -> None:
        done = scene.program.run(**scene.as_account(AUDIT))

        assert (done.code, done.writes) == (1, [])
        assert [one["code"] for one in done.report["problems"]] == ["LeaseUnavailable"]

    def test_every_write_is_refused(self, scene: Scene) -> None:
        kinds = [
            ("Event", "v1", "events"),
            ("Secret", "v1", "secrets"),
            ("Lease", "coordination.k8s.io/v1", "leases"),
            ("GitRepository", f"{SOURCE}/v1", "gitrepositories"),
            ("Receiver", f"{NOTIFICATION}/v1", "receivers"),
        ]
        with scene.api_of(AUDIT) as api:
            for kind, version, plural in kinds:
                name = {"Lease": JOB, "Secret": "tenant-0001-ssh"}.get(kind, TENANTS[0])
                for verb, method, of in [
                    ("create", "POST", ""),
                    ("update", "PUT", name),
                    ("patch", "PATCH", name),
                    ("delete", "DELETE", name),
                ]:
                    answer = said(api.send(method, scene.path(kind, version, of), body={}), 403)
                    group = version.rpartition("/")[0]
                    assert answer["message"].endswith(
                        f'User "system:serviceaccount:{scene.namespace}:{AUDIT}" cannot {verb} resource "{plural}" '
                        f'in API group "{group}" in the namespace "{scene.namespace}"'
                    )
                    asked = {"verb": verb, "group": group, "resource": plural, "namespace": scene.namespace, "name": of}
                    review = said(api.send("POST", REVIEWS, body={"spec": {"resourceAttributes": asked}}), 201)
                    assert review["status"]["allowed"] is False

    def test_what_it_may_is_allowed(self, scene: Scene) -> None:
        with scene.api_of(AUDIT) as api:
            for path in (
                scene.path("Secret", "v1", "tenant-0001-ssh"),
                scene.path("GitRepository", f"{SOURCE}/v1"),
                scene.path("Receiver", f"{NOTIFICATION}/v1", TENANTS[0]),
            ):
                assert api.get(path).status == 200


class TestTwoWriters:
    def test_while_one_holds_the_lease_another_run_ends_with_5(self, scene: Scene) -> None:
        claim = LeaseClaim(scene.namespace, NAME, Holder("another-pod"), CLUSTER)
        with scene.api_of(JOB) as api, Lease(api, claim, StopControl(), log_warning):
            assert scene.lease()["spec"]["holderIdentity"] == "another-pod"

            done = scene.program.run("--lease-wait", "0s")

            assert (done.code, done.requests) == (5, [])
            [problem] = done.report["problems"]
            assert f"Another run holds the Lease {scene.namespace}/{JOB}: another-pod." in problem["message"]
        # It gave it back.
        assert scene.program.run("--lease-wait", "0s").code == 0

    def test_of_two_that_begin_at_once_one_waits_for_the_other(self, real: ApiServer) -> None:
        with a_scene(real) as scene, ThreadPoolExecutor(2) as pool:
            first, second = pool.map(lambda _: scene.child("run", "-o", "json"), range(2))

            assert (first.code, second.code) == (0, 0)
            assert sorted((first.report["result"], second.report["result"])) == ["applied", "in_sync"]
            assert scene.lease()["spec"]["leaseTransitions"] == 2

    def test_shards_hold_the_bases_lease_together_and_each_does_its_part(self, real: ApiServer) -> None:
        leases = of_kind("Lease", "components/sharded")
        with a_scene(real) as scene, ThreadPoolExecutor(4) as pool:
            for one in leases.values():
                scene.make(one)
            rules = [
                one | ({"resourceNames": [JOB, *leases]} if "resourceNames" in one else {}) for one in BASE["rules"]
            ]
            role = scene.path("Role", "rbac.authorization.k8s.io/v1", JOB)
            said(real.api.send("PATCH", role, body={"rules": rules}), 200)

            def run(index: int) -> Done:
                return scene.child("run", "-o", "json", "--events", "--shards", "4", JOB_COMPLETION_INDEX=str(index))

            assert [(one.code, one.report["problems"]) for one in pool.map(run, range(4))] == [(0, [])] * 4
            assert [len(scene.program.urls(f"{CLUSTER}/{name}")) for name in TENANTS] == [1, 1]
            assert len(scene.events()) == 4
            assert scene.lease()["spec"]["holderIdentity"] == ""

    def test_one_of_another_cluster_is_not_taken(self, scene: Scene) -> None:
        scene.program.run()

        done = scene.program.run(SYNCER_CLUSTER="another")

        assert (done.code, done.writes) == (2, [])
        assert f"belongs to cluster {CLUSTER!r}" in done.err

    def test_one_that_is_deleted_meanwhile_is_lost(self, scene: Scene) -> None:
        claim = LeaseClaim(scene.namespace, NAME, Holder("ours"), CLUSTER, times=LeaseTimes(renew_interval=0.02))
        path = scene.path("Lease", "coordination.k8s.io/v1", JOB)
        with scene.api_of(JOB) as api, Lease(api, claim, StopControl(), log_warning) as lease:
            assert lease.lost_reason() == ""
            said(scene.server.api.send("DELETE", path), 200)
            while not lease.lost_reason():
                time.sleep(0.01)
            # And not only since it was not renewed for long.
            assert lease.lost_reason() == f"the Lease {scene.namespace}/{JOB} was deleted"
        # Nobody made it anew.
        assert scene.server.api.get(path).status == 404


class TestStrangers:
    def test_a_token_that_nobody_gave_is_not_known(self, scene: Scene) -> None:
        path = scene.as_account(JOB)["KUBECONFIG"]
        config = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        config["users"][0]["user"]["token"] = "wrong"
        Path(path).write_text(yaml.safe_dump(config), encoding="utf-8")

        done = scene.program.run("--dry-run", KUBECONFIG=path)

        assert (done.code, done.report["result"]) == (1, "failed")
        [problem] = done.report["problems"]
        assert "Kubernetes does not know who asks to" in problem["message"]
        assert "(401 Unauthorized)" in problem["message"]

    def test_a_namespace_that_is_not_there_is_said_to_whoever_may_see_that(self, scene: Scene) -> None:
        missing = f"{scene.namespace}-not"
        done = scene.program.run("--dry-run", KUBECONFIG=str(scene.server.kubeconfig), SYNCER_NAMESPACE=missing)

        assert done.code == 1
        [problem] = done.report["problems"]
        assert (problem["code"], f"Namespace {missing} does not exist" in problem["message"]) == ("NamespaceGone", True)

    def test_so_is_one_that_is_being_deleted(self, scene: Scene) -> None:
        said(scene.server.api.send("DELETE", f"/api/v1/namespaces/{scene.namespace}"), 200)

        done = scene.program.run("--dry-run", KUBECONFIG=str(scene.server.kubeconfig))

        assert done.code == 1
        [problem] = done.report["problems"]
        # What there is left of it depends on who else is in the cluster.
        assert problem["code"] == "NamespaceGone"
        assert "is being deleted" in problem["message"] or "does not exist" in problem["message"]

from collections.abc import Callable
from typing import Any

import pytest

from cronjob.flux.cluster import FluxCluster
from cronjob.flux.queries import PAGE_SIZE
from cronjob.kube.client import KubeApi
from cronjob.sandbox.fake_kubernetes.kinds import served_versions
from cronjob.sandbox.fake_kubernetes.world import KubernetesWorld
from tests.worlds.kube_builders import GIT, HOOKS, TENANTS, asked, names, trouble
from tests.worlds.objects import a_git_repository, a_receiver

pytest_plugins = ["tests.worlds.kube_fixtures"]

Connect = Callable[..., KubeApi]
GIT_GROUP, HOOK_GROUP = "source.toolkit.fluxcd.io", "notification.toolkit.fluxcd.io"
LIST_GIT = rf"/namespaces/{TENANTS}/gitrepositories"


class TestObjects:
    def test_both_kinds_are_listed_in_every_namespace(self, world: KubernetesWorld, connected: Connect) -> None:
        for namespace in (TENANTS, "more", "unasked"):
            world.apply(a_git_repository(f"repository-{namespace}", namespace=namespace))
            world.apply(a_receiver(f"receiver-{namespace}", namespace=namespace))

        objects = FluxCluster(connected(), [TENANTS, "more", TENANTS]).read_whole()

        assert names(objects.git_repositories) == [f"repository-{TENANTS}", "repository-more"]
        assert names(objects.receivers) == [f"receiver-{TENANTS}", "receiver-more"]

    def test_an_empty_namespace_has_none(self, flux: FluxCluster) -> None:
        objects = flux.read_whole()

        assert list(objects.git_repositories) == list(objects.receivers) == []

    def test_git_repositories_are_listed_before_receivers(self, world: KubernetesWorld, flux: FluxCluster) -> None:
        flux.read_whole()

        lists = [path.rpartition("/")[2] for path in asked(world, "/namespaces/") if path.count("/") > 5]
        assert lists == ["gitrepositories", "receivers"]

    def test_only_what_a_run_needs_is_kept(self, world: KubernetesWorld, flux: FluxCluster) -> None:
        last = {"kubectl.kubernetes.io/last-applied-configuration": "{}", "flux-gitlab-syncer/project-id": "7"}
        repository = a_git_repository("a", labels={"tenant": "a"}, annotations=last)
        repository["metadata"] |= {"managedFields": [{"manager": "kubectl"}], "ownerReferences": [{"kind": "Kind"}]}
        world.apply(repository)
        world.set_status("GitRepository", TENANTS, "a", {"observedGeneration": 1})

        made = world.get("GitRepository", TENANTS, "a")
        written = {"time": "2026-11-30T12:00:00Z", "manager": "kubectl", "fieldsV1": {"f:spec": {"f:url": {}}}}
        world.set_managed_fields("GitRepository", TENANTS, "a", [written])
        [item] = flux.read_whole().git_repositories

        assert made is not None
        assert item == {
            "metadata": {
                "name": "a",
                "namespace": TENANTS,
                "uid": made["metadata"]["uid"],
                "labels": {"tenant": "a"},
                "annotations": {"flux-gitlab-syncer/project-id": "7"},
                "generation": 1,
                "managedFields": [{"time": "2026-11-30T12:00:00Z", "subresource": None, "fieldsV1": {"f:spec": {}}}],
            },
            "spec": a_git_repository("a")["spec"] | {"timeout": "60s"},
            "status": {"observedGeneration": 1},
        }

    def test_an_object_that_is_being_deleted_shows_it(self, world: KubernetesWorld, flux: FluxCluster) -> None:
        repository = a_git_repository("a", deleting=True)
        repository["metadata"]["finalizers"] = ["finalizers.fluxcd.io"]
        world.apply(repository)

        [item] = flux.read_whole().git_repositories

        assert item["metadata"]["deletionTimestamp"] == "2026-01-01T00:00:00Z"

    def test_a_null_spec_and_status_are_empty(self, world: KubernetesWorld, flux: FluxCluster) -> None:
        item = {"metadata": {"name": "a", "namespace": TENANTS, "labels": None}, "spec": None}
        world.fail(path=LIST_GIT, status=200, body={"metadata": {}, "items": [item]})

        assert flux.read_whole().git_repositories == [
            {"metadata": {"name": "a", "namespace": TENANTS}, "spec": {}, "status": {}}
        ]


class TestVersions:
    @pytest.mark.parametrize(
        ("release", "git", "hooks"),
        [
            ("0.37", "v1beta2", "v1beta1"),
            ("0.41", "v1beta2", "v1beta2"),
            ("2.6", "v1", "v1"),
            ("2.8", "v1", "v1"),
            ("2.9", "v1", "v1"),
        ],
    )
    def test_the_newest_one_served_is_read(
        self, world: KubernetesWorld, flux: FluxCluster, release: str, git: str, hooks: str
    ) -> None:
        world.served = served_versions(release)
        world.apply(a_git_repository("a"))
        world.apply(a_receiver("a"))

        objects = flux.read_whole()

        assert names(objects.git_repositories) == names(objects.receivers) == ["a"]
        assert asked(world, "/gitrepositories") == [f"/apis/{GIT_GROUP}/{git}/namespaces/{TENANTS}/gitrepositories"]
        assert asked(world, "/receivers") == [f"/apis/{HOOK_GROUP}/{hooks}/namespaces/{TENANTS}/receivers"]

    def test_a_version_without_the_kind_is_passed_over(self, world: KubernetesWorld, flux: FluxCluster) -> None:
        world.apply(a_receiver("a"))
        world.fail(path=f"{HOOK_GROUP}/v1$", times=None, status=200, body={"resources": [{"name": "alerts"}]})

        assert names(flux.read_whole().receivers) == ["a"]
        assert asked(world, "/receivers")[0].startswith(f"/apis/{HOOK_GROUP}/v1beta2/")

    def test_discovery_is_asked_once(self, world: KubernetesWorld, flux: FluxCluster) -> None:
        flux.read_whole()
        assert asked(world, GIT_GROUP)[:2] == [f"/apis/{GIT_GROUP}", f"/apis/{GIT_GROUP}/v1"]
        world.requests.clear()

        flux.read_whole()

        assert asked(world) == [
            f"/api/v1/namespaces/{TENANTS}",
            f"/apis/{GIT_GROUP}/v1/namespaces/{TENANTS}/gitrepositories",
            f"/apis/{HOOK_GROUP}/v1/namespaces/{TENANTS}/receivers",
        ]

    @pytest.mark.parametrize(
        ("group", "owner", "resource"),
        [("source", "Flux (source-controller)", GIT), ("notification", "Flux's notification-controller", HOOKS)],
    )
    def test_without_the_group_flux_is_not_installed(
        self, world: KubernetesWorld, flux: FluxCluster, group: str, owner: str, resource: str
    ) -> None:
        world.uninstall(f"{group}.toolkit.fluxcd.io")

        trouble(flux, f"{owner} is not installed", f"list {resource}", TENANTS)

    def test_versions_from_the_future_alone_are_of_no_use(self, world: KubernetesWorld, flux: FluxCluster) -> None:
        world.served[GIT_GROUP] = ["v2"]

        trouble(flux, "v1, v1beta2, v1beta1", f"list {GIT}", TENANTS)

    def test_a_refused_discovery_names_the_right_that_is_missing(
        self, world: KubernetesWorld, flux: FluxCluster
    ) -> None:
        world.fail(path=f"/apis/{GIT_GROUP}$", status=403)

        trouble(flux, "refuses to get /apis", GIT, TENANTS, "403 Forbidden", "system:discovery")


class TestChunks:
    @pytest.fixture(autouse=True)
    def many(self, world: KubernetesWorld) -> None:
        for number in range(2 * PAGE_SIZE + 1):
            world.apply(a_git_repository(f"r{number:04}"))

    def test_a_long_list_is_read_in_chunks(self, world: KubernetesWorld, flux: FluxCluster) -> None:
        found = names(flux.read_whole().git_repositories)

        assert found == [f"r{number:04}" for number in range(2 * PAGE_SIZE + 1)]
        assert [one.query.get("limit") for one in world.requests if "/gitrep" in one.path] == [str(PAGE_SIZE)] * 3

    def test_an_expired_chunk_makes_the_list_begin_again(self, world: KubernetesWorld, flux: FluxCluster) -> None:
        gone = {"kind": "Status", "code": 410, "metadata": {"continue": "elsewhere"}}
        world.fail(path=LIST_GIT, query="continue=", status=410, body=gone, times=3)

        found = names(flux.read_whole().git_repositories)

        assert found == [f"r{number:04}" for number in range(2 * PAGE_SIZE + 1)]
        assert len([one for one in world.requests if "/gitrep" in one.path and "continue" not in one.query]) == 4

    def test_a_chunk_that_always_expires_ends_the_run(self, world: KubernetesWorld, flux: FluxCluster) -> None:
        world.continue_ttl = -1

        trouble(flux, f"list {GIT} in namespace {TENANTS}", "410 Gone, 4 times")

    def test_the_same_chunk_again_and_again_makes_no_sense(self, world: KubernetesWorld, flux: FluxCluster) -> None:
        world.fail(path=LIST_GIT, times=None, status=200, body={"items": [], "metadata": {"continue": "x"}})

        trouble(flux, f"list {GIT} in namespace {TENANTS}", "makes no sense")


class TestNamespaces:
    def test_a_missing_one_is_gone(self, world: KubernetesWorld, connected: Connect) -> None:
        flux = FluxCluster(connected(), [TENANTS, "typo"])

        words = ("Namespace typo does not exist", "list of its gitrepositories", "--namespace")
        trouble(flux, *words, code="NamespaceGone")
        world.add_namespace("typo")
        assert flux.read_whole().receivers == []

    def test_a_terminating_one_is_gone(self, world: KubernetesWorld, flux: FluxCluster) -> None:
        world.add_namespace(TENANTS, phase="Terminating")

        trouble(flux, f"Namespace {TENANTS} is being deleted", "list", code="NamespaceGone")

    def test_one_with_a_deletion_timestamp_is_gone(self, world: KubernetesWorld, flux: FluxCluster) -> None:
        body = {"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}, "status": {"phase": "Active"}}
        world.fail(path=f"/namespaces/{TENANTS}$", status=200, body=body)

        trouble(flux, TENANTS, "is being deleted", code="NamespaceGone")

    def test_without_the_right_to_look_the_lists_count(self, world: KubernetesWorld, flux: FluxCluster) -> None:
        world.apply(a_git_repository("a"))
        world.deny(verb="get", resource="namespaces")

        assert names(flux.read_whole().git_repositories) == ["a"]

    def test_it_is_looked_at_before_every_list(self, world: KubernetesWorld, flux: FluxCluster) -> None:
        flux.read_whole()
        world.delete("Namespace", None, TENANTS)

        trouble(flux, TENANTS, "does not exist", code="NamespaceGone")

    def test_a_failing_look_ends_the_run(self, world: KubernetesWorld, flux: FluxCluster) -> None:
        world.fail(path=f"/namespaces/{TENANTS}$", status=500, times=None)

        trouble(flux, "failed to get namespaces", TENANTS, "500 Internal Server Error")

    @pytest.mark.parametrize("body", ["<html>", "{}", "[]", {"metadata": []}, {"metadata": {}, "status": "Active"}])
    def test_an_answer_that_is_no_namespace_ends_the_run(
        self, world: KubernetesWorld, flux: FluxCluster, body: str | dict[str, Any]
    ) -> None:
        world.fail(path=f"/namespaces/{TENANTS}$", status=200, body=body)

        trouble(flux, "get namespaces", TENANTS, "makes no sense")

"""
managedFields over HTTP: the manager, the subresource, the fields and the time of each write.

Source: "Field management" in the documentation of server-side apply (Kubernetes 1.32);
k8s.io/apimachinery/pkg/util/managedfields.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from cronjob.sandbox.fake_kubernetes.app import kubernetes_app
from cronjob.sandbox.fake_kubernetes.world import KubernetesWorld
from cronjob.sandbox.serving import serving

GROUP = "/apis/source.toolkit.fluxcd.io/v1/namespaces/tenants/gitrepositories"
SECRETS = "/api/v1/namespaces/tenants/secrets"
MERGE = {"Content-Type": "application/merge-patch+json"}
KUBECTL = {"User-Agent": "kubectl/v1.32.0 (linux/amd64)"}
FLUX = {"User-Agent": "source-controller/v0.0.0"}
A_CONDITION = {
    "type": "Ready",
    "status": "True",
    "reason": "Succeeded",
    "message": "stored artifact",
    "lastTransitionTime": "2026-11-30T12:00:00Z",
}


@pytest.fixture
def world() -> KubernetesWorld:
    made = KubernetesWorld()
    made.add_namespace("tenants")
    return made


@pytest.fixture
def url(world: KubernetesWorld) -> Iterator[str]:
    with serving(kubernetes_app(world)) as address:
        yield address


def a_repository(**spec: object) -> dict[str, Any]:
    return {"metadata": {"name": "docs"}, "spec": {"url": "ssh://git@gitlab.test/a/b", "interval": "1m", **spec}}


def at(world: KubernetesWorld, minute: int) -> str:
    """Set the world's clock to that minute; returns the time in the API's format."""
    world.clock = datetime(2026, 11, 30, 12, minute, tzinfo=UTC).timestamp
    return f"2026-11-30T12:{minute:02}:00Z"


def entries(url: str) -> dict[tuple[str, str], dict[str, Any]]:
    """The object's managedFields by manager and subresource."""
    listed = requests.get(url, timeout=10).json()["metadata"]["managedFields"]
    return {(entry["manager"], entry.get("subresource", "")): entry for entry in listed}


def create(url: str) -> None:
    assert requests.post(url + GROUP, json=a_repository(), headers=KUBECTL, timeout=10).status_code == 201


def patch(url: str, body: dict[str, Any], headers: dict[str, str], suffix: str = "") -> None:
    answer = requests.patch(f"{url}{GROUP}/docs{suffix}", json=body, headers=MERGE | headers, timeout=10)
    assert answer.status_code == 200, answer.text


def test_a_create_belongs_to_its_user_agent_at_its_time(world: KubernetesWorld, url: str) -> None:
    time = at(world, 1)
    create(url)
    metadata = requests.get(f"{url}{GROUP}/docs", timeout=10).json()["metadata"]
    assert metadata["creationTimestamp"] == time
    assert metadata["managedFields"] == [
        {
            "manager": "kubectl",
            "operation": "Update",
            "apiVersion": "source.toolkit.fluxcd.io/v1",
            "time": time,
            "fieldsType": "FieldsV1",
            "fieldsV1": {"f:spec": {".": {}, "f:interval": {}, "f:timeout": {}, "f:url": {}}},
        }
    ]


def test_the_field_manager_of_the_request_wins(url: str) -> None:
    query = "?fieldManager=argocd"
    requests.post(url + GROUP + query, json=a_repository(), headers=KUBECTL, timeout=10)
    assert entries(f"{url}{GROUP}/docs").keys() == {("argocd", "")}


def test_a_changed_field_moves_to_its_new_manager(world: KubernetesWorld, url: str) -> None:
    before = at(world, 1)
    create(url)
    after = at(world, 2)
    patch(url, {"spec": {"interval": "5m"}, "metadata": {"labels": {"a": "b"}}}, {"User-Agent": "syncer/1"})
    found = entries(f"{url}{GROUP}/docs")
    assert found["kubectl", ""]["fieldsV1"] == {"f:spec": {".": {}, "f:timeout": {}, "f:url": {}}}
    assert found["kubectl", ""]["time"] == before
    assert found["syncer", ""]["time"] == after
    assert found["syncer", ""]["fieldsV1"] == {
        "f:metadata": {"f:labels": {".": {}, "f:a": {}}},
        "f:spec": {"f:interval": {}},
    }


def test_a_write_of_the_status_has_an_entry_with_its_subresource(world: KubernetesWorld, url: str) -> None:
    before = at(world, 1)
    create(url)
    after = at(world, 2)
    patch(url, {"status": {"conditions": [A_CONDITION], "observedGeneration": 1}}, FLUX, "/status")
    found = entries(f"{url}{GROUP}/docs")
    assert found["kubectl", ""]["time"] == before
    assert found["source-controller", "status"]["time"] == after
    assert found["source-controller", "status"]["fieldsV1"] == {
        "f:status": {"f:conditions": {}, "f:observedGeneration": {}}
    }


def test_a_write_without_a_change_keeps_the_time(world: KubernetesWorld, url: str) -> None:
    before = at(world, 1)
    create(url)
    at(world, 2)
    patch(url, {"spec": {"interval": "1m"}}, KUBECTL)
    assert entries(f"{url}{GROUP}/docs")["kubectl", ""]["time"] == before


def test_a_removed_field_belongs_to_no_manager_and_keeps_the_time(world: KubernetesWorld, url: str) -> None:
    before = at(world, 1)
    requests.post(url + GROUP, json=a_repository(suspend=True), headers=KUBECTL, timeout=10)
    at(world, 2)
    patch(url, {"spec": {"suspend": None}}, {"User-Agent": "flux/2"})
    found = entries(f"{url}{GROUP}/docs")
    assert found.keys() == {("kubectl", "")}
    assert "f:suspend" not in found["kubectl", ""]["fieldsV1"]["f:spec"]
    assert found["kubectl", ""]["time"] == before


def test_an_update_of_a_secret_counts_for_the_keys_that_change(world: KubernetesWorld, url: str) -> None:
    secret = {"metadata": {"name": "key"}, "stringData": {"identity": "a", "known_hosts": "b"}}
    requests.post(url + SECRETS, json=secret, headers=KUBECTL, timeout=10)
    after = at(world, 2)
    secret["stringData"] = {"identity": "c", "known_hosts": "b"}
    requests.put(f"{url}{SECRETS}/key", json=secret, headers={"User-Agent": "kustomize-controller/1"}, timeout=10)
    found = entries(f"{url}{SECRETS}/key")
    assert found["kustomize-controller", ""]["fieldsV1"] == {"f:data": {"f:identity": {}}}
    assert found["kustomize-controller", ""]["time"] == after
    assert found["kubectl", ""]["fieldsV1"] == {"f:data": {".": {}, "f:known_hosts": {}}, "f:type": {}}


def test_objects_that_a_test_applies_have_managers_too(world: KubernetesWorld, url: str) -> None:
    repository = a_repository() | {"kind": "GitRepository", "status": {"observedGeneration": 1}}
    repository["metadata"] |= {"namespace": "tenants"}
    world.apply(repository, manager="kustomize-controller")
    assert entries(f"{url}{GROUP}/docs").keys() == {("kustomize-controller", ""), ("gotk-controller", "status")}


def test_a_test_can_set_all_entries(world: KubernetesWorld, url: str) -> None:
    create(url)
    applied = {
        "manager": "kustomize-controller",
        "operation": "Apply",
        "apiVersion": "source.toolkit.fluxcd.io/v1",
        "time": "2020-01-01T00:00:00Z",
        "fieldsType": "FieldsV1",
        "fieldsV1": {"f:spec": {"f:interval": {}, "f:url": {}}},
    }
    world.set_managed_fields("GitRepository", "tenants", "docs", [applied])
    assert entries(f"{url}{GROUP}/docs") == {("kustomize-controller", ""): applied}
    patch(url, {"spec": {"url": "ssh://git@gitlab.test/c/d"}}, KUBECTL)
    found = entries(f"{url}{GROUP}/docs")
    assert found["kustomize-controller", ""]["fieldsV1"] == {"f:spec": {"f:interval": {}}}
    assert found["kustomize-controller", ""]["time"] == "2020-01-01T00:00:00Z"
    assert found["kubectl", ""]["fieldsV1"] == {"f:spec": {"f:url": {}}}

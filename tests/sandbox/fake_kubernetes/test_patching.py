from collections.abc import Iterator

import pytest
import requests

from cronjob.sandbox.fake_kubernetes.app import kubernetes_app
from cronjob.sandbox.fake_kubernetes.world import KubernetesWorld
from cronjob.sandbox.serving import serving
from tests.worlds.objects import an_applied_repository

REPOSITORIES = "/apis/source.toolkit.fluxcd.io/v1/namespaces/tenants/gitrepositories"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
JSON = "application/json-patch+json"


@pytest.fixture
def world() -> KubernetesWorld:
    made = KubernetesWorld()
    made.add_namespace("tenants")
    return made


@pytest.fixture
def url(world: KubernetesWorld) -> Iterator[str]:
    with serving(kubernetes_app(world)) as address:
        yield address


def post(url: str, body: object) -> requests.Response:
    return requests.post(url, json=body, timeout=10)


def patch(url: str, body: object, content_type: str = MERGE) -> requests.Response:
    return requests.patch(url, json=body, headers={"Content-Type": content_type}, timeout=10)


def stored(world: KubernetesWorld) -> dict:
    found = world.get("GitRepository", "tenants", "docs")
    assert found is not None
    return found


@pytest.mark.parametrize("content_type", [MERGE, STRATEGIC])
def test_a_merge_patch_changes_what_it_names(world: KubernetesWorld, url: str, content_type: str) -> None:
    post(url + REPOSITORIES, an_applied_repository(timeout="20s", ref={"branch": "main"}))

    answer = patch(f"{url}{REPOSITORIES}/docs", {"spec": {"suspend": True, "ref": None, "$patch": "x"}}, content_type)

    assert answer.status_code == 200
    assert stored(world)["spec"] == an_applied_repository(timeout="20s", suspend=True)["spec"]
    assert stored(world)["metadata"]["generation"] == 2


def test_an_annotation_is_no_new_generation(world: KubernetesWorld, url: str) -> None:
    post(url + REPOSITORIES, an_applied_repository())

    patch(f"{url}{REPOSITORIES}/docs", {"metadata": {"annotations": {"a": "b"}}})

    assert stored(world)["metadata"]["annotations"] == {"a": "b"}
    assert stored(world)["metadata"]["generation"] == 1


def test_a_patch_that_is_based_on_the_past_conflicts(world: KubernetesWorld, url: str) -> None:
    made = post(url + REPOSITORIES, an_applied_repository()).json()
    based = {"metadata": {"resourceVersion": made["metadata"]["resourceVersion"]}, "spec": {"suspend": True}}
    assert patch(f"{url}{REPOSITORIES}/docs", based).status_code == 200

    based["spec"] = {"suspend": False}
    assert patch(f"{url}{REPOSITORIES}/docs", based).status_code == 409
    assert stored(world)["spec"]["suspend"] is True


def test_a_json_patch_does_its_operations_in_order(world: KubernetesWorld, url: str) -> None:
    post(url + REPOSITORIES, an_applied_repository(suspend=True, include=[{"repository": {"name": "a"}}]))
    operations = [
        {"op": "test", "path": "/spec/suspend", "value": True},
        {"op": "remove", "path": "/spec/suspend"},
        {"op": "replace", "path": "/spec/interval", "value": "5m"},
        {"op": "add", "path": "/spec/include/-", "value": {"repository": {"name": "b"}}},
        {"op": "replace", "path": "/spec/include/0/repository/name", "value": "c"},
        {"op": "add", "path": "/metadata/labels", "value": {"x/y": "1"}},
        {"op": "replace", "path": "/metadata/labels/x~1y", "value": "2"},
    ]

    assert patch(f"{url}{REPOSITORIES}/docs", operations, JSON).status_code == 200

    spec = stored(world)["spec"]
    assert "suspend" not in spec
    assert spec["interval"] == "5m"
    assert spec["include"] == [{"repository": {"name": "c"}}, {"repository": {"name": "b"}}]
    assert stored(world)["metadata"]["labels"] == {"x/y": "2"}


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "test", "path": "/spec/interval", "value": "9m"},
        {"op": "remove", "path": "/spec/nothing"},
        {"op": "replace", "path": "/spec/nothing", "value": 1},
        {"op": "copy", "path": "/spec/interval"},
        {"path": "/spec/interval"},
        "nonsense",
    ],
)
def test_a_json_patch_that_fails_changes_nothing(world: KubernetesWorld, url: str, operation: object) -> None:
    post(url + REPOSITORIES, an_applied_repository())
    suspend = {"op": "add", "path": "/spec/suspend", "value": True}

    answer = patch(f"{url}{REPOSITORIES}/docs", [suspend, operation], JSON)

    assert answer.status_code == 422
    assert "suspend" not in stored(world)["spec"]


def test_a_json_patch_is_a_list(url: str) -> None:
    post(url + REPOSITORIES, an_applied_repository())

    assert patch(f"{url}{REPOSITORIES}/docs", {"spec": {}}, JSON).status_code == 400


def test_other_patches_are_not_supported(url: str) -> None:
    post(url + REPOSITORIES, an_applied_repository())

    answer = patch(f"{url}{REPOSITORIES}/docs", {}, "application/apply-patch+yaml")

    assert answer.status_code == 415
    assert MERGE in answer.json()["message"]

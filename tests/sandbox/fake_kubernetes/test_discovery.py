from collections.abc import Iterator

import pytest
import requests
import yaml

from cronjob.sandbox.fake_kubernetes.app import kubeconfig, kubernetes_app
from cronjob.sandbox.fake_kubernetes.world import KubernetesWorld
from cronjob.sandbox.serving import serving


@pytest.fixture
def world() -> KubernetesWorld:
    return KubernetesWorld()


@pytest.fixture
def url(world: KubernetesWorld) -> Iterator[str]:
    with serving(kubernetes_app(world)) as address:
        yield address


def get(url: str) -> dict:
    answer = requests.get(url, timeout=10)
    assert answer.status_code == 200, answer.text
    return answer.json()


def resources(url: str) -> dict[str, dict]:
    return {entry["name"]: entry for entry in get(url)["resources"]}


def test_the_version_is_told(url: str) -> None:
    assert get(f"{url}/version")["gitVersion"] == "v1.32.0+sandbox"


def test_the_core_has_one_version(url: str) -> None:
    assert get(f"{url}/api")["versions"] == ["v1"]


def test_the_groups_are_those_that_are_served(world: KubernetesWorld, url: str) -> None:
    def groups() -> set[str]:
        return {group["name"] for group in get(f"{url}/apis")["groups"]}

    assert {"coordination.k8s.io", "source.toolkit.fluxcd.io", "notification.toolkit.fluxcd.io"} <= groups()

    world.uninstall("notification.toolkit.fluxcd.io")

    assert "notification.toolkit.fluxcd.io" not in groups()
    assert "source.toolkit.fluxcd.io" in groups()


def test_without_flux_its_groups_are_not_there() -> None:
    with serving(kubernetes_app(KubernetesWorld(flux=""))) as url:
        names = [group["name"] for group in get(f"{url}/apis")["groups"]]

    assert names == ["coordination.k8s.io", "authorization.k8s.io", "authentication.k8s.io"]


def test_a_group_prefers_its_newest_version(url: str) -> None:
    group = get(f"{url}/apis/source.toolkit.fluxcd.io")

    assert [each["version"] for each in group["versions"]] == ["v1", "v1beta2", "v1beta1"]
    assert group["preferredVersion"] == {"groupVersion": "source.toolkit.fluxcd.io/v1", "version": "v1"}


def test_the_served_versions_can_be_set(world: KubernetesWorld, url: str) -> None:
    world.served["source.toolkit.fluxcd.io"] = ["v1beta2"]

    group = get(f"{url}/apis/source.toolkit.fluxcd.io")

    assert [each["version"] for each in group["versions"]] == ["v1beta2"]
    assert requests.get(f"{url}/apis/source.toolkit.fluxcd.io/v1", timeout=10).status_code == 404


def test_resources_have_the_names_that_kubectl_takes(url: str) -> None:
    listed = resources(f"{url}/apis/source.toolkit.fluxcd.io/v1")

    assert listed["gitrepositories"] == {
        "name": "gitrepositories",
        "singularName": "gitrepository",
        "namespaced": True,
        "kind": "GitRepository",
        "verbs": ["create", "delete", "get", "list", "patch", "update"],
        "shortNames": ["gitrepo"],
        "categories": ["all", "fluxcd"],
    }
    assert listed["gitrepositories/status"]["verbs"] == ["get", "patch", "update"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/api/v1", {"namespaces": False, "namespaces/status": False, "secrets": True, "events": True}),
        ("/apis/coordination.k8s.io/v1", {"leases": True}),
        (
            "/apis/authorization.k8s.io/v1",
            {"selfsubjectaccessreviews": False, "selfsubjectrulesreviews": False},
        ),
        ("/apis/authentication.k8s.io/v1", {"selfsubjectreviews": False}),
        ("/apis/notification.toolkit.fluxcd.io/v1beta2", {"receivers": True, "receivers/status": True}),
        ("/apis/kustomize.toolkit.fluxcd.io/v1", {"kustomizations": True, "kustomizations/status": True}),
    ],
)
def test_every_group_lists_its_resources(url: str, path: str, expected: dict[str, bool]) -> None:
    assert {name: entry["namespaced"] for name, entry in resources(url + path).items()} == expected


def test_openapi_says_that_fields_are_validated_here(url: str) -> None:
    index = get(f"{url}/openapi/v3")["paths"]
    assert "api/v1" in index

    document = get(url + index["apis/source.toolkit.fluxcd.io/v1"]["serverRelativeURL"])

    operation = document["paths"]["/apis/source.toolkit.fluxcd.io/v1/gitrepositories/{name}"]["patch"]
    assert operation["x-kubernetes-group-version-kind"]["kind"] == "GitRepository"
    assert "fieldValidation" in [parameter["name"] for parameter in operation["parameters"]]
    assert requests.get(f"{url}/openapi/v3/apis/nonsense/v1", timeout=10).status_code == 404


def test_a_kubeconfig_names_server_namespace_and_token() -> None:
    config = yaml.safe_load(kubeconfig("http://127.0.0.1:1", namespace="tenants", token="right"))

    assert config["current-context"] == "sandbox"
    assert config["clusters"][0]["cluster"] == {"server": "http://127.0.0.1:1"}
    assert config["contexts"][0]["context"] == {"cluster": "sandbox", "user": "sandbox", "namespace": "tenants"}
    assert config["users"][0]["user"] == {"token": "right"}


def test_a_kubeconfig_without_a_token_has_an_empty_user() -> None:
    assert yaml.safe_load(kubeconfig("http://127.0.0.1:1"))["users"][0]["user"] == {}

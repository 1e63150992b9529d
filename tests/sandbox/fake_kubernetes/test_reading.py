from collections.abc import Iterator

import pytest
import requests

from cronjob.sandbox.fake_kubernetes.app import kubernetes_app
from cronjob.sandbox.fake_kubernetes.world import KubernetesWorld
from cronjob.sandbox.serving import serving
from tests.worlds.objects import an_applied_receiver

REPOSITORIES = "/apis/source.toolkit.fluxcd.io/v1/gitrepositories"
RECEIVERS = "/apis/notification.toolkit.fluxcd.io/v1/receivers"


@pytest.fixture
def world() -> KubernetesWorld:
    return KubernetesWorld()


@pytest.fixture
def url(world: KubernetesWorld) -> Iterator[str]:
    with serving(kubernetes_app(world)) as address:
        yield address


def get(url: str, **query: object) -> requests.Response:
    return requests.get(url, params={key: str(value) for key, value in query.items()}, timeout=10)


def names(answer: requests.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [item["metadata"]["name"] for item in answer.json()["items"]]


def add_repositories(world: KubernetesWorld, count: int, *, namespace: str = "tenants") -> None:
    for number in range(count):
        metadata = {"name": f"r{number:04}", "namespace": namespace, "labels": {"odd": str(number % 2)}}
        spec = {"url": f"ssh://git@gitlab.test/tenants/r{number:04}", "interval": "1m"}
        world.apply(
            {
                "apiVersion": "source.toolkit.fluxcd.io/v1",
                "kind": "GitRepository",
                "metadata": metadata,
                "spec": spec,
            }
        )


def test_an_object_is_read_with_its_version_and_kind(world: KubernetesWorld, url: str) -> None:
    add_repositories(world, 1)

    answer = get(f"{url}/apis/source.toolkit.fluxcd.io/v1/namespaces/tenants/gitrepositories/r0000")

    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.json()["apiVersion"] == "source.toolkit.fluxcd.io/v1"
    assert answer.json()["kind"] == "GitRepository"
    assert answer.json()["spec"]["url"] == "ssh://git@gitlab.test/tenants/r0000"


@pytest.mark.parametrize(
    ("path", "message", "details"),
    [
        ("/api/v1/namespaces/tenants/secrets/x", 'secrets "x" not found', {"name": "x", "kind": "secrets"}),
        (
            "/apis/source.toolkit.fluxcd.io/v1/namespaces/tenants/gitrepositories/x",
            'gitrepositories.source.toolkit.fluxcd.io "x" not found',
            {"name": "x", "group": "source.toolkit.fluxcd.io", "kind": "gitrepositories"},
        ),
    ],
)
def test_a_missing_object_is_a_status(url: str, path: str, message: str, details: dict) -> None:
    answer = get(url + path)

    assert answer.status_code == 404
    assert answer.json() == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": "NotFound",
        "details": details,
        "code": 404,
    }


def test_a_list_of_custom_resources_names_version_and_kind_in_each_item(world: KubernetesWorld, url: str) -> None:
    add_repositories(world, 1)

    answer = get(url + REPOSITORIES).json()

    assert answer["kind"] == "GitRepositoryList"
    assert answer["apiVersion"] == "source.toolkit.fluxcd.io/v1"
    assert answer["items"][0]["kind"] == "GitRepository"
    assert answer["items"][0]["apiVersion"] == "source.toolkit.fluxcd.io/v1"


def test_a_list_of_built_in_objects_names_them_once(world: KubernetesWorld, url: str) -> None:
    world.apply_yaml("{apiVersion: v1, kind: Secret, metadata: {name: a, namespace: tenants}, data: {a: Yg==}}")

    answer = get(f"{url}/api/v1/secrets").json()

    assert (answer["kind"], answer["apiVersion"]) == ("SecretList", "v1")
    assert answer["items"][0].keys() == {"metadata", "data", "type"}
    # Only lists of custom resources say that nothing comes after them.
    assert answer["metadata"].keys() == {"resourceVersion"}


def test_a_secret_with_nothing_in_it_has_no_data(world: KubernetesWorld, url: str) -> None:
    world.apply_yaml("{apiVersion: v1, kind: Secret, metadata: {name: a, namespace: tenants}, data: {}}")

    assert "data" not in get(f"{url}/api/v1/namespaces/tenants/secrets/a").json()


def test_a_namespaced_list_has_its_namespace_only(world: KubernetesWorld, url: str) -> None:
    add_repositories(world, 1)
    add_repositories(world, 2, namespace="others")

    listed = names(get(f"{url}/apis/source.toolkit.fluxcd.io/v1/namespaces/tenants/gitrepositories"))

    assert listed == ["r0000"]
    assert len(names(get(url + REPOSITORIES))) == 3


def test_a_namespace_that_does_not_exist_has_an_empty_list(url: str) -> None:
    assert names(get(f"{url}/apis/source.toolkit.fluxcd.io/v1/namespaces/nowhere/gitrepositories")) == []


def test_one_stored_object_shows_under_every_served_version(world: KubernetesWorld, url: str) -> None:
    add_repositories(world, 1)

    for version in ("v1", "v1beta2", "v1beta1"):
        answer = get(f"{url}/apis/source.toolkit.fluxcd.io/{version}/gitrepositories")
        assert names(answer) == ["r0000"]
        assert answer.json()["items"][0]["apiVersion"] == f"source.toolkit.fluxcd.io/{version}"


def test_a_version_shows_its_own_fields_only(world: KubernetesWorld, url: str) -> None:
    world.apply(an_applied_receiver() | {"status": {"url": "/hook/1", "webhookPath": "/hook/1"}})

    def status(version: str) -> dict:
        listed = get(f"{url}/apis/notification.toolkit.fluxcd.io/{version}/receivers")
        return listed.json()["items"][0]["status"]

    assert status("v1") == {"webhookPath": "/hook/1"}
    assert status("v1beta2") == {"url": "/hook/1", "webhookPath": "/hook/1"}
    assert status("v1beta1") == {"url": "/hook/1"}


def test_a_deprecated_version_is_served_with_a_warning(url: str) -> None:
    beta = get(f"{url}/apis/source.toolkit.fluxcd.io/v1beta2/gitrepositories")
    stable = get(url + REPOSITORIES)

    assert beta.headers["Warning"] == (
        '299 - "source.toolkit.fluxcd.io/v1beta2 GitRepository is deprecated, upgrade to v1"'
    )
    assert "Warning" not in stable.headers


@pytest.mark.parametrize(
    "path",
    [
        "/apis/source.toolkit.fluxcd.io/v2/gitrepositories",
        "/apis/helm.toolkit.fluxcd.io/v2/helmreleases",
        "/apis/source.toolkit.fluxcd.io/v1/buckets",
        "/apis/helm.toolkit.fluxcd.io",
        "/api/v2",
        "/nonsense",
    ],
)
def test_what_is_not_served_is_a_plain_page_not_found(url: str, path: str) -> None:
    answer = get(url + path)

    assert (answer.status_code, answer.text) == (404, "404 page not found\n")


def test_a_group_can_be_uninstalled(world: KubernetesWorld, url: str) -> None:
    world.apply(an_applied_receiver())
    assert names(get(url + RECEIVERS)) == ["docs"]

    world.uninstall("notification.toolkit.fluxcd.io")

    assert get(url + RECEIVERS).text == "404 page not found\n"


def test_an_unknown_resource_of_the_core_is_a_status(url: str) -> None:
    answer = get(f"{url}/api/v1/namespaces/tenants/nonsense")

    assert answer.status_code == 404
    assert answer.json()["message"] == "the server could not find the requested resource"


@pytest.mark.parametrize("path", ["/api/v1/secrets/x", "/api/v1/namespaces/a/secrets/x/log", "/api/v1/x/y/z"])
def test_paths_that_no_resource_has_are_not_found(url: str, path: str) -> None:
    assert get(url + path).status_code == 404


def test_there_are_no_watches(url: str) -> None:
    answer = get(url + REPOSITORIES, watch="true")

    assert answer.status_code == 405
    assert answer.json()["message"] == "this server has no watches"


def test_health_is_plain_text(url: str) -> None:
    assert get(f"{url}/readyz").text == "ok"

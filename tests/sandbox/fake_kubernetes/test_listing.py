from collections.abc import Iterator

import pytest
import requests

from cronjob.sandbox.fake_kubernetes.app import kubernetes_app
from cronjob.sandbox.fake_kubernetes.world import KubernetesWorld
from cronjob.sandbox.serving import serving

REPOSITORIES = "/apis/source.toolkit.fluxcd.io/v1/gitrepositories"


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


def test_chunks_make_the_whole_list(world: KubernetesWorld, url: str) -> None:
    add_repositories(world, 5)

    first = get(url + REPOSITORIES, limit=2)
    second = get(url + REPOSITORIES, limit=2, **{"continue": first.json()["metadata"]["continue"]})
    third = get(url + REPOSITORIES, limit=2, **{"continue": second.json()["metadata"]["continue"]})

    assert names(first) + names(second) + names(third) == ["r0000", "r0001", "r0002", "r0003", "r0004"]
    left = [answer.json()["metadata"].get("remainingItemCount") for answer in (first, second, third)]
    assert left == [3, 1, None]
    assert third.json()["metadata"]["continue"] == ""


def test_chunks_show_one_moment(world: KubernetesWorld, url: str) -> None:
    add_repositories(world, 4)
    first = get(url + REPOSITORIES, limit=2)
    world.delete("GitRepository", "tenants", "r0003")
    world.apply_yaml("{apiVersion: v1, kind: Secret, metadata: {name: a, namespace: tenants}}")

    second = get(url + REPOSITORIES, limit=2, **{"continue": first.json()["metadata"]["continue"]})

    assert names(second) == ["r0002", "r0003"]
    assert second.json()["metadata"]["resourceVersion"] == first.json()["metadata"]["resourceVersion"]
    assert names(get(url + REPOSITORIES)) == ["r0000", "r0001", "r0002"]


def test_an_expired_token_is_gone_and_offers_the_rest_as_it_is_now(world: KubernetesWorld, url: str) -> None:
    add_repositories(world, 5)
    first = get(url + REPOSITORIES, limit=2)
    world.expire_continue_tokens()
    world.delete("GitRepository", "tenants", "r0003")

    gone = get(url + REPOSITORIES, limit=2, **{"continue": first.json()["metadata"]["continue"]})

    assert gone.status_code == 410
    assert gone.json()["reason"] == "Expired"
    assert gone.json()["message"].startswith("The provided continue parameter is too old")
    rest = get(url + REPOSITORIES, limit=2, **{"continue": gone.json()["metadata"]["continue"]})
    assert names(rest) == ["r0002", "r0004"]


def test_a_token_lives_for_its_time(world: KubernetesWorld, url: str) -> None:
    add_repositories(world, 3)
    token = get(url + REPOSITORIES, limit=2).json()["metadata"]["continue"]
    assert names(get(url + REPOSITORIES, limit=2, **{"continue": token})) == ["r0002"]

    assert world.continue_ttl == 300.0
    world.continue_ttl = -1.0

    assert get(url + REPOSITORIES, limit=2, **{"continue": token}).status_code == 410


def test_many_unfinished_lists_push_the_oldest_out(world: KubernetesWorld, url: str) -> None:
    add_repositories(world, 2)
    tokens = [get(url + REPOSITORIES, limit=1).json()["metadata"]["continue"] for _ in range(65)]

    answers = [get(url + REPOSITORIES, limit=1, **{"continue": token}).status_code for token in tokens]

    assert answers == [410] + [200] * 64


@pytest.mark.parametrize("token", ["nonsense", "é", "W10", "WzEsMiwzLDRd"])
def test_a_token_that_was_made_up_is_a_bad_request(url: str, token: str) -> None:
    answer = get(url + REPOSITORIES, limit=2, **{"continue": token})

    assert answer.status_code == 400
    assert "continue key is not valid" in answer.json()["message"]


def test_a_limit_that_is_no_number_is_a_bad_request(url: str) -> None:
    answer = get(url + REPOSITORIES, limit="many")

    assert answer.status_code == 400
    assert "invalid syntax" in answer.json()["message"]


def test_five_thousand_objects_are_cut_from_one_snapshot(world: KubernetesWorld, url: str) -> None:
    add_repositories(world, 5000)

    token, listed, chunks = "", 0, 0
    while chunks == 0 or token:
        answer = get(url + REPOSITORIES, limit=500, **{"continue": token}).json()
        token, chunks = answer["metadata"].get("continue", ""), chunks + 1
        listed += len(answer["items"])

    assert (listed, chunks) == (5000, 10)
    assert world.store.snapshots.taken == 1


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("odd=1", ["r0001"]),
        ("odd==1", ["r0001"]),
        ("odd!=1", ["r0000", "r0002"]),
        ("odd in (1, 2)", ["r0001"]),
        ("odd notin (1,2)", ["r0000", "r0002"]),
        ("odd", ["r0000", "r0001", "r0002"]),
        ("!odd", []),
        ("other", []),
        ("!other", ["r0000", "r0001", "r0002"]),
        ("other!=1", ["r0000", "r0001", "r0002"]),
        ("odd in (0,1),odd!=1", ["r0000", "r0002"]),
    ],
)
def test_labels_select(world: KubernetesWorld, url: str, selector: str, expected: list[str]) -> None:
    add_repositories(world, 3)

    assert names(get(url + REPOSITORIES, labelSelector=selector)) == expected


@pytest.mark.parametrize("selector", ["odd in 1", "=1", "odd=1=2", "a b"])
def test_a_label_selector_that_cannot_be_read_is_a_bad_request(url: str, selector: str) -> None:
    answer = get(url + REPOSITORIES, labelSelector=selector)

    assert answer.status_code == 400
    assert "unable to parse requirement" in answer.json()["message"]


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("metadata.name=r0001", ["r0001"]),
        ("metadata.name!=r0001", ["r0000", "r0002"]),
        ("metadata.namespace=tenants,metadata.name==r0002", ["r0002"]),
        ("metadata.namespace=others", []),
    ],
)
def test_name_and_namespace_select(world: KubernetesWorld, url: str, selector: str, expected: list[str]) -> None:
    add_repositories(world, 3)

    assert names(get(url + REPOSITORIES, fieldSelector=selector)) == expected


def test_a_field_selector_that_cannot_be_read_is_a_bad_request(url: str) -> None:
    answer = get(url + REPOSITORIES, fieldSelector="metadata.name")

    assert answer.status_code == 400
    assert "invalid field selector" in answer.json()["message"]


def test_no_other_field_selects(url: str) -> None:
    answer = get(url + REPOSITORIES, fieldSelector="spec.url=x")

    assert answer.status_code == 400
    assert answer.json()["message"] == "field label not supported: spec.url"


def test_a_selected_list_does_not_count_what_remains(world: KubernetesWorld, url: str) -> None:
    add_repositories(world, 6)

    metadata = get(url + REPOSITORIES, limit=1, labelSelector="odd=1").json()["metadata"]

    assert metadata["continue"]
    assert "remainingItemCount" not in metadata

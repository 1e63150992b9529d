"""Pages of lists shrink where objects are large, so that a page in memory has a limit."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cronjob.kube.client import KubeApi
from cronjob.kube.pagination import MAX_PAGE_BYTES, list_all
from cronjob.sandbox.fake_kubernetes.world import KubernetesWorld
from cronjob.transport.answer import Answer
from tests.worlds.kube_builders import TENANTS
from tests.worlds.objects import a_git_repository

pytest_plugins = ["tests.worlds.kube_fixtures"]

Connect = Callable[..., KubeApi]
PATH = f"/apis/source.toolkit.fluxcd.io/v1/namespaces/{TENANTS}/gitrepositories"
KIB = 1024


class Listing:
    """Lists the GitRepositories, and keeps the size of each answer."""

    def __init__(self, api: KubeApi) -> None:
        self._api = api
        self.bytes: list[int] = []

    def get_page(self, query: Any, max_bytes: int | None) -> Answer:
        answer = self._api.get(PATH, query, max_bytes=max_bytes)
        self.bytes.append(len(answer.body))
        return answer

    def names(self, page_size: int) -> list[str]:
        return list_all(self.get_page, lambda item: str(item["metadata"]["name"]), page_size)


@pytest.fixture
def listing(connected: Connect) -> Iterator[Listing]:
    with connected() as api:
        yield Listing(api)


def add(world: KubernetesWorld, name: str, kib: int) -> None:
    repository = a_git_repository(name)
    repository["metadata"]["annotations"] = {"notes": "x" * kib * KIB}
    world.apply(repository)


def limits(world: KubernetesWorld) -> list[int]:
    return [int(request.query["limit"]) for request in world.requests if request.path == PATH]


def test_small_objects_come_in_whole_pages(world: KubernetesWorld, listing: Listing) -> None:
    for number in range(25):
        add(world, f"r{number:02}", 3)

    assert listing.names(10) == [f"r{number:02}" for number in range(25)]
    assert limits(world) == [10, 10, 10]


def test_a_list_of_large_objects_comes_in_small_pages(world: KubernetesWorld, listing: Listing) -> None:
    for number in range(40):
        add(world, f"r{number:02}", 700)

    assert listing.names(250) == [f"r{number:02}" for number in range(40)]
    assert max(listing.bytes) <= MAX_PAGE_BYTES
    # The first two are over the limit, and are asked for again: 250 objects, then 15.
    assert limits(world) == [250, 15, 1, 5, 5, 5, 5, 5, 5, 5, 5]


def test_large_objects_after_small_ones_and_before_small_ones(world: KubernetesWorld, listing: Listing) -> None:
    kibs = [1] * 30 + [1200] * 12 + [1] * 60
    for number, kib in enumerate(kibs):
        add(world, f"r{number:03}", kib)

    assert listing.names(30) == [f"r{number:03}" for number in range(len(kibs))]
    assert max(listing.bytes) <= MAX_PAGE_BYTES
    assert limits(world)[:3] == [30, 30, 1]
    assert limits(world)[-1] == 30


def test_one_object_may_be_larger_than_a_page(world: KubernetesWorld, listing: Listing) -> None:
    for number in range(3):
        add(world, f"r{number}", 9 * KIB)

    assert listing.names(250) == ["r0", "r1", "r2"]
    assert limits(world) == [250, 15, 1, 1, 1]


def test_the_connection_of_a_page_that_was_too_large_is_not_used_again(
    world: KubernetesWorld, listing: Listing
) -> None:
    for number in range(12):
        add(world, f"r{number:02}", 800)

    listing.names(250)

    assert listing.names(1) == [f"r{number:02}" for number in range(12)]

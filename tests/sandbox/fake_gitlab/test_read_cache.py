"""A caching proxy in front of GitLab over HTTP: outdated lists (RFC 9111, section 5.2.1.4 on no-cache)."""

from collections.abc import Iterator

import pytest

from tests.worlds.gitlab_client import HOOKS, URL, Client, a_gitlab


@pytest.fixture
def gitlab() -> Iterator[Client]:
    with a_gitlab() as client:
        yield client


def test_a_cached_list_is_outdated(gitlab: Client) -> None:
    gitlab.world.read_cache.paths = ["/hooks$"]
    before = gitlab.get(HOOKS)
    gitlab.world.add_hook(gitlab.project, URL)
    after = gitlab.get(HOOKS)
    assert (before.json(), after.json(), after.headers["Age"]) == ([], [], "60")


def test_another_query_is_another_list(gitlab: Client) -> None:
    gitlab.world.read_cache.paths = ["/hooks$"]
    gitlab.get(HOOKS)
    gitlab.world.add_hook(gitlab.project, URL)
    assert len(gitlab.get(HOOKS, per_page=100).json()) == 1


def test_no_cache_gets_the_current_list_and_refreshes_the_cache(gitlab: Client) -> None:
    gitlab.world.read_cache.paths = ["/hooks$"]
    gitlab.get(HOOKS)
    gitlab.world.add_hook(gitlab.project, URL)
    fresh = gitlab.send("GET", HOOKS, headers={"Cache-Control": "no-cache"})
    assert (len(fresh.json()), "Age" in fresh.headers) == (1, False)
    assert len(gitlab.get(HOOKS).json()) == 1


def test_a_proxy_can_ignore_no_cache(gitlab: Client) -> None:
    gitlab.world.read_cache.paths, gitlab.world.read_cache.ignores_no_cache = ["/hooks$"], True
    gitlab.get(HOOKS)
    gitlab.world.add_hook(gitlab.project, URL)
    assert gitlab.send("GET", HOOKS, headers={"Cache-Control": "no-cache"}).json() == []


def test_writes_and_other_paths_are_not_cached(gitlab: Client) -> None:
    gitlab.world.read_cache.paths = ["/hooks$"]
    assert [gitlab.post(HOOKS, url=URL).status_code for _ in range(2)] == [201, 201]
    gitlab.get("projects/1000")
    gitlab.project.archived = True
    assert gitlab.get("projects/1000").json()["archived"] is True


def test_refusals_are_not_cached(gitlab: Client) -> None:
    gitlab.world.read_cache.paths = ["/hooks$"]
    gitlab.act_as(gitlab.someone(20))
    assert gitlab.get(HOOKS).status_code == 403
    gitlab.act_as(gitlab.token)
    assert gitlab.get(HOOKS).status_code == 200

"""Paging: sizes, headers and links."""

from collections.abc import Iterator

import pytest

from tests.worlds.gitlab_client import Client, a_gitlab


@pytest.fixture
def gitlab() -> Iterator[Client]:
    with a_gitlab() as client:
        yield client


def paths(gitlab: Client, **params: object) -> list[str]:
    answer = gitlab.get("groups/tenants/projects", **params)
    assert answer.status_code == 200, answer.text
    return [project["path_with_namespace"] for project in answer.json()]


def many(gitlab: Client, count: int) -> None:
    """*count* projects in the group, the first one among them."""
    for number in range(1, count):
        gitlab.world.add_project(f"tenants/p{number}")


def test_pages_are_of_twenty_unless_told_otherwise_and_of_a_hundred_at_most(gitlab: Client) -> None:
    many(gitlab, 130)
    assert len(paths(gitlab)) == 20
    assert len(paths(gitlab, per_page=7)) == 7
    answer = gitlab.get("groups/tenants/projects", per_page=500)
    assert len(answer.json()) == 100
    assert answer.headers["X-Per-Page"] == "100"


def test_headers_lead_from_page_to_page(gitlab: Client) -> None:
    many(gitlab, 45)
    first = gitlab.get("groups/tenants/projects").headers
    middle = gitlab.get("groups/tenants/projects", page=2).headers
    last = gitlab.get("groups/tenants/projects", page=3).headers
    assert [(page["X-Prev-Page"], page["X-Page"], page["X-Next-Page"]) for page in (first, middle, last)] == [
        ("", "1", "2"),
        ("1", "2", "3"),
        ("2", "3", ""),
    ]
    assert (first["X-Total"], first["X-Total-Pages"]) == ("45", "3")


def test_every_project_is_on_exactly_one_page(gitlab: Client) -> None:
    many(gitlab, 45)
    seen = [path for page in (1, 2, 3) for path in paths(gitlab, page=page, order_by="id", sort="asc")]
    assert len(seen) == len(set(seen)) == 45
    assert paths(gitlab, page=4) == []


def test_links_repeat_the_parameters_on_the_external_url(gitlab: Client) -> None:
    many(gitlab, 45)
    gitlab.world.external_url = "https://gitlab.example.net"
    answer = gitlab.get(f"groups/{gitlab.group.id}/projects", simple="true", page=2)
    url = f"https://gitlab.example.net/api/v4/groups/{gitlab.group.id}/projects?id={gitlab.group.id}"
    assert answer.links["prev"]["url"] == f"{url}&page=1&per_page=20&simple=true"
    assert answer.links["next"]["url"] == f"{url}&page=3&per_page=20&simple=true"
    assert answer.links.keys() == {"prev", "next", "first", "last"}


def test_the_last_page_links_to_no_next_one(gitlab: Client) -> None:
    many(gitlab, 25)
    answer = gitlab.get("groups/tenants/projects", page=2)
    assert answer.links.keys() == {"prev", "first", "last"}


def test_above_ten_thousand_nothing_is_counted(gitlab: Client) -> None:
    many(gitlab, 10_000)
    counted = gitlab.get("groups/tenants/projects", per_page=100)
    assert (counted.headers["X-Total"], counted.headers["X-Total-Pages"]) == ("10000", "100")
    gitlab.world.add_project("tenants/one-more")
    answer = gitlab.get("groups/tenants/projects", per_page=100)
    assert not answer.headers.keys() & {"X-Total", "X-Total-Pages"}
    assert answer.links.keys() == {"next", "first"}
    assert answer.headers["X-Next-Page"] == "2"
    assert gitlab.get("groups/tenants/projects", per_page=100, page=101).headers["X-Next-Page"] == ""


@pytest.mark.parametrize("name", ["page", "per_page"])
def test_a_page_that_is_no_number_is_refused(gitlab: Client, name: str) -> None:
    answer = gitlab.get("groups/tenants/projects", **{name: "many"})
    assert (answer.status_code, answer.json()) == (400, {"error": f"{name} is invalid"})


def test_a_listing_sees_what_was_added_moved_and_removed_since(gitlab: Client) -> None:
    assert paths(gitlab) == ["tenants/app"]
    added = gitlab.world.add_project("tenants/new")
    assert paths(gitlab) == ["tenants/new", "tenants/app"]
    gitlab.world.add_group("elsewhere")
    gitlab.world.move_project(gitlab.project, "elsewhere/app")
    assert paths(gitlab) == ["tenants/new"]
    gitlab.world.remove_project(added)
    assert paths(gitlab) == []


def test_a_page_of_nothing_is_refused_and_page_zero_is_the_first(gitlab: Client) -> None:
    answer = gitlab.get("groups/tenants/projects", per_page=0)
    assert (answer.status_code, answer.json()) == (400, {"error": "per_page does not have a valid value"})
    assert gitlab.get("groups/tenants/projects", page=0).headers["X-Page"] == "1"

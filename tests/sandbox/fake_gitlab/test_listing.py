"""Groups and the listing of their projects."""

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


# Groups


@pytest.mark.parametrize("name", ["tenants%2Fteam", "TENANTS%2fTeam", "200"])
def test_a_group_is_found_by_id_and_by_encoded_path(gitlab: Client, name: str) -> None:
    gitlab.world.add_group("tenants/team", id=200)
    answer = gitlab.get(f"groups/{name}?with_projects=false").json()
    assert (answer["id"], answer["full_path"], answer["path"]) == (200, "tenants/team", "team")
    assert answer["parent_id"] == gitlab.group.id
    assert answer["web_url"] == f"{gitlab.url}/groups/tenants/team"


def test_a_group_brings_its_projects_unless_told_not_to(gitlab: Client) -> None:
    assert [project["path"] for project in gitlab.get("groups/tenants").json()["projects"]] == ["app"]
    assert "projects" not in gitlab.get("groups/tenants", with_projects="false").json()


@pytest.mark.parametrize("name", ["nobody", "4711", "bot", "-1"])
def test_what_is_no_group_is_not_found(gitlab: Client, name: str) -> None:
    for path in (f"groups/{name}", f"groups/{name}/projects"):
        answer = gitlab.get(path)
        assert (answer.status_code, answer.json()) == (404, {"message": "404 Group Not Found"})


def test_a_path_of_digits_is_taken_for_an_id(gitlab: Client) -> None:
    gitlab.world.add_group("2024", id=300)
    assert gitlab.get("groups/2024").status_code == 404
    assert gitlab.get("groups/300").json()["full_path"] == "2024"


def test_a_private_group_is_not_found_by_strangers(gitlab: Client) -> None:
    gitlab.world.add_group("secret", visibility="private")
    assert gitlab.get("groups/secret").json() == {"message": "404 Group Not Found"}
    gitlab.world.add_member(gitlab.world.groups_by_path["secret"], gitlab.bot, 10)
    assert gitlab.get("groups/secret").status_code == 200


def test_a_renamed_group_is_not_followed(gitlab: Client) -> None:
    gitlab.world.rename_group(gitlab.group, "customers")
    assert gitlab.get("groups/tenants").status_code == 404
    assert gitlab.get("groups/customers").json()["id"] == gitlab.group.id
    assert gitlab.get("groups/customers/projects").json()[0]["path_with_namespace"] == "customers/app"


def test_a_project_of_a_renamed_group_is_followed(gitlab: Client) -> None:
    gitlab.world.rename_group(gitlab.group, "customers")
    assert gitlab.get("projects/tenants%2Fapp").status_code == 301
    assert gitlab.get("projects/customers%2Fapp").status_code == 200


# What the listing has


def test_subgroups_are_listed_only_on_request(gitlab: Client) -> None:
    gitlab.world.add_group("tenants/team/deep")
    gitlab.world.add_project("tenants/team/deep/web")
    assert paths(gitlab) == ["tenants/app"]
    assert paths(gitlab, include_subgroups="true") == ["tenants/team/deep/web", "tenants/app"]


def test_shared_projects_are_listed_unless_told_not_to(gitlab: Client) -> None:
    gitlab.world.add_group("other")
    foreign = gitlab.world.add_project("other/lib")
    gitlab.world.share(foreign, gitlab.group)
    assert paths(gitlab) == ["other/lib", "tenants/app"]
    assert paths(gitlab, with_shared="false") == ["tenants/app"]


def test_what_is_shared_with_a_subgroup_is_not_listed(gitlab: Client) -> None:
    gitlab.world.add_group("other")
    gitlab.world.share(gitlab.world.add_project("other/lib"), gitlab.world.add_group("tenants/team"))
    assert paths(gitlab, include_subgroups="true") == ["tenants/app"]
    assert gitlab.get("groups/tenants%2Fteam/projects").json()[0]["path_with_namespace"] == "other/lib"


def test_without_a_token_the_listing_is_200_and_public_only(gitlab: Client) -> None:
    gitlab.world.add_project("tenants/site", visibility="public")
    gitlab.act_as(None)
    assert paths(gitlab) == ["tenants/site"]


def test_without_a_token_and_without_public_projects_the_listing_is_200_and_empty(gitlab: Client) -> None:
    gitlab.act_as(None)
    assert paths(gitlab) == []


def test_strangers_see_internal_projects_and_guests_private_ones(gitlab: Client) -> None:
    gitlab.world.add_project("tenants/wiki", visibility="internal")
    gitlab.act_as(gitlab.someone())
    assert paths(gitlab) == ["tenants/wiki"]
    gitlab.act_as(gitlab.someone(10))
    assert paths(gitlab) == ["tenants/wiki", "tenants/app"]


def test_a_member_of_one_project_sees_only_that_one(gitlab: Client) -> None:
    other = gitlab.world.add_project("tenants/other")
    token = gitlab.someone()
    gitlab.world.add_member(other, gitlab.world.tokens[token].user, 10)
    gitlab.act_as(token)
    assert paths(gitlab) == ["tenants/other"]


def test_simple_leaves_out_archived_permissions_and_secrets(gitlab: Client) -> None:
    simple = gitlab.get("groups/tenants/projects", simple="true").json()[0]
    assert not simple.keys() & {"archived", "permissions", "empty_repo", "runners_token", "import_url"}
    assert simple["ssh_url_to_repo"] == "git@gitlab.sandbox.example:tenants/app.git"
    assert simple["http_url_to_repo"] == f"{gitlab.url}/tenants/app.git"
    assert simple["namespace"]["full_path"] == "tenants"


def test_the_full_listing_has_secrets_for_maintainers_and_permissions_for_nobody(gitlab: Client) -> None:
    gitlab.project.import_url = "https://user:pass@example.com/x.git"
    full = gitlab.get("groups/tenants/projects").json()[0]
    assert full["archived"] is False
    assert full["runners_token"]
    assert full["import_url"].startswith("https://user:pass@")
    assert "permissions" not in full
    gitlab.act_as(gitlab.someone(30))
    assert "runners_token" not in gitlab.get("groups/tenants/projects").json()[0]


def test_archived_has_three_values(gitlab: Client) -> None:
    gitlab.world.add_project("tenants/old").archived = True
    assert paths(gitlab) == ["tenants/old", "tenants/app"]
    assert paths(gitlab, archived="true") == ["tenants/old"]
    assert paths(gitlab, archived="false") == ["tenants/app"]


def test_the_order_is_newest_first_unless_told_otherwise(gitlab: Client) -> None:
    gitlab.world.add_project("tenants/zoo", id=5)
    gitlab.world.add_project("tenants/air")
    newest_first = ["tenants/air", "tenants/app", "tenants/zoo"]
    assert paths(gitlab) == newest_first
    assert paths(gitlab, order_by="id", sort="desc") == newest_first
    assert paths(gitlab, order_by="id", sort="asc") == newest_first[::-1]
    assert paths(gitlab, order_by="path", sort="desc") == ["tenants/zoo", "tenants/app", "tenants/air"]
    assert paths(gitlab, order_by="similarity", sort="desc") == ["tenants/air", "tenants/app", "tenants/zoo"]


@pytest.mark.parametrize("name", ["order_by", "sort"])
def test_an_unknown_order_is_refused(gitlab: Client, name: str) -> None:
    answer = gitlab.get("groups/tenants/projects", **{name: "size"})
    assert (answer.status_code, answer.json()) == (400, {"error": f"{name} does not have a valid value"})


def test_a_misspelt_filter_filters_nothing_while_the_right_one_does(gitlab: Client) -> None:
    gitlab.world.add_project("tenants/old").archived = True
    assert len(paths(gitlab, archive="false")) == 2
    assert len(paths(gitlab, archived="false")) == 1


def test_filters_by_search_visibility_and_role_apply(gitlab: Client) -> None:
    gitlab.world.add_project("tenants/site", visibility="public")
    gitlab.world.add_member(gitlab.world.add_project("tenants/mine"), gitlab.bot, 50)
    assert paths(gitlab, search="SIT") == ["tenants/site"]
    assert paths(gitlab, visibility="public") == ["tenants/site"]
    assert paths(gitlab, min_access_level=50) == ["tenants/mine"]
    assert paths(gitlab, min_access_level=40, owned="true") == ["tenants/mine"]

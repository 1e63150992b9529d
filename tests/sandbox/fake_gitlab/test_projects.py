"""Single projects: how they are named, who sees them, and what an old path does."""

from collections.abc import Iterator

import pytest

from tests.worlds.gitlab_client import Client, a_gitlab


@pytest.fixture
def gitlab() -> Iterator[Client]:
    with a_gitlab() as client:
        yield client


PROJECT_NOT_FOUND = (404, {"message": "404 Project Not Found"})
ROUTE_NOT_FOUND = (404, {"error": "404 Not Found"})


def answer_to(gitlab: Client, path: str) -> tuple[int, object]:
    answer = gitlab.get(path)
    return answer.status_code, answer.json()


@pytest.mark.parametrize("name", ["tenants%2Fapp", "tenants%2fapp", "Tenants%2FApp", "1000"])
def test_a_project_is_found_by_id_and_by_encoded_path(gitlab: Client, name: str) -> None:
    status, project = answer_to(gitlab, f"projects/{name}")
    assert status == 200
    assert project["id"] == gitlab.project.id
    assert project["path_with_namespace"] == "tenants/app"


def test_an_unencoded_slash_is_another_route(gitlab: Client) -> None:
    assert answer_to(gitlab, "projects/tenants/app") == ROUTE_NOT_FOUND
    assert answer_to(gitlab, "projects/tenants%2Fapp")[0] == 200


def test_a_name_without_a_slash_finds_nothing(gitlab: Client) -> None:
    assert answer_to(gitlab, "projects/app") == PROJECT_NOT_FOUND
    assert answer_to(gitlab, "projects/app/hooks") == PROJECT_NOT_FOUND


def test_what_is_outside_the_api_is_no_route(gitlab: Client) -> None:
    assert gitlab.session.get(f"{gitlab.url}/projects/1000", timeout=5).status_code == 404
    assert answer_to(gitlab, "projects") == ROUTE_NOT_FOUND


def test_the_single_read_has_permissions(gitlab: Client) -> None:
    gitlab.world.add_member(gitlab.project, gitlab.bot, 30)
    project = gitlab.get("projects/1000").json()
    assert project["permissions"] == {
        "project_access": {"access_level": 30, "notification_level": 3},
        "group_access": {"access_level": 40, "notification_level": 3},
    }
    assert project["archived"] is False


def test_without_a_token_a_public_project_has_no_permissions(gitlab: Client) -> None:
    gitlab.project.visibility = "public"
    gitlab.act_as(None)
    assert "permissions" not in gitlab.get("projects/1000").json()


def test_an_invisible_project_and_an_unknown_one_answer_alike(gitlab: Client) -> None:
    gitlab.act_as(gitlab.someone())
    assert answer_to(gitlab, "projects/1000") == PROJECT_NOT_FOUND
    assert answer_to(gitlab, "projects/4711") == PROJECT_NOT_FOUND
    gitlab.project.visibility = "internal"
    assert answer_to(gitlab, "projects/1000")[0] == 200


def test_an_admin_sees_everything(gitlab: Client) -> None:
    gitlab.act_as(gitlab.someone(admin=True))
    for path in ("", "/hooks", "/deploy_keys"):
        assert gitlab.get(f"projects/1000{path}").status_code == 200


@pytest.mark.parametrize("sub", ["hooks", "deploy_keys"])
def test_keys_and_hooks_need_a_maintainer(gitlab: Client, sub: str) -> None:
    gitlab.act_as(gitlab.someone(30))
    assert answer_to(gitlab, f"projects/1000/{sub}") == (403, {"message": "403 Forbidden"})
    gitlab.act_as(gitlab.someone(40))
    assert answer_to(gitlab, f"projects/1000/{sub}") == (200, [])
    gitlab.act_as(gitlab.someone())
    assert answer_to(gitlab, f"projects/1000/{sub}") == PROJECT_NOT_FOUND
    gitlab.act_as(None)
    assert answer_to(gitlab, f"projects/1000/{sub}") == (401, {"message": "401 Unauthorized"})


def test_the_highest_role_counts_wherever_it_comes_from(gitlab: Client) -> None:
    token = gitlab.someone(20)
    gitlab.act_as(token)
    assert gitlab.get("projects/1000/hooks").status_code == 403
    gitlab.world.add_member(gitlab.project, gitlab.world.tokens[token].user, 40)
    assert gitlab.get("projects/1000/hooks").status_code == 200


def test_sharing_gives_at_most_the_level_it_was_shared_at(gitlab: Client) -> None:
    gitlab.world.add_group("other")
    low, high = gitlab.world.add_project("other/low"), gitlab.world.add_project("other/high")
    gitlab.world.share(low, gitlab.group, access_level=30)
    gitlab.world.share(high, gitlab.group)
    assert gitlab.get(f"projects/{low.id}/hooks").status_code == 403
    assert gitlab.get(f"projects/{high.id}/hooks").status_code == 200


def test_a_user_owns_what_is_in_their_namespace(gitlab: Client) -> None:
    mine = gitlab.world.add_project("bot/notes")
    assert answer_to(gitlab, "projects/bot%2Fnotes/hooks") == (200, [])
    assert gitlab.get(f"projects/{mine.id}").json()["namespace"]["kind"] == "user"


def test_an_archived_project_still_takes_keys_and_hooks(gitlab: Client) -> None:
    gitlab.project.archived = True
    assert gitlab.post("projects/1000/hooks", url="https://flux.example").status_code == 201
    assert gitlab.get("projects/1000").json()["archived"] is True


def test_a_removed_project_is_not_found(gitlab: Client) -> None:
    gitlab.world.remove_project(gitlab.project)
    assert answer_to(gitlab, "projects/1000") == PROJECT_NOT_FOUND
    assert answer_to(gitlab, "projects/tenants%2Fapp/hooks") == PROJECT_NOT_FOUND


# Old paths


def test_the_old_path_of_a_moved_project_redirects_reads_to_its_id(gitlab: Client) -> None:
    gitlab.world.move_project(gitlab.project, "tenants/web")
    answer = gitlab.get("projects/tenants%2Fapp")
    assert answer.status_code == 301
    assert answer.headers["Location"] == f"{gitlab.url}/api/v4/projects/1000"
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert answer.text == f"This resource has been moved permanently to {gitlab.url}/api/v4/projects/1000"


def test_the_redirect_keeps_the_rest_of_the_path_and_the_query(gitlab: Client) -> None:
    gitlab.world.move_project(gitlab.project, "tenants/web")
    answer = gitlab.get("projects/tenants%2Fapp/hooks", per_page=100)
    assert answer.headers["Location"] == f"{gitlab.url}/api/v4/projects/1000/hooks?per_page=100"


def test_writes_through_an_old_path_are_not_allowed(gitlab: Client) -> None:
    gitlab.world.move_project(gitlab.project, "tenants/web")
    answer = gitlab.post("projects/tenants%2Fapp/hooks", url="https://flux.example")
    assert answer.status_code == 405
    assert answer.json() == {"message": "Non GET methods are not allowed for moved projects"}
    assert not gitlab.world.hooks_of(gitlab.project)


def test_writes_by_id_do_not_mind_a_move(gitlab: Client) -> None:
    gitlab.world.move_project(gitlab.project, "tenants/web")
    assert gitlab.post("projects/1000/hooks", url="https://flux.example").status_code == 201
    assert gitlab.post("projects/tenants%2Fweb/hooks", url="https://flux.example").status_code == 201


def test_before_16_7_an_old_path_is_served_as_if_nothing_had_happened(gitlab: Client) -> None:
    gitlab.world.version = "16.6.0"
    gitlab.world.move_project(gitlab.project, "tenants/web")
    assert answer_to(gitlab, "projects/tenants%2Fapp")[1]["path_with_namespace"] == "tenants/web"
    assert gitlab.post("projects/tenants%2Fapp/hooks", url="https://flux.example").status_code == 201
    gitlab.world.version = "16.7.0"
    assert gitlab.get("projects/tenants%2Fapp").status_code == 301


def test_without_access_an_old_path_is_not_found_and_does_not_redirect(gitlab: Client) -> None:
    gitlab.world.move_project(gitlab.project, "tenants/web")
    gitlab.act_as(gitlab.someone())
    assert answer_to(gitlab, "projects/tenants%2Fapp") == PROJECT_NOT_FOUND


def test_another_project_can_take_an_old_path(gitlab: Client) -> None:
    gitlab.world.move_project(gitlab.project, "tenants/web")
    taker = gitlab.world.add_project("tenants/app")
    assert answer_to(gitlab, "projects/tenants%2Fapp")[1]["id"] == taker.id
    assert answer_to(gitlab, "projects/tenants%2Fweb")[1]["id"] == gitlab.project.id


def test_a_project_can_come_back_to_its_old_path(gitlab: Client) -> None:
    gitlab.world.move_project(gitlab.project, "tenants/web")
    gitlab.world.move_project(gitlab.project, "tenants/app")
    assert gitlab.get("projects/tenants%2Fapp").status_code == 200
    assert gitlab.get("projects/tenants%2Fweb").status_code == 301


def test_a_path_that_differs_in_case_only_is_no_old_path(gitlab: Client) -> None:
    gitlab.world.move_project(gitlab.project, "tenants/App")
    assert answer_to(gitlab, "projects/tenants%2Fapp")[1]["path_with_namespace"] == "tenants/App"
    assert gitlab.world.redirects == {}


# Where it is


def test_urls_follow_the_hosts_that_the_instance_believes_in(gitlab: Client) -> None:
    gitlab.world.external_url = "https://gitlab.example.net"
    gitlab.world.ssh_host, gitlab.world.ssh_port = "ssh.example.net", 2222
    project = gitlab.get("projects/1000").json()
    assert project["http_url_to_repo"] == "https://gitlab.example.net/tenants/app.git"
    assert project["ssh_url_to_repo"] == "ssh://git@ssh.example.net:2222/tenants/app.git"


def test_a_relative_url_root_is_in_front_of_everything() -> None:
    with a_gitlab(url_root="/gitlab/") as gitlab:
        project = gitlab.get("projects/tenants%2Fapp").json()
        assert project["web_url"] == f"{gitlab.url}/gitlab/tenants/app"
        assert gitlab.session.get(f"{gitlab.url}/api/v4/user", timeout=5).status_code == 404
        gitlab.world.move_project(gitlab.project, "tenants/web")
        moved = gitlab.get("projects/tenants%2Fapp/hooks").headers["Location"]
        assert moved == f"{gitlab.url}/gitlab/api/v4/projects/1000/hooks"
        links = gitlab.get("projects/1000/hooks").links
        assert links["first"]["url"].startswith(f"{gitlab.url}/gitlab/api/v4/projects/1000/hooks?")


# The world itself


def test_a_path_or_an_id_is_given_once(gitlab: Client) -> None:
    with pytest.raises(ValueError, match="tenants/APP already"):
        gitlab.world.add_project("tenants/APP")
    with pytest.raises(ValueError, match="tenants already"):
        gitlab.world.add_group("tenants")
    with pytest.raises(ValueError, match="1000 is in use"):
        gitlab.world.add_project("tenants/other", id=1000)
    with pytest.raises(ValueError, match="user bot already"):
        gitlab.world.add_user("bot")


def test_an_id_that_was_chosen_is_left_out_later(gitlab: Client) -> None:
    gitlab.world.add_project("tenants/one", id=1001)
    assert gitlab.world.add_project("tenants/two").id == 1002


def test_a_group_moves_below_another_with_all_it_has(gitlab: Client) -> None:
    team = gitlab.world.add_group("tenants/team/deep").parent
    project = gitlab.world.add_project("tenants/team/deep/web")
    gitlab.world.add_group("archive")
    gitlab.world.rename_group(team, "archive/old-team")
    assert project.path_with_namespace == "archive/old-team/deep/web"
    assert gitlab.get("groups/tenants/projects", include_subgroups="true").headers["X-Total"] == "1"
    assert gitlab.get("groups/archive%2Fold-team%2Fdeep").status_code == 200
    # The bot was a member of what the team has left.
    assert answer_to(gitlab, "projects/tenants%2Fteam%2Fdeep%2Fweb") == PROJECT_NOT_FOUND


def test_shares_end_with_the_project(gitlab: Client) -> None:
    gitlab.world.add_group("other")
    lib = gitlab.world.add_project("other/lib")
    gitlab.world.share(lib, gitlab.group)
    assert gitlab.get("groups/tenants/projects").headers["X-Total"] == "2"
    gitlab.world.remove_project(lib)
    assert gitlab.get("groups/tenants/projects").headers["X-Total"] == "1"

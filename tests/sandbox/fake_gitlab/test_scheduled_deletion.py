"""
Projects and groups that are scheduled for deletion, and archived projects, over HTTP.

Sources: app/services/projects/mark_for_deletion_service.rb, namespaces/mark_for_deletion_base_service.rb,
app/models/route.rb (GitLab 18); doc/api/projects.md; app/policies/concerns/archived_abilities.rb.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from tests.worlds.gitlab_client import HOOKS, KEYS, ONE, URL, Client, a_gitlab


@pytest.fixture
def gitlab() -> Iterator[Client]:
    with a_gitlab() as client:
        client.world.clock = datetime(2026, 11, 30, 12, tzinfo=UTC).timestamp
        yield client


def test_a_scheduled_project_is_renamed_archived_and_marked(gitlab: Client) -> None:
    gitlab.world.schedule_project_deletion(gitlab.project)
    project = gitlab.get("projects/1000").json()
    assert project["path_with_namespace"] == "tenants/app-deletion_scheduled-1000"
    assert (project["archived"], project["marked_for_deletion_on"]) == (True, "2026-11-30")
    assert project["marked_for_deletion_at"] == "2026-11-30"


def test_its_former_path_redirects_to_its_id(gitlab: Client) -> None:
    gitlab.world.schedule_project_deletion(gitlab.project)
    answer = gitlab.get("projects/tenants%2Fapp")
    assert (answer.status_code, answer.headers["Location"]) == (301, f"{gitlab.url}/api/v4/projects/1000")


def test_it_is_listed_under_its_new_path_and_simple_does_not_show_the_date(gitlab: Client) -> None:
    gitlab.world.schedule_project_deletion(gitlab.project)
    [simple] = gitlab.get("groups/tenants/projects", simple="true").json()
    [full] = gitlab.get("groups/tenants/projects").json()
    assert simple["path_with_namespace"] == "tenants/app-deletion_scheduled-1000"
    assert not {"archived", "marked_for_deletion_on", "marked_for_deletion_at"} & simple.keys()
    assert full["marked_for_deletion_on"] == "2026-11-30"


def test_another_project_can_be_made_at_its_former_path(gitlab: Client) -> None:
    gitlab.world.schedule_project_deletion(gitlab.project)
    new = gitlab.world.add_project("tenants/app")
    assert gitlab.get("projects/tenants%2Fapp").json()["id"] == new.id


def test_a_project_that_is_not_scheduled_has_no_date(gitlab: Client) -> None:
    project = gitlab.get("projects/1000").json()
    assert (project["marked_for_deletion_on"], project["archived"]) == (None, False)


def test_before_18_0_a_community_edition_has_no_such_field(gitlab: Client) -> None:
    gitlab.world.version = "17.11.0"
    assert "marked_for_deletion_on" not in gitlab.get("projects/1000").json()
    gitlab.world.version = "17.11.0-ee"
    assert "marked_for_deletion_on" in gitlab.get("projects/1000").json()


def test_a_scheduled_group_is_renamed_and_its_projects_redirect(gitlab: Client) -> None:
    team = gitlab.world.add_group("tenants/team")
    project = gitlab.world.add_project("tenants/team/shop")
    gitlab.world.schedule_group_deletion(team)
    path = f"tenants/team-deletion_scheduled-{team.id}"
    assert gitlab.get("groups/tenants%2Fteam").status_code == 404
    assert gitlab.get(f"groups/{team.id}").json()["marked_for_deletion_on"] == "2026-11-30"
    assert gitlab.get(f"projects/{project.id}").json()["path_with_namespace"] == f"{path}/shop"
    assert gitlab.get("projects/tenants%2Fteam%2Fshop").status_code == 301
    listed = gitlab.get("groups/tenants/projects", include_subgroups="true", simple="true").json()
    assert f"{path}/shop" in {each["path_with_namespace"] for each in listed}


def test_deploy_keys_and_webhooks_of_an_archived_project_can_still_be_written(gitlab: Client) -> None:
    gitlab.project.archived = True
    key, hook = gitlab.post(KEYS, key=ONE, title="t"), gitlab.post(HOOKS, url=URL)
    assert [key.status_code, hook.status_code] == [201, 201]
    assert gitlab.delete(f"{KEYS}/{key.json()['id']}").status_code == 204
    assert gitlab.get("projects/1000").json()["archived"] is True

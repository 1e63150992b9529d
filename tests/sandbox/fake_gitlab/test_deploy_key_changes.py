"""Changing and removing deploy keys, and the instance's own list."""

from collections.abc import Iterator

import pytest

from cronjob.sandbox.fake_gitlab.records import Project
from tests.worlds.gitlab_client import KEYS, ONE, TAKEN, Client, a_gitlab, a_public_key, attached


@pytest.fixture
def gitlab() -> Iterator[Client]:
    with a_gitlab() as client:
        yield client


@pytest.fixture
def other(gitlab: Client) -> Project:
    """A second project of the group."""
    return gitlab.world.add_project("tenants/other")


def test_can_push_is_changed_on_this_project_only(gitlab: Client, other: Project) -> None:
    key = gitlab.world.add_deploy_key(gitlab.project, ONE, title="t")
    gitlab.world.add_deploy_key(other, ONE, title="t")
    assert gitlab.put(f"{KEYS}/{key.id}", can_push=True).json()["can_push"] is True
    assert attached(gitlab) == [(key.id, True)]
    assert attached(gitlab, other) == [(key.id, False)]


def test_the_title_of_a_key_on_one_project_is_changed(gitlab: Client) -> None:
    key = gitlab.world.add_deploy_key(gitlab.project, ONE, title="old")
    answer = gitlab.put(f"{KEYS}/{key.id}", title="new")
    assert (answer.status_code, answer.json()["title"], key.title) == (200, "new", "new")


def test_the_title_of_a_key_on_several_projects_is_silently_kept(gitlab: Client, other: Project) -> None:
    key = gitlab.world.add_deploy_key(gitlab.project, ONE, title="old")
    gitlab.world.add_deploy_key(other, ONE, title="ignored")
    answer = gitlab.put(f"{KEYS}/{key.id}", title="new", can_push=True)
    assert (answer.status_code, answer.json()["title"], answer.json()["can_push"]) == (200, "old", True)


def test_the_title_of_a_public_key_is_silently_kept(gitlab: Client) -> None:
    key = gitlab.world.add_public_key(ONE, title="old")
    gitlab.post(f"{KEYS}/{key.id}/enable")
    assert gitlab.put(f"{KEYS}/{key.id}", title="new").json()["title"] == "old"


def test_an_admin_changes_any_title(gitlab: Client, other: Project) -> None:
    key = gitlab.world.add_deploy_key(gitlab.project, ONE, title="old")
    gitlab.world.add_deploy_key(other, ONE, title="ignored")
    gitlab.act_as(gitlab.someone(admin=True))
    assert gitlab.put(f"{KEYS}/{key.id}", title="new").json()["title"] == "new"


def test_an_empty_title_or_nothing_at_all_is_refused(gitlab: Client) -> None:
    key = gitlab.world.add_deploy_key(gitlab.project, ONE, title="old")
    answer = gitlab.put(f"{KEYS}/{key.id}", title="")
    assert (answer.status_code, answer.json()) == (400, {"message": {"deploy_key.title": ["can't be blank"]}})
    answer = gitlab.put(f"{KEYS}/{key.id}", key=a_public_key("two"))
    text = "title, can_push are missing, at least one parameter must be provided"
    assert (answer.status_code, answer.json()) == (400, {"error": text})
    assert (key.title, key.key) == ("old", ONE)


def test_expiry_cannot_be_changed(gitlab: Client) -> None:
    key = gitlab.world.add_deploy_key(gitlab.project, ONE, title="old")
    answer = gitlab.put(f"{KEYS}/{key.id}", title="new", expires_at="2999-01-01T00:00:00Z")
    assert (answer.json()["title"], answer.json()["expires_at"]) == ("new", None)


def test_a_key_is_gone_with_its_last_project(gitlab: Client, other: Project) -> None:
    key = gitlab.world.add_deploy_key(gitlab.project, ONE, title="t")
    gitlab.world.add_deploy_key(other, ONE, title="t")
    answer = gitlab.delete(f"{KEYS}/{key.id}")
    assert (answer.status_code, answer.text) == (204, "")
    assert attached(gitlab) == []
    assert gitlab.world.keys
    gitlab.delete(f"projects/{other.id}/deploy_keys/{key.id}")
    assert not gitlab.world.keys


def test_a_key_that_comes_back_is_a_new_one(gitlab: Client) -> None:
    old = gitlab.post(KEYS, title="old", key=ONE).json()
    gitlab.delete(f"{KEYS}/{old['id']}")
    new = gitlab.post(KEYS, title="new", key=ONE).json()
    assert new["id"] != old["id"]
    assert new["title"] == "new"


def test_a_public_key_is_only_detached(gitlab: Client) -> None:
    key = gitlab.world.add_public_key(ONE, title="t")
    gitlab.post(f"{KEYS}/{key.id}/enable")
    assert gitlab.delete(f"{KEYS}/{key.id}").status_code == 204
    assert gitlab.world.keys == {key.id: key}


def test_keys_go_with_their_project(gitlab: Client, other: Project) -> None:
    gitlab.world.add_deploy_key(gitlab.project, ONE, title="alone")
    shared = gitlab.world.add_deploy_key(gitlab.project, a_public_key("two"), title="shared")
    gitlab.world.add_deploy_key(other, a_public_key("two"), title="shared")
    gitlab.world.remove_project(gitlab.project)
    assert gitlab.world.keys == {shared.id: shared}


def test_a_key_of_another_project_is_no_key_of_this_one(gitlab: Client, other: Project) -> None:
    key = gitlab.world.add_deploy_key(other, ONE, title="t")
    path = f"{KEYS}/{key.id}"
    for answer in (gitlab.get(path), gitlab.put(path, can_push=True)):
        assert (answer.status_code, answer.json()) == (404, {"message": "404 Not found"})
    answer = gitlab.delete(path)
    assert (answer.status_code, answer.json()) == (404, {"message": "404 Deploy key Not Found"})
    assert attached(gitlab, other) == [(key.id, False)]


def test_a_key_id_that_is_no_number_is_refused(gitlab: Client) -> None:
    answer = gitlab.get(f"{KEYS}/first")
    assert (answer.status_code, answer.json()) == (400, {"error": "key_id is invalid"})


def test_a_delete_can_insist_on_an_unmodified_key(gitlab: Client) -> None:
    path = f"{KEYS}/{gitlab.world.add_deploy_key(gitlab.project, ONE, title='t').id}"
    since = {"If-Unmodified-Since": "Wed, 01 Jan 2020 00:00:00 GMT"}
    answer = gitlab.send("DELETE", path, headers=since)
    assert (answer.status_code, answer.json()) == (412, {"message": "412 Precondition Failed"})
    since = {"If-Unmodified-Since": "Tue, 01 Jan 2999 00:00:00 GMT"}
    assert gitlab.send("DELETE", path, headers=since).status_code == 204


def test_an_admin_lists_every_key_with_its_projects(gitlab: Client, other: Project) -> None:
    key = gitlab.world.add_deploy_key(gitlab.project, ONE, title="t", can_push=True)
    gitlab.world.add_deploy_key(other, ONE, title="t")
    gitlab.world.add_public_key(a_public_key("all"), title="all")
    gitlab.world.add_user_key(gitlab.bot, a_public_key("mine"))
    gitlab.act_as(gitlab.someone(admin=True))
    first, public = gitlab.get("deploy_keys").json()
    assert first["id"] == key.id
    assert [each["path_with_namespace"] for each in first["projects_with_write_access"]] == ["tenants/app"]
    assert [each["path_with_namespace"] for each in first["projects_with_readonly_access"]] == ["tenants/other"]
    assert [each["id"] for each in gitlab.get("deploy_keys", public="true").json()] == [public["id"]]
    gitlab.world.version = "15.11.0"
    assert "projects_with_readonly_access" not in gitlab.get("deploy_keys").json()[0]


def test_nobody_else_lists_the_instances_keys(gitlab: Client) -> None:
    answer = gitlab.get("deploy_keys")
    assert (answer.status_code, answer.json()) == (403, {"message": "403 Forbidden"})


def test_an_admin_makes_a_public_key_since_17_5(gitlab: Client) -> None:
    gitlab.act_as(gitlab.someone(admin=True))
    created = gitlab.post("deploy_keys", title="for all", key=ONE)
    assert created.status_code == 201
    assert gitlab.world.keys[created.json()["id"]].public is True
    taken = gitlab.post("deploy_keys", title="for all", key=ONE).json()
    assert taken == {"message": {"fingerprint_sha256": TAKEN}}
    gitlab.world.version = "17.4.0"
    assert gitlab.post("deploy_keys", title="t", key=a_public_key("two")).status_code == 404

"""Deploy keys that exist already: the text decides whether they are joined."""

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


def test_a_the_same_text_on_the_same_project_changes_nothing_and_is_201(gitlab: Client) -> None:
    first = gitlab.post(KEYS, title="first", key=f"{ONE} ops").json()
    again = gitlab.post(KEYS, title="second", key=f" {ONE} ops ", can_push=True, expires_at="2999-01-01")
    assert (again.status_code, again.json()) == (201, first)
    assert attached(gitlab) == [(first["id"], False)]


def test_b_the_same_text_elsewhere_is_joined_with_its_old_title(gitlab: Client, other: Project) -> None:
    known = gitlab.world.add_deploy_key(other, ONE, title="first")
    answer = gitlab.post(KEYS, title="second", key=ONE, can_push=True, expires_at="2999-01-01T00:00:00Z")
    joined = answer.json()
    assert (answer.status_code, joined["id"], joined["title"]) == (201, known.id, "first")
    assert (joined["can_push"], joined["expires_at"]) == (True, None)
    assert attached(gitlab, other) == [(known.id, False)]


def test_b_any_role_on_the_other_project_is_enough(gitlab: Client) -> None:
    gitlab.world.add_group("far")
    far = gitlab.world.add_project("far/away")
    known = gitlab.world.add_deploy_key(far, ONE, title="far")
    assert gitlab.post(KEYS, title="t", key=ONE).status_code == 400
    gitlab.world.add_member(far, gitlab.bot, 10)
    assert gitlab.post(KEYS, title="t", key=ONE).json()["id"] == known.id


def test_b_a_public_key_is_everybodys(gitlab: Client) -> None:
    known = gitlab.world.add_public_key(ONE, title="for all")
    assert gitlab.post(KEYS, title="t", key=ONE).json()["title"] == "for all"
    assert attached(gitlab) == [(known.id, False)]


def test_c_material_that_is_used_elsewhere_is_taken(gitlab: Client) -> None:
    gitlab.world.add_group("far")
    gitlab.world.add_deploy_key(gitlab.world.add_project("far/away"), ONE, title="far")
    answer = gitlab.post(KEYS, title="t", key=ONE)
    assert (answer.status_code, answer.json()) == (400, {"message": {"deploy_key.fingerprint_sha256": TAKEN}})
    assert attached(gitlab) == []


def test_d_another_comment_is_taken_even_on_the_same_project(gitlab: Client) -> None:
    gitlab.post(KEYS, title="t", key=f"{ONE} ops")
    assert gitlab.post(KEYS, title="t", key=ONE).status_code == 400
    assert gitlab.post(KEYS, title="t", key=f"{ONE} dev").status_code == 400
    assert gitlab.post(KEYS, title="t", key=f"{ONE} ops").status_code == 201


def test_d_a_comment_of_several_words_never_meets_itself_again(gitlab: Client) -> None:
    text = f"{ONE} ops team laptop"
    assert gitlab.post(KEYS, title="t", key=text).status_code == 201
    answer = gitlab.post(KEYS, title="t", key=text)
    assert answer.json() == {"message": {"deploy_key.fingerprint_sha256": TAKEN}}


def test_e_a_users_own_key_blocks_its_material(gitlab: Client) -> None:
    gitlab.world.add_user_key(gitlab.bot, ONE)
    answer = gitlab.post(KEYS, title="t", key=ONE)
    assert answer.json() == {"message": {"deploy_key.fingerprint_sha256": TAKEN}}
    assert gitlab.post(KEYS, title="t", key=a_public_key("two")).status_code == 201


@pytest.mark.parametrize(
    ("version", "field"),
    [("15.2.0", "deploy_key.fingerprint_sha256"), ("15.1.0", "deploy_key.fingerprint"), ("11.11.0", "fingerprint")],
)
def test_the_field_that_is_taken_was_named_differently(gitlab: Client, version: str, field: str) -> None:
    gitlab.world.version = version
    gitlab.world.add_user_key(gitlab.bot, ONE)
    assert gitlab.post(KEYS, title="t", key=ONE).json() == {"message": {field: TAKEN}}


def test_enabling_joins_a_key_read_only_and_does_not_say_can_push(gitlab: Client, other: Project) -> None:
    key = gitlab.world.add_deploy_key(other, ONE, title="t", can_push=True)
    answer = gitlab.post(f"{KEYS}/{key.id}/enable")
    assert answer.status_code == 201
    assert "can_push" not in answer.json()
    assert answer.json()["title"] == "t"
    assert attached(gitlab) == [(key.id, False)]


def test_enabling_twice_changes_nothing(gitlab: Client) -> None:
    key = gitlab.world.add_deploy_key(gitlab.project, ONE, title="t", can_push=True)
    assert gitlab.post(f"{KEYS}/{key.id}/enable").status_code == 201
    assert attached(gitlab) == [(key.id, True)]


def test_a_key_that_the_caller_cannot_reach_is_not_enabled(gitlab: Client) -> None:
    gitlab.world.add_group("far")
    far = gitlab.world.add_project("far/away")
    unreachable = gitlab.world.add_deploy_key(far, ONE, title="t").id
    personal = gitlab.world.add_user_key(gitlab.bot, a_public_key("mine")).id
    for key_id in (unreachable, personal, 4711):
        answer = gitlab.post(f"{KEYS}/{key_id}/enable")
        assert (answer.status_code, answer.json()) == (404, {"message": "404 Deploy key Not Found"})
    gitlab.world.add_member(far, gitlab.bot, 10)
    assert gitlab.post(f"{KEYS}/{unreachable}/enable").status_code == 201

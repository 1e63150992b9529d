"""Deploy keys: one record for the instance, joined by text, shown by release."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sandbox.gitlab_client import Client, a_gitlab, a_public_key

from cronjob.sandbox.gitlab_records import Project


@pytest.fixture
def gitlab() -> Iterator[Client]:
    with a_gitlab() as client:
        yield client


@pytest.fixture
def other(gitlab: Client) -> Project:
    """A second project of the group."""
    return gitlab.world.add_project("tenants/other")


KEYS = "projects/1000/deploy_keys"
ONE = a_public_key("one")
TAKEN = ["has already been taken"]


def attached(gitlab: Client, project: Project | None = None) -> list[tuple[int, bool]]:
    return [(key.id, can_push) for key, can_push in gitlab.world.keys_of(project or gitlab.project)]


# Making one


def test_a_new_key_is_created_read_only_and_listed(gitlab: Client) -> None:
    answer = gitlab.post(KEYS, title="deploy", key=ONE)
    assert answer.status_code == 201
    created = answer.json()
    assert (created["title"], created["key"], created["can_push"]) == ("deploy", ONE, False)
    assert created["expires_at"] is None
    assert gitlab.get(KEYS).json() == [created]
    assert gitlab.get(f"{KEYS}/{created['id']}").json() == created


def test_a_new_key_belongs_to_the_user_of_the_token(gitlab: Client) -> None:
    gitlab.post(KEYS, title="deploy", key=ONE)
    assert gitlab.world.keys_of(gitlab.project)[0][0].user is gitlab.bot


def test_can_push_and_expiry_are_taken_on_creation(gitlab: Client) -> None:
    created = gitlab.post(KEYS, title="t", key=ONE, can_push=True, expires_at="2999-01-31T00:00:00Z").json()
    assert created["can_push"] is True
    assert created["expires_at"] == "2999-01-31T00:00:00.000Z"


def test_a_form_will_do_instead_of_json(gitlab: Client) -> None:
    answer = gitlab.send("POST", KEYS, data={"title": "t", "key": ONE, "can_push": "true"})
    assert (answer.status_code, answer.json()["can_push"]) == (201, True)


def test_fingerprints_are_those_that_ssh_keygen_prints(gitlab: Client) -> None:
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDktz835qeOV7nJcPNemyij1+/j10HOLXnalER0HvrPJ"
    created = gitlab.post(KEYS, title="t", key=key).json()
    assert created["fingerprint"] == "71:7f:0b:be:3e:dd:de:4d:c6:d9:53:f4:ce:5a:34:53"
    assert created["fingerprint_sha256"] == "SHA256:5CzNm9u4JqiDAK7fjNkKzWZkP8P31xqt8T2gOy9Mx6I"


def test_a_comment_is_cut_to_one_word(gitlab: Client) -> None:
    assert gitlab.post(KEYS, title="t", key=f"  {ONE}  ops team laptop\n").json()["key"] == f"{ONE} ops"


def test_white_space_inside_the_material_is_repaired(gitlab: Client) -> None:
    broken = f"{ONE[:40]}\n{ONE[40:]} ops team"
    assert gitlab.post(KEYS, title="t", key=broken).json()["key"] == f"{ONE} ops"


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"title": "t"}, "key is missing"),
        ({"key": ONE}, "title is missing"),
        ({}, "key is missing, title is missing"),
        ({"key": ONE, "title": "t", "can_push": "perhaps"}, "can_push is invalid"),
        ({"key": ONE, "title": "t", "expires_at": "soon"}, "expires_at is invalid"),
    ],
)
def test_a_missing_or_wrong_parameter_is_refused(gitlab: Client, body: dict[str, str], error: str) -> None:
    answer = gitlab.post(KEYS, **body)
    assert (answer.status_code, answer.json()) == (400, {"error": error})
    assert not gitlab.world.keys


@pytest.mark.parametrize(
    "text",
    ["nonsense", "ssh-ed25519 AAAA", "ssh-rsa " + ONE.split()[1], f'command="true" {ONE}', ONE[:-4], ""],
)
def test_a_malformed_key_is_refused(gitlab: Client, text: str) -> None:
    answer = gitlab.post(KEYS, title="t", key=text)
    assert answer.status_code == 400
    assert answer.json()["message"].keys() == {"deploy_key.key", "deploy_key.fingerprint_sha256"}
    assert answer.json()["message"]["deploy_key.fingerprint_sha256"] == ["cannot be generated"]
    assert "is invalid" in answer.json()["message"]["deploy_key.key"]


def test_a_text_of_more_than_5000_characters_is_refused(gitlab: Client) -> None:
    fits, long = f"{ONE} ".ljust(5000, "c"), f"{ONE} ".ljust(5001, "c")
    answer = gitlab.post(KEYS, title="t", key=long)
    assert answer.json() == {"message": {"deploy_key.key": ["is too long (maximum is 5000 characters)"]}}
    assert gitlab.post(KEYS, title="t", key=fits).status_code == 201


@pytest.mark.parametrize(
    ("title", "error"), [(" ", "can't be blank"), ("x" * 256, "is too long (maximum is 255 characters)")]
)
def test_a_title_has_one_to_255_characters(gitlab: Client, title: str, error: str) -> None:
    answer = gitlab.post(KEYS, title=title, key=ONE)
    assert (answer.status_code, answer.json()) == (400, {"message": {"deploy_key.title": [error]}})
    assert gitlab.post(KEYS, title="x" * 255, key=ONE).status_code == 201


def test_titles_need_not_differ(gitlab: Client) -> None:
    for name in ("one", "two"):
        assert gitlab.post(KEYS, title="same", key=a_public_key(name)).status_code == 201


def test_a_key_that_has_expired_already_is_refused_but_stays_readable_later(gitlab: Client) -> None:
    answer = gitlab.post(KEYS, title="t", key=ONE, expires_at="2020-01-01T00:00:00Z")
    assert (answer.status_code, answer.json()) == (400, {"message": {"deploy_key.key": ["has expired"]}})
    past = datetime(2020, 1, 1, tzinfo=UTC)
    gitlab.world.add_deploy_key(gitlab.project, ONE, title="t", expires_at=past)
    assert gitlab.get(KEYS).json()[0]["expires_at"] == "2020-01-01T00:00:00.000Z"


def test_a_kind_of_key_can_be_forbidden_or_asked_to_be_longer(gitlab: Client) -> None:
    gitlab.world.minimum_key_bits = {"ed25519": -1}
    message = gitlab.post(KEYS, title="t", key=ONE).json()["message"]
    assert message["deploy_key.key"][0].startswith("type is forbidden. Must be ")
    gitlab.world.minimum_key_bits = {"ed25519": 512}
    message = gitlab.post(KEYS, title="t", key=ONE).json()["message"]
    assert message == {"deploy_key.key": ["must be at least 512 bits"]}
    gitlab.world.minimum_key_bits = {"ed25519": 256, "rsa": -1}
    assert gitlab.post(KEYS, title="t", key=ONE).status_code == 201


# Joining one: the text decides


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


# Enabling


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


# Changing


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


# Removing


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


# Lists and releases


def test_the_list_is_in_the_order_of_attachment_and_paged(gitlab: Client, other: Project) -> None:
    late = gitlab.world.add_deploy_key(other, a_public_key("late"), title="late")
    for number in range(25):
        gitlab.world.add_deploy_key(gitlab.project, a_public_key(f"{number}"), title=f"{number}")
    gitlab.post(f"{KEYS}/{late.id}/enable")
    first, second = gitlab.get(KEYS), gitlab.get(KEYS, page=2)
    titles = [key["title"] for key in first.json() + second.json()]
    assert titles == [*map(str, range(25)), "late"]
    assert (first.headers["X-Next-Page"], second.headers["X-Next-Page"]) == ("2", "")
    assert len(gitlab.get(KEYS, per_page=100).json()) == 26


@pytest.mark.parametrize(
    ("version", "absent"),
    [
        ("18.10.0", set()),
        ("18.9.0", {"last_used_at", "usage_type"}),
        ("15.1.0", {"last_used_at", "usage_type", "fingerprint_sha256"}),
        ("14.10.0", {"last_used_at", "usage_type", "fingerprint_sha256", "expires_at"}),
    ],
)
def test_older_releases_show_less_of_a_key(gitlab: Client, version: str, absent: set[str]) -> None:
    every = {"id", "title", "created_at", "expires_at", "last_used_at", "key", "usage_type"}
    every |= {"fingerprint", "fingerprint_sha256", "can_push"}
    gitlab.world.version = version
    gitlab.world.add_deploy_key(gitlab.project, ONE, title="t")
    assert gitlab.get(KEYS).json()[0].keys() == every - absent


def test_a_fips_server_leaves_out_the_md5_fingerprint(gitlab: Client) -> None:
    gitlab.world.add_deploy_key(gitlab.project, ONE, title="t")
    assert "fingerprint" in gitlab.get(KEYS).json()[0]
    gitlab.world.fips = True
    assert "fingerprint" not in gitlab.get(KEYS).json()[0]


# The whole instance


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

"""Making deploy keys, and showing them by release."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from cronjob.sandbox.fake_gitlab.records import Project
from tests.worlds.gitlab_client import KEYS, ONE, Client, a_gitlab, a_public_key


@pytest.fixture
def gitlab() -> Iterator[Client]:
    with a_gitlab() as client:
        yield client


@pytest.fixture
def other(gitlab: Client) -> Project:
    """A second project of the group."""
    return gitlab.world.add_project("tenants/other")


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

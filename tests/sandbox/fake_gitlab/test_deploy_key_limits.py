"""
Instance settings about deploy keys over HTTP: forbidden types, minimum sizes, and a maximum lifetime.

Sources: app/validators/key_restriction_validator.rb, app/models/key.rb (GitLab 16 to 18); ee/app/models/ee/key.rb.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.worlds.gitlab_client import KEYS, ONE, Client, a_gitlab

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
NO_EXPIRY = (
    "has no expiration date but an expiration date is required for SSH keys on this instance. "
    "Contact the instance administrator."
)
TOO_LONG = "has an invalid expiration date. Set a shorter lifetime for the key or contact the instance administrator."


@pytest.fixture
def gitlab() -> Iterator[Client]:
    with a_gitlab() as client:
        client.world.clock = NOON.timestamp
        yield client


def in_days(days: int) -> str:
    return (NOON + timedelta(days=days)).isoformat()


@pytest.mark.parametrize(
    ("allowed", "sentence"),
    [
        ({"dsa", "ecdsa"}, "DSA or ECDSA"),
        ({"rsa", "ecdsa", "ecdsa_sk"}, "RSA, ECDSA, or ECDSA_SK"),
        ({"rsa"}, "RSA"),
    ],
)
def test_a_forbidden_type_is_refused_with_the_allowed_types(gitlab: Client, allowed: set[str], sentence: str) -> None:
    kinds = {"rsa", "dsa", "ecdsa", "ed25519", "ecdsa_sk", "ed25519_sk"}
    gitlab.world.minimum_key_bits = dict.fromkeys(kinds - allowed, -1)
    answer = gitlab.post(KEYS, key=ONE, title="t")
    message = {"deploy_key.key": [f"type is forbidden. Must be {sentence}"]}
    assert (answer.status_code, answer.json()) == (400, {"message": message})


def test_a_key_that_is_too_short_is_refused_with_the_minimum(gitlab: Client) -> None:
    gitlab.world.minimum_key_bits = {"rsa": 3072}
    public = generate_private_key(65537, 2048).public_key()
    text = public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    answer = gitlab.post(KEYS, key=text, title="t")
    message = {"deploy_key.key": ["must be at least 3072 bits"]}
    assert (answer.status_code, answer.json()) == (400, {"message": message})


def test_an_expiry_date_is_stored_and_listed(gitlab: Client) -> None:
    assert gitlab.post(KEYS, key=ONE, title="t", expires_at=in_days(90)).json()["expires_at"] == (
        "2027-02-28T12:00:00.000Z"
    )
    [listed] = gitlab.get(KEYS).json()
    assert listed["expires_at"] == "2027-02-28T12:00:00.000Z"


@pytest.mark.parametrize(
    ("fields", "message"),
    [({}, NO_EXPIRY), ({"expires_at": in_days(31)}, TOO_LONG)],
    ids=["none", "too late"],
)
def test_an_instance_with_a_maximum_lifetime_demands_an_expiry_date_within_it(
    gitlab: Client, fields: dict[str, str], message: str
) -> None:
    gitlab.world.max_key_lifetime_days = 30
    answer = gitlab.post(KEYS, key=ONE, title="t", **fields)
    assert (answer.status_code, answer.json()) == (400, {"message": {"deploy_key.key": [message]}})
    assert gitlab.post(KEYS, key=ONE, title="t", expires_at=in_days(30)).status_code == 201


def test_a_new_title_for_an_older_key_without_an_expiry_date_is_refused_too(gitlab: Client) -> None:
    key = gitlab.world.add_deploy_key(gitlab.project, ONE, title="old")
    gitlab.world.max_key_lifetime_days = 30
    answer = gitlab.put(f"{KEYS}/{key.id}", title="new")
    assert (answer.status_code, answer.json()) == (400, {"message": {"deploy_key.key": [NO_EXPIRY]}})
    assert key.title == "old"


def test_the_time_of_creation_is_that_of_the_key_and_can_be_set(gitlab: Client) -> None:
    key = gitlab.world.add_deploy_key(gitlab.project, ONE, title="t", created_at=NOON - timedelta(days=400))
    other = gitlab.world.add_project("tenants/other", created_at=NOON - timedelta(days=1))
    answer = gitlab.post(f"projects/{other.id}/deploy_keys/{key.id}/enable")
    assert answer.json()["created_at"] == "2025-10-26T12:00:00.000Z"
    assert gitlab.get(f"projects/{other.id}").json()["created_at"] == "2026-11-29T12:00:00.000Z"


def test_a_second_client_that_posts_the_same_key_gets_201_and_the_first_ones_key(gitlab: Client) -> None:
    first = gitlab.post(KEYS, key=ONE, title="flux-gitlab-syncer a flux/key")
    second = gitlab.post(KEYS, key=ONE, title="flux-gitlab-syncer b flux/key")
    assert [first.status_code, second.status_code] == [201, 201]
    assert second.json() == first.json()

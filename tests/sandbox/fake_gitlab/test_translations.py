"""
Validation errors in the language of the account over HTTP.

Source: lib/api/api.rb sets the locale of the current user (GitLab 17 and 18); the texts are those of rails-i18n.
"""

from collections.abc import Iterator

import pytest

from tests.worlds.gitlab_client import HOOKS, KEYS, ONE, URL, Client, a_gitlab


@pytest.fixture
def gitlab() -> Iterator[Client]:
    with a_gitlab() as client:
        yield client


@pytest.mark.parametrize(
    ("language", "text"),
    [("en", "has already been taken"), ("de", "ist bereits vergeben"), ("fr", "n'est pas disponible")],
)
def test_a_taken_fingerprint_is_reported_in_the_accounts_language(gitlab: Client, language: str, text: str) -> None:
    stranger = gitlab.world.add_user("stranger")
    gitlab.world.add_user_key(stranger, ONE)
    gitlab.bot.preferred_language = language
    answer = gitlab.post(KEYS, key=ONE, title="t")
    message = {"deploy_key.fingerprint_sha256": [text]}
    assert (answer.status_code, answer.json()) == (400, {"message": message})


def test_numbers_stay_in_a_translated_message(gitlab: Client) -> None:
    gitlab.bot.preferred_language = "de"
    answer = gitlab.post(HOOKS, url=URL, description="x" * 2049)
    assert answer.json() == {"error": "Description ist zu lang (mehr als 2048 Zeichen)"}


def test_messages_without_a_translation_stay_english(gitlab: Client) -> None:
    gitlab.bot.preferred_language = "de"
    gitlab.world.minimum_key_bits = {"ed25519": -1}
    message = gitlab.post(KEYS, key=ONE, title="t").json()["message"]
    assert message["deploy_key.key"][0].startswith("type is forbidden. Must be ")


def test_statuses_are_not_translated(gitlab: Client) -> None:
    gitlab.bot.preferred_language = "de"
    assert gitlab.get("projects/4711").json() == {"message": "404 Project Not Found"}
    assert gitlab.delete(f"{HOOKS}/1").json() == {"message": "404 Not found"}

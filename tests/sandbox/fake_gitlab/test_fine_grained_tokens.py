"""
Fine-grained personal access tokens over HTTP.

Sources: doc/auth/tokens/fine_grained_access_tokens.md, lib/api/api_guard.rb, lib/api/entities/personal_access_token.rb
(GitLab 19.2).
"""

from collections.abc import Iterator

import pytest

from tests.worlds.gitlab_client import HOOKS, KEYS, URL, Client, a_gitlab

READS = frozenset({"Personal Access Token: Read", "User: Read", "Project: Read", "Deploy Key: Read"})


@pytest.fixture
def gitlab() -> Iterator[Client]:
    with a_gitlab("19.2.0") as client:
        yield client


def test_its_own_record_shows_granular_and_no_scope(gitlab: Client) -> None:
    gitlab.act_as(gitlab.world.add_token(gitlab.bot, permissions=READS))
    record = gitlab.get("personal_access_tokens/self").json()
    assert (record["scopes"], record["granular"]) == (["granular"], True)


def test_the_record_of_another_token_is_not_granular(gitlab: Client) -> None:
    record = gitlab.get("personal_access_tokens/self").json()
    assert (record["scopes"], record["granular"]) == (["api"], False)


def test_a_granted_permission_is_enough(gitlab: Client) -> None:
    gitlab.act_as(gitlab.world.add_token(gitlab.bot, permissions=READS))
    assert [gitlab.get(path).status_code for path in ("user", "projects/1000", KEYS)] == [200, 200, 200]


def test_a_missing_permission_is_named(gitlab: Client) -> None:
    gitlab.act_as(gitlab.world.add_token(gitlab.bot, permissions=READS))
    answer = gitlab.post(HOOKS, url=URL)
    description = (
        "Access denied: This operation requires a fine-grained personal access token with the following "
        "project permissions: [Webhook: Create]."
    )
    assert answer.status_code == 403
    assert answer.json() == {"error": "insufficient_granular_scope", "error_description": description}
    assert gitlab.world.hooks_of(gitlab.project) == []


def test_a_permission_does_not_replace_the_role(gitlab: Client) -> None:
    reporter = gitlab.world.add_user("reporter")
    gitlab.world.add_member(gitlab.group, reporter, 20)
    gitlab.act_as(gitlab.world.add_token(reporter, permissions=READS))
    assert gitlab.get(KEYS).json() == {"message": "403 Forbidden"}


def test_an_instance_can_accept_fine_grained_tokens_only(gitlab: Client) -> None:
    gitlab.world.enforces_fine_grained_tokens = True
    answer = gitlab.get("projects/1000")
    assert (answer.status_code, answer.json()["error"]) == (403, "insufficient_granular_scope")
    assert "[Project: Read]" in answer.json()["error_description"]
    gitlab.act_as(gitlab.world.add_token(gitlab.bot, permissions=READS))
    assert gitlab.get("projects/1000").status_code == 200

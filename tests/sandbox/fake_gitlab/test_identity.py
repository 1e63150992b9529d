"""Who asks the embedded GitLab, and with what right."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.worlds.gitlab_client import Client, a_gitlab


@pytest.fixture
def gitlab() -> Iterator[Client]:
    with a_gitlab() as client:
        yield client


EXPIRED = {
    "error": "invalid_token",
    "error_description": "Token is expired. You can either do re-authorization or token refresh.",
}
REVOKED = {
    "error": "invalid_token",
    "error_description": "Token was revoked. You have to re-authorize from the user.",
}


def test_a_token_is_taken_from_its_own_header(gitlab: Client) -> None:
    assert gitlab.get("user").json()["username"] == "bot"


def test_a_token_is_taken_as_bearer(gitlab: Client) -> None:
    gitlab.act_as(None)
    answer = gitlab.send("GET", "user", headers={"Authorization": f"Bearer {gitlab.token}"})
    assert answer.json()["id"] == gitlab.bot.id


def test_without_a_token_there_is_no_user(gitlab: Client) -> None:
    gitlab.act_as(None)
    answer = gitlab.get("user")
    assert (answer.status_code, answer.json()) == (401, {"message": "401 Unauthorized"})


def test_an_unknown_token_is_refused_even_where_none_is_needed(gitlab: Client) -> None:
    gitlab.act_as("glpat-nobody-knows-this")
    answer = gitlab.get("groups/tenants/projects")
    assert (answer.status_code, answer.json()) == (401, {"message": "401 Unauthorized"})


def test_an_expired_token_is_told_so(gitlab: Client) -> None:
    gitlab.world.expire_token(gitlab.token)
    answer = gitlab.get("user")
    assert (answer.status_code, answer.json()) == (401, EXPIRED)


def test_a_token_is_good_until_the_day_it_expires(gitlab: Client) -> None:
    today = gitlab.world.now().date()
    tomorrow = (today + timedelta(days=1)).isoformat()
    gitlab.act_as(gitlab.world.add_token(gitlab.bot, expires_at=tomorrow))
    assert gitlab.get("user").status_code == 200
    gitlab.act_as(gitlab.world.add_token(gitlab.bot, expires_at=today.isoformat()))
    assert gitlab.get("user").json() == EXPIRED


def test_a_revoked_token_is_told_so(gitlab: Client) -> None:
    gitlab.world.revoke_token(gitlab.token)
    answer = gitlab.get("user")
    assert (answer.status_code, answer.json()) == (401, REVOKED)


def test_a_token_can_read_itself(gitlab: Client) -> None:
    gitlab.act_as(gitlab.world.add_token(gitlab.bot, scopes=("read_api",), expires_at="2999-02-28"))
    answer = gitlab.get("personal_access_tokens/self").json()
    assert answer["user_id"] == gitlab.bot.id
    assert answer["scopes"] == ["read_api"]
    assert answer["expires_at"] == "2999-02-28"
    assert answer["active"] is True
    assert answer["revoked"] is False


def test_a_token_of_any_scope_can_read_itself(gitlab: Client) -> None:
    gitlab.act_as(gitlab.world.add_token(gitlab.bot, scopes=("write_repository",)))
    assert gitlab.get("personal_access_tokens/self").status_code == 200
    assert gitlab.get("version").status_code == 403


def test_a_token_can_not_read_itself_before_15_5(gitlab: Client) -> None:
    gitlab.world.version = "15.4.6"
    answer = gitlab.get("personal_access_tokens/self")
    assert (answer.status_code, answer.json()) == (404, {"error": "404 Not Found"})
    gitlab.world.version = "15.5.0"
    assert gitlab.get("personal_access_tokens/self").status_code == 200


def test_an_oauth_token_works_as_bearer_but_has_no_record_of_itself(gitlab: Client) -> None:
    token = gitlab.world.add_token(gitlab.bot, kind="oauth", token="oauth-token")
    gitlab.act_as(None)
    bearer = {"Authorization": f"Bearer {token}"}
    assert gitlab.send("GET", "user", headers=bearer).status_code == 200
    answer = gitlab.send("GET", "personal_access_tokens/self", headers=bearer)
    why = "400 Bad request - This endpoint requires token type to be a personal access token"
    assert (answer.status_code, answer.json()) == (400, {"message": why})


def test_an_oauth_token_is_no_private_token(gitlab: Client) -> None:
    gitlab.act_as(gitlab.world.add_token(gitlab.bot, kind="oauth"))
    assert gitlab.get("user").status_code == 401


def test_a_project_token_is_a_bot_and_reads_itself(gitlab: Client) -> None:
    gitlab.act_as(gitlab.world.add_token(gitlab.bot, kind="project"))
    assert gitlab.get("user").json()["bot"] is True
    assert gitlab.get("personal_access_tokens/self").status_code == 200


def test_read_api_reads_and_does_not_write(gitlab: Client) -> None:
    gitlab.act_as(gitlab.world.add_token(gitlab.bot, scopes=("read_api",)))
    path = f"projects/{gitlab.project.id}/hooks"
    assert gitlab.get(path).status_code == 200
    answer = gitlab.post(path, url="https://flux.example/hook")
    assert answer.status_code == 403
    assert answer.json() == {
        "error": "insufficient_scope",
        "error_description": "The request requires higher privileges than provided by the access token.",
        "scope": "api",
    }
    assert not gitlab.world.hooks_of(gitlab.project)


def test_api_reads_and_writes(gitlab: Client) -> None:
    path = f"projects/{gitlab.project.id}/hooks"
    assert gitlab.post(path, url="https://flux.example/hook").status_code == 201
    assert len(gitlab.get(path).json()) == 1


def test_only_an_admin_is_said_to_be_one(gitlab: Client) -> None:
    assert "is_admin" not in gitlab.get("user").json()
    gitlab.act_as(gitlab.someone(admin=True))
    assert gitlab.get("user").json()["is_admin"] is True


@pytest.mark.parametrize("path", ["version", "metadata"])
def test_the_version_is_told_to_those_who_are_signed_in(gitlab: Client, path: str) -> None:
    answer = gitlab.get(path).json()
    assert (answer["version"], answer["enterprise"]) == ("18.4.0", False)
    gitlab.act_as(None)
    assert gitlab.get(path).status_code == 401


def test_an_enterprise_edition_says_so(gitlab: Client) -> None:
    gitlab.world.version = "17.9.2-ee"
    answer = gitlab.get("version").json()
    assert (answer["version"], answer["enterprise"]) == ("17.9.2-ee", True)
    assert gitlab.world.release == (17, 9)


def test_metadata_came_with_15_2(gitlab: Client) -> None:
    gitlab.world.version = "15.1.0"
    assert gitlab.get("metadata").status_code == 404
    assert gitlab.get("version").status_code == 200


def test_secrets_have_no_repr(gitlab: Client) -> None:
    assert gitlab.token not in repr(gitlab.world.tokens[gitlab.token])
    hook = gitlab.world.add_hook(gitlab.project, "https://a.example", token="s3cret")
    assert "https://a.example" in repr(hook)
    assert "s3cret" not in repr(hook)

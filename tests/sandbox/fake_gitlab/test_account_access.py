"""
Accounts and tokens that lose access over HTTP, also in the middle of a run.

Sources: lib/gitlab/auth/user_access_denied_reason.rb, lib/api/helpers.rb (`forbidden!`), lib/api/api_guard.rb
(GitLab 17 and 18).
"""

from collections.abc import Iterator

import pytest

from cronjob.sandbox.fake_gitlab.account_access import REASONS
from tests.worlds.gitlab_client import HOOKS, Client, a_gitlab


@pytest.fixture
def gitlab() -> Iterator[Client]:
    with a_gitlab() as client:
        yield client


@pytest.mark.parametrize(
    ("reason", "part"),
    [
        ("blocked", "Your account has been blocked."),
        ("blocked_pending_approval", "is pending approval from your administrator"),
        ("deactivated", "Please log back in from a web browser to reactivate your account at http://127.0.0.1:"),
        ("password_expired", "Your password expired."),
        ("terms_not_accepted", "You (@bot) must accept the Terms of Service in order to perform this action. "),
    ],
)
def test_an_account_without_access_is_refused_with_the_reason(gitlab: Client, reason: str, part: str) -> None:
    gitlab.bot.access_denied = reason
    answers = [gitlab.get("user"), gitlab.get("personal_access_tokens/self"), gitlab.get(HOOKS)]
    assert {answer.status_code for answer in answers} == {403}
    assert all(answer.json()["message"].startswith("403 Forbidden - ") for answer in answers)
    assert all(part in answer.json()["message"] for answer in answers)


def test_every_reason_is_tested_here() -> None:
    tested = {"blocked", "blocked_pending_approval", "deactivated", "password_expired", "terms_not_accepted"}
    assert REASONS.keys() == tested


def test_an_account_with_access_again_is_answered(gitlab: Client) -> None:
    gitlab.bot.access_denied = "terms_not_accepted"
    gitlab.get("user")
    gitlab.bot.access_denied = ""
    assert gitlab.get("user").status_code == 200


def test_a_token_can_be_revoked_between_two_requests(gitlab: Client) -> None:
    gitlab.world.fail(skip=2, call=lambda: gitlab.world.revoke_token(gitlab.token))
    statuses = [gitlab.get("user").status_code for _ in range(4)]
    assert statuses == [200, 200, 401, 401]
    assert gitlab.get("user").json()["error"] == "invalid_token"

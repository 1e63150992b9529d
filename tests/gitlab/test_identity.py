"""Whose token it is, whether it suffices, and when it ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cronjob.gitlab.identity import SOON, Whoami, prove
from reconcile.causes import Cause, CauseCode
from reconcile.errors import ReadError, SettingsError
from tests.worlds.gitlab_builders import TOKEN, GitLab, a_gitlab, a_session, an_answer, raw_server

pytest_plugins = ["tests.worlds.gitlab_fixtures"]
pytestmark = pytest.mark.usefixtures("no_proxies")

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


def refused(gitlab: GitLab, code: str, *, writes: bool = True, **session: object) -> str:
    with pytest.raises(ReadError) as error:
        prove(gitlab.session(**session), writes=writes)
    assert error.value.code == code
    assert TOKEN not in str(error.value)
    return str(error.value)


class TestTokens:
    def test_a_good_token_tells_its_user(self, gitlab: GitLab) -> None:
        assert prove(gitlab.session(), writes=True) == Whoami("bot", None)
        assert gitlab.paths() == ["/personal_access_tokens/self", "/user"]

    def test_one_that_gitlab_does_not_know_is_refused(self, gitlab: GitLab) -> None:
        told = refused(gitlab, "TokenRefused", token="glpat-other")

        assert told.startswith("GitLab does not accept the token (GitLab answered 401 Unauthorized). Make a new token")

    def test_an_expired_one_is_refused(self, gitlab: GitLab) -> None:
        gitlab.world.expire_token(TOKEN)

        assert refused(gitlab, "TokenRefused", writes=False).startswith(
            "The GitLab token has expired (GitLab answered 401 Token is expired."
        )

    def test_a_revoked_one_is_refused(self, gitlab: GitLab) -> None:
        gitlab.world.revoke_token(TOKEN)

        assert refused(gitlab, "TokenRefused").startswith(
            "The GitLab token was revoked (GitLab answered 401 Token was revoked."
        )

    def test_an_oauth_token_is_asked_for_its_user_only(self, gitlab: GitLab) -> None:
        token = gitlab.world.add_token(gitlab.bot, kind="oauth")

        assert prove(gitlab.session(token=token), writes=True) == Whoami("bot")
        assert [request.status for request in gitlab.world.requests] == [400, 200]

    def test_gitlab_before_15_5_is_asked_for_the_user_only(self) -> None:
        with a_gitlab("15.4.0") as old:
            assert prove(old.session(), writes=True) == Whoami("bot")
            assert [request.status for request in old.world.requests] == [404, 200]

    def test_with_gitlab_15_5_the_token_speaks_for_itself(self) -> None:
        with a_gitlab("15.5.0") as newer:
            prove(newer.session(), writes=True)
            assert [request.status for request in newer.world.requests] == [200, 200]

    def test_an_address_that_is_shut_out_is_told_by_gitlabs_words(self, gitlab: GitLab) -> None:
        gitlab.world.fail(status=403, body={"message": "403 Forbidden"}, times=None)

        assert "(GitLab answered 403 Forbidden)" in refused(gitlab, "TokenRefused")

    @pytest.mark.parametrize("path", ["self$", "/user$"])
    def test_nobody_makes_a_new_token_because_gitlab_is_down(self, gitlab: GitLab, path: str) -> None:
        gitlab.world.fail(path=path, status=503, body="<html>", times=None)

        told = refused(gitlab, "GitLabUnreadable")

        assert told == f"Something in front of GitLab answered 503. {Cause(CauseCode.SERVER_ERROR).next_step}"

    @pytest.mark.parametrize("path", ["self$", "/user$"])
    def test_nor_because_nothing_answers(self, gitlab: GitLab, path: str) -> None:
        gitlab.world.fail(path=path, drop=True, times=None)

        assert "the connection broke off. Check the address" in refused(gitlab, "GitLabUnreadable")

    @pytest.mark.parametrize("body", ["{}", "[]", "null"])
    def test_a_server_that_is_no_gitlab_is_told(self, body: str) -> None:
        with (
            raw_server(an_answer("200 OK", body)) as server,
            a_session(server.url) as session,
            pytest.raises(ReadError, match="does not say whose") as told,
        ):
            prove(session, writes=False)

        assert told.value.code == "GitLabUnreadable"


class TestScopes:
    @pytest.mark.parametrize("scopes", [("api",), ("read_api",), ("read_api", "read_repository")])
    def test_reading_the_api_is_enough_for_a_dry_run(self, gitlab: GitLab, scopes: tuple[str, ...]) -> None:
        token = gitlab.world.add_token(gitlab.bot, scopes=scopes)

        assert prove(gitlab.session(token=token), writes=False).user == "bot"

    def test_reading_the_api_is_not_enough_for_a_run(self, gitlab: GitLab) -> None:
        token = gitlab.world.add_token(gitlab.bot, scopes=("read_api", "read_user"))

        told = refused(gitlab, "TokenRefused", token=token)

        assert told.startswith("The token has the scope read_api read_user; this needs api. Make a token")

    @pytest.mark.parametrize(("scopes", "named"), [(("read_repository",), "read_repository"), ((), "none")])
    def test_less_is_enough_for_nothing(self, gitlab: GitLab, scopes: tuple[str, ...], named: str) -> None:
        token = gitlab.world.add_token(gitlab.bot, scopes=scopes)

        told = refused(gitlab, "TokenRefused", token=token, writes=False)

        assert told.startswith(f"The token has the scope {named}; this needs read_api (or api).")

    def test_an_oauth_token_that_is_too_weak_for_anything_is_told_by_gitlab(self, gitlab: GitLab) -> None:
        token = gitlab.world.add_token(gitlab.bot, kind="oauth", scopes=("profile",))

        assert "(scope api read_api read_user)" in refused(gitlab, "TokenRefused", token=token)


class TestUsers:
    def test_the_expected_user_may_write(self, gitlab: GitLab) -> None:
        assert prove(gitlab.session(), writes=True, expected_user="Bot").user == "bot"

    def test_somebody_elses_token_writes_nothing(self, gitlab: GitLab) -> None:
        with pytest.raises(SettingsError, match=r"belongs to bot, but gitlab_user .* is flux-bot: nothing is written"):
            prove(gitlab.session(), writes=True, expected_user="flux-bot")

    def test_it_is_good_for_a_dry_run(self, gitlab: GitLab) -> None:
        assert prove(gitlab.session(), writes=False, expected_user="flux-bot").user == "bot"


def expiring(gitlab: GitLab, when: str | None) -> Whoami:
    return prove(gitlab.session(token=gitlab.world.add_token(gitlab.bot, expires_at=when)), writes=True)


class TestExpiry:
    def test_fourteen_days_before_the_end_it_is_told(self) -> None:
        (problem,) = Whoami("bot", NOW + SOON).problems(NOW)

        assert (str(problem.severity), problem.code) == ("warning", "TokenExpiresSoon")
        assert problem.message.startswith("The GitLab token of bot expires on 2026-03-15; make a new one")

    def test_a_second_earlier_it_is_not(self) -> None:
        assert Whoami("bot", NOW + SOON + timedelta(seconds=1)).problems(NOW) == []

    def test_a_token_without_end_is_no_problem(self) -> None:
        assert Whoami("bot").problems(NOW) == []

    @pytest.mark.parametrize(
        ("written", "meant"),
        [
            ("2099-03-15", datetime(2099, 3, 15, tzinfo=UTC)),
            ("2099-03-15T10:00:00.000Z", datetime(2099, 3, 15, 10, tzinfo=UTC)),
            ("2099-03-15T10:00:00+02:00", datetime(2099, 3, 15, 8, tzinfo=UTC)),
        ],
    )
    def test_the_end_is_a_date_or_a_time(self, gitlab: GitLab, written: str, meant: datetime) -> None:
        assert expiring(gitlab, written).expires_at == meant

    def test_no_end_is_none(self, gitlab: GitLab) -> None:
        assert expiring(gitlab, None).expires_at is None

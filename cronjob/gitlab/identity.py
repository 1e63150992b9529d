"""Token check: whose token it is and what it may do. Done first: without a valid token lists are 200 and shorter."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cronjob.gitlab import routes
from cronjob.gitlab.error_causes import is_token_over
from cronjob.gitlab.errors import NoAnswer, Refused
from cronjob.gitlab.session import Session
from reconcile.causes import UNKNOWN, Cause, CauseCode
from reconcile.errors import ReadError, SettingsError, SyncerError
from reconcile.problems import Code, Problem

SOON = timedelta(days=14)

# What a fine-grained token needs to read, and to write (GitLab 19.2, doc/auth/tokens/fine_grained_access_tokens.md).
_READ_PERMISSIONS = (
    "User: Read",
    "Personal Access Token: Read",
    "Metadata: Read",
    "Group: Read",
    "Project: Read",
    "Deploy Key: Read",
    "Webhook: Read",
)
_WRITE_PERMISSIONS = (
    "Deploy Key: Create",
    "Deploy Key: Update",
    "Deploy Key: Delete",
    "Webhook: Create",
    "Webhook: Update",
    "Webhook: Delete",
)


def needed_permissions(*, writes: bool) -> tuple[str, ...]:
    """Return the permissions that a fine-grained token needs for a run, or for what only reads."""
    return _READ_PERMISSIONS + (_WRITE_PERMISSIONS if writes else ())


@dataclass(frozen=True, slots=True)
class Whoami:
    """
    The account behind the token.

    *expires_at* is None for tokens that do not say. GitLab does not tell the permissions of a *fine_grained* token.
    """

    user: str
    expires_at: datetime | None = None
    fine_grained: bool = False

    def problems(self, now: datetime) -> list[Problem]:
        """A warning while the token has less than 14 days left."""
        if self.expires_at is None or self.expires_at - now > SOON:
            return []
        message = (
            f"The GitLab token of {self.user} expires on {self.expires_at.date()}; "
            "make a new one and put it in the job's Secret."
        )
        return [Problem.of(Code.TOKEN_EXPIRES_SOON, message)]


def prove(session: Session, *, writes: bool, expected_user: str | None = None) -> Whoami:
    """
    Ask GitLab whose token this is and what it may do.

    Raises ReadError for a token that is refused or too weak, SettingsError where *writes* are asked for and the
    token is not *expected_user*'s.
    """
    token = _token(session)
    _check_scope(token, writes=writes)
    name = _user_name(session)
    if writes and expected_user and name.lower() != expected_user.lower():
        raise SettingsError(
            f"The token belongs to {name}, but gitlab_user in the settings is {expected_user}: nothing is written, "
            "since deploy keys die with their creator's account. Use the bot's token, or a dry run."
        )
    return Whoami(name, _expiry(token), _is_fine_grained(token))


def _token(session: Session) -> dict[str, Any]:
    """What GitLab says of a personal, group or project access token; nothing for other kinds and before 15.5."""
    try:
        token, _ = session.get(routes.SELF)
    except Refused as error:
        if error.status in {400, 403, 404}:
            return {}
        raise _token_error(error) from error
    except NoAnswer as error:
        raise _token_error(error) from error
    return token if isinstance(token, dict) else {}


def _user_name(session: Session) -> str:
    try:
        user, _ = session.get(routes.USER)
        return str(user["username"])
    except (Refused, NoAnswer) as error:
        raise _token_error(error) from error
    except (KeyError, TypeError) as error:
        cause = Cause(CauseCode.NOT_GITLAB)
        message = f"GitLab does not say whose token this is. {cause.next_step}"
        raise ReadError(message, code="GitLabUnreadable", cause=cause) from error


def raise_if_token_is_over(error: SyncerError) -> None:
    """Raise ReadError where *error* is that GitLab does not accept the token any more: it ends the reading."""
    if isinstance(error, Refused) and is_token_over(error.cause):
        raise _token_error(error) from error


def _token_error(error: Refused | NoAnswer) -> ReadError:
    """Only GitLab's own 401 and 403 are about the token; nobody should make a new one because GitLab is down."""
    is_refusal = isinstance(error, Refused) and error.status in {401, 403}
    if is_refusal and error.cause.code is not CauseCode.NOT_GITLAB:
        cause = Cause(CauseCode.TOKEN_REFUSED) if error.cause == UNKNOWN else error.cause
        return ReadError(f"{cause.sentence_start} ({error}). {cause.next_step}", code="TokenRefused", cause=cause)
    text = str(error)
    message = f"{text[0].upper()}{text[1:]}. {error.cause.next_step}"
    return ReadError(message, code="GitLabUnreadable", cause=error.cause)


def _check_scope(token: dict[str, Any], *, writes: bool) -> None:
    scopes = token.get("scopes")
    if not isinstance(scopes, list) or _is_fine_grained(token):
        return
    enough = {"api"} if writes else {"api", "read_api"}
    if not enough & set(map(str, scopes)):
        needed = "api" if writes else "read_api (or api)"
        raise ReadError(
            f"The token has the scope {' '.join(map(str, scopes)) or 'none'}; this needs {needed}. "
            "Make a token with that scope.",
            code="TokenRefused",
            cause=Cause(CauseCode.SCOPE_MISSING),
        )


def _is_fine_grained(token: dict[str, Any]) -> bool:
    """Whether the token has permissions in place of scopes: the first refusal tells which one is missing."""
    return token.get("granular") is True or token.get("scopes") == ["granular"]


def _expiry(token: dict[str, Any]) -> datetime | None:
    """A date or a date-time; GitLab ends a token at the beginning of its day, in UTC."""
    try:
        time = datetime.fromisoformat(str(token.get("expires_at")))
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)

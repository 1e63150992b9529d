"""GitLab's error answers: what they say, as data, and the cause that they stand for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from cronjob.gitlab.routes import is_a_list_of_hooks, is_about_a_project
from cronjob.transport.answer import Answer
from reconcile.causes import Cause, CauseCode

# A proxy did not wait any longer (524 is Cloudflare's); GitLab may still be working.
GATEWAY_TIMEOUTS = frozenset({504, 524})
# Whatever the body says, and whoever answered.
_BY_STATUS = {
    407: CauseCode.PROXY_FAILED,
    429: CauseCode.RATE_LIMITED,
    **dict.fromkeys((408, *GATEWAY_TIMEOUTS), CauseCode.TIMEOUT),
}

# GitLab translates its validation errors, but never these (lib/api/helpers.rb, lib/api/api.rb, lib/api/api_guard.rb).
_GONE = {"404 Project Not Found": CauseCode.PROJECT_GONE, "404 Group Not Found": CauseCode.GROUP_GONE}
ITEM_NOT_FOUND = frozenset({"404 Not found", "404 Deploy key Not Found"})
_FORBIDDEN = "403 Forbidden"
_RESOURCE_LOCK = "409 Conflict: Resource lock"
_EXPIRED = "Token is expired"
_REVOKED = "Token was revoked"
# lib/gitlab/middleware/read_only/controller.rb
_READ_ONLY = "You cannot perform write operations on a read-only instance"
_INVALID_URL = "Invalid url given"
_BLOCKED_URL = "URL is blocked"

# What follows "403 Forbidden - " (lib/gitlab/auth/user_access_denied_reason.rb); it is not translated.
_DENIED = (
    (re.compile(r"Your account (?:has been|is pending)|Your primary email"), CauseCode.ACCOUNT_BLOCKED),
    (re.compile(r"Your password expired"), CauseCode.PASSWORD_EXPIRED),
    (re.compile(r"You \(@.*\) must accept the Terms"), CauseCode.TERMS_NOT_ACCEPTED),
)
# What is said of a key (app/models/key.rb, ee/app/models/ee/key.rb); it is not translated either.
_KEY_REFUSALS = (
    (re.compile(r"type is forbidden"), CauseCode.KEY_TYPE_FORBIDDEN),
    (re.compile(r"must be at least \d+ bits"), CauseCode.KEY_TOO_SHORT),
    (re.compile(r"has (?:no|an invalid) expiration date"), CauseCode.EXPIRY_REQUIRED),
)

# "Maximum number of project hooks (100) exceeded", in any language: nothing else that is said of a webhook has a
# number alone in parentheses (app/models/concerns/limitable.rb).
_LIMIT = re.compile(r"[(\uff08]\d+[)\uff09]")

# What a 401 of GitLab's own says.
_TOKEN_OVER = frozenset({CauseCode.TOKEN_EXPIRED, CauseCode.TOKEN_REVOKED, CauseCode.TOKEN_REFUSED})


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """
    The parts of an error answer that decisions are made by, as GitLab wrote them: they may hold secrets.

    *message* is empty where GitLab names *fields* instead, with what is wrong about each, as it does for a validation
    error. *error* is a code such as `invalid_token`, or a sentence. *scope* names those that would do. *is_json* is
    False where no GitLab API answered.
    """

    message: str = field(default="", repr=False)
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    error: str = field(default="", repr=False)
    description: str = field(default="", repr=False)
    scope: str = field(default="", repr=False)
    is_json: bool = True


def error_body(answer: Answer) -> ErrorBody:
    """What an error answer says, in any of GitLab's envelopes."""
    body = answer.parsed()
    if body is None:
        return ErrorBody(is_json=False)
    message = body.get("message")
    return ErrorBody(
        message if isinstance(message, str) else "",
        # On a project's route each name has a prefix, as in `deploy_key.fingerprint`.
        {name.rpartition(".")[2]: _texts(value) for name, value in message.items()}
        if isinstance(message, dict)
        else {},
        str(body.get("error") or ""),
        str(body.get("error_description") or ""),
        str(body.get("scope") or ""),
    )


def _texts(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else (str(value),)


def is_token_over(cause: Cause) -> bool:
    """Whether GitLab itself refuses the token, so that it will refuse every other request too."""
    return cause.code in _TOKEN_OVER


def cause_of_answer(answer: Answer, path: str) -> Cause:
    """The cause that an answer to a request for *path* stands for, of any status but the one hoped for."""
    body = error_body(answer)
    code = _code(answer.status, body, path)
    match code:
        case CauseCode.SCOPE_MISSING:
            return Cause(code, body.scope if re.fullmatch(r"[a-z_ ]{1,200}", body.scope) else "")
        case CauseCode.PERMISSION_MISSING:
            # They stand in brackets, as in [Deploy Key: Read] (doc/auth/tokens/fine_grained_access_tokens.md).
            return Cause(code, ", ".join(re.findall(r"\[([A-Za-z_:, ]{1,200})\]", body.description)))
    return Cause(code)


def _code(status: int, body: ErrorBody, path: str) -> CauseCode:
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status >= 500 or not body.is_json:
        return CauseCode.SERVER_ERROR if status >= 500 else CauseCode.NOT_GITLAB
    match status:
        case 400:
            return _code_of_key(body)
        case 401:
            return _code_of_401(body)
        case 403:
            return _code_of_403(body, path)
    return _code_of_message(status, body, path)


def _code_of_message(status: int, body: ErrorBody, path: str) -> CauseCode:
    match status:
        # GitLab before 15 answers 404 with what the model says.
        case 404 | 422 if is_a_list_of_hooks(path) and _LIMIT.search(body.error or body.message):
            return CauseCode.LIMIT_REACHED
        case 404 if body.message in _GONE:
            return _GONE[body.message]
        case 409 if body.message == _RESOURCE_LOCK:
            return CauseCode.RESOURCE_LOCKED
        case 422 if _is_url_blocked(body):
            return CauseCode.WEBHOOK_URL_BLOCKED
    return CauseCode.UNKNOWN


def _code_of_401(body: ErrorBody) -> CauseCode:
    if body.description.startswith(_EXPIRED):
        return CauseCode.TOKEN_EXPIRED
    return CauseCode.TOKEN_REVOKED if body.description.startswith(_REVOKED) else CauseCode.TOKEN_REFUSED


def _code_of_403(body: ErrorBody, path: str) -> CauseCode:
    if body.error == "insufficient_scope":
        return CauseCode.SCOPE_MISSING
    if body.error == "insufficient_granular_scope":
        return CauseCode.PERMISSION_MISSING
    if body.message == _READ_ONLY:
        return CauseCode.MAINTENANCE_MODE
    reason_given = body.message.removeprefix(f"{_FORBIDDEN} - ")
    for pattern, code in _DENIED:
        if pattern.match(reason_given):
            return code
    return CauseCode.ROLE_MISSING if body.message == _FORBIDDEN and is_about_a_project(path) else CauseCode.UNKNOWN


def _code_of_key(body: ErrorBody) -> CauseCode:
    """
    What a validation error of a key is about (app/models/key.rb).

    A fingerprint has to be unique; the field has `_sha256` in its name from 15.2 on. That a key cannot be used at all
    is said of the field `key`, and then often of the fingerprint, too.
    """
    if texts := body.fields.get("key"):
        found = (code for pattern, code in _KEY_REFUSALS if any(map(pattern.match, texts)))
        return next(found, CauseCode.KEY_REFUSED)
    return CauseCode.KEY_TAKEN if body.fields.keys() & {"fingerprint_sha256", "fingerprint"} else CauseCode.UNKNOWN


def _is_url_blocked(body: ErrorBody) -> bool:
    """Whether GitLab refuses a webhook's URL, when it is saved (lib/api/project_hooks.rb) or when it is tested."""
    return body.error == _INVALID_URL or "url" in body.fields or body.message.startswith(_BLOCKED_URL)

"""GitLab's error answers: what they say, as data and as one clause without secrets, and the cause they stand for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import quote, quote_plus

from cronjob.gitlab.routes import is_a_list_of_hooks, is_about_a_project
from cronjob.transport.answer import Answer
from reconcile.causes import Cause, CauseCode
from reconcile.model import without_digests

# A proxy did not wait any longer (524 is Cloudflare's); GitLab may still be working.
GATEWAY_TIMEOUTS = frozenset({504, 524})

# GitLab translates its validation errors, but never these (lib/api/helpers.rb, lib/api/api.rb, lib/api/api_guard.rb).
PROJECT_NOT_FOUND = "404 Project Not Found"
ITEM_NOT_FOUND = frozenset({"404 Not found", "404 Deploy key Not Found"})
_FORBIDDEN = "403 Forbidden"
_RESOURCE_LOCK = "409 Conflict: Resource lock"
_EXPIRED = "Token is expired"
_REVOKED = "Token was revoked"

# "Maximum number of project hooks (100) exceeded", in any language: nothing else that is said of a webhook has a
# number alone in parentheses (app/models/concerns/limitable.rb).
_LIMIT = re.compile(r"[(\uff08]\d+[)\uff09]")

_SHOWN = 200


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """
    The parts of an error answer that decisions are made by, as GitLab wrote them: they may hold secrets.

    *message* is empty where GitLab names *fields* instead, as it does for a validation error. *error* is a code such
    as `invalid_token`, or a sentence. *is_json* is False where no GitLab API answered.
    """

    message: str = field(default="", repr=False)
    fields: frozenset[str] = frozenset()
    error: str = field(default="", repr=False)
    description: str = field(default="", repr=False)
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
        frozenset(name.rpartition(".")[2] for name in message) if isinstance(message, dict) else frozenset(),
        str(body.get("error") or ""),
        str(body.get("error_description") or ""),
    )


def cause_of_answer(answer: Answer, path: str) -> Cause:
    """The cause that an answer to a request for *path* stands for, of any status but the one hoped for."""
    return Cause(_code(answer.status, error_body(answer), path))


def _code(status: int, body: ErrorBody, path: str) -> CauseCode:
    if status == 429:
        return CauseCode.RATE_LIMITED
    if status >= 500:
        return CauseCode.TIMEOUT if status in GATEWAY_TIMEOUTS else CauseCode.SERVER_ERROR
    if not body.is_json:
        return CauseCode.NOT_GITLAB
    if status == 401:
        return _code_of_401(body)
    return _code_of_403(body, path) if status == 403 else _code_of_message(status, body, path)


def _code_of_message(status: int, body: ErrorBody, path: str) -> CauseCode:
    match status:
        # GitLab before 15 answers 404 with what the model says.
        case 404 | 422 if is_a_list_of_hooks(path) and _LIMIT.search(body.error or body.message):
            return CauseCode.LIMIT_REACHED
        case 404 if body.message == PROJECT_NOT_FOUND:
            return CauseCode.PROJECT_GONE
        case 409 if body.message == _RESOURCE_LOCK:
            return CauseCode.RESOURCE_LOCKED
        case 400 if _is_key_taken(body):
            return CauseCode.KEY_TAKEN
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
    # GitLab's own words mean something else: a blocked account, terms that nobody accepted.
    return CauseCode.ROLE_MISSING if body.message == _FORBIDDEN and is_about_a_project(path) else CauseCode.UNKNOWN


def _is_key_taken(body: ErrorBody) -> bool:
    """
    Whether the fingerprint is what GitLab refuses: it has to be unique (app/models/key.rb).

    Its name has `_sha256` from 15.2 on. That a key cannot be used at all is said of the field `key`, too.
    """
    return bool(body.fields & {"fingerprint_sha256", "fingerprint"}) and "key" not in body.fields


def reason(status: int, content: bytes, secrets: Iterable[str]) -> str:
    """One clause: the status and what GitLab says, from any of its envelopes, plain text or HTML."""
    try:
        text = _text(json.loads(content))
    except (ValueError, RecursionError):
        text = _plain_text(content)
    # Nothing is cut before the secrets are: the half of one would not be found.
    text = re.sub(r"\s+", " ", redacted(text, secrets)).strip()[:_SHOWN]
    number = str(status)
    return f"GitLab answered {text if text.startswith(number) else f'{number} {text}'}".strip()


def redacted(text: str, secrets: Iterable[str]) -> str:
    """The text with `…` for every secret, however it is written, and with digests cut."""
    spellings = {spelling for secret in secrets for spelling in _spellings(secret)}
    for spelling in sorted(filter(None, spellings), key=len, reverse=True):
        text = text.replace(spelling, "…")
    return without_digests(text)


def _spellings(secret: str) -> set[str]:
    # Half a megabyte, for those runs that are refused something.
    import html

    plain = {secret, secret.strip()}
    return plain | {
        spelling
        for each in plain
        for spelling in (
            quote(each),
            quote(each, safe=""),
            quote_plus(each),
            html.escape(each),
            json.dumps(each)[1:-1],
            json.dumps(each, ensure_ascii=False)[1:-1],
            repr(each)[1:-1],
        )
    }


def _plain_text(content: bytes) -> str:
    """A text as it is; of a page, or of JSON that is cut off, nothing is worth showing."""
    text = content.decode(errors="replace").lstrip()
    return "" if text.startswith(("<", "{", "[")) else text


def _text(body: object) -> str:
    if not isinstance(body, dict):
        return ""
    text = body.get("error_description") or body.get("message") or body.get("error") or ""
    if isinstance(text, dict):
        text = "; ".join(f"{name} {_flat(value)}" for name, value in text.items())
    needed = f" (scope {body['scope']})" if "scope" in body else ""
    return _flat(text) + needed


def _flat(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)

"""Which cause an answer of GitLab stands for."""

from __future__ import annotations

import json

import pytest

from cronjob.gitlab.error_causes import cause_of_answer
from cronjob.gitlab.routes import SELF, deploy_keys, hooks, project
from cronjob.transport.answer import Answer
from reconcile.causes import Cause, CauseCode

KEYS = deploy_keys(project(1))


def code_of(status: int, body: object, path: str = KEYS) -> str:
    content = body if isinstance(body, str) else json.dumps(body)
    return cause_of_answer(Answer(status, {}, content.encode()), path).code.value


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (401, {"error": "invalid_token", "error_description": "Token is expired. You can ..."}, "TokenExpired"),
        (401, {"error": "invalid_token", "error_description": "Token was revoked. You ..."}, "TokenRevoked"),
        (401, {"message": "401 Unauthorized"}, "TokenRefused"),
        (403, {"error": "insufficient_scope", "scope": "api"}, "ScopeMissing"),
        (403, {"error": "insufficient_granular_scope"}, "PermissionMissing"),
        (403, {"message": "403 Forbidden"}, "RoleMissing"),
        (403, {"message": "403 Forbidden - Your account has been blocked."}, "AccountBlocked"),
        (403, {"message": "403 Forbidden - Your account is pending approval from your ..."}, "AccountBlocked"),
        (403, {"message": "403 Forbidden - Your account has been deactivated by ..."}, "AccountBlocked"),
        (403, {"message": "403 Forbidden - Your primary email address is not confirmed."}, "AccountBlocked"),
        (403, {"message": "403 Forbidden - Your password expired. Please ..."}, "PasswordExpired"),
        (403, {"message": "403 Forbidden - You (@bot) must accept the Terms of Service ..."}, "TermsNotAccepted"),
        (403, {"message": "403 Forbidden - something new"}, "Unknown"),
        (403, {"message": "You cannot perform write operations on a read-only instance"}, "MaintenanceMode"),
        (407, "", "ProxyFailed"),
        (408, "<html>", "Timeout"),
        (404, {"message": "404 Group Not Found"}, "GroupGone"),
        (404, {"message": "404 Project Not Found"}, "ProjectGone"),
        (404, {"message": "404 Not found"}, "Unknown"),
        (404, {"error": "404 Not Found"}, "Unknown"),
        (404, "<html>404 Project Not Found", "NotGitLab"),
        (301, "This resource has been moved", "NotGitLab"),
        (403, "Access denied", "NotGitLab"),
        (400, {"message": {"deploy_key.fingerprint_sha256": ["ist bereits vergeben"]}}, "KeyTaken"),
        (400, {"message": {"deploy_key.fingerprint": ["has already been taken"]}}, "KeyTaken"),
        (400, {"message": {"fingerprint": ["has already been taken"]}}, "KeyTaken"),
        (400, {"message": {"deploy_key.key": ["type is forbidden. Must be RSA"]}}, "KeyTypeForbidden"),
        (400, {"message": {"deploy_key.key": ["must be at least 4096 bits"]}}, "KeyTooShort"),
        (400, {"message": {"key": ["has no expiration date but an expiration date is required"]}}, "ExpiryRequired"),
        (400, {"message": {"key": ["has an invalid expiration date. Set a shorter"]}}, "ExpiryRequired"),
        (400, {"message": {"key": ["ist nicht erlaubt"], "fingerprint_sha256": ["x"]}}, "KeyRefused"),
        (400, {"message": {"deploy_key.key": ["is invalid", "must be at least 256 bits"]}}, "KeyTooShort"),
        (400, {"message": {"title": ["has already been taken"]}}, "Unknown"),
        (400, {"message": "fingerprint has already been taken"}, "Unknown"),
        (422, {"message": {"fingerprint": ["has already been taken"]}}, "Unknown"),
        (409, {"message": "409 Conflict: Resource lock"}, "ResourceLocked"),
        (409, {"message": "409 Conflict"}, "Unknown"),
        (429, "Retry later", "RateLimited"),
        (500, {"message": "500 Internal Server Error"}, "ServerError"),
        (502, "<html>", "ServerError"),
        (504, "<html>", "Timeout"),
        (524, "", "Timeout"),
        (418, {"message": ["404 Project Not Found"]}, "Unknown"),
        (404, "[]", "NotGitLab"),
    ],
)
def test_an_answer_stands_for_a_cause(status: int, body: object, code: str) -> None:
    assert code_of(status, body) == code


FULL = "Maximum number of project hooks (100) exceeded"


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (422, {"error": FULL}, "LimitReached"),
        (422, {"error": "Maximale Anzahl an Projekt-Hooks (100) überschritten"}, "LimitReached"),
        (422, {"error": "超出项目钩子的最大数量\uff08100\uff09"}, "LimitReached"),
        (404, {"message": f'404 Project hook {{:base=>["{FULL}"]}} Not Found'}, "LimitReached"),
        (422, {"error": "Invalid url given"}, "WebhookUrlBlocked"),
        (422, {"message": {"url": ["is blocked: Requests to the local network are not allowed"]}}, "WebhookUrlBlocked"),
        (422, {"message": "URL is blocked: Requests to localhost are not allowed"}, "WebhookUrlBlocked"),
        (422, {"error": "Url is too long (maximum is 2048 characters)"}, "Unknown"),
        (422, {"message": {"base": [FULL]}}, "Unknown"),
        (400, {"error": FULL}, "Unknown"),
        (404, {"message": "404 Project Not Found"}, "ProjectGone"),
    ],
)
def test_a_list_of_webhooks_may_be_full(status: int, body: object, code: str) -> None:
    assert code_of(status, body, hooks(project(1))) == code


def test_no_other_list_is_said_to_be_full() -> None:
    assert code_of(422, {"error": FULL}, KEYS) == "Unknown"


def test_a_refused_address_says_nothing_about_the_role_where_no_project_was_asked_for() -> None:
    assert code_of(403, {"message": "403 Forbidden"}, SELF) == "Unknown"


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({"error": "insufficient_scope", "scope": "api read_api"}, "api read_api"),
        (
            {
                "error": "insufficient_granular_scope",
                "error_description": "requires the project permissions: [Deploy Key: Read, Webhook: Read].",
            },
            "Deploy Key: Read, Webhook: Read",
        ),
        ({"error": "insufficient_granular_scope", "error_description": "[glpat-123]"}, ""),
        ({"error": "insufficient_scope", "scope": "<b>glpat-123</b>"}, ""),
    ],
)
def test_a_cause_names_what_the_token_lacks_and_nothing_else(body: object, detail: str) -> None:
    answer = Answer(403, {}, json.dumps(body).encode())

    assert cause_of_answer(answer, KEYS).detail == detail


@pytest.mark.parametrize("code", list(CauseCode))
def test_every_cause_has_a_clause_and_one_sentence_of_what_to_do(code: CauseCode) -> None:
    cause = Cause(code, "what GitLab names")

    assert cause.clause.endswith(": what GitLab names")
    assert cause.sentence_start[0].isupper()
    assert cause.next_step[0].isupper()
    assert cause.next_step.endswith(".")
    assert cause.as_dict() == {"code": code.value, "next": cause.next_step}

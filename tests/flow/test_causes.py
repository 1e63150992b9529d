"""
The table of causes: what servers answer, and every place where that answer can come.

Each row asserts the cause's code and its next step in the JSON report, and that the text, Markdown and HTML reports
say the same; CSV too, where a row of it is about what failed.
"""

from __future__ import annotations

import csv
import html
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from cronjob.sandbox.fake_gitlab.account_access import REASONS
from cronjob.sandbox.faults.fault import PlannedFaultFields
from cronjob.sandbox.faults.fault_kinds import SSO_PAGE, WAF_PAGE
from cronjob.sandbox.samples import CLUSTER, GROUP, MARK, NAMESPACE, RECEIVER_URL
from tests.worlds.hurry import in_a_hurry
from tests.worlds.program import Program, a_program

NAME = "tenant-0001"
PATH = f"{GROUP}/{CLUSTER}/{NAME}"
HTML = {"Content-Type": "text/html"}
PAGE = "<!DOCTYPE html><html><body>a page</body></html>"


def answer(status: int, body: object = None, **headers: str) -> PlannedFaultFields:
    return {"status": status, "body": body, "headers": headers}


def unauthorized(description: str) -> PlannedFaultFields:
    return answer(401, {"error": "invalid_token", "error_description": description})


def forbidden(reason: str) -> PlannedFaultFields:
    return answer(403, {"message": f"403 Forbidden - {REASONS[reason].format(username='bot', url='https://x')}"})


def invalid(field: str, *texts: str) -> PlannedFaultFields:
    return answer(400, {"message": {field: list(texts)}})


# What may come instead of any answer of GitLab, and its cause.
ANYWHERE: dict[str, tuple[PlannedFaultFields, str]] = {
    "401": (answer(401, {"message": "401 Unauthorized"}), "TokenRefused"),
    "401 expired": (
        unauthorized("Token is expired. x"),
        "TokenExpired",
    ),
    "401 revoked": (
        unauthorized("Token was revoked. x"),
        "TokenRevoked",
    ),
    "401 page": ({**answer(401, PAGE), "headers": HTML}, "NotGitLab"),
    "403 scope": (answer(403, {"error": "insufficient_scope", "scope": "api"}), "ScopeMissing"),
    "403 permission": (
        answer(403, {"error": "insufficient_granular_scope", "error_description": "needs: [Webhook: Read]."}),
        "PermissionMissing",
    ),
    "403 blocked": (forbidden("blocked"), "AccountBlocked"),
    "403 pending": (forbidden("blocked_pending_approval"), "AccountBlocked"),
    "403 deactivated": (forbidden("deactivated"), "AccountBlocked"),
    "403 password": (forbidden("password_expired"), "PasswordExpired"),
    "403 terms": (forbidden("terms_not_accepted"), "TermsNotAccepted"),
    "403 unknown words": (answer(403, {"message": "403 Forbidden - the moon is full"}), "Unknown"),
    "403 firewall": (WAF_PAGE, "NotGitLab"),
    "403 text": (answer(403, "Forbidden\n"), "NotGitLab"),
    "200 sign-in page": (SSO_PAGE, "NotGitLab"),
    "200 text": (answer(200, "hello"), "NotGitLab"),
    "302 sign-in": (answer(302, None, Location="https://sso.example/login?state=1"), "NotGitLab"),
    "301 https": (answer(301, PAGE, Location="https://gitlab.example/api/v4/x"), "NotGitLab"),
    "404 page": ({**answer(404, PAGE), "headers": HTML}, "NotGitLab"),
    "407": (answer(407, PAGE), "ProxyFailed"),
    "408": (answer(408, ""), "Timeout"),
    "418": (answer(418, {"message": "short and stout"}), "Unknown"),
    "429 text": (answer(429, "Retry later\n"), "RateLimited"),
    "429 JSON": (answer(429, {"message": {"error": "too many times"}}), "RateLimited"),
    "500": (answer(500, {"message": "500 Internal Server Error"}), "ServerError"),
    "502 page": ({**answer(502, PAGE), "headers": HTML}, "ServerError"),
    "503 page": ({**answer(503, PAGE), "headers": HTML}, "ServerError"),
    "504 page": ({**answer(504, PAGE), "headers": HTML}, "Timeout"),
    "520 page": ({**answer(520, PAGE), "headers": HTML}, "ServerError"),
    "524 page": ({**answer(524, PAGE), "headers": HTML}, "Timeout"),
    "reset": ({"drop": True}, "ConnectionBroken"),
    "cut": ({"cut": True, "status": 200, "body": [1, 2, 3]}, "ConnectionBroken"),
}
# Answers that only reads can get, or only writes; by the project's role.
ROLE = {"403": (answer(403, {"message": "403 Forbidden"}), "RoleMissing")}
GONE = {"404 project": (answer(404, {"message": "404 Project Not Found"}), "ProjectGone")}
NO_GROUP = {"404 group": (answer(404, {"message": "404 Group Not Found"}), "GroupGone")}
SHAPE = {
    "200 object": (answer(200, {"some": "thing"}), "Malformed"),
    "200 list of numbers": (answer(200, [1]), "Malformed"),
    "200 list of objects": (answer(200, [{"id": "x"}]), "Malformed"),
}
WRITE = {
    **ROLE,
    **GONE,
    "403 maintenance": (
        answer(403, {"message": "You cannot perform write operations on a read-only instance"}),
        "MaintenanceMode",
    ),
    "409": (answer(409, {"message": "409 Conflict: Resource lock"}), "ResourceLocked"),
}
KEY = {
    "taken": (invalid("deploy_key.fingerprint_sha256", "has already been taken"), "KeyTaken"),
    "taken, in German": (invalid("fingerprint_sha256", "ist bereits vergeben"), "KeyTaken"),
    "taken, before 15.2": (invalid("deploy_key.fingerprint", "has already been taken"), "KeyTaken"),
    "type": (invalid("deploy_key.key", "type is forbidden. Must be RSA or ECDSA"), "KeyTypeForbidden"),
    "short": (invalid("deploy_key.key", "must be at least 4096 bits"), "KeyTooShort"),
    "no expiry": (invalid("deploy_key.key", "has no expiration date but an expiration date ..."), "ExpiryRequired"),
    "expiry": (invalid("key", "has an invalid expiration date. Set a shorter lifetime"), "ExpiryRequired"),
    "compromised": (invalid("key", "kann nicht verwendet werden"), "KeyRefused"),
    "title": (invalid("title", "is too long"), "Unknown"),
}
HOOK = {
    "blocked URL": (answer(422, {"error": "Invalid url given"}), "WebhookUrlBlocked"),
    "blocked URL, by field": (answer(422, {"message": {"url": ["is blocked: x"]}}), "WebhookUrlBlocked"),
    "filter": (answer(422, {"error": "Invalid branch filter given"}), "Unknown"),
}
LIMIT = {
    "limit": (answer(422, {"error": "Maximum number of project hooks (100) exceeded"}), "LimitReached"),
    "limit, in German": (answer(422, {"error": "Maximale Anzahl an Hooks (100) überschritten"}), "LimitReached"),
    "limit, in Chinese": (answer(422, {"error": "最大数量\uff08100\uff09"}), "LimitReached"),
    "limit, before 15": (answer(404, {"message": '404 {:base=>["x (100) exceeded"]} Not Found'}), "LimitReached"),
}

# What the next step says, in a few words of it.
NEXT = {
    "TokenRefused": "Make a new token",
    "TokenExpired": "Make a new token",
    "TokenRevoked": "Make a new token",
    "ScopeMissing": "with the scope api",
    "PermissionMissing": "flux-gitlab-syncer check",
    "RoleMissing": "Make the bot account a Maintainer",
    "AccountBlocked": "Have an administrator of GitLab do what it says",
    "PasswordExpired": "set a new password",
    "TermsNotAccepted": "accept them",
    "RateLimited": "--max-requests-per-minute",
    "MaintenanceMode": "Wait until its administrator ends that",
    "NotGitLab": "a sign-in page stands between",
    "NotKubernetes": "the address of a Kubernetes API server",
    "GroupGone": "Correct --group",
    "ProjectGone": "Correct the URL or path",
    "ProjectArchived": "Unarchive it",
    "ProjectScheduledForDeletion": "Restore it at GitLab",
    "LimitReached": "Remove some from the project",
    "KeyTaken": "only once for the whole instance",
    "KeyTypeForbidden": "--ssh-key-algorithm",
    "KeyTooShort": "--ssh-rsa-bits",
    "KeyRefused": "Put a new key into the Secret",
    "KeyUnreadable": "Remove that deploy key",
    "ExpiryRequired": "by hand with an expiry date",
    "WebhookUrlBlocked": "Outbound requests",
    "ResourceLocked": "The next run tries again",
    "Timeout": "raise --timeout",
    "ConnectionRefused": "the server is up",
    "ConnectionBroken": "the server is up",
    "ProxyFailed": "HTTPS_PROXY",
    "TlsFailed": "--ca-file",
    "AddressUnusable": "Correct --gitlab-url",
    "ServerError": "see the server's health",
    "Malformed": "whether this version of the server is supported",
    "CredentialsUnusable": "Renew the token",
    "RbacMissing": "Compare the job's Role",
    "Unknown": "see what the server says",
}


@dataclass(frozen=True)
class Place:
    """Which requests get the answer, what makes the run send them, and where the report then has the cause."""

    name: str
    method: str
    path: str
    records: str
    prepare: Callable[[Program], None] = lambda _: None
    in_csv: bool = False


def lacks_key(program: Program) -> None:
    project = program.project(f"{CLUSTER}/{NAME}")
    for key, _ in list(program.gitlab.keys_of(project)):
        program.gitlab.detach_key(project, key)


def lacks_webhook(program: Program) -> None:
    program.project(f"{CLUSTER}/{NAME}").hooks.clear()


def has_other_flags(program: Program) -> None:
    [hook] = program.project(f"{CLUSTER}/{NAME}").hooks.values()
    hook.push_events = False


def has_one_too_many(program: Program) -> None:
    project = program.project(f"{CLUSTER}/{NAME}")
    program.gitlab.add_hook(project, f"{RECEIVER_URL}/hook/{'0' * 64}", description=f"{MARK}left")


def leads_elsewhere(program: Program) -> None:
    item = program.kubernetes.get("GitRepository", NAMESPACE, NAME)
    item["spec"]["url"] = f"ssh://git@code.vt.edu/{GROUP}/{CLUSTER}/nowhere.git"
    program.kubernetes.apply(item)


ONE = r"/projects/1000"
WHOSE = Place("whose token it is", "GET", "/(self|user)$", "problems")
THE_GROUP = Place("the group", "GET", "/groups/[^/]+$", "problems")
LIST = Place("the list of projects", "GET", r"/groups/\d+/projects$", "problems")
LOOK_UP = Place("a look-up", "GET", "/projects/[^/]*nowhere$", "problems", leads_elsewhere)
KEYS = Place("the deploy keys", "GET", f"{ONE}/deploy_keys$", "problems", in_csv=True)
HOOKS = Place("the webhooks", "GET", f"{ONE}/hooks$", "problems", in_csv=True)
BEFORE = Place("the project before its first write", "GET", f"{ONE}$", "changes", lacks_webhook, in_csv=True)
NEW_KEY = Place("a new deploy key", "POST", f"{ONE}/deploy_keys$", "changes", lacks_key, in_csv=True)
NEW_HOOK = Place("a new webhook", "POST", f"{ONE}/hooks$", "changes", lacks_webhook, in_csv=True)
CHANGED = Place("a changed webhook", "PUT", f"{ONE}/hooks/", "changes", has_other_flags, in_csv=True)
REMOVED = Place("a removed webhook", "DELETE", f"{ONE}/hooks/", "changes", has_one_too_many, in_csv=True)

SOME = ("401 revoked", "403 firewall", "200 sign-in page", "302 sign-in", "403 terms", "503 page", "reset", "504 page")


def rows_of(place: Place, *tables: dict[str, tuple[PlannedFaultFields, str]], leave_out: str = "") -> Iterator[Any]:
    for name, (fault, code) in {key: row for table in tables for key, row in table.items()}.items():
        if name not in leave_out.split(", "):
            yield pytest.param(place, fault, code, id=f"{place.name}: {name}")


FEW = {name: ANYWHERE[name] for name in SOME}
ROWS = [
    *rows_of(WHOSE, ANYWHERE, leave_out="403 unknown words"),
    *rows_of(THE_GROUP, ANYWHERE, NO_GROUP),
    *rows_of(LIST, FEW, NO_GROUP),
    *rows_of(LOOK_UP, ANYWHERE, ROLE),
    *rows_of(KEYS, ANYWHERE, ROLE, GONE, SHAPE),
    *rows_of(HOOKS, FEW, ROLE, GONE, SHAPE),
    *rows_of(BEFORE, FEW, ROLE, GONE),
    *rows_of(NEW_KEY, ANYWHERE, WRITE, KEY),
    *rows_of(NEW_HOOK, FEW, WRITE, HOOK, LIMIT),
    *rows_of(CHANGED, FEW, WRITE, HOOK),
    *rows_of(REMOVED, FEW, WRITE),
]


@pytest.fixture(scope="module")
def program() -> Iterator[Program]:
    with a_program(2, samples=False) as ready, in_a_hurry():
        # A 401 is about the token of who has one; who has none is not logged in.
        config = Path(ready.environment["KUBECONFIG"])
        loaded = yaml.safe_load(config.read_text())
        loaded["users"][0]["user"] = {"token": "sandbox"}
        config.write_text(yaml.safe_dump(loaded))
        yield ready


@pytest.fixture(autouse=True)
def in_sync(program: Program) -> Iterator[None]:
    """Each row starts from two tenants that are in sync, at servers without faults."""
    before = program.kubernetes.get("GitRepository", NAMESPACE, NAME)
    assert program.run("--no-lease").code == 0
    yield
    program.gitlab.faults.planned.clear()
    program.kubernetes.faults.planned.clear()
    program.kubernetes.denials.clear()
    program.kubernetes.apply(before)


def letters(text: str) -> str:
    """The text without what a format adds: marks, tags, line breaks."""
    return re.sub(r"[^a-z0-9]+", "", html.unescape(re.sub(r"</?[a-z][^>]*>", "", text)).lower())


def check_report(program: Program, tmp_path: Path, records: str, code: str, *, in_csv: bool) -> None:
    files = {form: tmp_path / form for form in ("text", "markdown", "html", "csv")}
    options = [option for form, path in files.items() for option in ("--report", f"{form}={path}")]
    done = program.run("--no-lease", *options)

    causes = [record["cause"] for record in done.report[records] if record["cause"]]
    assert {cause["code"] for cause in causes} == {code}, done.report[records]
    assert NEXT[code] in causes[0]["next"]
    for form in ("text", "markdown", "html"):
        assert letters(causes[0]["next"]) in letters(files[form].read_text()), form
    if in_csv:
        assert causes[0]["next"] in {row["next"] for row in csv.DictReader(files["csv"].read_text().splitlines())}


@pytest.mark.parametrize(("place", "fault", "code"), ROWS)
def test_gitlabs_answers(program: Program, tmp_path: Path, place: Place, fault: PlannedFaultFields, code: str) -> None:
    place.prepare(program)
    program.gitlab.fail(method=place.method, path=place.path, times=None, **fault)

    # A token that is over ends the reading, so that there are no rows.
    ends_run = place.records == "problems" and code.startswith("Token")
    check_report(program, tmp_path, place.records, code, in_csv=place.in_csv and not ends_run)


def test_the_table_is_large_enough() -> None:
    answers = {name for table in (ANYWHERE, ROLE, GONE, NO_GROUP, SHAPE, WRITE, KEY, HOOK, LIMIT) for name in table}

    assert len(answers) + len(KUBERNETES) >= 60
    assert len(ROWS) >= 120


def kubernetes_answer(status: int, body: object = None) -> PlannedFaultFields:
    return {"status": status, "body": body} if body is not None else {"status": status}


# What Kubernetes, or something in front of it, may answer.
KUBERNETES: dict[str, tuple[PlannedFaultFields, str]] = {
    "401": (kubernetes_answer(401), "CredentialsUnusable"),
    "403": (kubernetes_answer(403), "RbacMissing"),
    "429": (kubernetes_answer(429, "Too many requests\n"), "RateLimited"),
    "500": (kubernetes_answer(500), "ServerError"),
    "502 page": (kubernetes_answer(502, PAGE), "ServerError"),
    "503": (kubernetes_answer(503), "ServerError"),
    "504": (kubernetes_answer(504), "Timeout"),
    "reset": ({"drop": True}, "ConnectionBroken"),
    "200 page": (kubernetes_answer(200, PAGE), "NotKubernetes"),
    "200 list": (kubernetes_answer(200, [1]), "NotKubernetes"),
}


@pytest.mark.parametrize("name", KUBERNETES)
@pytest.mark.parametrize(
    "path", ["/gitrepositories$", "/receivers$", "/apis/source.toolkit.fluxcd.io$", f"/secrets/{NAME}-ssh$"]
)
def test_kubernetes_answers(program: Program, tmp_path: Path, path: str, name: str) -> None:
    fault, code = KUBERNETES[name]
    program.kubernetes.fail(method="GET", path=path, times=None, **fault)

    check_report(program, tmp_path, "problems", code, in_csv=False)

"""What the embedded GitLab answers by itself in each of its states, what lies between, and what a user is told."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cronjob.gitlab.identity import needed_permissions
from cronjob.sandbox.fake_gitlab.records import Project
from cronjob.sandbox.samples import CLUSTER, add_tenant, reconcile_flux
from tests.worlds.hurry import in_a_hurry
from tests.worlds.program import Done, Program, a_program

NAME = "tenant-0001"


@pytest.fixture
def program() -> Iterator[Program]:
    """One tenant whose project has nothing yet."""
    with a_program(1, samples=False) as ready, in_a_hurry():
        yield ready


def the_project(program: Program) -> Project:
    project = program.project(f"{CLUSTER}/{NAME}")
    assert isinstance(project, Project)
    return project


def keys_must_be_longer(program: Program) -> None:
    program.gitlab.minimum_key_bits["ed25519"] = 512


def keys_must_be_of_another_type(program: Program) -> None:
    program.gitlab.minimum_key_bits["ed25519"] = -1


def keys_must_expire(program: Program) -> None:
    program.gitlab.max_key_lifetime_days = 30


def no_webhook_fits(program: Program) -> None:
    program.gitlab.max_hooks = 0


def is_under_maintenance(program: Program) -> None:
    program.gitlab.maintenance_mode = True


def is_archived(program: Program) -> None:
    the_project(program).archived = True
    program.gitlab.fail(method="POST", status=403, body={"message": "403 Forbidden"}, times=None)


def somebody_has_the_key(program: Program) -> None:
    program.gitlab.users["flux-bot"].preferred_language = "de"
    assert program.run("--no-lease").code == 0
    project = the_project(program)
    [(known, _)] = program.gitlab.keys_of(project)
    program.gitlab.detach_key(project, known)
    program.gitlab.new_key(f"{known.key} somebody", "a personal key")


@pytest.mark.parametrize(
    ("state", "kind", "code", "error"),
    [
        (keys_must_be_longer, "deploy_key", "KeyTooShort", f"Secret/platform-flux-tenant-config/{NAME}-ssh"),
        (keys_must_be_of_another_type, "deploy_key", "KeyTypeForbidden", "type is forbidden. Must be"),
        (keys_must_expire, "deploy_key", "ExpiryRequired", "an expiration date is required"),
        (somebody_has_the_key, "deploy_key", "KeyTaken", "ist bereits vergeben"),
        (no_webhook_fits, "webhook", "LimitReached", "(0) exceeded"),
        (is_under_maintenance, "webhook", "MaintenanceMode", "read-only instance"),
        (is_archived, "webhook", "ProjectArchived", "403 Forbidden"),
    ],
)
def test_what_was_not_made_has_its_cause(
    program: Program, state: Callable[[Program], None], kind: str, code: str, error: str
) -> None:
    state(program)
    done = program.run("--no-lease")

    [change] = [change for change in done.report["changes"] if change["kind"] == kind]
    assert (change["status"], change["cause"]["code"]) == ("failed", code)
    assert error in change["error"]


def test_an_address_on_the_local_network_is_blocked(program: Program) -> None:
    program.gitlab.allow_local_requests = False
    done = program.run("--no-lease", SYNCER_RECEIVER_URL="http://10.1.2.3")

    [change] = [change for change in done.report["changes"] if change["kind"] == "webhook"]
    assert change["cause"]["code"] == "WebhookUrlBlocked"


def only_problem(done: Done) -> dict[str, Any]:
    [problem] = done.report["problems"]
    assert (done.code, done.writes) == (1, [])
    found: dict[str, Any] = problem
    return found


@pytest.mark.parametrize(
    ("reason", "code", "quoted"),
    [
        ("blocked", "AccountBlocked", "Your account has been blocked."),
        ("deactivated", "AccountBlocked", "deactivated by your administrator"),
        ("password_expired", "PasswordExpired", "Your password expired."),
        ("terms_not_accepted", "TermsNotAccepted", "must accept the Terms of Service"),
    ],
)
def test_a_denied_account_is_told_once_in_gitlabs_words(program: Program, reason: str, code: str, quoted: str) -> None:
    program.gitlab.users["flux-bot"].access_denied = reason
    problem = only_problem(program.run("--no-lease"))

    assert problem["cause"]["code"] == code
    assert quoted in str(problem["message"])


def test_a_fine_grained_token_goes_on_and_check_lists_what_it_needs(program: Program) -> None:
    program.gitlab.version = "19.2.0"
    needed = needed_permissions(writes=True)
    token = program.gitlab.add_token(program.gitlab.users["flux-bot"], permissions=frozenset(needed))
    findings = json.loads(program("check", "-o", "json", GITLAB_TOKEN=token).out)["findings"]
    [message] = [each["message"] for each in findings if each["check"] == "token"]

    assert all(name in message for name in needed)
    assert program.run("--no-lease", GITLAB_TOKEN=token).code == 0
    assert program.run("--no-lease", GITLAB_TOKEN=token).report["result"] == "in_sync"


@pytest.mark.parametrize("name", sorted(set(needed_permissions(writes=False)) - {"Metadata: Read"}))
def test_a_permission_that_is_missing_is_named(program: Program, name: str) -> None:
    program.gitlab.version = "19.2.0"
    permissions = frozenset(needed_permissions(writes=True)) - {name}
    token = program.gitlab.add_token(program.gitlab.users["flux-bot"], permissions=permissions)
    done = program.run("--no-lease", GITLAB_TOKEN=token)

    if name == "Personal Access Token: Read":
        # That is asked for the token's expiry only, and not every kind of token can tell.
        assert done.code == 0
        return
    [problem] = done.report["problems"]
    assert problem["cause"]["code"] == "PermissionMissing"
    assert f"[{name}]" in problem["message"]


@pytest.mark.parametrize(
    ("environment", "code"),
    [
        ({"SYNCER_GITLAB_URL": "http://127.0.0.1:9"}, "ConnectionRefused"),
        ({"SYNCER_GITLAB_URL": "https://127.0.0.1:9"}, "ConnectionRefused"),
        ({"HTTPS_PROXY": "http://127.0.0.1:9", "SYNCER_GITLAB_URL": "https://git.invalid"}, "ProxyFailed"),
    ],
)
def test_nobody_answers(program: Program, environment: dict[str, str], code: str) -> None:
    assert only_problem(program.run("--no-lease", **environment))["cause"]["code"] == code


def test_a_server_without_tls(program: Program) -> None:
    url = program.environment["SYNCER_GITLAB_URL"].replace("http:", "https:")

    assert only_problem(program.run("--no-lease", SYNCER_GITLAB_URL=url))["cause"]["code"] == "TlsFailed"


def test_a_project_that_is_mistyped_gets_the_nearest_name(program: Program) -> None:
    add_tenant(program.sandbox, "zebra")
    reconcile_flux(program.sandbox)
    program.gitlab.remove_project(program.project(f"{CLUSTER}/zebra"))
    program.gitlab.add_project(f"{program.project(f'{CLUSTER}/{NAME}').namespace.full_path}/zebras")
    problems = program.run("--no-lease", "--dry-run").report["problems"]

    assert any(
        f"Did you mean {program.project(f'{CLUSTER}/zebras').path_with_namespace}?" in p["message"] for p in problems
    )

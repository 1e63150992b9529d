"""run, check, trace and undo with real kubeconfigs: as whom they ask, and how they end where nobody is logged in."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.worlds.program import Done, Program, a_program

COMMANDS = {
    "run": ("run", "-o", "json"),
    "check": ("check", "-o", "json"),
    "trace": ("trace", "tenant-0001", "-o", "json"),
}
# What helps against a missing permission, and never against a missing login.
PERMISSION_ADVICE = ("service account", "Role", "--no-lease", "get,list", "add to the")


@pytest.fixture
def program() -> Iterator[Program]:
    with a_program(1, samples=False) as made:
        yield made


def a_kubeconfig(program: Program, folder: Path, user: dict[str, Any]) -> str:
    """The sandbox's kubeconfig with another user."""
    config = yaml.safe_load(Path(program.environment["KUBECONFIG"]).read_text())
    config["users"][0]["user"] = user
    (file := folder / "config").write_text(yaml.safe_dump(config))
    return str(file)


def a_plugin(code: str) -> dict[str, Any]:
    arguments = ["-c", f"import sys, time\n{code}"]
    return {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": sys.executable, "args": arguments}}


def messages_of(done: Done) -> list[str]:
    """Every message of the document on stdout."""
    document = json.loads(done.out)
    found = [document.get("error"), *(entry.get("message") for entry in document.get("problems", ()))]
    found += [finding["message"] for finding in document.get("findings", ())]
    return [message for message in found if message]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_request_impersonates_whom_the_kubeconfig_names(program: Program, tmp_path: Path, command: str) -> None:
    user = {"as": "system:serviceaccount:flux:syncer", "as-groups": ["system:serviceaccounts", "b"]}
    before = len(program.kubernetes.requests)

    done = program(*COMMANDS[command], KUBECONFIG=a_kubeconfig(program, tmp_path, user))

    requests = program.kubernetes.requests[before:]
    assert done.code in {0, 1}
    assert len(requests) > 3
    assert [request.impersonation for request in requests] == [
        {"impersonate-user": [user["as"]], "impersonate-group": user["as-groups"]}
    ] * len(requests)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("user", "outcome"),
    [
        (a_plugin("sys.exit('token has expired')"), ((), "failed (exit status 1, 'token has expired')")),
        (a_plugin("time.sleep(600)"), (("--timeout", "1s"), "did not end within 1 s")),
        (a_plugin("time.sleep(600)"), (("--deadline", "2s"), "was still running: the run's --deadline had passed")),
        (a_plugin("print('log in!', file=sys.stderr)"), ((), "printed nothing")),
        ({"exec": {"apiVersion": "v1", "command": "no-such-program"}}, ((), "no-such-program is not installed")),
        ({"tokenFile": "/missing"}, ((), "its token file /missing cannot be read")),
        ({}, ((), "it has no credentials; add them, or log in")),
    ],
    ids=["failing", "hanging", "late", "silent", "missing", "no file", "nobody"],
)
def test_a_login_that_comes_to_nothing_ends_the_command_with_its_own_sentence(
    program: Program, tmp_path: Path, command: str, user: dict[str, Any], outcome: tuple[tuple[str, ...], str]
) -> None:
    options, problem = outcome
    program.kubernetes.token = "somebody's"

    done = program(*COMMANDS[command], *options, KUBECONFIG=a_kubeconfig(program, tmp_path, user))

    assert done.code == 1
    [message] = [message for message in messages_of(done) if problem in message]
    assert message.startswith("Nobody is logged in at http://")
    assert not any(advice in text for advice in PERMISSION_ADVICE for text in (done.out, done.err))
    # Nothing but our own log is on stderr.
    assert all("msg" in json.loads(line) for line in done.err.splitlines())
    assert done.writes == []


def test_a_missing_permission_of_the_anonymous_user_is_a_missing_login(program: Program, tmp_path: Path) -> None:
    program.kubernetes.user = "system:anonymous"
    program.kubernetes.deny(verb="*", resource="*")

    done = program.run(KUBECONFIG=a_kubeconfig(program, tmp_path, {}))

    assert done.code == 1
    assert "Nobody is logged in" in done.report["problems"][0]["message"]
    assert "403 Forbidden" in done.report["problems"][0]["message"]

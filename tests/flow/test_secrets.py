"""No secret is shown: not in a report, not in a log at any level, not by a library, whatever goes wrong."""

from __future__ import annotations

import itertools
import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cronjob.sandbox.samples import CLUSTER, RECEIVER_URL, add_secret, reconcile_flux
from tests.worlds.hurry import in_a_hurry
from tests.worlds.program import Program, a_program
from tests.worlds.secrets_shown import secrets_of, shown

FORMATS = ("text", "json", "yaml")
IN_FILES = (*FORMATS, "markdown", "html", "csv")
# Each is taken for a whole run.
TROUBLE: dict[str, dict[str, Any]] = {
    "nothing": {},
    "refused": {"method": "POST", "status": 400},
    "forbidden": {"path": "/(deploy_keys|hooks)", "status": 403},
    "not json": {"path": "/hooks", "status": 200},
    "down": {"method": "DELETE", "status": 502},
    "dropped": {"method": "POST", "drop": True},
}


@pytest.fixture
def program() -> Iterator[Program]:
    with a_program(3) as ready, in_a_hurry():
        for project in ready.gitlab.projects.values():
            project.runners_token = f"glrt-runner-of-{project.id}-hush"
            project.import_url = f"https://import:a-hushed-password-{project.id}@elsewhere.example/x.git"
        yield ready


@pytest.fixture
def everything_logged() -> Iterator[list[str]]:
    """The records of every logger in the process, at every level, as text."""
    records: list[str] = []

    class RecordingHandler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            records.append(f"{self.format(record)} {record.__dict__}")

    root, handler = logging.getLogger(), RecordingHandler(logging.NOTSET)
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield records
    root.removeHandler(handler)
    root.setLevel(level)


def echo(program: Program) -> str:
    """Everything that nobody may see, in one text, as a broken server might send it back."""
    return " ".join([*secrets_of(program.sandbox), RECEIVER_URL + "/hook/" + "ab" * 32])


def test_the_search_finds_what_it_looks_for(program: Program) -> None:
    program.run()
    secrets = secrets_of(program.sandbox)

    assert len(secrets) > 30
    for secret in secrets:
        assert shown(secrets, f"x{secret}y") == [secret]
    answers = json.dumps([hook.url for hook in program.gitlab.hooks_of(program.project(f"{CLUSTER}/tenant-0001"))])
    assert shown(secrets, answers)


@pytest.mark.parametrize("log_format", ["json", "text"])
@pytest.mark.parametrize("trouble", TROUBLE)
def test_no_output_shows_a_secret(
    program: Program, everything_logged: list[str], tmp_path: Path, trouble: str, log_format: str
) -> None:
    options = [f"--report={form}={tmp_path / form}" for form in IN_FILES]
    options += ["--show-foreign", "--log-level=debug", "--max-prune=100%", f"--log-format={log_format}"]
    texts: list[str] = []

    for mode, form in itertools.product(([], ["--dry-run"]), FORMATS):
        if TROUBLE[trouble]:
            # Only our own token and the one just sent can be known to be secret; those must be cut.
            program.gitlab.fail(**TROUBLE[trouble], body=f"{program.sandbox.token} and more", times=None)
        done = program("run", "-o", form, *mode, *options)
        texts += [done.out, done.err, *(path.read_text() for path in tmp_path.iterdir())]
        program.gitlab.faults.planned.clear()
        add_secret(program.sandbox, "tenant-0001-webhook", {"token": f"another-token-{len(texts)}"})
        reconcile_flux(program.sandbox)
    texts += everything_logged

    assert shown(secrets_of(program.sandbox), *texts) == []
    assert any("flux-gitlab-syncer" in text for text in texts)


@pytest.mark.parametrize("kind", ["hooks", "deploy_keys"])
def test_a_refusal_that_repeats_what_was_sent_shows_neither_token(program: Program, kind: str) -> None:
    tokens = [hook for hook in secrets_of(program.sandbox) if "-" not in hook]
    program.gitlab.fail(method="POST", path=kind, status=400, body=" ".join([program.sandbox.token, *tokens]), times=1)

    done = program.run()

    [failed] = [change for change in done.report["changes"] if change["status"] == "failed"]
    assert "GitLab answered 400" in failed["error"]
    assert program.sandbox.token not in done.out + done.err


def test_an_api_server_that_sends_a_secret_with_its_refusal_shows_none(
    program: Program, everything_logged: list[str]
) -> None:
    body = {"kind": "Status", "message": echo(program), "reason": echo(program), "code": 500}
    program.kubernetes.fail(path="/secrets/", status=500, body=body, times=None)
    program.kubernetes.fail(path="/gitrepositories", status=403, body=body, times=None)

    done = program.run("--log-level=debug")

    assert done.code == 1
    assert shown(secrets_of(program.sandbox), done.out, done.err, *everything_logged) == []


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_a_report_that_is_new_is_for_its_owner_alone(program: Program, tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        program("run", "-o", "none", "--report", f"json={tmp_path}/new.json")
    finally:
        os.umask(before)

    assert (tmp_path / "new.json").stat().st_mode & 0o777 == 0o600


def test_one_that_was_there_keeps_the_rights_that_it_was_given(program: Program, tmp_path: Path) -> None:
    file = tmp_path / "old.json"
    file.write_text("x" * 100_000)
    file.chmod(0o640)

    program("run", "-o", "none", "--report", f"json={file}")

    assert file.stat().st_mode & 0o777 == 0o640
    assert json.loads(file.read_text())["result"] == "applied"

"""The reports that are made for people, from whole runs."""

from __future__ import annotations

import csv
import importlib.util
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from cronjob.sandbox.samples import CLUSTER
from tests.worlds.builders import a_public_key
from tests.worlds.program import Program, a_program


@pytest.fixture
def program() -> Iterator[Program]:
    with a_program(2, samples=False) as ready:
        yield ready


def inventory(text: str) -> list[dict[str, str]]:
    """The rows of a CSV report."""
    return list(csv.DictReader(io.StringIO(text), strict=True))


# csv


def test_a_run_writes_one_row_for_each_item_of_the_group_foreign_ones_included(
    program: Program, tmp_path: Path
) -> None:
    program.run()
    program.gitlab.add_deploy_key(program.project(f"{CLUSTER}/tenant-0001"), a_public_key(77).text, title="by hand")
    done = program("run", "--dry-run", "-o", "csv", "--report", f"csv={tmp_path}/inventory.csv")

    rows = inventory(done.out)
    assert done.code == 0
    assert (tmp_path / "inventory.csv").read_text() == done.out
    assert [(row["project"].rpartition("/")[2], row["kind"], row["plan"]) for row in rows] == [
        ("tenant-0001", "deploy_key", "unchanged"),
        ("tenant-0001", "deploy_key", "foreign"),
        ("tenant-0001", "webhook", "unchanged"),
        ("tenant-0002", "deploy_key", "unchanged"),
        ("tenant-0002", "webhook", "unchanged"),
    ]


def test_what_was_just_made_has_its_id_and_how_it_went(program: Program) -> None:
    rows = inventory(program("run", "-o", "csv").out)
    assert {(row["plan"], row["status"]) for row in rows} == {("create", "applied")}
    assert all(row["id"] for row in rows)


def test_csv_shows_what_is_foreign_in_the_other_formats_too_and_json_alone_does_not(
    program: Program, tmp_path: Path
) -> None:
    assert "foreign" in program.run("--dry-run", "--report", f"csv={tmp_path}/x.csv").report
    assert "foreign" not in program.run("--dry-run").report


# html


@pytest.fixture
def without_jinja(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the extra is not installed."""
    find = importlib.util.find_spec

    def blind(name: str, package: str | None = None) -> ModuleSpec | None:
        return None if name == "jinja2" else find(name, package)

    monkeypatch.setattr("cronjob.commands.publish.find_spec", blind)


def test_a_run_writes_the_page_to_stdout_and_to_a_file(program: Program, tmp_path: Path) -> None:
    done = program("run", "--dry-run", "-o", "html", "--report", f"html={tmp_path}/report.html")
    assert done.code == 0
    assert done.out == (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "4 to create" in done.out
    assert 'aria-label="deploy keys: 0 ours before, 2 create, 0 update, 0 delete, 0 kept, 0 not ours"' in done.out


@pytest.mark.usefixtures("without_jinja")
@pytest.mark.parametrize("arguments", [("-o", "html"), ("-o", "json", "--report", "html=/dev/null")])
def test_without_the_extra_nothing_is_read_and_the_command_that_installs_it_is_named(
    program: Program, arguments: tuple[str, ...]
) -> None:
    for command in ("run", "retire"):
        done = program(command, *arguments)
        assert (done.code, done.out, done.requests) == (2, "", [])
        assert "needs the package jinja2: `pip install jinja2` installs it" in done.err


@pytest.mark.usefixtures("without_jinja")
def test_without_the_extra_every_other_format_is_there(program: Program, tmp_path: Path) -> None:
    done = program("run", "--dry-run", "-o", "markdown", "--report", f"csv={tmp_path}/x.csv")
    assert (done.code, bool(done.out)) == (0, True)


# the exit code and its reason


def test_the_document_and_the_text_say_which_exit_code_and_why(program: Program, tmp_path: Path) -> None:
    program.gitlab.fail(path="/deploy_keys", status=403, times=None)
    done = program("run", "--report", f"json={tmp_path}/report.json")
    document = json.loads((tmp_path / "report.json").read_text())

    assert document["exit"] == {"code": done.code, "why": "no project could be read"}
    assert done.out.splitlines()[-1] == f"exit 1: {document['exit']['why']}"
    assert (document["result"], document["summary"]["errors"]) == ("failed", 1)


def closed_streams(program: Program, redirect: str) -> subprocess.CompletedProcess[str]:
    """A dry run in a shell that closes streams."""
    command = f"exec {sys.executable} -m cronjob run --dry-run --drift-exit-code 3 {redirect}"
    return subprocess.run(
        ["/bin/sh", "-c", command], env=program.environment, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize("redirect", [">&-", "2>&-", ">&- 2>&-"])
def test_a_closed_stdout_or_stderr_changes_neither_the_exit_code_nor_adds_a_traceback(
    program: Program, redirect: str
) -> None:
    done = closed_streams(program, redirect)
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
    assert ("exit 3: " in done.stdout) is (redirect == "2>&-")

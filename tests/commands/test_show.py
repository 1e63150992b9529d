"""`show` prints a saved report in any format, whole, without settings or servers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cronjob.cli import program
from cronjob.settings.values import REPORT_FORMATS
from tests.worlds.report_samples import a_document, a_report

PROJECTS = [f"tenants/shop-{number:02}" for number in range(40)]


def saved(tmp_path: Path, **more: Any) -> Path:
    """A report with 40 changes for one reason, more than other outputs list."""
    document = a_document(a_report())
    change = document["changes"][0]
    document["changes"] = [{**change, "project": project, "reason": "missing"} for project in PROJECTS]
    path = tmp_path / "report.json"
    path.write_text(json.dumps({**document, **more}))
    return path


def show(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(program, ["show", *arguments], input=stdin, catch_exceptions=False)


@pytest.mark.parametrize("output", REPORT_FORMATS)
def test_every_format_shows_every_change(tmp_path: Path, output: str) -> None:
    shown = show(str(saved(tmp_path)), "-o", output)
    assert shown.exit_code == 0
    assert [project for project in PROJECTS if project not in shown.stdout] == []
    assert "more; the JSON report lists all" not in shown.stdout


def test_a_report_comes_from_standard_input_too(tmp_path: Path) -> None:
    text = saved(tmp_path).read_text()
    assert show("-", "-o", "json", stdin=text).stdout == json.dumps(json.loads(text), indent=2) + "\n"


def test_a_glob_chooses_projects_and_leaves_the_counts(tmp_path: Path) -> None:
    path = saved(tmp_path)
    chosen = json.loads(show(str(path), "-o", "json", "--project", "tenants/shop-0*").stdout)
    assert [change["project"] for change in chosen["changes"]] == PROJECTS[:10]
    assert chosen["summary"] == json.loads(path.read_text())["summary"]


def test_what_a_failed_change_needs_is_shown(tmp_path: Path) -> None:
    cause = {"code": "RoleMissing", "next": "Make the bot account a Maintainer there."}
    path = saved(tmp_path)
    document = json.loads(path.read_text())
    document["changes"] = [{**document["changes"][0], "status": "failed", "error": "403 Forbidden", "cause": cause}]
    path.write_text(json.dumps(document))
    for output in ("text", "markdown", "html", "csv"):
        shown = show(str(path), "-o", output).stdout
        assert "403 Forbidden" in shown
        assert "Make the bot account a Maintainer there." in shown


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("no json", "is not JSON"),
        ("[]", "not a report with the schema"),
        ('{"schema": "flux-gitlab-syncer/report/v1"}', "edited"),
    ],
)
def test_what_is_no_report_is_refused_in_one_sentence(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "report.json"
    path.write_text(text)
    refused = show(str(path))
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert says in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    refused = show(str(tmp_path / "none.json"))
    assert refused.exit_code == 2
    assert "cannot be read (No such file or directory)" in refused.stderr

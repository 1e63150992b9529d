"""A receiver's digest, which may be its only secret, is cut wherever a text of GitLab or Kubernetes is shown."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cronjob.sandbox.samples import CLUSTER, MARK, NAMESPACE, RECEIVER_URL
from tests.worlds.program import Program, a_program

DIGEST = "5eed0123" + "fa11ed" * 9 + "00"
SPELLINGS = (f"{RECEIVER_URL}/hook/{DIGEST}", f"hook/{DIGEST}", DIGEST, f"%2Fhook%2F{DIGEST}")
FORMATS = ("text", "json", "yaml", "markdown", "html", "csv")
FIRST, SECOND = f"{CLUSTER}/tenant-0001", f"{CLUSTER}/tenant-0002"


@pytest.fixture(params=SPELLINGS)
def program(request: pytest.FixtureRequest) -> Iterator[Program]:
    """A group in which every text that somebody can write holds the digest, with something of every kind to do."""
    with a_program(3, samples=False) as ready:
        text = f"see {request.param} there"
        assert ready.run().code == 0
        gitlab, project = ready.gitlab, ready.project(FIRST)
        [hook] = gitlab.hooks_of(project)
        hook.push_events_branch_filter = text
        hook.description = f"{MARK}tenant-0001 {text}"
        [(key, _)] = gitlab.keys_of(project)
        key.title = text
        other = ready.project(SECOND)
        gitlab.add_hook(other, f"https://ci.example.org/{request.param}", description=text)
        gitlab.add_hook(other, RECEIVER_URL + f"/hook/{DIGEST}", description=f"{MARK}gone", push_events=True)
        ready.tenants_leave(range(3, 4))
        for kind in ("GitRepository", "Receiver"):
            item = ready.kubernetes.get(kind, NAMESPACE, "tenant-0002")
            assert item is not None
            item["status"]["conditions"] = [{"type": "Ready", "status": "False", "reason": "Failed", "message": text}]
            ready.kubernetes.apply(item)
        gitlab.fail(path="/hooks", method="PUT", status=422, body={"message": text}, times=None)
        gitlab.fail(path="/deploy_keys", method="DELETE", status=400, body={"message": text}, times=None)
        yield ready


def files(folder: Path) -> list[str]:
    return [word for form in FORMATS for word in ("--report", f"{form}={folder / form}")]


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_no_format_of_a_run_shows_it(program: Program, tmp_path: Path, log_format: str) -> None:
    options = ["--show-foreign", "--adopt", "--events", *files(tmp_path)]
    done = program("run", "-o", "none", *options, SYNCER_LOG_FORMAT=log_format, SYNCER_LOG_LEVEL="debug")

    assert done.code == 1
    events = json.dumps(program.kubernetes.list("Event"))
    for text in (done.out, done.err, events, *((tmp_path / form).read_text() for form in FORMATS)):
        assert DIGEST not in text
        assert DIGEST[8:] not in text
    # It is cut and not left out: the first eight characters tell which one it is.
    for form in FORMATS:
        assert DIGEST[:8] in (tmp_path / form).read_text()


@pytest.mark.parametrize("form", FORMATS)
def test_a_report_of_an_older_version_is_cut_when_it_is_shown(program: Program, tmp_path: Path, form: str) -> None:
    document = program.run("--dry-run").report
    for change in document["changes"]:
        change["reason"] = change["error"] = f"at /hook/{DIGEST}"
    (tmp_path / "old.json").write_text(json.dumps(document))

    done = program("show", str(tmp_path / "old.json"), "-o", form)

    assert done.code == 0
    assert DIGEST[:8] in done.out
    assert DIGEST[8:] not in done.out


@pytest.mark.parametrize("command", [["check"], ["trace", "tenant-0001"], ["trace", "tenant-0002"], ["trace", DIGEST]])
@pytest.mark.parametrize("output", ["text", "json", "yaml"])
def test_neither_check_nor_trace_shows_it(program: Program, command: list[str], output: str) -> None:
    done = program(*command, "-o", output)

    assert DIGEST[8:] not in done.out + done.err

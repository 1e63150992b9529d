"""The command line: what each command says, exits with, and never imports."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from cronjob.commands import publish
from cronjob.sandbox.samples import CLUSTER, add_tenant, reconcile_flux
from tests.worlds.program import VALIDATOR, Program, a_program


@pytest.fixture
def program() -> Iterator[Program]:
    with a_program(2, samples=False) as ready:
        yield ready


def started(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The program in a process of its own, with nothing in its environment."""
    command = [sys.executable, "-m", "cronjob", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["--version"], ["run", "--help"], ["retire", "--help"], ["undo", "--help"], ["run", "--nope"]],
)
def test_help_and_usage_errors_import_neither_client(arguments: list[str]) -> None:
    code = (
        "import sys\n"
        "from cronjob.cli import program\n"
        f"try: program({arguments!r}, prog_name='x')\n"
        "except SystemExit: pass\n"
        "heavy = {'kubernetes', 'requests', 'aiohttp', 'cryptography', 'yaml', 'reconcile', 'logging'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.splitlines()[-1] == "[]"


def test_a_run_imports_both_clients_and_nothing_heavy_that_it_does_not_need() -> None:
    code = (
        "import sys, cronjob.commands.job\n"
        "heavy = {'kubernetes.client.api.core_v1_api', 'prometheus_client', 'aiohttp.web', 'cryptography.x509',\n"
        "    'jinja2', 'cronjob.cli', 'cronjob.settings.help_pages', 'cronjob.output.metrics',\n"
        "    'cronjob.output.progress_bar', 'cronjob.commands.sandbox_story',\n"
        "    'cronjob.commands.undo_report', 'cronjob.commands.check', 'cronjob.sandbox', 'cronjob.commands.trace',\n"
        "    'cronjob.output.render.html', 'cronjob.output.render.markdown',\n"
        "    'reconcile.undo.restore', 'reconcile.undo.undo', 'tenacity', 'html'}\n"
        "print({'kubernetes', 'requests'} <= set(sys.modules), sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "[]"]


def test_missing_settings_are_all_named_at_once_and_end_with_2() -> None:
    done = started("run")

    assert done.returncode == 2
    assert done.stdout == ""
    for name in ("--gitlab-url", "--group", "--cluster", "GITLAB_TOKEN"):
        assert name in done.stderr
    assert "Traceback" not in done.stderr


def test_a_misspelt_variable_is_refused_with_the_nearest_name(program: Program) -> None:
    done = program("run", SYNCER_DRYRUN="true")

    assert done.code == 2
    assert "SYNCER_DRY_RUN" in done.err
    assert done.requests == []


def test_an_empty_switch_is_refused_rather_than_read_as_off(program: Program) -> None:
    done = started("run", **{**program.environment, "SYNCER_DRY_RUN": ""})

    assert done.returncode == 2
    assert "SYNCER_DRY_RUN" in done.stderr


def test_print_config_shows_sources_and_no_secret_and_does_nothing(program: Program) -> None:
    done = program("run", "--print-config", "--concurrency", "4")

    assert done.code == 0
    assert "concurrency: 4  # flag" in done.out
    assert "SYNCER_CLUSTER" in done.out
    assert program.sandbox.token not in done.out
    assert done.requests == []


def test_print_config_of_incomplete_settings_shows_them_and_complains() -> None:
    done = started("run", "--print-config", "--concurrency", "4")

    assert done.returncode == 2
    assert "concurrency: 4" in done.stdout
    assert "--cluster" in done.stderr


def test_a_run_without_problems_ends_with_0_twice(program: Program) -> None:
    assert [program.run().code, program.run().code] == [0, 0]


def test_a_dry_run_ends_with_the_drift_exit_code_only_when_there_is_drift(program: Program) -> None:
    assert program.run("--dry-run", "--drift-exit-code", "7").code == 7
    program.run()
    assert program.run("--dry-run", "--drift-exit-code", "7").code == 0


def test_an_error_comes_before_drift(program: Program) -> None:
    program.kubernetes.delete("Secret", "platform-flux-tenant-config", "tenant-0001-ssh")
    assert program.run("--dry-run", "--drift-exit-code", "7").code == 1
    assert program.run("--dry-run", "--drift-exit-code", "7", "--fail-on", "never").code == 7


def test_an_unreadable_project_ends_with_1_even_with_fail_on_never(program: Program) -> None:
    program.gitlab.fail(path="/deploy_keys", status=403, body='{"message": "403 Forbidden"}', times=None)
    done = program.run("--fail-on", "never")

    assert done.code == 1
    assert done.writes == []
    [problem] = done.report["problems"]
    assert problem["code"] == "ProjectUnreadable"


def test_a_list_that_kubernetes_refuses_ends_the_run_before_any_write(program: Program) -> None:
    program.kubernetes.deny(verb="list", resource="receivers")
    done = program.run()

    assert done.code == 1
    assert done.writes == []
    assert done.report["result"] == "failed"
    [problem] = done.report["problems"]
    assert (
        "list receivers.notification.toolkit.fluxcd.io in namespace platform-flux-tenant-config" in problem["message"]
    )


def test_a_refused_token_ends_the_run_before_any_write(program: Program) -> None:
    done = program.run(GITLAB_TOKEN="glpat-wrong")

    assert (done.code, done.writes) == (1, [])
    assert [problem["code"] for problem in done.report["problems"]] == ["TokenRefused"]
    assert "glpat-wrong" not in done.out + done.err


def test_gitlab_user_refuses_writes_with_somebody_elses_token_but_not_a_dry_run(
    program: Program, tmp_path: Path
) -> None:
    config = tmp_path / "settings.yaml"
    config.write_text("gitlab_user: somebody-else\n")

    refused = program.run("--config", str(config))
    assert (refused.code, refused.writes) == (2, [])
    assert "somebody-else" in refused.err
    assert program.run("--config", str(config), "--dry-run").code == 0


def test_a_canary_changes_only_its_projects(program: Program) -> None:
    done = program.run("--project", "**/tenant-0001")

    assert len(program.titles(f"{CLUSTER}/tenant-0001")) == 1
    assert program.titles(f"{CLUSTER}/tenant-0002") == []
    assert done.report["summary"]["projects"] == 1


def test_reports_go_to_files_as_well(program: Program, tmp_path: Path) -> None:
    program(
        "run",
        "-o",
        "none",
        "--report",
        f"json={tmp_path}/a.json",
        "--report",
        f"yaml={tmp_path}/a.yaml",
        "--report",
        f"text={tmp_path}/a.txt",
    )

    document = json.loads((tmp_path / "a.json").read_text())
    VALIDATOR.validate(document)
    assert yaml.safe_load((tmp_path / "a.yaml").read_text()) == document
    assert "Applied: 4 created" in (tmp_path / "a.txt").read_text()


def test_output_none_prints_nothing(program: Program) -> None:
    done = program("run", "-o", "none")
    assert (done.code, done.out) == (0, "")


def test_the_log_has_a_line_for_each_change_and_the_summary_last(program: Program) -> None:
    lines = [json.loads(line) for line in program.run().err.splitlines()]

    assert [line["action"] for line in lines[:-1]] == ["create"] * 4
    assert {"ts", "level", "msg", "run_id", "cluster", "project", "kind", "source", "duration_seconds"} <= set(lines[0])
    assert lines[-1]["msg"].startswith("Applied: 4 created")


def test_the_next_command_repeats_the_flags_that_were_given(program: Program) -> None:
    text = program("run", "--dry-run", "--project", "**/tenant-0001").out
    assert "Next: flux-gitlab-syncer run --project '**/tenant-0001' --expect-plan " in text


def test_after_a_key_was_added_the_report_says_how_to_hurry_flux(program: Program) -> None:
    assert "Next: flux reconcile source git tenant-0001 -n platform-flux-tenant-config" in program("run").out


def test_a_token_file_is_read_and_stripped(program: Program, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"\n{program.sandbox.token}\n")
    assert program.run("--gitlab-token-file", str(file), GITLAB_TOKEN="").code == 0


def test_adopt_marks_what_a_person_had_put_there(program: Program) -> None:
    program.run()
    [(key, _)] = program.gitlab.keys_of(program.project(f"{CLUSTER}/tenant-0001"))
    [hook] = program.gitlab.hooks_of(program.project(f"{CLUSTER}/tenant-0001"))
    key.title, hook.description, hook.token = "made by hand", None, "wrong"

    done = program.run("--adopt")

    assert sorted(change["action"] for change in done.report["changes"]) == ["update", "update"]
    assert program.titles(f"{CLUSTER}/tenant-0001") == [
        f"flux-gitlab-syncer {CLUSTER} platform-flux-tenant-config/tenant-0001-ssh"
    ]
    assert hook.token != "wrong"
    assert program.run().report["result"] == "in_sync"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 143)])
def test_a_signal_ends_the_run_with_a_true_report(program: Program, number: signal.Signals, code: int) -> None:
    for name in range(30):
        add_tenant(program.sandbox, f"more-{name}")
    reconcile_flux(program.sandbox)
    program.gitlab.latency = 0.05
    command = [sys.executable, "-m", "cronjob", "run", "-o", "json", "--concurrency", "2"]
    process = subprocess.Popen(
        command,
        env={**program.environment, "PATH": os.defpath},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not program.gitlab.writes:
        time.sleep(0.01)
    process.send_signal(number)
    out, err = process.communicate(timeout=30)

    assert process.returncode == code, err
    document = json.loads(out)
    VALIDATOR.validate(document)
    statuses = [change["status"] for change in document["changes"]]
    assert set(statuses) == {"applied", "not_reached"}
    assert statuses.count("applied") == len(program.gitlab.writes)
    program.gitlab.latency = 0
    assert program.run().report["result"] == "applied"
    assert program.run().report["result"] == "in_sync"


def test_a_hang_up_that_is_ignored_stays_ignored(program: Program) -> None:
    program.gitlab.latency = 0.2
    command = ["nohup", sys.executable, "-m", "cronjob", "run", "-o", "json"]
    environment = {**program.environment, "PATH": os.environ["PATH"]}
    process = subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    while not program.gitlab.requests:
        time.sleep(0.01)
    process.send_signal(signal.SIGHUP)

    out, err = process.communicate(timeout=60)
    assert (process.returncode, json.loads(out)["result"]) == (0, "applied"), err


def test_a_second_interrupt_ends_the_process_at_once(program: Program) -> None:
    program.gitlab.latency = 5
    command = [sys.executable, "-m", "cronjob", "run"]
    environment = {**program.environment, "PATH": os.defpath}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while not program.gitlab.requests:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)

    out, _ = process.communicate(timeout=4)
    assert (process.returncode, out) == (130, b"")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_while_kubernetes_is_read_ends_the_run_before_gitlab_is_asked(
    program: Program, number: signal.Signals, code: int
) -> None:
    program.kubernetes.latency = 0.5
    command = [sys.executable, "-m", "cronjob", "run", "-o", "json"]
    environment = {**program.environment, "PATH": os.defpath}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while not program.kubernetes.requests:
        time.sleep(0.01)
    process.send_signal(number)

    out, _ = process.communicate(timeout=20)
    document = json.loads(out)
    assert (process.returncode, document["result"], document["changes"]) == (code, "failed", [])
    assert [problem["code"] for problem in document["problems"]] == ["Stopped"]
    assert program.gitlab.requests == []
    program.kubernetes.latency = 0
    assert program.run("--lease-wait", "0s").report["result"] == "applied"


def test_a_reader_that_has_gone_does_not_cost_the_report_files(program: Program, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "cronjob", "run", "--report", f"json={tmp_path}/report.json"]
    environment = {**program.environment, "PATH": os.defpath}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert "Traceback" not in process.stderr.read()
    process.stderr.close()
    process.wait(timeout=30)

    VALIDATOR.validate(json.loads((tmp_path / "report.json").read_text()))


def test_a_locale_without_the_ellipsis_still_gets_the_report(program: Program) -> None:
    done = started("run", "--dry-run", **program.environment, PYTHONIOENCODING="latin-1")

    assert done.returncode == 0
    assert "\\u2026" in done.stdout


def test_a_report_that_cannot_be_written_is_said_and_ends_with_1(program: Program, tmp_path: Path) -> None:
    (tmp_path / "full").symlink_to("/dev/full")
    done = program("run", "--report", f"text={tmp_path}/full")

    assert done.code == 1
    assert "could not be written to" in done.err
    assert "Applied: 4 created" in done.out


def test_a_dry_run_logs_what_it_would_do_and_a_refused_one_what_it_did_not(program: Program) -> None:
    planned = [json.loads(line) for line in program.run("--dry-run").err.splitlines()]
    assert [line["msg"].split(":")[0] for line in planned[:-1]] == ["create planned"] * 4
    assert {"project", "kind", "action", "source"} <= set(planned[0])

    program.run()
    program.tenants_leave(range(1, 3))
    refused = [json.loads(line) for line in program.run().err.splitlines()]
    assert [line["msg"].split(":")[0] for line in refused[:-1]] == ["delete refused"] * 4


def test_on_a_terminal_the_log_leaves_that_to_the_report(program: Program) -> None:
    assert program("run", "--dry-run", "--log-format", "text").err.count("\n") == 1


def test_the_termination_message_is_the_summary(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = tmp_path / "termination-log"
    message.touch()
    monkeypatch.setattr(publish, "TERMINATION_LOG", message)

    assert program.run().code == 0
    assert message.read_text() == "Applied: 4 created, 0 updated, 0 deleted, 0 unchanged, 0 problems."


def test_a_termination_message_that_cannot_be_written_costs_nothing(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publish, "TERMINATION_LOG", tmp_path)

    done = program.run()
    assert (done.code, done.report["result"]) == (0, "applied")


def test_a_report_has_the_ids_of_what_was_created(program: Program) -> None:
    changes = program.run().report["changes"]
    ids = {(change["project_id"], change.get("key", change.get("webhook"))["id"]) for change in changes}

    there = set()
    for number in (1, 2):
        project = program.project(f"{CLUSTER}/tenant-000{number}")
        there |= {(project.id, key.id) for key, _ in program.gitlab.keys_of(project)}
        there |= {(project.id, hook.id) for hook in program.gitlab.hooks_of(project)}
    assert ids == there


def test_a_renamed_ssh_host_removes_nothing(program: Program) -> None:
    program.run()
    program.gitlab.ssh_host = "git.new.example"

    done = program.run()
    assert (done.code, done.writes) == (1, [])
    assert {problem["code"] for problem in done.report["problems"]} == {"UrlUnusable"}


def test_a_garbled_deploy_key_removes_nothing(program: Program) -> None:
    program.run()
    project = program.project(f"{CLUSTER}/tenant-0001")
    [(key, _)] = program.gitlab.keys_of(project)
    garbled = [{"id": key.id, "title": key.title, "key": "ssh-ed25519", "can_push": False}]
    program.gitlab.fail(method="GET", path=rf"/projects/{project.id}/deploy_keys$", status=200, body=garbled)

    done = program.run()
    assert (done.code, done.writes) == (1, [])
    assert [problem["code"] for problem in done.report["problems"]] == ["ProjectUnreadable"]


@pytest.mark.parametrize("flag", ["--token", "--gitlab-token=x", "--private-token"])
def test_a_token_as_a_flag_is_refused_with_where_to_put_it(flag: str) -> None:
    done = started("run", flag)
    assert done.returncode == 2
    assert "use --gitlab-token-file or GITLAB_TOKEN" in done.stderr
    assert "refresh-tokens" not in done.stderr


@pytest.mark.parametrize("command", ["check", "trace"])
def test_commands_that_print_findings_offer_and_take_no_other_formats(command: str, program: Program) -> None:
    assert "text|json|yaml|none" in started(command, "--help").stdout
    arguments = (command, *(["shop"] if command == "trace" else []), "-o", "html")
    done = program(*arguments)
    assert (done.code, done.requests) == (2, [])
    assert "prints text, json, yaml or none only" in done.err
    assert "jinja2" not in done.err

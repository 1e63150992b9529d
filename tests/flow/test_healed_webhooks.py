"""`--heal-webhooks` from the command line: what GitLab switched off is brought back by its own test push."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cronjob.sandbox.fake_gitlab.records import Hook
from cronjob.sandbox.samples import CLUSTER
from tests.worlds.program import Program, a_program

TENANT = f"{CLUSTER}/tenant-0001"


@pytest.fixture
def program() -> Iterator[Program]:
    """Two tenants in sync; the first one's webhook is switched off."""
    with a_program(2, samples=False) as ready:
        ready.run()
        ready.gitlab.disable_hook(hook_of(ready))
        yield ready


def hook_of(program: Program) -> Hook:
    [hook] = program.gitlab.hooks_of(program.project(TENANT))
    return hook


def test_it_is_brought_back_and_reported_as_an_update(program: Program) -> None:
    done = program.run("--heal-webhooks")

    [change] = done.report["changes"]
    assert (change["action"], change["status"]) == ("update", "applied")
    assert change["fields"] == {"alert_status": ["disabled", "executable"]}
    assert (done.code, done.report["problems"], hook_of(program).alert_status) == (0, [], "executable")
    assert program.run("--heal-webhooks").report["result"] == "in_sync"


def test_a_dry_run_says_which_it_would_heal_and_sends_nothing(program: Program) -> None:
    done = program.run("--heal-webhooks", "--dry-run")

    assert [change["fields"] for change in done.report["changes"]] == [{"alert_status": ["disabled", "executable"]}]
    assert (done.writes, hook_of(program).alert_status) == ([], "disabled")


def test_without_the_option_it_is_a_warning_that_names_it(program: Program) -> None:
    done = program.run()

    [problem] = done.report["problems"]
    assert (problem["code"], "--heal-webhooks" in problem["message"]) == ("WebhookDisabled", True)
    assert (done.code, done.writes) == (0, [])


def test_where_flux_refuses_it_the_answer_is_in_the_report(program: Program) -> None:
    program.gitlab.receiver = lambda _hook, _trigger: 404

    done = program.run(SYNCER_HEAL_WEBHOOKS="true")

    [change] = done.report["changes"]
    assert (change["status"], done.code) == ("failed", 1)
    assert change["error"] == "the test push did not work: GitLab answered 422 404"
    assert hook_of(program).alert_status == "disabled"

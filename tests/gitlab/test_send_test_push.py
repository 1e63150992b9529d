"""Bringing back webhooks that GitLab has switched off, by its test push."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cronjob.concurrency.stop import StopControl
from cronjob.sandbox.fake_gitlab.records import Hook
from cronjob.sandbox.fake_gitlab.records import Project as TheirProject
from cronjob.transport.rate_limit import Allowance
from reconcile.errors import WriteFailed
from reconcile.events import DEFAULT_FLAGS
from reconcile.plan.changes import Update
from tests.worlds.builders import a_mark, a_url, a_wanted_webhook, some_flags
from tests.worlds.gitlab_builders import GitLab, a_gitlab, ours
from tests.worlds.hurry import in_a_hurry

pytest_plugins = ["tests.worlds.gitlab_fixtures"]


@pytest.fixture
def hurried() -> Iterator[None]:
    with in_a_hurry():
        yield


def switched_off(gitlab: GitLab, project: TheirProject, number: int = 1) -> Hook:
    """A webhook of ours that is right, and that GitLab has switched off."""
    hook = gitlab.world.add_hook(
        project,
        a_url(number),
        token=f"token-{number}",
        description=str(a_mark()),
        **some_flags(*DEFAULT_FLAGS),
    )
    gitlab.world.disable_hook(hook)
    return hook


def healing(gitlab: GitLab, project: TheirProject, **fields: Any) -> tuple[Callable[[Update], int], list[Update]]:
    """What writes a change, and a healing for each webhook of the project."""
    group, actual = gitlab.ready(**fields)
    items = next(items for items in actual.projects if items.project.id == project.id)
    wanted = a_wanted_webhook(project=ours(project))
    return group.write, [
        Update(found, wanted, {"alert_status": (found.alert_status, "executable")}, "off") for found in items.webhooks
    ]


def failure(write: Callable[[Update], int], change: Update) -> str:
    with pytest.raises(WriteFailed) as error:
        write(change)
    return str(error.value)


def pushes(gitlab: GitLab) -> int:
    return sum(path.endswith("/test/push_events") for path in gitlab.paths("POST"))


def test_a_test_push_that_is_received_brings_it_back(gitlab: GitLab) -> None:
    project = gitlab.project()
    hook = switched_off(gitlab, project)
    write, [change] = healing(gitlab, project)

    assert write(change).id == hook.id

    assert hook.alert_status == "executable"
    assert gitlab.requests() == [
        ("GET", f"/projects/{project.id}"),
        ("POST", f"/projects/{project.id}/hooks/{hook.id}/test/push_events"),
        ("GET", f"/projects/{project.id}/hooks/{hook.id}"),
    ]
    assert hook.token == "token-1"


@pytest.mark.parametrize("answer", [401, 503, "Net::ReadTimeout"])
def test_one_that_is_not_received_is_told_in_gitlabs_words(gitlab: GitLab, answer: int | str) -> None:
    project = gitlab.project()
    hook = switched_off(gitlab, project)
    write, [change] = healing(gitlab, project)
    gitlab.world.receiver = lambda _hook, _trigger: answer

    assert failure(write, change) == f"the test push did not work: GitLab answered 422 {answer}"

    assert (hook.alert_status, pushes(gitlab)) == ("disabled", 1)


def test_a_project_without_a_commit_is_told(gitlab: GitLab) -> None:
    project = gitlab.project()
    project.empty_repo = True
    switched_off(gitlab, project)
    write, [change] = healing(gitlab, project)

    assert "at least one commit" in failure(write, change)


@pytest.mark.parametrize(("version", "works"), [("16.10.0", False), ("16.11.0", True)])
def test_gitlab_before_16_11_has_no_test_pushes(version: str, *, works: bool) -> None:
    with a_gitlab(version) as gitlab:
        project = gitlab.project()
        hook = switched_off(gitlab, project)
        write, [change] = healing(gitlab, project)
        if works:
            write(change)
        else:
            assert "GitLab has test pushes since 16.11" in failure(write, change)
        assert (hook.alert_status == "executable") is works


@pytest.mark.parametrize("after", [False, True])
def test_an_unknown_outcome_is_looked_at_before_it_is_repeated(gitlab: GitLab, *, after: bool) -> None:
    project = gitlab.project()
    hook = switched_off(gitlab, project)
    write, [change] = healing(gitlab, project)
    gitlab.world.fail(method="POST", status=502, after=after)

    write(change)

    assert (hook.alert_status, pushes(gitlab)) == ("executable", 1 if after else 2)


def test_one_that_gitlab_leaves_switched_off_all_the_same_is_a_failure(gitlab: GitLab) -> None:
    project = gitlab.project()
    hook = switched_off(gitlab, project)
    write, [change] = healing(gitlab, project)

    def received(_hook: Hook, _trigger: str) -> int:
        return 200

    gitlab.world.receiver = received
    gitlab.world.after_write.append(lambda _request: gitlab.world.disable_hook(hook))

    assert "switched off all the same" in failure(write, change)


@pytest.mark.usefixtures("hurried")
def test_more_than_five_on_one_project_wait_and_are_never_too_many_for_gitlab(gitlab: GitLab) -> None:
    project = gitlab.project()
    began = time.monotonic()
    gitlab.world.clock = lambda: 1_700_000_000 + 200 * (time.monotonic() - began)
    hooks = [switched_off(gitlab, project, number) for number in range(1, 8)]
    write, changes = healing(gitlab, project)

    for change in changes:
        write(change)

    assert {hook.alert_status for hook in hooks} == {"executable"}
    assert pushes(gitlab) == 7


def test_whoever_waits_for_a_turn_hears_a_signal_and_sends_nothing(gitlab: GitLab) -> None:
    project = gitlab.project()
    for number in range(1, 7):
        switched_off(gitlab, project, number)
    stop_control = StopControl()
    write, changes = healing(gitlab, project, stop_control=stop_control)
    for change in changes[:5]:
        write(change)
    stop_control.stop.set()

    assert failure(write, changes[5]) == "the test push was not sent: a signal stopped the run"
    assert pushes(gitlab) == 5


class TestAllowance:
    @pytest.mark.usefixtures("hurried")
    def test_so_many_a_minute_do_not_wait_and_the_next_one_does(self) -> None:
        allowance = Allowance(2, StopControl())

        waited = [allowance.wait(1) for _ in range(3)]

        assert waited[:2] == [0.0, 0.0]
        assert waited[2] > 50

    def test_one_does_not_wait_for_another(self) -> None:
        allowance = Allowance(1, StopControl())

        assert [allowance.wait(whose) for whose in (1, 2, 3)] == [0.0] * 3

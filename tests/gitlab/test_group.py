"""The tenants' group as the run needs it: hosts, look-ups, keys and webhooks, writes, and when to stop."""

from __future__ import annotations

import math
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cronjob.concurrency.progress_counts import ProgressCounts
from cronjob.concurrency.stop import StopControl
from cronjob.sandbox.fake_gitlab.records import DEVELOPER
from reconcile.actual import Items, Unreadable
from reconcile.causes import Cause, CauseCode
from reconcile.errors import ReadError, SettingsError, WriteFailed
from reconcile.model import LookUpFailed, Project, ProjectAbsent, ProjectLocation
from reconcile.plan.changes import Change, Create
from tests.worlds.builders import a_public_key, a_url, a_wanted_key, a_wanted_webhook
from tests.worlds.gitlab_builders import BACKOFF, TOKEN, GitLab, ours

pytest_plugins = ["tests.worlds.gitlab_fixtures"]


def some_projects(gitlab: GitLab, number: int, group: str = "tenants") -> list[Project]:
    return [ours(gitlab.project(f"{group}/p{each}")) for each in range(number)]


class TestHosts:
    def test_hosts_are_those_known_before_and_those_of_the_listing(self, gitlab: GitLab) -> None:
        gitlab.project()
        group = gitlab.reader(hosts=frozenset({"git.example"}))

        assert group.read_hosts() == {"git.example", "gitlab.sandbox.example", "127.0.0.1"}

    def test_who_we_are_and_what_there_is_is_asked_once(self, gitlab: GitLab) -> None:
        group = gitlab.reader()
        assert group.whoami is None
        for _ in range(2):
            group.read_hosts()
            group.find(["tenants/none"])

        assert group.whoami
        assert group.whoami.user == "bot"
        assert gitlab.paths()[:4] == [
            "/personal_access_tokens/self",
            "/user",
            "/groups/tenants",
            f"/groups/{gitlab.group.id}/projects",
        ]
        assert len(gitlab.paths()) == 5

    def test_a_bad_token_ends_the_run_before_the_listing(self, gitlab: GitLab) -> None:
        gitlab.project("tenants/public", visibility="public")
        gitlab.world.revoke_token(TOKEN)

        with pytest.raises(ReadError, match="The GitLab token was revoked"):
            gitlab.reader().read_actual(())

        assert gitlab.paths() == ["/personal_access_tokens/self"]

    def test_somebody_elses_token_ends_a_run(self, gitlab: GitLab) -> None:
        with pytest.raises(SettingsError, match="belongs to bot"):
            gitlab.reader(user="flux-bot").read_hosts()

    def test_it_does_not_end_a_dry_run(self, gitlab: GitLab) -> None:
        assert gitlab.reader(user="flux-bot", writes=False).read_hosts() == set()

    def test_a_token_that_expires_soon_is_a_problem(self, gitlab: GitLab) -> None:
        soon = (datetime.now(UTC) + timedelta(days=5)).date().isoformat()
        token = gitlab.world.add_token(gitlab.bot, expires_at=soon)

        actual = gitlab.reader(session=gitlab.session(token=token)).read_actual(())

        assert [problem.code for problem in actual.problems] == ["TokenExpiresSoon"]

    def test_one_that_does_not_is_none(self, gitlab: GitLab) -> None:
        assert gitlab.reader().read_actual(()).problems == ()

    def test_problems_of_extra_projects_are_among_those_of_the_state(self, gitlab: GitLab) -> None:
        actual = gitlab.reader(extra_projects=("tenants/none",)).read_actual(())

        assert [(problem.code, problem.project) for problem in actual.problems] == [("ProjectNotFound", "tenants/none")]


class TestFind:
    def test_what_is_listed_needs_no_request(self, gitlab: GitLab) -> None:
        project = gitlab.project("tenants/Shop")
        group, _ = gitlab.ready()

        assert group.find(["tenants/shop"]) == {"tenants/shop": ProjectLocation(ours(project))}
        assert gitlab.requests() == []

    def test_what_is_not_is_looked_up_once(self, gitlab: GitLab) -> None:
        gitlab.world.add_group("others")
        moved = gitlab.project("tenants/old")
        gitlab.world.move_project(moved, "tenants/new")
        outside = gitlab.project("others/a", visibility="public")
        group, _ = gitlab.ready()
        gitlab.world.fail(path="broken$", status=403)
        paths = ["tenants/old", "tenants/none", "others/a", "tenants/broken", "tenants/none"]

        places = group.find(paths)

        assert places == {
            "others/a": ProjectLocation(ours(outside), inside=False),
            "tenants/broken": LookUpFailed("GitLab answered 403", Cause(CauseCode.NOT_GITLAB)),
            "tenants/none": ProjectAbsent(),
            "tenants/old": ProjectLocation(ours(moved), moved=True),
        }
        assert len(gitlab.requests()) == 5
        assert group.find(paths) == places
        assert len(gitlab.requests()) == 5

    def test_nothing_asked_is_nothing_found(self, gitlab: GitLab) -> None:
        assert gitlab.reader().find([]) == {}


class TestActual:
    def test_every_page_of_keys_and_webhooks_is_read(self, gitlab: GitLab) -> None:
        project = gitlab.project()
        for number in range(101):
            gitlab.world.add_deploy_key(project, a_public_key(number).text, title=f"key {number}")
            gitlab.world.add_hook(project, a_url(number))

        _, actual = gitlab.ready()

        (items,) = actual.projects
        assert items.project == ours(project)
        assert [found.key for found in items.keys] == [a_public_key(number) for number in range(101)]
        assert [found.url for found in items.webhooks] == [a_url(number) for number in range(101)]

    def test_an_expired_key_is_seen_as_such(self, gitlab: GitLab) -> None:
        project = gitlab.project()
        past = datetime(2020, 1, 1, tzinfo=UTC)
        gitlab.world.add_deploy_key(project, a_public_key(1).text, title="old", expires_at=past)
        gitlab.world.add_deploy_key(project, a_public_key(2).text, title="new")

        _, actual = gitlab.ready()

        assert [found.expired for found in actual.projects[0].keys] == [True, False]

    def test_projects_come_in_the_order_of_their_ids_whatever_answers_first(self, gitlab: GitLab) -> None:
        projects = some_projects(gitlab, 20)
        gitlab.world.fail(path=f"/projects/{projects[0].id}/", delay=0.1)

        actual = gitlab.reader().read_actual(())

        assert [items.project for items in actual.projects] == projects
        assert gitlab.reader().read_actual(()) == actual

    def test_further_projects_are_read_with_those_of_the_listing(self, gitlab: GitLab) -> None:
        (listed,) = some_projects(gitlab, 1)
        group = gitlab.reader()
        group.read_hosts()
        late = ours(gitlab.project("tenants/late"))

        actual = group.read_actual([late, listed])

        assert [items.project for items in actual.projects] == [listed, late]

    @pytest.mark.parametrize("kind", ["deploy_keys", "hooks"])
    @pytest.mark.parametrize(
        ("fault", "reason", "code"),
        [
            ({"status": 403, "body": {"message": "403 Forbidden"}}, "answered 403 Forbidden", "RoleMissing"),
            ({"status": 403, "body": {"message": "403 Terms of Service"}}, "answered 403 Terms of Service", "Unknown"),
            ({"status": 404, "body": {"message": "404 Project Not Found"}}, "404 Project Not Found", "ProjectGone"),
            ({"status": 404, "body": {"message": "404 Not found"}}, "answered 404 Not found", "Unknown"),
            ({"status": 401, "body": "<html>"}, "something in front of GitLab answered 401", "NotGitLab"),
            ({"status": 500, "body": {"message": "500 Internal"}}, "GitLab answered 500 Internal", "ServerError"),
            ({"status": 504, "body": "<html>"}, "something in front of GitLab answered 504", "Timeout"),
            ({"status": 429, "body": "Retry later"}, "GitLab answered 429 Retry later", "RateLimited"),
            ({"status": 403, "body": "<html>"}, "GitLab answered 403", "NotGitLab"),
            ({"status": 200, "body": [{"id": 1}]}, "GitLab's answer has no text `", "Malformed"),
            ({"status": 200, "body": {"id": 1}}, "is not a list", "Malformed"),
            (
                {"status": 200, "body": "<html>"},
                "something in front of GitLab answered 200 with something that is not JSON",
                "NotGitLab",
            ),
            ({"drop": True}, "GitLab gave no answer: the connection broke off", "ConnectionBroken"),
        ],
    )
    def test_a_project_that_cannot_be_read_is_unreadable_and_no_other(
        self, gitlab: GitLab, kind: str, fault: dict[str, Any], reason: str, code: str
    ) -> None:
        broken, fine = some_projects(gitlab, 2)
        gitlab.world.fail(path=f"/projects/{broken.id}/{kind}", times=None, **fault)

        # A 429 without a time is otherwise waited out for a minute.
        actual = gitlab.reader(session=gitlab.session(limit=BACKOFF)).read_actual(())

        assert actual.projects == (Items(fine),)
        (unreadable,) = actual.unreadable
        assert unreadable.project == broken
        assert reason in unreadable.reason
        (problem,) = actual.problems
        assert (problem.code, problem.project) == ("ProjectUnreadable", broken.path)
        assert unreadable.reason in problem.message
        assert problem.cause == Cause(CauseCode(code))
        assert problem.cause.next_step in problem.message

    @pytest.mark.parametrize("kind", ["deploy_keys", "hooks"])
    def test_a_second_page_that_fails_makes_the_project_unreadable(self, gitlab: GitLab, kind: str) -> None:
        project = gitlab.project()
        for number in range(101):
            gitlab.world.add_deploy_key(project, a_public_key(number).text, title="t")
            gitlab.world.add_hook(project, a_url(number))
        gitlab.world.fail(path=kind, query="page=2", status=500, times=None)

        assert gitlab.reader().read_actual(()).unreadable == (
            Unreadable(ours(project), "GitLab answered 500", Cause(CauseCode.SERVER_ERROR)),
        )

    def test_where_the_role_is_too_low_everywhere_one_problem_says_so(self, gitlab: GitLab) -> None:
        some_projects(gitlab, 3)
        gitlab.world.add_member(gitlab.group, gitlab.bot, DEVELOPER)

        actual = gitlab.reader().read_actual(())

        assert len(actual.unreadable) == 3
        (problem,) = actual.problems
        assert problem.message.startswith("None of the 3 projects can be read: GitLab answered 403 Forbidden.")


class TestRequestBudget:
    @pytest.mark.parametrize("number", [0, 1, 100, 250])
    def test_reading_costs_two_requests_a_project_and_one_a_page(self, gitlab: GitLab, number: int) -> None:
        gitlab.world.add_group("tenants/inner/most")
        half = number // 2
        some_projects(gitlab, half)
        some_projects(gitlab, number - half, "tenants/inner/most")

        group = gitlab.reader()
        group.read_hosts()
        actual = group.read_actual(())

        assert len(actual.projects) == number
        pages = max(1, math.ceil(number / 100))
        assert len(gitlab.paths()) == pages + 2 * number + 3
        assert gitlab.world.writes == []


class TestClosing:
    def test_what_nobody_wants_any_more_is_not_waited_for(self, gitlab: GitLab) -> None:
        some_projects(gitlab, 3)
        gitlab.world.fail(path="deploy_keys", status=503, headers={"Retry-After": "100"}, times=None)
        group = gitlab.reader()
        group.read_hosts()
        began = time.monotonic()

        group.close()

        assert time.monotonic() - began < 30

    def test_until_then_it_is(self, gitlab: GitLab) -> None:
        some_projects(gitlab, 3)
        gitlab.world.fail(path="deploy_keys", status=503, headers={"Retry-After": "1"})
        group = gitlab.reader()
        group.read_hosts()

        assert group.read_actual(()).unreadable == ()


class TestStopping:
    def test_nothing_stops_a_run_without_reason(self, gitlab: GitLab) -> None:
        assert not gitlab.reader().stopped()
        assert not gitlab.reader(stop_control=StopControl(deadline=600)).stopped()

    def test_a_signal_stops_it(self, gitlab: GitLab) -> None:
        stop = threading.Event()
        group = gitlab.reader(stop_control=StopControl(stop=stop))
        stop.set()

        assert group.stopped() == "a signal stopped the run"

    def test_a_deadline_stops_it(self, gitlab: GitLab) -> None:
        assert gitlab.reader(stop_control=StopControl(deadline=-0.001)).stopped() == "the run's --deadline had passed"

    def test_whatever_else_it_depends_on_stops_it(self, gitlab: GitLab) -> None:
        stop_control, lost = StopControl(), []
        stop_control.watch(lambda: "".join(lost))
        group = gitlab.reader(stop_control=stop_control)
        assert not group.stopped()

        lost.append("the lease was lost")

        assert group.stopped() == "the lease was lost"

    def test_a_signal_while_reading_ends_the_reading(self, gitlab: GitLab) -> None:
        some_projects(gitlab, 100)
        stop = threading.Event()
        group = gitlab.reader(stop_control=StopControl(stop=stop), concurrency=2)
        group.read_hosts()
        gitlab.world.latency = 0.02
        threading.Timer(0.2, stop.set).start()

        with pytest.raises(ReadError, match="a signal stopped the run") as error:
            group.read_actual(())

        assert error.value.code == "Stopped"
        assert len(gitlab.paths()) < 150

    def test_a_deadline_while_reading_ends_the_reading(self, gitlab: GitLab) -> None:
        some_projects(gitlab, 3)

        with pytest.raises(ReadError, match="--deadline had passed") as error:
            gitlab.reader(stop_control=StopControl(deadline=-1)).read_actual(())

        assert error.value.code == "Stopped"
        assert not [path for path in gitlab.paths() if "hooks" in path]

    @pytest.mark.parametrize("kind", ["deploy_keys", "hooks"])
    def test_a_stop_while_a_limit_is_waited_out_is_noticed_and_is_no_unreadable_project(
        self, gitlab: GitLab, kind: str
    ) -> None:
        some_projects(gitlab, 3)
        stop_control = StopControl()
        group = gitlab.reader(stop_control=stop_control)
        gitlab.world.fail(path=kind, status=429, headers={"Retry-After": "20"}, times=None)
        threading.Timer(0.2, stop_control.stop.set).start()
        began = time.monotonic()

        with pytest.raises(ReadError, match="a signal stopped the run") as error:
            group.read_actual(())

        assert error.value.code == "Stopped"
        assert time.monotonic() - began < 10

    @pytest.mark.parametrize("path", ["/user$", "/groups/tenants$", "/projects$", "%2Fextra$"])
    def test_a_deadline_while_the_group_is_listed_says_so(self, gitlab: GitLab, path: str) -> None:
        gitlab.world.fail(path=path, status=503, times=None)
        stop_control = StopControl(deadline=0.3)
        began = time.monotonic()

        with pytest.raises(ReadError, match="--deadline had passed") as error:
            gitlab.reader(
                session=gitlab.session(stop_control=stop_control, backoff=15.0), extra_projects=("o/extra",)
            ).read_hosts()

        assert error.value.code == "Stopped"
        assert time.monotonic() - began < 7

    def test_a_look_up_that_a_deadline_ends_is_no_failed_one(self, gitlab: GitLab) -> None:
        group = gitlab.reader(session=gitlab.session(stop_control=StopControl(deadline=1), backoff=15.0))
        group.read_hosts()
        gitlab.world.fail(path="%2Fnew$", status=503, times=None)

        with pytest.raises(ReadError, match="--deadline had passed"):
            group.find(["tenants/new"])

    def test_a_deadline_ends_the_retries(self, gitlab: GitLab) -> None:
        some_projects(gitlab, 3)
        gitlab.world.fail(path="hooks", status=503, times=None)
        began = time.monotonic()

        with pytest.raises(ReadError) as error:
            gitlab.reader(session=gitlab.session(stop_control=StopControl(deadline=1), backoff=15.0)).read_actual(())

        assert error.value.code == "Stopped"
        assert time.monotonic() - began < 7

    def test_without_either_everything_is_read(self, gitlab: GitLab) -> None:
        some_projects(gitlab, 3)

        assert len(gitlab.reader(stop_control=StopControl(deadline=600)).read_actual(()).projects) == 3


class TestWriting:
    def test_what_was_written_is_heard_of(self, gitlab: GitLab) -> None:
        project = ours(gitlab.project())
        heard: list[tuple[Change, float, str | None]] = []
        group, _ = gitlab.ready(on_write=lambda *told: heard.append(told))
        change = Create(a_wanted_webhook(project=project), "missing")

        group.write(change)

        ((told, seconds, error),) = heard
        assert (told, error) == (change, None)
        assert 0 < seconds < 60
        assert len(gitlab.world.hooks_of(gitlab.world.projects[project.id])) == 1

    def test_so_is_what_failed(self, gitlab: GitLab) -> None:
        project = ours(gitlab.project())
        heard: list[tuple[Change, float, str | None]] = []
        group, _ = gitlab.ready(on_write=lambda *told: heard.append(told))
        gitlab.world.fail(method="POST", status=422, body={"error": "Invalid url given"})
        change = Create(a_wanted_webhook(project=project), "missing")

        with pytest.raises(WriteFailed, match=r"^GitLab answered 422 Invalid url given$"):
            group.write(change)

        assert [(told, error) for told, _, error in heard] == [(change, "GitLab answered 422 Invalid url given")]

    def test_what_was_read_and_what_was_written_is_counted_however_it_went(self, gitlab: GitLab) -> None:
        projects = [gitlab.project(f"tenants/{number}") for number in range(3)]
        gitlab.world.fail(path=f"{projects[0].id}/hooks", status=403)
        group = gitlab.reader()
        assert group.tally == ProgressCounts()

        group.read_actual(())
        assert (group.tally.found, group.tally.read, group.tally.listed) == (3, 3, True)
        group.expect_writes(2)
        group.write(Create(a_wanted_key(project=ours(projects[1])), "missing"))
        gitlab.world.fail(method="POST", status=400)
        with pytest.raises(WriteFailed):
            group.write(Create(a_wanted_key(2, project=ours(projects[2])), "missing"))
        assert (group.tally.expected, group.tally.written) == (2, 2)

    def test_nobody_needs_to_listen(self, gitlab: GitLab) -> None:
        project = ours(gitlab.project())
        group, _ = gitlab.ready()

        group.write(Create(a_wanted_webhook(project=project), "missing"))

        assert len(gitlab.world.writes) == 1

    def test_a_dry_runs_session_sends_no_write(self, gitlab: GitLab) -> None:
        project = ours(gitlab.project())
        group, _ = gitlab.ready(session=gitlab.session(allow_writes=False), writes=False)

        with pytest.raises(WriteFailed, match="this is a dry run"):
            group.write(Create(a_wanted_webhook(project=project), "missing"))

        assert gitlab.world.writes == []

    def test_work_is_done_in_parallel_and_answered_in_order(self, gitlab: GitLab) -> None:
        group = gitlab.reader(concurrency=3)
        together = threading.Barrier(3, timeout=10)

        def work(number: int) -> int:
            together.wait()
            return number * 2

        assert list(group.in_parallel(work, range(6))) == [0, 2, 4, 6, 8, 10]

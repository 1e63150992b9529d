"""Writing one change and being sure of it: what is left behind at GitLab, whatever became of the answers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import pytest

from cronjob.concurrency.stop import StopControl
from cronjob.gitlab.group import GitLabGroup
from cronjob.gitlab.session import GitLabConnection, Session
from cronjob.sandbox.fake_gitlab.records import DEVELOPER
from cronjob.sandbox.fake_gitlab.records import Project as TheirProject
from reconcile.actual import Actual, FoundKey, FoundWebhook, Items
from reconcile.errors import DeleteContradicted, DeleteHeld, WriteFailed
from reconcile.events import DEFAULT_FLAGS, FLAGS
from reconcile.marks import Mark, Owner
from reconcile.plan.changes import Change, Create, Delete, FormerKey, Update
from reconcile.shares import Share
from tests.worlds.builders import (
    NEIGHBOURS_MARK,
    OTHERS_MARK,
    a_mark,
    a_public_key,
    a_url,
    a_wanted_key,
    a_wanted_webhook,
    some_flags,
    some_rules,
)
from tests.worlds.gitlab_builders import TOKEN, GitLab, a_gitlab, ours

pytest_plugins = ["tests.worlds.gitlab_fixtures"]

MARK = str(a_mark())
RELEASES = ["14.0.0", "15.4.0", "16.6.0", "17.0.0", "17.1.0", "18.4.0", "19.0.0", "19.4.0-ee"]


def keys(gitlab: GitLab, project: TheirProject) -> list[tuple[str, str, bool]]:
    """Text, title and can_push of every key that the project has."""
    return [(key.key, key.title, can_push) for key, can_push in gitlab.world.keys_of(project)]


def hooks(gitlab: GitLab, project: TheirProject) -> list[tuple[str, str | None, set[str]]]:
    """URL, token and events of every webhook that the project has."""
    return [
        (hook.url, hook.token, {flag for flag in FLAGS if getattr(hook, flag)})
        for hook in gitlab.world.hooks_of(project)
    ]


def a_right_key(number: int = 1) -> tuple[str, str, bool]:
    return (a_public_key(number).text, MARK, False)


RIGHT_HOOK = (a_url(1), "token-1", set(DEFAULT_FLAGS))


def create_key(project: TheirProject, number: int = 1) -> Create:
    return Create(a_wanted_key(number, project=ours(project)), "missing")


def create_hook(project: TheirProject) -> Create:
    return Create(a_wanted_webhook(project=ours(project)), "missing")


def update_hook(project: TheirProject, actual: Actual, **fields: tuple[object, object]) -> Update:
    found = of(actual, project).webhooks[0]
    fields = fields or {"push_events": (False, True)}
    return Update(found, a_wanted_webhook(project=ours(project)), fields, "differs")


def update_key(project: TheirProject, actual: Actual, **fields: tuple[object, object]) -> Update:
    found = of(actual, project).keys[0]
    return Update(found, a_wanted_key(project=ours(project)), fields or {"can_push": (True, False)}, "differs")


def delete(project: TheirProject, found: FoundKey | FoundWebhook) -> Delete:
    return Delete(ours(project), found, "not wanted")


def of(actual: Actual, project: TheirProject) -> Items:
    return next(items for items in actual.projects if items.project.id == project.id)


def failure(group: GitLabGroup, change: Change) -> str:
    with pytest.raises(WriteFailed) as error:
        group.write(change)
    return str(error.value)


class TestCreatingKeys:
    def test_a_new_key_is_made_read_only_with_our_mark_and_no_comment(self, gitlab: GitLab) -> None:
        project = gitlab.project()
        group, _ = gitlab.ready()

        group.write(create_key(project))

        assert keys(gitlab, project) == [a_right_key()]
        (sent,) = gitlab.world.writes
        assert sent.body == {"key": a_public_key(1).text, "title": MARK, "can_push": False}

    def test_a_key_that_the_group_has_is_joined(self, gitlab: GitLab) -> None:
        there, here = gitlab.project("tenants/there"), gitlab.project("tenants/here")
        key = gitlab.world.add_deploy_key(there, a_public_key(1).text, title="by hand", can_push=True)
        group, _ = gitlab.ready()

        group.write(create_key(here))

        assert gitlab.world.keys_of(here) == [(key, False)]
        assert gitlab.world.keys_of(there) == [(key, True)]
        assert key.title == "by hand"

    def test_a_key_whose_text_has_a_comment_there_is_joined_by_its_id(self, gitlab: GitLab) -> None:
        there, here = gitlab.project("tenants/there"), gitlab.project("tenants/here")
        key = gitlab.world.add_deploy_key(there, f"{a_public_key(1).text} somebody@laptop", title="by hand")
        group, _ = gitlab.ready()

        group.write(create_key(here))

        assert gitlab.world.keys_of(here) == [(key, False)]
        assert gitlab.paths("POST") == [
            f"/projects/{here.id}/deploy_keys",
            f"/projects/{here.id}/deploy_keys/{key.id}/enable",
        ]

    def test_a_key_that_only_another_shards_project_has_is_found_there(self, gitlab: GitLab) -> None:
        empty, there, here = (gitlab.project(f"tenants/{name}") for name in ("empty", "there", "here"))
        key = gitlab.world.add_deploy_key(there, f"{a_public_key(1).text} somebody@laptop", title="by hand")
        share = next(Share(index, 64) for index in range(64) if Share(index, 64).has(here.id))
        assert not share.has(there.id)
        group, _ = gitlab.ready(share=share)
        gitlab.world.fail(method="GET", path=f"/projects/{empty.id}/deploy_keys", status=403)
        wanted = replace(a_wanted_key(project=ours(here)), elsewhere=(ours(empty), ours(there)))

        group.write(Create(wanted, "missing"))

        assert gitlab.world.keys_of(here) == [(key, False)]

    def test_a_key_that_is_on_none_of_them_is_not_to_be_had(self, gitlab: GitLab) -> None:
        empty, here = gitlab.project("tenants/empty"), gitlab.project("tenants/here")
        gitlab.world.add_user_key(gitlab.world.add_user("ann"), a_public_key(1).text)
        group, _ = gitlab.ready()
        change = Create(replace(a_wanted_key(project=ours(here)), elsewhere=(ours(empty),)), "missing")

        told = [failure(group, change), failure(group, change)]

        assert all("has already been taken: somebody has this key outside the group" in one for one in told)
        # It is sought once.
        assert gitlab.paths().count(f"/projects/{empty.id}/deploy_keys") == 1

    @pytest.mark.parametrize(
        "fields",
        [
            {"deploy_key.fingerprint_sha256": ["ist bereits vergeben"]},
            {"deploy_key.fingerprint": ["est déjà utilisé"]},
            {"fingerprint": ["has already been taken"]},
        ],
    )
    def test_a_key_that_exists_is_joined_in_whatever_language_gitlab_says_so(
        self, gitlab: GitLab, fields: dict[str, list[str]]
    ) -> None:
        there, here = gitlab.project("tenants/there"), gitlab.project("tenants/here")
        key = gitlab.world.add_deploy_key(there, f"{a_public_key(1).text} comment", title="by hand")
        group, _ = gitlab.ready()
        gitlab.world.fail(method="POST", path="deploy_keys$", status=400, body={"message": fields})

        group.write(create_key(here))

        assert gitlab.world.keys_of(here) == [(key, False)]

    @pytest.mark.parametrize(
        "fields",
        [
            {"deploy_key.key": ["type is forbidden"]},
            {"deploy_key.key": ["is invalid"], "deploy_key.fingerprint_sha256": ["cannot be generated"]},
            {"deploy_key.title": ["has already been taken"]},
        ],
    )
    def test_a_key_that_gitlab_refuses_for_another_reason_is_not_joined(
        self, gitlab: GitLab, fields: dict[str, list[str]]
    ) -> None:
        there, here = gitlab.project("tenants/there"), gitlab.project("tenants/here")
        gitlab.world.add_deploy_key(there, f"{a_public_key(1).text} comment", title="by hand")
        group, _ = gitlab.ready()
        gitlab.world.fail(method="POST", path="deploy_keys$", status=400, body={"message": fields})

        assert failure(group, create_key(here)).startswith("GitLab answered 400 deploy_key.")
        assert gitlab.world.keys_of(here) == []

    @pytest.mark.parametrize("fault", [{"after": True}, {"after": False}])
    def test_joining_by_id_survives_an_unknown_outcome(self, gitlab: GitLab, fault: dict[str, Any]) -> None:
        there, here = gitlab.project("tenants/there"), gitlab.project("tenants/here")
        key = gitlab.world.add_deploy_key(there, f"{a_public_key(1).text} comment", title="by hand")
        group, _ = gitlab.ready()
        gitlab.world.fail(path="enable$", drop=True, **fault)

        group.write(create_key(here))

        assert gitlab.world.keys_of(here) == [(key, False)]

    def test_a_key_that_somebody_outside_has_is_not_to_be_had(self, gitlab: GitLab) -> None:
        project = gitlab.project()
        gitlab.world.add_user_key(gitlab.world.add_user("ann"), a_public_key(1).text)
        group, _ = gitlab.ready()

        told = failure(group, create_key(project))

        assert told == (
            "GitLab answered 400 deploy_key.fingerprint_sha256 has already been taken: somebody has this key outside "
            "the group, perhaps as a personal SSH key; make a new key in Secret/flux-config/shop"
        )
        assert keys(gitlab, project) == []

    def test_a_key_that_left_the_group_since_it_was_read_is_told_in_gitlabs_words(self, gitlab: GitLab) -> None:
        there, here = gitlab.project("tenants/there"), gitlab.project("tenants/here")
        key = gitlab.world.add_deploy_key(there, a_public_key(1).text, title="by hand")
        group, _ = gitlab.ready()
        gitlab.world.detach_key(there, key)
        gitlab.world.add_user_key(gitlab.world.add_user("ann"), a_public_key(1).text)

        assert failure(group, create_key(here)) == "GitLab answered 404 Deploy key Not Found"

    @pytest.mark.parametrize("comment", ["", " comment"])
    @pytest.mark.parametrize("title", [OTHERS_MARK, NEIGHBOURS_MARK])
    def test_a_key_that_turns_out_to_be_anothers_stays_and_is_told(
        self, gitlab: GitLab, title: str, comment: str
    ) -> None:
        there, here = gitlab.project("tenants/there"), gitlab.project("tenants/here")
        key = gitlab.world.add_deploy_key(there, a_public_key(1).text + comment, title="by hand")
        group, _ = gitlab.ready()
        # Since it was read another cluster has put its mark on it.
        key.title = title

        written = group.write(create_key(here))

        assert written == (key.id, title)
        assert gitlab.world.keys_of(here) == [(key, False)]
        assert len(keys(gitlab, there)) == 1
        assert gitlab.paths("DELETE") == []

    @pytest.mark.parametrize("title", [OTHERS_MARK, NEIGHBOURS_MARK])
    def test_a_key_that_another_run_attached_a_moment_before_stays(self, gitlab: GitLab, title: str) -> None:
        """GitLab answers 201 with the key that is there: no proof that this POST attached it."""
        project = gitlab.project()
        group, _ = gitlab.ready()
        key = gitlab.world.add_deploy_key(project, a_public_key(1).text, title=title)

        written = group.write(create_key(project))

        assert written == (key.id, title)
        assert gitlab.world.keys_of(project) == [(key, False)]
        assert [request.status for request in gitlab.world.writes] == [201]

    def test_a_key_of_anothers_is_never_given_the_right_to_push(self, gitlab: GitLab) -> None:
        project = gitlab.project()
        group, _ = gitlab.ready()
        key = gitlab.world.add_deploy_key(project, a_public_key(1).text, title=OTHERS_MARK)
        former = Create(a_wanted_key(project=ours(project)), "a run removed it", former=FormerKey(MARK, can_push=True))

        assert failure(group, former).endswith("which is not this instance's: it may not push")
        assert gitlab.world.keys_of(project) == [(key, False)]

    @pytest.mark.parametrize("title", ["by hand", MARK, str(a_mark("other"))])
    def test_a_key_that_is_nobodys_or_ours_stays(self, gitlab: GitLab, title: str) -> None:
        there, here = gitlab.project("tenants/there"), gitlab.project("tenants/here")
        key = gitlab.world.add_deploy_key(there, a_public_key(1).text, title="before")
        group, _ = gitlab.ready()
        key.title = title

        assert group.write(create_key(here)) == (key.id, None)

        assert gitlab.world.keys_of(here) == [(key, False)]

    def test_a_key_that_gitlab_does_not_take_is_told_in_its_words(self, gitlab: GitLab) -> None:
        project = gitlab.project()
        group, _ = gitlab.ready()
        gitlab.world.minimum_key_bits = {"ed25519": -1}

        assert "GitLab answered 400 deploy_key.key type is forbidden" in failure(group, create_key(project))

    def test_an_answer_about_another_key_is_a_failure(self, gitlab: GitLab) -> None:
        project = gitlab.project()
        group, _ = gitlab.ready()
        body = {"id": 7, "title": MARK, "key": a_public_key(2).text, "can_push": False}
        gitlab.world.fail(method="POST", status=201, body=body)

        assert failure(group, create_key(project)) == "GitLab accepted the key and stored another one as 7"

    @pytest.mark.parametrize("body", [[], {}, {"id": 7, "title": MARK}, "null"])
    def test_an_answer_that_is_no_key_is_a_failure(self, gitlab: GitLab, body: object) -> None:
        project = gitlab.project()
        group, _ = gitlab.ready()
        gitlab.world.fail(method="POST", status=201, body=body)

        assert "GitLab's answer h" in failure(group, create_key(project))


class TestOneKeyForManyProjects:
    def test_it_is_made_once_and_joined_by_all_others(self, gitlab: GitLab) -> None:
        projects = [gitlab.project(f"tenants/p{number}") for number in range(8)]
        group, _ = gitlab.ready()
        # The creation takes its time; nobody else may try meanwhile.
        gitlab.world.fail(method="POST", delay=0.2)
        with ThreadPoolExecutor(8) as pool:
            writing = pool.map(lambda project: group.write(create_key(project)), projects)
            time.sleep(0.15)
            meanwhile = len(gitlab.world.writes)
            list(writing)

        assert meanwhile <= 1
        assert len(gitlab.world.keys) == 1
        assert [keys(gitlab, project) for project in projects] == [[a_right_key()]] * 8
        assert [request.status for request in gitlab.world.writes] == [201] * 8

    def test_once_it_is_made_the_others_join_it_at_the_same_time(self, gitlab: GitLab) -> None:
        projects = [gitlab.project(f"tenants/p{number}") for number in range(8)]
        group, _ = gitlab.ready()
        gitlab.world.fail(method="POST", delay=0.3, times=None)
        began = time.monotonic()
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda project: group.write(create_key(project)), projects))

        # One after another it would take 2.4 seconds.
        assert time.monotonic() - began < 2

    def test_where_one_cannot_make_it_the_next_one_does(self, gitlab: GitLab) -> None:
        projects = [gitlab.project(f"tenants/p{number}") for number in range(6)]
        group, _ = gitlab.ready()
        gitlab.world.fail(method="POST", status=403, body={"message": "403 Forbidden"}, delay=0.05, times=2)

        def outcome(project: TheirProject) -> str:
            try:
                group.write(create_key(project))
            except WriteFailed as error:
                return str(error)
            return ""

        with ThreadPoolExecutor(6) as pool:
            outcomes = list(pool.map(outcome, projects))

        assert sorted(outcomes) == ["", "", "", "", "GitLab answered 403 Forbidden", "GitLab answered 403 Forbidden"]
        had = [keys(gitlab, project) for project in projects]
        assert had == [[] if failed else [a_right_key()] for failed in outcomes]
        assert len(gitlab.world.keys) == 1

    def test_different_keys_do_not_wait_for_each_other(self, gitlab: GitLab) -> None:
        projects = [gitlab.project(f"tenants/p{number}") for number in range(4)]
        group, _ = gitlab.ready()
        gitlab.world.fail(method="POST", delay=0.5, times=4)
        began = time.monotonic()
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda pair: group.write(create_key(pair[1], pair[0])), enumerate(projects)))

        assert time.monotonic() - began < 1.5
        assert [keys(gitlab, project) for project in projects] == [[a_right_key(number)] for number in range(4)]


class TestUpdatingKeys:
    def test_the_right_to_push_is_taken(self, gitlab: GitLab) -> None:
        project, other = gitlab.project("tenants/a"), gitlab.project("tenants/b")
        gitlab.world.add_deploy_key(project, a_public_key(1).text, title=MARK, can_push=True)
        gitlab.world.add_deploy_key(other, a_public_key(1).text, title=MARK, can_push=True)
        group, actual = gitlab.ready()

        group.write(update_key(project, actual))

        assert keys(gitlab, project) == [a_right_key()]
        assert keys(gitlab, other) == [(a_public_key(1).text, MARK, True)]
        assert [request.body for request in gitlab.world.writes] == [{"can_push": False}]

    def test_a_key_is_marked_by_its_title(self, gitlab: GitLab) -> None:
        project = gitlab.project()
        gitlab.world.add_deploy_key(project, a_public_key(1).text, title="by hand", can_push=True)
        group, actual = gitlab.ready()

        group.write(update_key(project, actual, title=("by hand", MARK), can_push=(True, False)))

        assert keys(gitlab, project) == [a_right_key()]

    def test_a_title_that_gitlab_keeps_is_a_failure(self, gitlab: GitLab) -> None:
        project, other = gitlab.project("tenants/a"), gitlab.project("tenants/b")
        for each in (project, other):
            gitlab.world.add_deploy_key(each, a_public_key(1).text, title="by hand", can_push=True)
        group, actual = gitlab.ready()

        told = failure(group, update_key(project, actual, title=("by hand", MARK), can_push=(True, False)))

        assert told == (
            "GitLab answered 200 and did not change title, as it does for the title of a key that several projects "
            f"use; list {a_public_key(1).fingerprint} under owned_keys in the settings instead"
        )
        assert keys(gitlab, project) == [(a_public_key(1).text, "by hand", False)]

    def test_a_key_that_is_gone_is_told(self, gitlab: GitLab) -> None:
        project = gitlab.project()
        key = gitlab.world.add_deploy_key(project, a_public_key(1).text, title=MARK, can_push=True)
        group, actual = gitlab.ready()
        gitlab.world.detach_key(project, key)

        assert failure(group, update_key(project, actual)) == "GitLab answered 404 Not found"

    @pytest.mark.parametrize("body", [[], {}, "null"])
    def test_an_answer_that_is_no_key_is_a_failure(self, gitlab: GitLab, body: object) -> None:
        project = gitlab.project()
        gitlab.world.add_deploy_key(project, a_public_key(1).text, title=MARK, can_push=True)
        group, actual = gitlab.ready()
        gitlab.world.fail(method="PUT", status=200, body=body)

        assert "GitLab's answer h" in failure(group, update_key(project, actual))

    def test_so_is_one_when_looking_whether_it_was_done(self, gitlab: GitLab) -> None:
        project = gitlab.project()
        gitlab.world.add_deploy_key(project, a_public_key(1).text, title=MARK, can_push=True)
        group, actual = gitlab.ready()
        gitlab.world.fail(method="PUT", status=502)
        gitlab.world.fail(method="GET", path=r"deploy_keys/\d+$", status=200, body=[])

        assert "GitLab's answer holds something that is no object" in failure(group, update_key(project, actual))


class TestCreatingWebhooks:
    def test_it_is_sent_whole(self, gitlab: GitLab) -> None:
        project = gitlab.project()
        group, _ = gitlab.ready()

        group.write(create_hook(project))

        (sent,) = gitlab.world.writes
        assert sent.body == {
            "url": a_url(1),
            "token": "token-1",
            "name": "Flux flux-config/shop",
            "description": MARK,
            "enable_ssl_verification": True,
            "push_events_branch_filter": "",
            **some_flags("push_events", "tag_push_events"),
        }
        assert hooks(gitlab, project) == [RIGHT_HOOK]
        (hook,) = gitlab.world.hooks_of(project)
        assert (hook.name, hook.description) == ("Flux flux-config/shop", MARK)

    def test_push_events_are_off_where_they_are_not_wanted(self, gitlab: GitLab) -> None:
        project = gitlab.project()
        group, _ = gitlab.ready()

        group.write(Create(a_wanted_webhook(project=ours(project), flags={"releases_events"}), "missing"))

        assert hooks(gitlab, project) == [(a_url(1), "token-1", {"releases_events"})]

    def test_its_certificate_is_not_verified_where_the_settings_say_so(self, gitlab: GitLab) -> None:
        project = gitlab.project()
        group, _ = gitlab.ready(rules=some_rules(tls_verification=False))

        group.write(create_hook(project))

        assert [hook.enable_ssl_verification for hook in gitlab.world.hooks_of(project)] == [False]

    def test_a_long_name_is_cut_as_gitlab_wants_it(self, gitlab: GitLab) -> None:
        project = gitlab.project()
        group, _ = gitlab.ready()

        group.write(Create(a_wanted_webhook(project=ours(project), name="n" * 253), "missing"))

        (hook,) = gitlab.world.hooks_of(project)
        assert (len(hook.name or ""), len(hook.description or "")) == (255, 255)

    @pytest.mark.parametrize("version", ["14.0.0", "18.4.0"])
    def test_the_limit_of_webhooks_is_told_in_gitlabs_words(self, version: str) -> None:
        with a_gitlab(version) as gitlab:
            project = gitlab.project()
            for number in range(100):
                gitlab.world.add_hook(project, f"https://other.example/{number}")
            group, _ = gitlab.ready()

            assert "Maximum number of project hooks (100) exceeded" in failure(group, create_hook(project))
            assert len(hooks(gitlab, project)) == 100

    def test_a_url_that_gitlab_refuses_is_told(self, gitlab: GitLab) -> None:
        project = gitlab.project()
        group, _ = gitlab.ready()
        wanted = replace(a_wanted_webhook(project=ours(project)), url="http://localhost/hook")

        assert failure(group, Create(wanted, "missing")) == "GitLab answered 422 Invalid url given"

    @pytest.mark.parametrize(
        ("stored", "named"),
        [
            ({"url": "https://else.example"}, "url"),
            ({"push_events": False, "job_events": True}, "job_events, push_events"),
            ({"description": None}, "description"),
            ({"enable_ssl_verification": False}, "enable_ssl_verification"),
            ({"token_present": False}, "token"),
            ({"push_events_branch_filter": "main"}, "push_events_branch_filter"),
        ],
    )
    def test_one_that_was_stored_as_something_else_is_a_failure(
        self, gitlab: GitLab, stored: dict[str, Any], named: str
    ) -> None:
        project = gitlab.project()
        there = gitlab.world.add_hook(project, a_url(2))
        group, _ = gitlab.ready()
        # Not a new id, so it is no proof that this POST made it.
        whole = {"id": there.id, "url": a_url(1), "description": MARK, "enable_ssl_verification": True}
        gitlab.world.fail(method="POST", status=201, body=whole | some_flags(*DEFAULT_FLAGS) | stored)

        told = failure(group, create_hook(project))

        assert told == f"GitLab accepted the webhook and has something else for {named}"
        assert gitlab.paths("DELETE") == []

    def test_a_new_one_that_was_stored_as_something_else_is_removed_by_its_id(self, gitlab: GitLab) -> None:
        project = gitlab.project()
        there = gitlab.world.add_hook(project, a_url(2))
        group, _ = gitlab.ready()
        made = gitlab.world.add_hook(project, a_url(1), description=MARK, push_events=True)
        answer = {"id": made.id, "url": made.url, "description": MARK, "push_events": True, "tag_push_events": False}
        gitlab.world.fail(method="POST", status=201, body=answer)

        told = failure(group, create_hook(project))

        assert told == (
            "GitLab accepted the webhook and has something else for tag_push_events; "
            f"webhook {made.id}, which was just created, was removed again"
        )
        assert gitlab.world.hooks_of(project) == [there]

    @pytest.mark.parametrize("changed", [{"description": OTHERS_MARK}, {"url": a_url(3)}])
    def test_a_new_one_that_somebody_has_changed_since_stays(self, gitlab: GitLab, changed: dict[str, str]) -> None:
        project = gitlab.project()
        group, _ = gitlab.ready()
        made = gitlab.world.add_hook(project, **{"url": a_url(1), "description": MARK, "push_events": True} | changed)
        answer = {"id": made.id, "url": a_url(1), "description": MARK, "push_events": True, "tag_push_events": False}
        gitlab.world.fail(method="POST", status=201, body=answer)

        assert "should be removed, which failed (it is not the one" in failure(group, create_hook(project))
        assert gitlab.world.hooks_of(project) == [made]

    def test_one_that_was_found_after_a_lost_answer_is_not_removed(self, gitlab: GitLab) -> None:
        """Who made it is not known: no answer of ours named its id."""
        project = gitlab.project()
        group, _ = gitlab.ready()
        made = gitlab.world.add_hook(project, a_url(1), description=MARK, push_events=True, job_events=True)
        gitlab.world.fail(method="POST", drop=True)

        assert failure(group, create_hook(project)).endswith("has something else for job_events, tag_push_events")
        assert gitlab.world.hooks_of(project) == [made]

    @pytest.mark.parametrize("body", [[], {}, "null", {"id": 7, "url": None}])
    def test_an_answer_that_is_no_webhook_is_a_failure(self, gitlab: GitLab, body: object) -> None:
        project = gitlab.project()
        group, _ = gitlab.ready()
        gitlab.world.fail(method="POST", status=201, body=body)

        assert "GitLab's answer h" in failure(group, create_hook(project))

    def test_one_that_somebody_else_put_there_meanwhile_is_not_taken_for_ours(self, gitlab: GitLab) -> None:
        project = gitlab.project()
        group, _ = gitlab.ready()
        gitlab.world.add_hook(project, a_url(1), description=OTHERS_MARK, tag_push_events=True)
        gitlab.world.fail(method="POST", drop=True)

        assert failure(group, create_hook(project)) == (
            f"by now a webhook at that URL is marked `{OTHERS_MARK}`, which is not this instance's"
        )
        assert len(hooks(gitlab, project)) == 1


class TestUpdatingWebhooks:
    def test_url_and_token_always_go_together(self, gitlab: GitLab) -> None:
        project = gitlab.project()
        hook = gitlab.world.add_hook(
            project, a_url(1), token="old", push_events=False, custom_headers={"X-Tenant": "a"}
        )
        group, actual = gitlab.ready()

        group.write(update_hook(project, actual))

        (sent,) = gitlab.world.writes
        assert (sent.method, sent.body["url"], sent.body["token"]) == ("PUT", a_url(1), "token-1")
        assert hooks(gitlab, project) == [RIGHT_HOOK]
        assert (hook.description, hook.custom_headers) == (MARK, {"X-Tenant": "a"})

    def test_everything_that_may_differ_is_set_right(self, gitlab: GitLab) -> None:
        project = gitlab.project()
        hook = gitlab.world.add_hook(
            project,
            a_url(1),
            issues_events=True,
            enable_ssl_verification=False,
            branch_filter_strategy="regex",
            push_events_branch_filter="main",
        )
        group, actual = gitlab.ready()

        group.write(update_hook(project, actual, branch_filter_strategy=("regex", "wildcard")))

        assert hooks(gitlab, project) == [RIGHT_HOOK]
        assert hook.enable_ssl_verification
        assert (hook.branch_filter_strategy, hook.push_events_branch_filter) == ("wildcard", "")

    def test_a_strategy_that_lets_everything_through_stays(self, gitlab: GitLab) -> None:
        project = gitlab.project()
        hook = gitlab.world.add_hook(project, a_url(1), branch_filter_strategy="all_branches")
        group, actual = gitlab.ready()

        group.write(update_hook(project, actual))

        assert hook.branch_filter_strategy == "all_branches"

    def test_one_that_is_gone_is_told(self, gitlab: GitLab) -> None:
        project = gitlab.project()
        hook = gitlab.world.add_hook(project, a_url(1))
        group, actual = gitlab.ready()
        gitlab.world.remove_hook(project, hook)

        assert failure(group, update_hook(project, actual)) == "GitLab answered 404 Not found"

    def test_one_that_goes_while_its_outcome_is_unknown_is_told(self, gitlab: GitLab) -> None:
        project = gitlab.project()
        hook = gitlab.world.add_hook(project, a_url(1))
        group, actual = gitlab.ready()
        change = update_hook(project, actual)
        gitlab.world.fail(method="PUT", status=504, times=None)
        gitlab.world.remove_hook(project, hook)

        assert failure(group, change) == (
            "PUT: GitLab answered 504, and looking whether it was done failed: GitLab answered 404 Not found"
        )
        assert len(gitlab.world.writes) == 1

    def test_a_refusal_is_told_from_the_other_envelope(self, gitlab: GitLab) -> None:
        project = gitlab.project()
        gitlab.world.add_hook(project, a_url(1))
        group, actual = gitlab.ready()
        change = update_hook(project, actual)
        wanted = replace(a_wanted_webhook(project=ours(project)), token="two\nlines")

        assert failure(group, replace(change, wanted=wanted)) == "GitLab answered 422 token is invalid"


def some_items(gitlab: GitLab) -> tuple[TheirProject, GitLabGroup, list[Delete]]:
    """A project with one key and one webhook, and their deletions."""
    project = gitlab.project()
    gitlab.world.add_deploy_key(project, a_public_key(1).text, title=MARK)
    gitlab.world.add_hook(project, a_url(1), description=MARK)
    group, actual = gitlab.ready()
    (items,) = actual.projects
    return project, group, [delete(project, items.keys[0]), delete(project, items.webhooks[0])]


def empty(gitlab: GitLab, project: TheirProject) -> None:
    """Somebody removes everything from the project."""
    for key, _ in gitlab.world.keys_of(project):
        gitlab.world.detach_key(project, key)
    for hook in gitlab.world.hooks_of(project):
        gitlab.world.remove_hook(project, hook)


class TestDeleting:
    def test_key_and_webhook_go(self, gitlab: GitLab) -> None:
        project, group, deletes = some_items(gitlab)
        for change in deletes:
            group.write(change)

        assert (keys(gitlab, project), hooks(gitlab, project)) == ([], [])
        assert [request.status for request in gitlab.world.writes] == [204, 204]

    def test_what_else_there_is_stays(self, gitlab: GitLab) -> None:
        project = gitlab.project()
        other = gitlab.project("tenants/other")
        for number in (1, 2):
            gitlab.world.add_deploy_key(project, a_public_key(number).text, title=MARK)
            gitlab.world.add_hook(project, a_url(number))
        gitlab.world.add_deploy_key(other, a_public_key(1).text, title=MARK)
        group, actual = gitlab.ready()
        items = of(actual, project)

        group.write(delete(project, items.keys[0]))
        group.write(delete(project, items.webhooks[1]))

        assert keys(gitlab, project) == [a_right_key(2)]
        assert [url for url, _, _ in hooks(gitlab, project)] == [a_url(1)]
        assert keys(gitlab, other) == [a_right_key(1)]

    def test_what_is_gone_already_is_gone(self, gitlab: GitLab) -> None:
        project, group, deletes = some_items(gitlab)
        empty(gitlab, project)

        for change in deletes:
            group.write(change)

        assert gitlab.world.writes == []

    @pytest.mark.parametrize("which", [0, 1], ids=["key", "webhook"])
    def test_what_goes_between_the_look_and_the_removal_is_gone(self, gitlab: GitLab, which: int) -> None:
        project, group, deletes = some_items(gitlab)
        gitlab.world.fail(method="DELETE", call=lambda: empty(gitlab, project))

        group.write(deletes[which])

        assert [request.status for request in gitlab.world.writes] == [404]

    @pytest.mark.parametrize("title", ["by hand", OTHERS_MARK, str(a_mark("other"))])
    def test_what_has_another_mark_by_now_stays(self, gitlab: GitLab, title: str) -> None:
        project, group, deletes = some_items(gitlab)
        ((key, _),), (hook,) = gitlab.world.keys_of(project), gitlab.world.hooks_of(project)
        key.title = hook.description = title

        for change in deletes:
            with pytest.raises(DeleteContradicted, match="its mark has changed since it was read"):
                group.write(change)

        assert gitlab.world.writes == []

    def test_a_webhook_that_leads_elsewhere_by_now_stays(self, gitlab: GitLab) -> None:
        project, group, deletes = some_items(gitlab)
        (hook,) = gitlab.world.hooks_of(project)
        hook.url = "https://chat.example/hook"

        with pytest.raises(DeleteContradicted, match="its URL has changed since it was read"):
            group.write(deletes[1])

        assert gitlab.world.writes == []

    def test_an_id_that_is_another_key_by_now_stays(self, gitlab: GitLab) -> None:
        _, group, deletes = some_items(gitlab)
        other = {"id": deletes[0].id, "title": deletes[0].found.title, "key": a_public_key(9).text}
        gitlab.world.fail(path=r"/deploy_keys/", status=200, body=other)

        with pytest.raises(DeleteContradicted, match="its key has changed since it was read"):
            group.write(deletes[0])

        assert gitlab.world.writes == []

    @pytest.mark.parametrize("which", [0, 1], ids=["key", "webhook"])
    @pytest.mark.parametrize(
        ("fault", "why"),
        [
            ({"status": 404, "body": {"message": "404 Project Not Found"}}, "GitLab answered 404 Project Not Found"),
            ({"status": 403, "body": {"message": "403 Forbidden"}}, "GitLab answered 403 Forbidden"),
            ({"status": 500, "times": None}, "GitLab answered 500"),
            ({"drop": True, "times": None}, "GitLab gave no answer: the connection broke off"),
            ({"status": 200, "body": {"id": 1}}, "GitLab's answer has no text"),
            ({"status": 200, "body": "<html>"}, "something that is not JSON"),
        ],
    )
    def test_what_cannot_be_read_again_is_held(
        self, gitlab: GitLab, which: int, fault: dict[str, Any], why: str
    ) -> None:
        _, group, deletes = some_items(gitlab)
        gitlab.world.fail(method="GET", path=r"/(hooks|deploy_keys)/", **fault)

        with pytest.raises(DeleteHeld, match="it could not be read again before its removal: ") as held:
            group.write(deletes[which])

        assert why in str(held.value)
        assert gitlab.world.writes == []

    @pytest.mark.parametrize("which", [0, 1], ids=["key", "webhook"])
    @pytest.mark.parametrize(
        ("status", "body", "told"),
        [
            (404, {"message": "404 Project Not Found"}, "GitLab answered 404 Project Not Found"),
            (404, {"error": "404 Not Found"}, "GitLab answered 404 Not Found"),
            (404, "<html>not here</html>", "something in front of GitLab answered 404"),
            (400, {"message": "404 Not found"}, "GitLab answered 400 404 Not found"),
        ],
    )
    def test_a_404_about_something_else_proves_nothing(
        self, gitlab: GitLab, which: int, status: int, body: object, told: str
    ) -> None:
        project, group, deletes = some_items(gitlab)
        gitlab.world.fail(method="DELETE", status=status, body=body)

        assert failure(group, deletes[which]) == told
        assert (len(keys(gitlab, project)), len(hooks(gitlab, project))) == (1, 1)

    @pytest.mark.parametrize("which", [0, 1], ids=["key", "webhook"])
    def test_nor_does_one_when_looking_whether_it_was_done(self, gitlab: GitLab, which: int) -> None:
        _, group, deletes = some_items(gitlab)
        gitlab.world.fail(method="DELETE", drop=True)
        missing = {"status": 404, "body": {"error": "404 Not Found"}}
        gitlab.world.fail(method="GET", path=r"/(hooks|deploy_keys)/", skip=1, **missing)

        assert failure(group, deletes[which]) == (
            "GitLab gave no answer: the connection broke off, and looking whether it was done failed: "
            "GitLab answered 404 Not Found"
        )

    def test_it_needs_the_role(self, gitlab: GitLab) -> None:
        project, group, deletes = some_items(gitlab)
        gitlab.world.add_member(gitlab.group, gitlab.bot, DEVELOPER)

        why = "it could not be read again before its removal: GitLab answered 403 Forbidden"
        assert [failure(group, change) for change in deletes] == [why] * 2
        assert (len(keys(gitlab, project)), len(hooks(gitlab, project))) == (1, 1)


@dataclass(frozen=True)
class Case:
    """One kind of write: *method*, how the world is before, the change, and whether it is made."""

    method: str
    prepare: Callable[[GitLab, TheirProject], object]
    change: Callable[[TheirProject, Actual], Change]
    made: Callable[[GitLab, TheirProject], bool]


def _has_key(gitlab: GitLab, project: TheirProject) -> object:
    return gitlab.world.add_deploy_key(project, a_public_key(1).text, title="by hand", can_push=True)


def _has_hook(gitlab: GitLab, project: TheirProject) -> object:
    return gitlab.world.add_hook(project, a_url(1), token="old", push_events=False)


CASES = {
    "create key": Case(
        "POST",
        lambda _gitlab, _project: None,
        lambda project, _: create_key(project),
        lambda gitlab, project: keys(gitlab, project) == [a_right_key()] and len(gitlab.world.keys) == 1,
    ),
    "update key": Case(
        "PUT",
        _has_key,
        lambda project, actual: update_key(project, actual, title=("by hand", MARK), can_push=(True, False)),
        lambda gitlab, project: keys(gitlab, project) == [a_right_key()],
    ),
    "delete key": Case(
        "DELETE",
        _has_key,
        lambda project, actual: delete(project, of(actual, project).keys[0]),
        lambda gitlab, project: keys(gitlab, project) == [],
    ),
    "create webhook": Case(
        "POST",
        lambda _gitlab, _project: None,
        lambda project, _: create_hook(project),
        lambda gitlab, project: hooks(gitlab, project) == [RIGHT_HOOK],
    ),
    "update webhook": Case(
        "PUT", _has_hook, update_hook, lambda gitlab, project: hooks(gitlab, project) == [RIGHT_HOOK]
    ),
    "delete webhook": Case(
        "DELETE",
        _has_hook,
        lambda project, actual: delete(project, of(actual, project).webhooks[0]),
        lambda gitlab, project: hooks(gitlab, project) == [],
    ),
}
HTML = {"body": "<html>Bad Gateway</html>", "headers": {"Content-Type": "text/html"}}
FAULTS: dict[str, dict[str, Any]] = {
    "reset before": {"drop": True},
    "reset after it was done": {"drop": True, "after": True},
    "500 after it was done": {"status": 500, "body": {"message": "500 Internal Server Error"}, "after": True},
    "502 before": {"status": 502, **HTML},
    "504 after it was done": {"status": 504, **HTML, "after": True},
    "nonsense after it was done": {"status": 201, **HTML, "after": True},
    "late after it was done": {"delay": 1.0, "after": True},
    "lock": {"status": 409, "body": {"message": "409 Conflict: Resource lock"}},
}


def prepared(gitlab: GitLab, case: Case, **session: object) -> tuple[TheirProject, GitLabGroup, Change]:
    project = gitlab.project()
    case.prepare(gitlab, project)
    group, actual = gitlab.ready(session=gitlab.session(**session))
    return project, group, case.change(project, actual)


class TestUnknownOutcomes:
    @pytest.mark.parametrize("fault", FAULTS)
    @pytest.mark.parametrize("name", CASES)
    def test_the_change_is_made_once_whatever_became_of_the_first_answer(
        self, gitlab: GitLab, name: str, fault: str
    ) -> None:
        case = CASES[name]
        project, group, change = prepared(gitlab, case, timeout=0.4)
        planned = gitlab.world.fail(method=case.method, **FAULTS[fault])

        group.write(change)

        assert planned.injected == 1
        assert case.made(gitlab, project)

    @pytest.mark.parametrize("fault", ["reset before", "502 before"])
    @pytest.mark.parametrize("name", CASES)
    def test_what_never_works_ends_in_a_failure_after_three_tries(self, gitlab: GitLab, name: str, fault: str) -> None:
        case = CASES[name]
        project, group, change = prepared(gitlab, case)
        gitlab.world.fail(method=case.method, times=None, **FAULTS[fault])

        told = failure(group, change)

        page = f"{case.method}: something in front of GitLab answered 502"
        assert told in {"GitLab gave no answer: the connection broke off", page}
        assert not case.made(gitlab, project)
        assert len(gitlab.world.writes) == 3

    @pytest.mark.parametrize("name", CASES)
    def test_where_nobody_can_look_nothing_is_repeated(self, gitlab: GitLab, name: str) -> None:
        """The write was done, but neither its answer nor a look tells: a failure, and no second write."""
        case = CASES[name]
        project, group, change = prepared(gitlab, case)
        gitlab.world.fail(method=case.method, drop=True, after=True)
        looks_before = 1 if case.method == "DELETE" else 0
        gitlab.world.fail(method="GET", path=r"/(hooks|deploy_keys)", status=503, skip=looks_before, times=None)

        told = failure(group, change)

        assert told.endswith("broke off, and looking whether it was done failed: GitLab answered 503")
        assert case.made(gitlab, project)
        assert len(gitlab.world.writes) == 1

    @pytest.mark.parametrize("name", CASES)
    def test_a_refusal_is_final(self, gitlab: GitLab, name: str) -> None:
        case = CASES[name]
        project, group, change = prepared(gitlab, case)
        gitlab.world.fail(method=case.method, status=403, body={"message": "403 Forbidden"}, times=None)

        assert failure(group, change) == "GitLab answered 403 Forbidden"
        assert not case.made(gitlab, project)
        assert len(gitlab.world.writes) == 1


class TestStopping:
    @pytest.mark.parametrize("after", [True, False])
    @pytest.mark.parametrize("name", CASES)
    def test_after_a_stop_one_look_tells_how_it_ended_and_nothing_is_repeated(
        self, gitlab: GitLab, name: str, *, after: bool
    ) -> None:
        case = CASES[name]
        stop_control = StopControl()
        project, group, change = prepared(gitlab, case, stop_control=stop_control, backoff=20.0)
        gitlab.world.fail(method=case.method, drop=True, after=after, times=None)
        threading.Timer(0.2, stop_control.stop.set).start()
        began = time.monotonic()

        if after and name != "update webhook":
            group.write(change)
        else:
            assert failure(group, change) == "GitLab gave no answer: the connection broke off"

        assert time.monotonic() - began < 8
        assert case.made(gitlab, project) == after
        assert len(gitlab.world.writes) == 1
        # The project, the item before its removal, and one look.
        assert len(gitlab.paths()) == (3 if case.method == "DELETE" else 2)

    def test_a_look_that_waits_for_its_turn_when_the_run_is_stopped_is_taken_at_once(
        self, gitlab: GitLab, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stop_control = StopControl()
        project, group, change = prepared(gitlab, CASES["create webhook"], stop_control=stop_control)
        gitlab.world.fail(method="POST", drop=True, after=True)

        def held(repeat: int) -> None:
            del repeat
            group._session._rate_limiter.block_for(20)
            threading.Timer(0.2, stop_control.stop.set).start()

        # As after a 429 that another worker met.
        monkeypatch.setattr(group._session, "pause", held)
        group.write(change)

        assert hooks(gitlab, project) == [RIGHT_HOOK]


class TestReleases:
    @pytest.mark.parametrize("name", CASES)
    @pytest.mark.parametrize("version", RELEASES)
    def test_every_kind_of_write_works_with_every_release(self, version: str, name: str) -> None:
        case = CASES[name]
        with a_gitlab(version) as gitlab:
            project, group, change = prepared(gitlab, case)

            assert not case.made(gitlab, project)
            group.write(change)

            assert case.made(gitlab, project)
            assert len(gitlab.world.writes) == 1

    @pytest.mark.parametrize("version", RELEASES)
    def test_a_webhooks_mark_is_stored_where_there_is_a_place_for_it(self, version: str) -> None:
        with a_gitlab(version) as gitlab:
            project, group, change = prepared(gitlab, CASES["create webhook"])
            group.write(change)
            (hook,) = gitlab.world.hooks_of(project)

            assert hook.description == (MARK if gitlab.world.release >= (17, 1) else None)

    def test_under_a_relative_root_writes_find_their_way(self) -> None:
        with a_gitlab(url_root="/gitlab") as gitlab:
            project, group, change = prepared(gitlab, CASES["create webhook"])
            group.write(change)

            assert hooks(gitlab, project) == [RIGHT_HOOK]


def writes_to(project: TheirProject) -> Iterable[Change]:
    return create_key(project), create_hook(project), create_key(project, 2)


class TestPlaces:
    def test_a_changed_project_is_looked_at_once(self, gitlab: GitLab) -> None:
        one, two = gitlab.project("tenants/one"), gitlab.project("tenants/two")
        group, _ = gitlab.ready()
        for change in [*writes_to(one), *writes_to(two)]:
            group.write(change)

        assert gitlab.paths() == [f"/projects/{one.id}", f"/projects/{two.id}"]
        assert len(gitlab.world.writes) == 6

    def test_nothing_is_written_to_a_project_that_was_moved_out(self, gitlab: GitLab) -> None:
        gitlab.world.add_group("elsewhere")
        project = gitlab.project(visibility="public")
        project.members[gitlab.bot.id] = 40
        group, _ = gitlab.ready()
        gitlab.world.move_project(project, "elsewhere/shop")

        told = [failure(group, change) for change in writes_to(project)]

        moved = "the project has moved to elsewhere/shop, outside the group, since it was read"
        assert told == [moved] * 3
        assert gitlab.requests() == [("GET", f"/projects/{project.id}")]

    def test_one_that_was_moved_inside_is_written_to(self, gitlab: GitLab) -> None:
        project = gitlab.project()
        change = create_key(project)
        group, _ = gitlab.ready()
        gitlab.world.move_project(project, "tenants/new")

        group.write(change)

        assert keys(gitlab, project) == [a_right_key()]

    def test_one_that_is_gone_is_told(self, gitlab: GitLab) -> None:
        project = gitlab.project()
        group, _ = gitlab.ready()
        change = create_key(project)
        gitlab.world.remove_project(project)

        assert failure(group, change) == "GitLab answered 404 Project Not Found"
        assert gitlab.world.writes == []

    def test_one_that_was_named_by_itself_may_be_anywhere(self, gitlab: GitLab) -> None:
        gitlab.world.add_group("elsewhere")
        project = gitlab.project("elsewhere/shop")
        gitlab.world.add_member(project, gitlab.bot, 40)
        group, _ = gitlab.ready(extra_projects=("elsewhere/shop",))

        group.write(create_key(project))

        assert keys(gitlab, project) == [a_right_key()]

    def test_a_look_that_failed_is_taken_again_for_the_next_change(self, gitlab: GitLab) -> None:
        project = gitlab.project()
        group, _ = gitlab.ready()
        gitlab.world.fail(path=rf"/projects/{project.id}$", status=403)

        assert failure(group, create_key(project)) == "GitLab answered 403"
        assert gitlab.world.writes == []
        group.write(create_key(project))
        assert keys(gitlab, project) == [a_right_key()]

    @pytest.mark.parametrize("body", [[], {"id": 1}])
    def test_an_answer_that_is_no_project_stops_the_write(self, gitlab: GitLab, body: object) -> None:
        project = gitlab.project()
        group, _ = gitlab.ready()
        gitlab.world.fail(path=rf"/projects/{project.id}$", status=200, body=body)

        assert "GitLab's answer h" in failure(group, create_key(project))
        assert gitlab.world.writes == []


# what a second look at a whole run taught


def test_a_webhook_that_gitlab_may_still_be_making_is_not_made_twice(gitlab: GitLab) -> None:
    project = gitlab.world.add_project("tenants/slow")
    group = gitlab.reader(session=gitlab.session(timeout=0.3))
    group.read_actual(())
    gitlab.world.fail(method="POST", path="/hooks$", delay=1.5)

    with pytest.raises(WriteFailed, match="the next run looks again"):
        group.write(create_hook(project))

    time.sleep(2)
    assert len(gitlab.world.hooks_of(project)) == 1


def test_what_a_run_put_there_it_never_removes(gitlab: GitLab) -> None:
    project = gitlab.world.add_project("tenants/misread")
    group = gitlab.reader()
    group.read_actual(())
    key_id = group.write(create_key(project)).id
    hook_id = group.write(create_hook(project)).id

    for found in (
        FoundKey(key_id, MARK, a_public_key(), Mark.parse(MARK), Owner.OURS),
        FoundWebhook(hook_id, a_url(1), {}, None, Owner.OURS),
    ):
        with pytest.raises(WriteFailed, match="this very run put it there"):
            group.write(delete(project, found))

    assert (len(keys(gitlab, project)), len(hooks(gitlab, project))) == (1, 1)


def test_a_removal_that_something_else_answered_is_looked_after(gitlab: GitLab) -> None:
    project = gitlab.world.add_project("tenants/answered")
    gitlab.world.add_hook(project, a_url(1), description=MARK)
    group = gitlab.reader()
    actual = group.read_actual(())
    gitlab.world.fail(method="DELETE", status=200, body={"ok": True})

    with pytest.raises(WriteFailed, match="the item is still there"):
        group.write(delete(project, of(actual, project).webhooks[0]))

    group.write(delete(project, of(actual, project).webhooks[0]))
    assert hooks(gitlab, project) == []


def test_after_a_stop_no_write_is_repeated(gitlab: GitLab) -> None:
    project = gitlab.world.add_project("tenants/stopped")
    stop_control = StopControl()
    session = gitlab.opened.enter_context(
        closing(Session(GitLabConnection(gitlab.url, TOKEN, allow_writes=True, backoff=0.001), stop_control))
    )
    group = gitlab.reader(session=session)
    group.read_actual(())
    gitlab.world.fail(method="POST", path="/hooks$", status=502, times=None)
    gitlab.world.requests.clear()
    stop_control.stop.set()

    with pytest.raises(WriteFailed, match="502"):
        group.write(create_hook(project))

    assert sum(one.method == "POST" for one in gitlab.world.requests) == 1


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 409, "body": {"message": "409 Conflict: Resource lock"}},
        {"status": 429, "body": "Retry later", "headers": {"Retry-After": "1"}},
    ],
)
@pytest.mark.parametrize("after", [True, False])
def test_a_webhook_is_looked_for_before_it_is_sent_again(gitlab: GitLab, fault: dict[str, Any], *, after: bool) -> None:
    """A proxy that asks again by itself may have got the first one through."""
    project = gitlab.project()
    group, _ = gitlab.ready()
    gitlab.world.fail(method="POST", after=after, **fault)

    group.write(create_hook(project))

    assert hooks(gitlab, project) == [RIGHT_HOOK]
    assert len(gitlab.world.writes) == (1 if after else 2)


def test_after_a_gateway_timeout_a_webhook_is_not_sent_again(gitlab: GitLab) -> None:
    project = gitlab.project()
    group, _ = gitlab.ready()
    gitlab.world.fail(method="POST", status=504)

    assert failure(group, create_hook(project)) == (
        "POST: GitLab answered 504; GitLab may still be working on it, so it is not sent again; "
        "the next run looks again"
    )
    assert len(gitlab.world.writes) == 1


@pytest.mark.parametrize("body", ["", "true", "1", "<html>"])
@pytest.mark.parametrize("after", [True, False])
def test_whoever_answers_a_removal_with_200_is_not_believed(gitlab: GitLab, body: str, *, after: bool) -> None:
    project = gitlab.project()
    gitlab.world.add_hook(project, a_url(1), description=MARK)
    group, actual = gitlab.ready()
    change = delete(project, of(actual, project).webhooks[0])
    gitlab.world.fail(method="DELETE", status=200, body=body, after=after, times=None)

    if after:
        group.write(change)
    else:
        assert failure(group, change).endswith(", and the item is still there")
    assert len(gitlab.world.writes) == 1


def test_what_was_made_wrong_is_not_removed_either(gitlab: GitLab) -> None:
    project = gitlab.project()
    there = gitlab.world.add_hook(project, a_url(3))
    group, _ = gitlab.ready()
    made = {"id": there.id, "url": a_url(2), "push_events": True}
    gitlab.world.fail(method="POST", status=201, body=made)

    assert "something else for" in failure(group, create_hook(project))
    assert "this very run put it there" in failure(
        group, delete(project, FoundWebhook(there.id, a_url(1), {}, None, Owner.OURS))
    )
    assert gitlab.paths("DELETE") == []

"""What cannot be put back is named and left alone: lost webhooks, lost projects, and what is another's."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from cronjob.exit_codes import exit_code_of
from reconcile.model import LookUpFailed, LookUpResult, Project, ProjectLocation, PublicKey, Ref, Secret, SecretMissing
from reconcile.report import Result, Status
from reconcile.tenancy import Rule, Tenancy
from reconcile.undo.removed import removed_from
from tests.worlds.builders import NAMESPACE, OTHERS_MARK, a_public_key, some_rules
from tests.worlds.ports import marked
from tests.worlds.two_tenants import OUTSIDE, A, B, TwoTenants, codes, messages

pytest_plugins = ["tests.worlds.two_tenants_fixtures"]


# what cannot be put back


def test_a_webhook_whose_receiver_is_gone_is_named(left: TwoTenants) -> None:
    left.name_its_secret()

    report = left.undo()

    [message] = messages(report)
    assert message.startswith("Webhook https://flux.example.net/hook/")
    assert message.endswith(f"… is not put back: Receiver/{NAMESPACE}/a is not there any more, or in a namespace that "
                            "is not read.")  # fmt: skip
    assert exit_code_of(report, None, 0) == 1
    assert report.plan.problems[0].severity == "error"


def test_a_key_whose_secret_no_listed_repository_names_is_named(left: TwoTenants) -> None:
    report = left.undo()

    assert left.gitlab.written == []
    assert sorted(messages(report))[0] == (
        f"Deploy key {a_public_key(1).fingerprint} is not put back: no GitRepository names "
        f"Secret/{NAMESPACE}/a, whose key it is; bring one back first."
    )
    assert exit_code_of(report, None, 0) == 1


@pytest.mark.parametrize("edit", [{"can_push": True}, {"key": a_public_key(66)}, {"title": "mine"}, {"title": ""}])
def test_an_edited_report_puts_nothing_there_that_is_not_from_here(left: TwoTenants, edit: dict[str, Any]) -> None:
    """Any key, writable, on any project: nothing listed here says that it belongs there."""
    left.removed = tuple(replace(one, project=B, **edit) for one in left.removed if one.kind == "deploy_key")

    report = left.undo()

    assert left.gitlab.written == []
    assert len(messages(report)) == 1


def test_a_key_under_owned_keys_goes_back_whatever_is_listed(left: TwoTenants) -> None:
    left.rules = some_rules(owned_keys=frozenset({a_public_key(1).fingerprint}))

    left.undo()

    assert left.gitlab.titles(A) == [marked("a")]


def test_an_unmarked_key_that_is_not_listed_under_owned_keys_is_named(left: TwoTenants) -> None:
    left.come_back()
    with_title(left, "by hand")

    report = left.undo()

    assert left.gitlab.titles(A) == []
    assert "carries no mark, and its fingerprint is not listed under owned_keys" in messages(report)[0]


def test_a_path_in_other_case_is_the_same_path(left: TwoTenants) -> None:
    left.come_back()
    left.gitlab.projects[A.id] = Project(A.id, "Tenants/A")
    left.removed = left.removed[:1]

    left.undo()

    assert left.gitlab.titles(A) == [marked("a")]


def test_a_webhook_whose_token_is_another_one_is_named(left: TwoTenants) -> None:
    left.come_back(seed="another")

    report = left.undo()

    assert left.gitlab.urls(A) == []
    assert "has another token by now" in messages(report)[0]


@pytest.mark.parametrize(
    ("secret", "spec", "why"),
    [
        (SecretMissing(), {}, "does not exist"),
        (Secret(), {}, "has no key `token`"),
        (Secret(token=b"token-b"), {}, "is newer than status.webhookPath"),
        (Secret(token=b"token-a"), {"suspend": True}, "suspended"),
        (Secret(token=b"token-a"), {"type": "github"}, "of type github"),
        (Secret(token=b"token-a"), {"secretRef": None}, "names no Secret"),
    ],
)
def test_a_webhook_whose_receiver_gives_no_token_is_named(
    left: TwoTenants, secret: Secret, spec: dict[str, object], why: str
) -> None:
    left.flux.add_repository("a", A.path, a_public_key(1))
    left.flux.add_receiver("a", ["a"], "token-a", **spec)
    left.flux.secrets[Ref("Secret", NAMESPACE, "a-token")] = secret

    report = left.undo()

    assert left.gitlab.urls(A) == []
    assert why in messages(report)[0]
    assert not messages(report)[0].endswith("..")


def test_without_a_receiver_url_a_webhook_is_named(left: TwoTenants) -> None:
    left.come_back()
    left.rules = some_rules(receiver_url=None)

    assert "--receiver-url" in messages(left.undo())[0]


def test_a_webhook_without_a_mark_is_named(left: TwoTenants) -> None:
    left.come_back()
    left.removed = tuple(replace(one, receiver=None) for one in left.removed if one.kind == "webhook")

    assert "it carried no mark" in messages(left.undo())[0]


def test_a_webhook_at_a_former_address_is_put_back_there(settled: TwoTenants) -> None:
    new = "https://new.example.net"
    before = settled.items
    settled.rules = some_rules(receiver_url=new, previous_receiver_urls=("https://flux.example.net",))
    settled.removed = removed_from(json.loads(json.dumps(settled.run().as_dict())))
    settled.removed = tuple(one for one in settled.removed if one.project == A)

    settled.undo()

    assert settled.items[1] == sorted(
        [*before[1], *[url.replace("https://flux.example.net", new) for url in before[1]]]
    )


def test_of_two_webhooks_that_look_the_same_one_is_put_back(left: TwoTenants) -> None:
    left.come_back()
    left.removed = (*left.removed, *left.removed)

    report = left.undo()

    assert [len(one) for one in left.items] == [1, 1]
    assert (report.plan.unchanged, report.result) == (2, Result.APPLIED)


# projects


@pytest.mark.parametrize(
    ("place", "why"),
    [
        (None, "the project is gone, or this token cannot see it"),
        (
            ProjectLocation(OUTSIDE._replace(id=A.id), moved=True, inside=False),
            "moved to elsewhere/a, outside the group",
        ),
        (ProjectLocation(OUTSIDE, inside=False), "its path belongs to another one by now, with the id 9"),
        (ProjectLocation(B._replace(path=A.path)), "its path belongs to another one by now, with the id 2"),
        (LookUpFailed("GitLab answered 500"), "could not be looked up: GitLab answered 500"),
    ],
)
def test_a_project_that_is_gone_or_has_moved_out_is_named(
    left: TwoTenants, place: LookUpResult | None, why: str
) -> None:
    del left.gitlab.projects[A.id]
    left.gitlab.places = {A.path: place} if place else {}

    report = left.undo()

    assert (left.gitlab.written, len(messages(report))) == ([], 2)
    assert all(why in message for message in messages(report))
    assert {one.project for one in report.plan.problems} == {A.path}


def test_a_project_that_has_another_path_by_now_gets_nothing_back(left: TwoTenants) -> None:
    left.name_its_secret()
    left.gitlab.projects[A.id] = Project(A.id, "tenants/renamed")

    report = left.undo()

    assert left.gitlab.titles(A) == []
    assert all(f"project {A.id} is tenants/renamed by now" in message for message in messages(report))
    assert len(messages(report)) == 2


def test_a_project_that_cannot_be_read_is_named(left: TwoTenants) -> None:
    left.gitlab.unreadable[A.id] = "403 Forbidden"

    report = left.undo()

    assert left.gitlab.written == []
    assert "cannot be read" in messages(report)[0]
    assert "ProjectUnreadable" in codes(report)


# whose it is


def with_title(settled: TwoTenants, title: str) -> None:
    settled.removed = tuple(replace(one, title=title) for one in settled.removed if one.kind == "deploy_key")


@pytest.mark.parametrize("title", [OTHERS_MARK, f"flux-gitlab-syncer prod other-{NAMESPACE}/a"])
def test_what_carries_anothers_mark_is_never_touched(left: TwoTenants, title: str) -> None:
    with_title(left, title)

    report = left.undo()

    assert (left.gitlab.written, left.items) == ([], ([], []))
    assert "is that of another" in messages(report)[0]


def test_what_carries_a_former_name_of_ours_is_put_back(left: TwoTenants) -> None:
    with_title(left, marked("a", cluster="former"))
    left.name_its_secret()
    left.rules = some_rules(previous_clusters=["former"])

    left.undo()

    assert left.gitlab.titles(A) == [marked("a", cluster="former")]


def test_a_key_that_another_cluster_has_by_now_is_not_joined(left: TwoTenants) -> None:
    left.name_its_secret()
    left.gitlab.add_key(B, a_public_key(1), OTHERS_MARK)

    report = left.undo()

    assert left.gitlab.titles(A) == []
    assert any("which is not this instance's" in message for message in messages(report))


def test_a_key_that_the_group_has_by_now_is_joined_under_its_title(left: TwoTenants) -> None:
    left.name_its_secret()
    left.gitlab.add_key(B, a_public_key(1), "by hand")

    report = left.undo()

    assert left.gitlab.titles(A) == ["by hand"]
    assert report.as_dict()["changes"][0]["key"]["title"] == "by hand"


@pytest.mark.parametrize(("projects", "restored"), [("tenants/b", 0), ("tenants/*", 2)])
def test_what_the_tenancy_rules_do_not_allow_is_not_put_back(left: TwoTenants, projects: str, restored: int) -> None:
    left.come_back()
    left.rules = some_rules(tenancy=Tenancy((Rule(NAMESPACE, projects),)))

    report = left.undo()

    assert (report.count(Status.APPLIED), len(messages(report))) == (restored, 2 - restored)
    assert all("tenancy rules" in message for message in messages(report))


def test_what_is_there_already_is_no_change_whoever_put_it_there(left: TwoTenants) -> None:
    key: PublicKey = a_public_key(1)
    left.gitlab.add_key(A, key, OTHERS_MARK)
    left.removed = left.removed[:1]

    report = left.undo()

    assert (report.result, report.plan.unchanged, codes(report)) == (Result.IN_SYNC, 1, [])

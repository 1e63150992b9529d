"""Putting back what a run removed, over a small Kubernetes and a small GitLab with state."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from builders import NAMESPACE, OTHERS_MARK, a_public_key, some_rules
from worlds import HOST, GitLabInMemory, Kubernetes, marked

from reconcile.guard import NO_LIMITS
from reconcile.model import LookUpFailed, Place, PlaceAnswer, Project, PublicKey, Ref, Secret, SecretMissing
from reconcile.removed import Removed, removed_from
from reconcile.report import Report, Result, Status
from reconcile.rules import Rules
from reconcile.run import Orders, reconcile
from reconcile.shares import Share
from reconcile.tenancy import Rule, Tenancy
from reconcile.undo import undo

A, B, OUTSIDE = Project(1, "tenants/a"), Project(2, "tenants/b"), Project(9, "elsewhere/a")
ORDERS = Orders(gitlab_host=HOST, limits=NO_LIMITS)


@dataclass
class GitLabWithLookUps(GitLabInMemory):
    """The same with answers for paths that its listing lacks."""

    places: dict[str, PlaceAnswer] = field(default_factory=dict)

    def find(self, paths: Any) -> dict[str, PlaceAnswer]:
        return {**super().find(paths), **{path: self.places[path] for path in paths if path in self.places}}


@dataclass
class World:
    """Two tenants in step, of which `a` then left; *removed* is what the run's report says of that."""

    flux: Kubernetes = field(default_factory=Kubernetes)
    gitlab: GitLabWithLookUps = field(default_factory=GitLabWithLookUps)
    rules: Rules = field(default_factory=some_rules)
    removed: tuple[Removed, ...] = ()

    def run(self) -> Report:
        return reconcile(self.flux, self.gitlab, self.rules, ORDERS)

    def undo(self, **orders: object) -> Report:
        self.flux.readings = 0
        self.gitlab.written.clear()
        return undo(self.flux, self.gitlab, self.rules, replace(ORDERS, **orders), removed=self.removed)

    def leave(self, name: str = "a") -> None:
        """The tenant leaves and is pruned; its token's Secret stays."""
        self.flux.remove(name)
        self.removed = removed_from(json.loads(json.dumps(self.run().as_dict())))
        assert self.removed != ()

    def come_back(self, *, seed: str = "token-a") -> None:
        self.flux.add_repository("a", A.path, a_public_key(1))
        self.flux.add_receiver("a", ["a"], seed)

    @property
    def items(self) -> tuple[list[str], list[str]]:
        """What project `a` has."""
        return self.gitlab.titles(A), self.gitlab.urls(A)


@pytest.fixture
def world() -> World:
    """Both are in step."""
    fresh = World()
    for number, project in enumerate((A, B), start=1):
        name = project.path[-1]
        fresh.gitlab.add_project(project)
        fresh.flux.add_repository(name, project.path, a_public_key(number))
        fresh.flux.add_receiver(name, [name], f"token-{name}")
    fresh.run()
    return fresh


@pytest.fixture
def left(world: World) -> World:
    """Both were in step, then `a` left."""
    world.leave()
    assert world.items == ([], [])
    return world


def said(report: Report, code: str = "CannotPutBack") -> list[str]:
    return [one.message for one in report.plan.problems if one.code == code]


def codes(report: Report) -> list[str]:
    return [one.code for one in report.plan.problems]


# the whole


def test_what_a_run_removed_is_put_back_and_the_next_run_finds_nothing_to_do(world: World) -> None:
    before = world.items
    world.leave()
    world.come_back()

    report = world.undo()

    assert (report.result, report.exit_code(None, 0), codes(report)) == (Result.APPLIED, 0, [])
    assert world.items == before
    assert [(one.change.kind, one.change.action) for one in report.entries] == [
        ("deploy_key", "create"),
        ("webhook", "create"),
    ]
    assert world.run().result is Result.IN_SYNC


def test_a_second_undo_finds_all_of_it_there(left: World) -> None:
    left.come_back()
    assert left.undo().plan.unchanged == 0

    again = left.undo()

    assert (again.result, again.plan.unchanged, left.gitlab.written) == (Result.IN_SYNC, 2, [])


def test_a_dry_run_writes_nothing_and_has_the_checksum_of_the_real_one(left: World) -> None:
    left.come_back()

    dry = left.undo(dry_run=True)
    assert (left.items, dry.result, {one.status for one in dry.entries}) == (([], []), Result.DRIFT, {Status.PLANNED})

    assert left.undo().checksum == dry.checksum
    assert left.items != ([], [])


def test_the_right_to_push_and_the_title_come_back_and_belong_to_the_checksum(world: World) -> None:
    [id_] = world.gitlab.may_push[A.id]
    world.gitlab.may_push[A.id][id_] = True
    world.leave()

    report = world.undo()

    assert list(world.gitlab.may_push[A.id].values()) == [True]
    assert report.as_dict()["changes"][0]["key"]["can_push"] is True
    [key] = world.removed[:1]
    world.removed = (replace(key, found=replace(key.found, can_push=False)),)
    world.gitlab.may_push[A.id].clear()
    assert world.undo(dry_run=True).checksum != report.checksum


def test_a_key_without_a_mark_gets_none(world: World) -> None:
    key = a_public_key(7)
    world.gitlab.add_key(A, key, "Flux, by hand")
    world.rules = some_rules(owned_keys=frozenset({key.fingerprint}))
    world.removed = removed_from(json.loads(json.dumps(world.run().as_dict())))
    assert "Flux, by hand" not in world.gitlab.titles(A)

    report = world.undo()

    assert "Flux, by hand" in world.gitlab.titles(A)
    assert (report.entries[0].change.sources, codes(report)) == ((), ["RemovedAgain"])


def test_a_failure_is_a_failure_as_in_any_run(left: World) -> None:
    left.gitlab.fails = lambda _: "GitLab said no"

    report = left.undo()

    assert (report.result, report.exit_code(None, 0)) == (Result.INCOMPLETE, 1)
    assert left.items == ([], [])


def test_only_the_projects_of_this_shard_and_those_chosen_are_restored(left: World) -> None:
    left.come_back()
    assert left.undo(acts_on=lambda path: path == B.path).result is Result.IN_SYNC
    for index in range(2):
        left.gitlab.share = Share(index, 2)
        left.rules = some_rules(share=left.gitlab.share)
        mine = left.gitlab.share.has(A.id)
        assert left.undo().result is (Result.APPLIED if mine else Result.IN_SYNC)
    assert left.items != ([], [])


# what the next run would remove again


def test_what_nothing_wants_is_put_back_with_a_warning(left: World) -> None:
    report = left.undo()

    assert left.gitlab.titles(A) == [marked("a")]
    [message] = said(report, "RemovedAgain")
    assert message == (
        f"Deploy key {a_public_key(1).fingerprint} is wanted by nothing, so the next run removes it again: first bring "
        "back the GitRepository that asked for it, or suspend the job."
    )
    assert report.plan.problems[-1].object == f"Secret/{NAMESPACE}/a"
    assert left.run().count(Status.APPLIED) == 1
    assert left.items == ([], [])


def test_what_something_holds_is_put_back_without_a_warning(left: World) -> None:
    left.flux.add_repository("held", A.path, None)

    report = left.undo()

    assert (left.gitlab.titles(A), said(report, "RemovedAgain")) == ([marked("a")], [])
    left.run()
    assert left.gitlab.titles(A) == [marked("a")]


def test_a_webhook_whose_receiver_names_another_project_by_now_is_removed_again(left: World) -> None:
    left.flux.add_repository("a", A.path, a_public_key(1))
    left.flux.add_receiver("a", ["b"], "token-a")

    report = left.undo()

    assert len(left.gitlab.urls(A)) == 1
    [message] = said(report, "RemovedAgain")
    assert "bring back the Receiver that asked for it" in message


# what cannot be put back


def test_a_webhook_whose_receiver_is_gone_is_named(left: World) -> None:
    report = left.undo()

    [message] = said(report)
    assert message.startswith("Webhook https://flux.example.net/hook/")
    assert message.endswith(f"… is not put back: Receiver/{NAMESPACE}/a is not there any more, or in a namespace that "
                            "is not read.")  # fmt: skip
    assert report.exit_code(None, 0) == 0
    assert report.plan.problems[0].severity == "error"


def test_a_webhook_whose_token_is_another_one_is_named(left: World) -> None:
    left.come_back(seed="another")

    report = left.undo()

    assert left.gitlab.urls(A) == []
    assert "has another token by now" in said(report)[0]


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
    left: World, secret: Secret, spec: dict[str, object], why: str
) -> None:
    left.flux.add_repository("a", A.path, a_public_key(1))
    left.flux.add_receiver("a", ["a"], "token-a", **spec)
    left.flux.secrets[Ref("Secret", NAMESPACE, "a-token")] = secret

    report = left.undo()

    assert left.gitlab.urls(A) == []
    assert why in said(report)[0]
    assert not said(report)[0].endswith("..")


def test_without_a_receiver_url_a_webhook_is_named(left: World) -> None:
    left.come_back()
    left.rules = some_rules(receiver_url=None)

    assert "--receiver-url" in said(left.undo())[0]


def test_a_webhook_without_a_mark_is_named(left: World) -> None:
    left.come_back()
    left.removed = tuple(replace(one, receiver=None) for one in left.removed if one.kind == "webhook")

    assert "it carried no mark" in said(left.undo())[0]


def test_a_webhook_at_a_former_address_is_put_back_there(world: World) -> None:
    new = "https://new.example.net"
    before = world.items
    world.rules = some_rules(receiver_url=new, previous_receiver_urls=("https://flux.example.net",))
    world.removed = removed_from(json.loads(json.dumps(world.run().as_dict())))
    world.removed = tuple(one for one in world.removed if one.project == A)

    world.undo()

    assert world.items[1] == sorted([*before[1], *[url.replace("https://flux.example.net", new) for url in before[1]]])


def test_of_two_webhooks_that_look_the_same_one_is_put_back(left: World) -> None:
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
        (Place(replace(OUTSIDE, id=A.id), moved=True, inside=False), "moved to elsewhere/a, outside the group"),
        (Place(OUTSIDE, inside=False), "its path belongs to another one by now, with the id 9"),
        (Place(replace(B, path=A.path)), "its path belongs to another one by now, with the id 2"),
        (LookUpFailed("GitLab answered 500"), "could not be looked up: GitLab answered 500"),
    ],
)
def test_a_project_that_is_gone_or_has_moved_out_is_named(left: World, place: PlaceAnswer | None, why: str) -> None:
    del left.gitlab.projects[A.id]
    left.gitlab.places = {A.path: place} if place else {}

    report = left.undo()

    assert (left.gitlab.written, len(said(report))) == ([], 2)
    assert all(why in message for message in said(report))
    assert {one.project for one in report.plan.problems} == {A.path}


def test_a_project_that_was_renamed_inside_the_group_is_found_by_its_id(left: World) -> None:
    left.gitlab.projects[A.id] = Project(A.id, "tenants/renamed")

    report = left.undo()

    assert left.gitlab.titles(A) == [marked("a")]
    assert report.entries[0].change.project.path == "tenants/renamed"


def test_a_project_that_cannot_be_read_is_named(left: World) -> None:
    left.gitlab.unreadable[A.id] = "403 Forbidden"

    report = left.undo()

    assert left.gitlab.written == []
    assert "cannot be read" in said(report)[0]
    assert "ProjectUnreadable" in codes(report)


# whose it is


def with_title(world: World, title: str) -> None:
    world.removed = tuple(
        replace(one, found=replace(one.found, title=title)) for one in world.removed if one.kind == "deploy_key"
    )


@pytest.mark.parametrize("title", [OTHERS_MARK, f"flux-gitlab-syncer prod other-{NAMESPACE}/a"])
def test_what_carries_anothers_mark_is_never_touched(left: World, title: str) -> None:
    with_title(left, title)

    report = left.undo()

    assert (left.gitlab.written, left.items) == ([], ([], []))
    assert "is that of another" in said(report)[0]


def test_what_carries_a_former_name_of_ours_is_put_back(left: World) -> None:
    with_title(left, marked("a", cluster="former"))
    left.rules = some_rules(previous_clusters=["former"])

    left.undo()

    assert left.gitlab.titles(A) == [marked("a", cluster="former")]


def test_a_key_that_another_cluster_has_by_now_is_not_joined(left: World) -> None:
    left.gitlab.add_key(B, a_public_key(1), OTHERS_MARK)

    report = left.undo()

    assert left.gitlab.titles(A) == []
    assert any("which is not this instance's" in message for message in said(report))


def test_a_key_that_the_group_has_by_now_is_joined_under_its_title(left: World) -> None:
    left.gitlab.add_key(B, a_public_key(1), "by hand")

    report = left.undo()

    assert left.gitlab.titles(A) == ["by hand"]
    assert report.as_dict()["changes"][0]["key"]["title"] == "by hand"


@pytest.mark.parametrize(("projects", "restored"), [("tenants/b", 0), ("tenants/*", 2)])
def test_what_the_tenancy_rules_do_not_allow_is_not_put_back(left: World, projects: str, restored: int) -> None:
    left.come_back()
    left.rules = some_rules(tenancy=Tenancy((Rule(NAMESPACE, projects),)))

    report = left.undo()

    assert (report.count(Status.APPLIED), len(said(report))) == (restored, 2 - restored)
    assert all("tenancy rules" in message for message in said(report))


def test_what_is_there_already_is_no_change_whoever_put_it_there(left: World) -> None:
    key: PublicKey = a_public_key(1)
    left.gitlab.add_key(A, key, OTHERS_MARK)
    left.removed = left.removed[:1]

    report = left.undo()

    assert (report.result, report.plan.unchanged, codes(report)) == (Result.IN_SYNC, 1, [])

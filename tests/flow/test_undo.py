"""Putting back what a run removed, over a small Kubernetes and a small GitLab with state."""

from __future__ import annotations

import json
from dataclasses import replace

from cronjob.exit_codes import exit_code_of
from reconcile.report import Result, Status
from reconcile.shares import Share
from reconcile.undo.removed import removed_from
from tests.worlds.builders import NAMESPACE, a_public_key, some_rules
from tests.worlds.ports import marked
from tests.worlds.undoing import A, B, World, codes, said

pytest_plugins = ["tests.worlds.undo_fixtures"]


# the whole


def test_what_a_run_removed_is_put_back_and_the_next_run_finds_nothing_to_do(world: World) -> None:
    before = world.items
    world.leave()
    world.come_back()

    report = world.undo()

    assert (report.result, exit_code_of(report, None, 0), codes(report)) == (Result.APPLIED, 0, [])
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
    world.removed = (replace(key, can_push=False),)
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

    assert (report.result, exit_code_of(report, None, 0)) == (Result.INCOMPLETE, 1)
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

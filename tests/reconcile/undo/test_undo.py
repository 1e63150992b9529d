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
from tests.worlds.two_tenants import A, B, TwoTenants, codes, messages

pytest_plugins = ["tests.worlds.two_tenants_fixtures"]


# the whole


def test_what_a_run_removed_is_put_back_and_the_next_run_finds_nothing_to_do(settled: TwoTenants) -> None:
    before = settled.items
    settled.leave()
    settled.come_back()

    report = settled.undo()

    assert (report.result, exit_code_of(report, None, 0), codes(report)) == (Result.APPLIED, 0, [])
    assert settled.items == before
    assert [(one.change.kind, one.change.action) for one in report.entries] == [
        ("deploy_key", "create"),
        ("webhook", "create"),
    ]
    assert settled.run().result is Result.IN_SYNC


def test_a_second_undo_finds_all_of_it_there(left: TwoTenants) -> None:
    left.come_back()
    assert left.undo().plan.unchanged == 0

    again = left.undo()

    assert (again.result, again.plan.unchanged, left.gitlab.written) == (Result.IN_SYNC, 2, [])


def test_a_dry_run_writes_nothing_and_has_the_checksum_of_the_real_one(left: TwoTenants) -> None:
    left.come_back()

    dry = left.undo(dry_run=True)
    assert (left.items, dry.result, {one.status for one in dry.entries}) == (([], []), Result.DRIFT, {Status.PLANNED})

    assert left.undo().checksum == dry.checksum
    assert left.items != ([], [])


def test_the_right_to_push_and_the_title_come_back_and_belong_to_the_checksum(settled: TwoTenants) -> None:
    [id_] = settled.gitlab.may_push[A.id]
    settled.gitlab.may_push[A.id][id_] = True
    settled.leave()
    settled.name_its_secret()

    report = settled.undo()

    assert list(settled.gitlab.may_push[A.id].values()) == [True]
    assert report.as_dict()["changes"][0]["key"]["can_push"] is True
    assert report.as_dict()["changes"][0]["reason"] == "a run removed it; it may push, as it could before"
    [key] = settled.removed[:1]
    settled.removed = (replace(key, can_push=False),)
    settled.gitlab.may_push[A.id].clear()
    assert settled.undo(dry_run=True).checksum != report.checksum


def test_a_key_without_a_mark_gets_none(settled: TwoTenants) -> None:
    key = a_public_key(7)
    settled.gitlab.add_key(A, key, "Flux, by hand")
    settled.rules = some_rules(owned_keys=frozenset({key.fingerprint}))
    settled.removed = removed_from(json.loads(json.dumps(settled.run().as_dict())))
    assert "Flux, by hand" not in settled.gitlab.titles(A)

    report = settled.undo()

    assert "Flux, by hand" in settled.gitlab.titles(A)
    assert (report.entries[0].change.sources, codes(report)) == ((), ["RemovedAgain"])


def test_a_failure_is_a_failure_as_in_any_run(left: TwoTenants) -> None:
    left.name_its_secret()
    left.gitlab.fails = lambda _: "GitLab said no"

    report = left.undo()

    assert (report.result, exit_code_of(report, None, 0)) == (Result.INCOMPLETE, 1)
    assert left.items == ([], [])


def test_only_the_projects_of_this_shard_and_those_chosen_are_restored(left: TwoTenants) -> None:
    left.come_back()
    assert left.undo(acts_on=lambda path: path == B.path).result is Result.IN_SYNC
    for index in range(2):
        left.gitlab.share = Share(index, 2)
        left.rules = some_rules(share=left.gitlab.share)
        mine = left.gitlab.share.has(A.id)
        assert left.undo().result is (Result.APPLIED if mine else Result.IN_SYNC)
    assert left.items != ([], [])


# what the next run would remove again


def test_what_nothing_wants_is_put_back_with_a_warning(left: TwoTenants) -> None:
    left.name_its_secret()

    report = left.undo()

    assert left.gitlab.titles(A) == [marked("a")]
    [message] = messages(report, "RemovedAgain")
    assert message == (
        f"Deploy key {a_public_key(1).fingerprint} is wanted by nothing, so the next run removes it again: first bring "
        "back the GitRepository that asked for it, or suspend the job."
    )
    assert report.plan.problems[-1].object == f"Secret/{NAMESPACE}/a"
    left.run()
    assert left.items == ([], [])


def test_what_something_holds_is_put_back_without_a_warning(left: TwoTenants) -> None:
    left.flux.add_repository("held", A.path, None)
    left.name_its_secret()

    report = left.undo()

    assert (left.gitlab.titles(A), messages(report, "RemovedAgain")) == ([marked("a")], [])
    left.run()
    assert left.gitlab.titles(A) == [marked("a")]


def test_a_webhook_whose_receiver_names_another_project_by_now_is_removed_again(left: TwoTenants) -> None:
    left.flux.add_repository("a", A.path, a_public_key(1))
    left.flux.add_receiver("a", ["b"], "token-a")

    report = left.undo()

    assert len(left.gitlab.urls(A)) == 1
    [message] = messages(report, "RemovedAgain")
    assert "bring back the Receiver that asked for it" in message

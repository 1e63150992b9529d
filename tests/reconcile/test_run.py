from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from cronjob.exit_codes import exit_code_of
from reconcile.errors import ReadError, SettingsError
from reconcile.model import Kind, Project, Ref, SecretUnreadable
from reconcile.plan.changes import Change, Delete
from reconcile.plan.limits import Limits
from reconcile.plan.objections import Expected
from reconcile.report import Report, Result, Status
from tests.worlds.builders import NAMESPACE, RECEIVER_URL, a_public_key, a_url, some_rules
from tests.worlds.ports import Kubernetes, marked
from tests.worlds.two_tenants import A, B, TwoTenants

pytest_plugins = ["tests.worlds.two_tenants_fixtures"]


def rotate(world: TwoTenants, name: str, number: int) -> None:
    """Give tenant *name* a new deploy key and a new token."""
    world.flux.remove(name)
    world.flux.add_repository(name, f"tenants/{name}", a_public_key(number))
    world.flux.add_receiver(name, [name], f"token-{number}")


def statuses(report: Report) -> set[tuple[str, str, str, str]]:
    return {
        (entry.change.project.path[-1], entry.change.kind.value, entry.change.action, entry.status.value)
        for entry in report.entries
    }


def failing(action: str, kind: Kind, project: Project) -> Callable[[Change], str | None]:
    def fails(change: Change) -> str | None:
        return "GitLab said no" if (change.action, change.kind, change.project) == (action, kind, project) else None

    return fails


# the whole


def test_a_run_makes_what_is_wanted_and_the_next_one_finds_nothing_to_do(world: TwoTenants) -> None:
    first, second = world.run(), world.run()

    assert (first.result, first.count(Status.APPLIED)) == (Result.APPLIED, 4)
    assert (second.result, second.entries, world.gitlab.written) == (Result.IN_SYNC, (), [])
    assert world.gitlab.titles(A) == [marked("a")]
    assert [one.description for one in world.gitlab.webhooks[B.id]] == [marked("b")]
    assert (exit_code_of(first, None, 0), exit_code_of(second, None, 0)) == (0, 0)


def test_a_tenant_that_leaves_is_pruned_and_its_neighbour_is_not(settled: TwoTenants) -> None:
    settled.flux.remove("a")

    report = settled.run()

    assert (report.result, len(report.entries)) == (Result.APPLIED, 2)
    assert (settled.gitlab.titles(A), settled.gitlab.urls(A)) == ([], [])
    assert (settled.gitlab.titles(B), len(settled.gitlab.urls(B))) == ([marked("b")], 1)


def test_without_pruning_a_tenant_that_leaves_is_left(settled: TwoTenants) -> None:
    settled.flux.remove("a")
    before = settled.state

    report = settled.run(prune=False)

    assert (report.result, report.objections, settled.state == before) == (Result.IN_SYNC, (), True)
    assert settled.flux.readings == 1


def test_a_rotation_leaves_the_new_and_removes_the_old(settled: TwoTenants) -> None:
    old = settled.gitlab.urls(A)
    rotate(settled, "a", 3)

    assert settled.run().result is Result.APPLIED
    assert [one.key for one in settled.gitlab.keys.values()] == [a_public_key(2), a_public_key(3)]
    assert len(settled.gitlab.urls(A)) == 1
    assert settled.gitlab.urls(A) != old


def test_a_source_that_cannot_be_read_ends_the_run_before_any_write(settled: TwoTenants) -> None:
    settled.flux.remove("a")
    settled.flux.fails_at = 1

    with pytest.raises(ReadError):
        settled.run()
    assert settled.gitlab.written == []


def test_an_unreadable_project_is_left_and_the_others_are_served(world: TwoTenants) -> None:
    world.gitlab.unreadable[A.id] = "403 Forbidden"

    report = world.run()

    assert {change.project for change in world.gitlab.written} == {B}
    assert [problem.code for problem in report.plan.problems] == ["ProjectUnreadable"]
    assert exit_code_of(report, None, 0) == 1


def test_a_secret_that_cannot_be_read_keeps_what_is_there(settled: TwoTenants) -> None:
    before = settled.state
    for name in ("a", "a-token"):
        settled.flux.secrets[Ref("Secret", NAMESPACE, name)] = SecretUnreadable("403 Forbidden")

    report = settled.run()

    assert settled.state == before
    assert [(one.project, one.because) for one in report.plan.kept] == [(A, "SecretUnreadable")] * 2


# dry run


def test_a_dry_run_writes_nothing_and_has_the_checksum_of_the_real_run(settled: TwoTenants) -> None:
    rotate(settled, "a", 3)
    settled.flux.remove("b")
    before = settled.state

    dry = settled.run(dry_run=True)
    assert settled.state == before
    assert settled.flux.readings == 1
    real = settled.run()

    assert settled.state != before
    assert dry.checksum == real.checksum
    assert [entry.change for entry in dry.entries] == [entry.change for entry in real.entries]
    assert {entry.status for entry in dry.entries} == {Status.PLANNED}
    assert (dry.result, exit_code_of(dry, None, 3)) == (Result.DRIFT, 3)


def test_a_dry_run_in_sync_is_no_drift(settled: TwoTenants) -> None:
    assert settled.run(dry_run=True).result is Result.IN_SYNC


def test_a_dry_run_shows_what_the_guard_would_refuse(settled: TwoTenants) -> None:
    settled.flux.remove("a")
    settled.flux.remove("b")

    report = settled.run(dry_run=True)

    assert {entry.status for entry in report.entries} == {Status.REFUSED}
    assert exit_code_of(report, None, 0) == 4


# the order of writes


def test_every_create_and_update_comes_before_any_delete(settled: TwoTenants) -> None:
    rotate(settled, "b", 4)
    settled.flux.remove("a")
    settled.gitlab.webhooks[B.id][0] = replace(settled.gitlab.webhooks[B.id][0], url=a_url(9))

    settled.run()

    actions = [change.action for change in settled.gitlab.written]
    assert actions == sorted(actions)
    assert {"create", "delete"} <= set(actions)


def test_a_failed_create_holds_the_delete_of_what_it_replaces(settled: TwoTenants) -> None:
    rotate(settled, "a", 3)
    rotate(settled, "b", 4)
    settled.gitlab.fails = failing("create", Kind.DEPLOY_KEY, A)

    report = settled.run()

    assert statuses(report) == {
        ("a", "deploy_key", "create", "failed"),
        ("a", "deploy_key", "delete", "held"),
        ("a", "webhook", "create", "applied"),
        ("a", "webhook", "delete", "applied"),
        ("b", "deploy_key", "create", "applied"),
        ("b", "deploy_key", "delete", "applied"),
        ("b", "webhook", "create", "applied"),
        ("b", "webhook", "delete", "applied"),
    }
    assert settled.gitlab.titles(A) == [marked("a")]
    assert a_public_key(1) in {one.key for one in settled.gitlab.keys.values()}
    assert (report.result, exit_code_of(report, None, 0)) == (Result.INCOMPLETE, 1)
    errors = {entry.change.action: entry.error for entry in report.entries if entry.error}
    assert errors == {"create": "GitLab said no", "delete": "what replaces it was not made"}


def test_a_neighbours_failed_create_holds_nobody(settled: TwoTenants) -> None:
    settled.flux.add_repository("neighbour", A.path, a_public_key(9))
    rotate(settled, "a", 3)
    settled.gitlab.fails = lambda change: "bad key" if change.name == a_public_key(9).fingerprint else None

    report = settled.run()

    assert report.count(Status.FAILED) == 1
    assert settled.gitlab.titles(A) == [marked("a")]
    assert a_public_key(1) not in {one.key for one in settled.gitlab.keys.values()}


def test_of_two_keys_that_a_secret_gave_both_wait_for_the_one_it_gives_now(settled: TwoTenants) -> None:
    settled.gitlab.add_key(A, a_public_key(8), marked("a"))
    rotate(settled, "a", 3)
    settled.gitlab.fails = failing("create", Kind.DEPLOY_KEY, A)

    settled.run()

    assert settled.gitlab.titles(A) == [marked("a"), marked("a")]


def test_a_key_waits_for_the_key_that_its_secret_gives_to_another_repository(settled: TwoTenants) -> None:
    settled.flux.add_repository("second", A.path, a_public_key(3), secret="a")
    settled.gitlab.fails = failing("create", Kind.DEPLOY_KEY, A)
    assert settled.run().count(Status.HELD) == 1

    settled.gitlab.fails = lambda _: None
    assert settled.run().count(Status.APPLIED) == 2


def test_a_webhook_whose_receiver_has_another_path_waits_for_nothing(settled: TwoTenants) -> None:
    rotate(settled, "a", 3)
    settled.gitlab.fails = failing("create", Kind.WEBHOOK, A)

    assert statuses(settled.run()) == {
        ("a", "deploy_key", "create", "applied"),
        ("a", "deploy_key", "delete", "applied"),
        ("a", "webhook", "create", "failed"),
        ("a", "webhook", "delete", "applied"),
    }


def test_a_webhook_at_a_former_base_url_waits_for_the_one_at_the_present_base_url(settled: TwoTenants) -> None:
    settled.rules = replace(
        settled.rules, receiver_url="https://new.example.net", previous_receiver_urls=(RECEIVER_URL,)
    )
    settled.gitlab.fails = failing("create", Kind.WEBHOOK, A)

    assert statuses(settled.run()) == {
        ("a", "webhook", "create", "failed"),
        ("a", "webhook", "delete", "held"),
        ("b", "webhook", "create", "applied"),
        ("b", "webhook", "delete", "applied"),
    }


def test_a_duplicate_waits_until_the_oldest_is_right(settled: TwoTenants) -> None:
    [url] = settled.gitlab.urls(A)
    settled.gitlab.webhooks[A.id][0] = replace(settled.gitlab.webhooks[A.id][0], tls=False)
    settled.gitlab.add_webhook(A, url, marked("a"))
    settled.gitlab.fails = failing("update", Kind.WEBHOOK, A)

    assert statuses(settled.run()) == {("a", "webhook", "update", "failed"), ("a", "webhook", "delete", "held")}

    settled.gitlab.fails = lambda _: None
    assert settled.run().result is Result.APPLIED
    assert settled.gitlab.urls(A) == [url]


# GitLab's limit of webhooks per project


def test_at_gitlabs_limit_the_old_webhooks_go_first_and_the_new_ones_follow(settled: TwoTenants) -> None:
    settled.gitlab.most_webhooks = 1
    rotate(settled, "a", 3)

    report = settled.run()

    assert (report.result, report.count(Status.APPLIED)) == (Result.APPLIED, 4)
    assert [change.action for change in settled.gitlab.written if change.kind is Kind.WEBHOOK] == ["delete", "create"]
    assert settled.run().result is Result.IN_SYNC


def test_at_gitlabs_limit_a_move_to_another_base_url_converges_too(settled: TwoTenants) -> None:
    settled.gitlab.most_webhooks = 1
    settled.rules = replace(
        settled.rules, receiver_url="https://new.example.net", previous_receiver_urls=(RECEIVER_URL,)
    )

    assert settled.run().result is Result.APPLIED
    assert settled.run().result is Result.IN_SYNC


def test_where_nothing_makes_room_the_create_is_tried_once_and_fails(settled: TwoTenants) -> None:
    settled.gitlab.most_webhooks = 1
    settled.flux.add_receiver("more", ["a"], "another")
    tried: list[Change] = []
    settled.gitlab.fails = lambda change: tried.append(change) or None

    report = settled.run()

    assert (len(tried), report.count(Status.FAILED), report.result) == (1, 1, Result.INCOMPLETE)
    [entry] = report.entries
    assert entry.cause
    assert entry.cause.code == "LimitReached"


def test_a_failed_delete_is_recorded_and_the_next_run_repeats_it(settled: TwoTenants) -> None:
    settled.flux.remove("a")
    settled.gitlab.fails = failing("delete", Kind.DEPLOY_KEY, A)

    assert ("a", "deploy_key", "delete", "failed") in statuses(settled.run())
    settled.gitlab.fails = lambda _: None
    assert settled.run().result is Result.APPLIED
    assert settled.gitlab.titles(A) == []


# the guard


def test_an_objection_to_one_project_refuses_its_deletes_and_everything_else_happens(settled: TwoTenants) -> None:
    for number in range(30):
        settled.gitlab.add_key(B, a_public_key(100 + number), marked("left"))
    rotate(settled, "a", 3)

    report = settled.run()

    assert [(one.code, one.project) for one in report.objections] == [("TooManyPrunes", B.path)]
    refused = [entry.change for entry in report.entries if entry.status is Status.REFUSED]
    assert ({change.project for change in refused}, len(refused)) == ({B}, 30)
    assert settled.gitlab.titles(A) == [marked("a")]
    assert [one.key for one in settled.gitlab.keys.values() if one.title == marked("a")] == [a_public_key(3)]
    assert len(settled.gitlab.titles(B)) == 31
    assert (report.result, exit_code_of(report, None, 0), report.is_success) == (Result.REFUSED, 4, True)


def test_an_objection_to_all_deletes_lets_creates_happen_and_is_no_success(settled: TwoTenants) -> None:
    for number in range(10, 15):
        settled.gitlab.add_project(Project(number, f"tenants/p{number}"))
        settled.gitlab.add_key(Project(number, f"tenants/p{number}"), a_public_key(number), marked("left"))
    rotate(settled, "a", 3)

    report = settled.run()

    assert [(one.code, one.project) for one in report.objections] == [("TooManyPrunes", None)]
    assert {entry.status for entry in report.entries if isinstance(entry.change, Delete)} == {Status.REFUSED}
    assert {change.action for change in settled.gitlab.written} == {"create"}
    assert a_public_key(3) in {one.key for one in settled.gitlab.keys.values()}
    assert settled.flux.readings == 1
    assert (report.result, exit_code_of(report, None, 0), report.is_success) == (Result.REFUSED, 4, False)


def test_at_a_mistyped_base_url_no_webhook_is_made_and_keys_are_served(settled: TwoTenants) -> None:
    settled.rules = some_rules(receiver_url="https://typo.example.net")
    settled.flux.add_repository("a2", A.path, a_public_key(3))

    report = settled.run()

    assert [(one.code, len(one.refuses)) for one in report.objections] == [("ReceiverUrlChanged", 2)]
    assert [change.kind for change in settled.gitlab.written] == [Kind.DEPLOY_KEY]
    assert (exit_code_of(report, None, 0), report.is_success) == (4, False)


def test_a_higher_limit_lets_the_deletes_through(settled: TwoTenants) -> None:
    for number in range(30):
        settled.gitlab.add_key(B, a_public_key(100 + number), marked("left"))

    assert settled.run(limits=Limits.parse("100%")).result is Result.APPLIED
    assert settled.gitlab.titles(B) == [marked("b")]


def test_an_empty_cluster_removes_nothing(settled: TwoTenants) -> None:
    settled.flux.remove("a")
    settled.flux.remove("b")
    before = settled.state

    report = settled.run()

    assert settled.state == before
    assert [one.code for one in report.objections] == ["DesiredIsEmpty", "DesiredIsEmpty"]


# the expected plan


def test_the_expected_plan_lifts_the_guard(settled: TwoTenants) -> None:
    settled.flux.remove("a")
    settled.flux.remove("b")
    reviewed = settled.run(dry_run=True)

    report = settled.run(expected=Expected(reviewed.checksum or ""))

    assert (report.result, report.objections, report.checksum) == (Result.APPLIED, (), reviewed.checksum)
    assert (settled.gitlab.titles(A), settled.gitlab.urls(B)) == ([], [])


def test_any_other_plan_than_the_expected_one_applies_nothing(settled: TwoTenants) -> None:
    settled.flux.remove("a")
    reviewed = settled.run(dry_run=True)
    rotate(settled, "b", 4)
    before = settled.state

    report = settled.run(expected=Expected(reviewed.checksum or ""))

    assert settled.state == before
    assert [one.code for one in report.objections] == ["PlanChanged"]
    assert {entry.status for entry in report.entries} == {Status.REFUSED}
    assert exit_code_of(report, None, 0) == 4


def test_an_expected_plan_that_has_nothing_left_to_do_has_changed_too(settled: TwoTenants) -> None:
    report = settled.run(expected=Expected("ffffffffffff"))

    assert (report.result, report.entries) == (Result.REFUSED, ())


# desired state once more


def test_desired_state_is_read_again_before_the_first_delete_and_only_then(settled: TwoTenants) -> None:
    rotate(settled, "a", 3)
    settled.run(prune=False)
    assert settled.flux.readings == 1

    settled.run()
    assert settled.flux.readings == 2


def test_what_is_wanted_again_is_not_deleted(settled: TwoTenants) -> None:
    settled.flux.remove("a")
    settled.flux.remove("b")
    settled.flux.add_repository("other", "tenants/b", a_public_key(2), secret="b")
    settled.flux.then = lambda flux: flux.add_repository("a", A.path, a_public_key(1))
    settled.flux.add_receiver("unrelated", [], "token-u")

    report = settled.run()

    assert statuses(report) == {
        ("a", "deploy_key", "delete", "contradicted"),
        ("a", "webhook", "delete", "applied"),
        ("b", "webhook", "delete", "applied"),
    }
    assert settled.gitlab.titles(A) == [marked("a")]
    assert report.result is Result.APPLIED


def test_what_is_held_by_now_is_not_deleted(settled: TwoTenants) -> None:
    settled.flux.remove("a")

    def returns_broken(flux: Kubernetes) -> None:
        flux.add_repository("a", A.path, None)
        flux.secrets[Ref("Secret", NAMESPACE, "a")] = SecretUnreadable("500")

    settled.flux.then = returns_broken

    report = settled.run()

    assert ("a", "deploy_key", "delete", "contradicted") in statuses(report)
    assert settled.gitlab.titles(A) == [marked("a")]


def test_what_is_unwanted_only_by_now_waits_for_the_next_run(settled: TwoTenants) -> None:
    settled.flux.remove("a")
    settled.flux.then = lambda flux: flux.remove("b")

    settled.run()
    assert settled.gitlab.titles(B) == [marked("b")]


def test_deletes_are_held_where_desired_state_cannot_be_read_again(settled: TwoTenants) -> None:
    rotate(settled, "a", 3)
    settled.flux.remove("b")
    settled.flux.fails_at = 2

    report = settled.run()

    deletes = [entry for entry in report.entries if isinstance(entry.change, Delete)]
    assert {entry.status for entry in deletes} == {Status.HELD}
    assert deletes[0].error == "desired state could not be read again: Kubernetes does not answer."
    assert {change.action for change in settled.gitlab.written} == {"create"}
    assert settled.gitlab.titles(B) == [marked("b")]
    assert (report.result, exit_code_of(report, None, 0)) == (Result.INCOMPLETE, 1)


# a signal


def test_a_signal_leaves_the_rest_unreached_and_the_next_run_converges(settled: TwoTenants) -> None:
    rotate(settled, "a", 3)
    settled.flux.remove("b")
    settled.gitlab.stops_after = 1

    report = settled.run()

    assert len(settled.gitlab.written) == 1
    assert [entry.status for entry in report.entries].count(Status.NOT_REACHED) == len(report.entries) - 1
    assert {entry.error for entry in report.entries} == {None, "a signal stopped the run"}
    assert settled.flux.readings == 1
    assert (report.result, exit_code_of(report, None, 0)) == (Result.INCOMPLETE, 1)
    settled.gitlab.stops_after = None
    assert settled.run().result is Result.APPLIED
    assert settled.run().result is Result.IN_SYNC


def test_a_signal_that_ends_the_second_reading_leaves_the_deletes_unreached(settled: TwoTenants) -> None:
    settled.flux.remove("a")
    settled.flux.fails_at = 2
    settled.flux.then = lambda _: setattr(settled.gitlab, "stops_after", 0)

    report = settled.run()

    assert {(entry.status, entry.error) for entry in report.entries} == {
        (Status.NOT_REACHED, "a signal stopped the run")
    }
    assert settled.gitlab.written == []


def test_a_signal_between_deletes_leaves_the_others(settled: TwoTenants) -> None:
    settled.flux.remove("a")
    settled.gitlab.stops_after = 1

    report = settled.run()

    assert [entry.status for entry in report.entries] == [Status.APPLIED, Status.NOT_REACHED]


# some projects only


def test_only_the_projects_asked_for_are_acted_on(world: TwoTenants) -> None:
    report = world.run(acts_on=lambda path: path == A.path)

    assert {change.project for change in world.gitlab.written} == {A}
    assert report.plan.projects == 1


def test_other_projects_problems_do_not_fail_a_canary(world: TwoTenants) -> None:
    world.gitlab.unreadable[B.id] = "403 Forbidden"

    canary = world.run(acts_on=lambda path: path == A.path)

    assert (canary.plan.problems, exit_code_of(canary, None, 0)) == ((), 0)
    assert exit_code_of(world.run(), None, 0) == 1


def test_a_key_of_a_project_that_is_not_acted_on_is_joined_all_the_same(settled: TwoTenants) -> None:
    settled.flux.add_repository("a2", A.path, a_public_key(2), secret="b")

    report = settled.run(acts_on=lambda path: path == A.path)

    assert [entry.change.id for entry in report.entries] == [
        next(id_ for id_, key in settled.gitlab.keys.items() if key.key == a_public_key(2))
    ]


def test_a_choice_that_no_project_matches_is_a_mistake_and_no_success(settled: TwoTenants) -> None:
    with pytest.raises(SettingsError, match="--project chooses none of the 2 projects"):
        settled.run(acts_on=lambda _path: False)


# an empty listing


def test_a_group_that_lists_nothing_ends_the_run_where_there_are_repositories(settled: TwoTenants) -> None:
    settled.gitlab.projects.clear()

    with pytest.raises(ReadError, match="GitLab lists no project"):
        settled.run()


def test_a_group_that_lists_nothing_is_in_sync_with_an_empty_cluster(settled: TwoTenants) -> None:
    settled.gitlab.projects.clear()
    settled.flux.repositories.clear()
    settled.flux.receivers.clear()

    assert settled.run().result is Result.IN_SYNC


# healing


def test_what_gitlab_switched_off_is_healed_and_the_next_run_finds_nothing_to_do(settled: TwoTenants) -> None:
    settled.rules = some_rules(heal_webhooks=True)
    settled.gitlab.webhooks[A.id][0] = replace(settled.gitlab.webhooks[A.id][0], alert_status="disabled")

    assert settled.run().result is Result.APPLIED
    assert settled.gitlab.webhooks[A.id][0].alert_status == "executable"
    assert settled.run().result is Result.IN_SYNC


def test_healing_comes_after_all_else_so_that_it_never_eats_the_deadline(settled: TwoTenants) -> None:
    settled.rules = some_rules(heal_webhooks=True)
    settled.gitlab.webhooks[A.id][0] = replace(settled.gitlab.webhooks[A.id][0], alert_status="disabled")
    settled.flux.remove("b")
    settled.flux.add_repository("c", B.path, a_public_key(3))
    settled.gitlab.stops_after = 3

    report = settled.run()

    assert [change.action for change in settled.gitlab.written] == ["create", "delete", "delete"]
    assert report.count(Status.NOT_REACHED) == 1
    assert settled.gitlab.webhooks[A.id][0].alert_status == "disabled"


@pytest.mark.parametrize(("what", "held"), [("alert_status", 0), ("push_events", 1)])
def test_duplicates_do_not_wait_for_a_webhook_that_cannot_be_healed(settled: TwoTenants, what: str, held: int) -> None:
    settled.rules = some_rules(heal_webhooks=True)
    broken = settled.gitlab.webhooks[A.id][0]
    wrong = {"alert_status": {"alert_status": "disabled"}, "push_events": {"flags": {"push_events": False}}}[what]
    settled.gitlab.webhooks[A.id][0] = replace(broken, **wrong)
    settled.gitlab.add_webhook(A, broken.url, marked("a"))
    settled.gitlab.fails = failing("update", Kind.WEBHOOK, A)

    report = settled.run()

    assert (report.count(Status.FAILED), report.count(Status.HELD), report.result) == (1, held, Result.INCOMPLETE)
    assert len(settled.gitlab.urls(A)) == 1 + held


# retirement


def test_retiring_removes_everything_with_this_clusters_mark_and_nothing_else(settled: TwoTenants) -> None:
    settled.gitlab.add_key(A, a_public_key(8), marked("x", "staging"))
    settled.gitlab.add_key(A, a_public_key(9), "deploy bot")
    settled.gitlab.add_key(B, a_public_key(10), marked("x", namespace="another"))
    settled.gitlab.add_webhook(B, a_url(8), marked("x", "staging"))
    settled.gitlab.add_webhook(B, a_url(9))

    report = settled.retire()

    assert (report.result, report.objections) == (Result.APPLIED, ())
    assert settled.gitlab.titles(A) == ["deploy bot", marked("x", "staging")]
    assert settled.gitlab.titles(B) == []
    assert settled.gitlab.urls(B) == sorted([a_url(8), a_url(9)])
    assert [problem.code for problem in report.plan.problems] == ["WebhookUnmarked"]
    assert settled.retire().result is Result.IN_SYNC


def test_retiring_lists_what_carries_no_mark_and_stays(settled: TwoTenants) -> None:
    settled.gitlab.add_key(A, a_public_key(8), marked("x", "staging"))
    settled.gitlab.add_key(A, a_public_key(9), "deploy bot")

    def titles(**options: object) -> list[str]:
        return [one["key"]["title"] for one in settled.retire(dry_run=True, **options).as_dict()["foreign"]]

    assert titles() == ["deploy bot"]
    assert sorted(titles(show_foreign=True)) == ["deploy bot", marked("x", "staging")]


def test_retiring_without_a_receiver_url_removes_what_is_marked_and_says_that_the_rest_stays(
    settled: TwoTenants,
) -> None:
    settled.gitlab.add_webhook(B, a_url(9))
    settled.rules = replace(settled.rules, receiver_url=None)

    report = settled.retire()

    [problem] = report.plan.problems
    assert (problem.code, "carry no mark" in problem.message) == ("WebhooksOff", True)
    assert (settled.gitlab.titles(A), settled.gitlab.urls(A)) == ([], [])
    assert settled.gitlab.urls(B) == [a_url(9)]


def test_retiring_needs_no_kubernetes_and_passes_the_guard(settled: TwoTenants) -> None:
    for number in range(30):
        settled.gitlab.add_key(A, a_public_key(100 + number), marked("left"))
    settled.flux.readings = 0

    assert settled.retire(limits=Limits(0, 1.0)).result is Result.APPLIED
    assert (settled.gitlab.titles(A), settled.flux.readings) == ([], 0)


def test_retiring_without_confirmation_is_a_dry_run(settled: TwoTenants) -> None:
    before = settled.state

    report = settled.retire(dry_run=True)

    assert settled.state == before
    assert (report.result, len(report.entries)) == (Result.DRIFT, 4)


def test_retiring_removes_what_carries_the_mark_at_any_url(settled: TwoTenants) -> None:
    others = a_url(8, base="https://elsewhere.example.net")
    settled.gitlab.add_webhook(A, a_url(base="https://elsewhere.example.net"), marked("a"))
    settled.gitlab.add_webhook(A, others, marked("x", "staging"))

    report = settled.retire()

    assert (settled.gitlab.titles(A), settled.gitlab.urls(A)) == ([], [others])
    assert settled.gitlab.titles(B) == []
    assert report.plan.problems == ()


# the report


def test_foreign_items_are_listed_on_request(settled: TwoTenants) -> None:
    settled.gitlab.add_key(A, a_public_key(9), "deploy bot")

    assert [one["key"]["title"] for one in settled.run(show_foreign=True).as_dict()["foreign"]] == ["deploy bot"]
    assert "foreign" not in settled.run().as_dict()

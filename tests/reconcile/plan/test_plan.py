from __future__ import annotations

from dataclasses import replace

import pytest

from reconcile.actual import Unreadable
from reconcile.marks import Identity
from reconcile.model import Kind
from reconcile.plan.changes import Create, Delete, FormerKey, Update
from reconcile.plan.plan import Plan, make_plan
from reconcile.problems import Code, Problem
from tests.worlds.builders import (
    CLUSTER,
    LEFT_MARK,
    NAMESPACE,
    a_key,
    a_mark,
    a_plan,
    a_project,
    a_wanted_key,
    a_wanted_webhook,
    a_webhook,
    an_identity,
    some_actual,
    some_desired,
    some_items,
    some_rules,
)

A, B = a_project(1, "t/a"), a_project(2, "t/b")
HOST = "gitlab.example.net"


def test_nothing_wanted_and_nothing_found_is_an_empty_plan() -> None:
    plan = make_plan(some_desired(), some_actual(), some_rules())

    assert plan == Plan(projects=1)


def test_projects_are_counted_the_unreadable_too() -> None:
    assert a_plan(some_items(project=A), Unreadable(B, "403")).projects == 2


def test_changes_are_sorted_by_project_then_deletes_last() -> None:
    plan = a_plan(
        a_wanted_webhook(project=B),
        a_wanted_key(project=B),
        a_wanted_key(project=A),
        some_items(a_webhook(2), project=A),
        some_items(a_key(2), project=B),
    )

    assert [(one.project.path, one.kind.value, one.action) for one in plan.changes] == [
        ("t/a", "deploy_key", "create"),
        ("t/a", "webhook", "delete"),
        ("t/b", "deploy_key", "create"),
        ("t/b", "webhook", "create"),
        ("t/b", "deploy_key", "delete"),
    ]


def test_problems_of_both_sides_and_of_the_comparison_come_worst_first_and_once() -> None:
    notice = Problem.of(Code.SUSPENDED, "It is suspended.")
    error = Problem.of(Code.SECRET_NOT_FOUND, "It is missing.")
    desired = some_desired(a_wanted_key(), problems=[notice, error, notice])

    plan = make_plan(desired, some_actual(a_key(expired=True)), some_rules())

    assert [one.code for one in plan.problems] == ["SecretNotFound", "KeyExpired", "Suspended"]


def test_what_is_owned_is_counted_by_kind() -> None:
    plan = a_plan(a_wanted_key(), a_key(), a_key(2), a_key(3, title="bot"), a_webhook(2))

    assert plan.owned == {Kind.DEPLOY_KEY: 2, Kind.WEBHOOK: 1}


def test_without_deletes_nothing_else_is_lost() -> None:
    plan = a_plan(a_wanted_key(2), a_wanted_webhook(), a_key(), a_webhook(tls=False))

    kept = plan.without_deletes()

    assert [one.action for one in plan.changes] == ["create", "update", "delete"]
    assert [one.action for one in kept.changes] == ["create", "update"]
    assert (kept.deletes, kept.unchanged, kept.owned) == ((), plan.unchanged, plan.owned)


# deserted namespaces


def deserted(plan: Plan) -> list[tuple[Kind, str | None, list[int], bool]]:
    return [(one.kind, one.namespace, [delete.id for delete in one.deletes], one.everywhere) for one in plan.deserted]


def planned(
    *found: object, repositories_in: tuple[str, ...] = (), receivers_in: tuple[str, ...] = (), **rules: object
) -> Plan:
    desired = some_desired(repositories_in=repositories_in, receivers_in=receivers_in)
    return make_plan(desired, some_actual(*found, rules=some_rules(**rules)), some_rules(**rules))


def test_a_namespace_without_repositories_is_deserted_where_our_keys_would_go() -> None:
    empty = planned(a_key(), receivers_in=(NAMESPACE,))

    assert deserted(empty) == [(Kind.DEPLOY_KEY, NAMESPACE, [101], True)]
    assert deserted(planned(a_key(), repositories_in=(NAMESPACE,))) == []


def test_a_namespace_without_receivers_is_deserted_where_our_webhooks_would_go() -> None:
    empty = planned(a_webhook(), repositories_in=(NAMESPACE,))

    assert deserted(empty) == [(Kind.WEBHOOK, NAMESPACE, [201], True)]
    assert deserted(planned(a_webhook(), receivers_in=(NAMESPACE,))) == []


def test_a_namespace_of_which_we_own_nothing_is_not_deserted() -> None:
    assert deserted(planned()) == []
    assert deserted(planned(a_key(title="bot"))) == []


def test_marks_of_a_former_namespace_need_a_repository_in_those_that_are_read() -> None:
    left = a_key(title="flux-gitlab-syncer prod attic/left")
    moved = planned(left, repositories_in=(NAMESPACE,), previous_namespaces=["attic"])
    lost = planned(left, previous_namespaces=["attic"])

    assert (len(moved.deletes), deserted(moved)) == (1, [])
    assert deserted(lost) == [(Kind.DEPLOY_KEY, None, [101], True)]


TWO = Identity(CLUSTER, frozenset({NAMESPACE, "billing"}))


def test_one_inhabited_namespace_does_not_speak_for_another() -> None:
    found = [a_key(1), a_key(2, title="flux-gitlab-syncer prod billing/shop")]
    desired = some_desired(repositories_in=("billing",))
    rules = replace(some_rules(), identity=TWO)

    plan = make_plan(desired, some_actual(*found, rules=rules), rules)

    assert deserted(plan) == [(Kind.DEPLOY_KEY, NAMESPACE, [101], False)]


def test_what_carries_no_mark_is_deserted_where_all_namespaces_are_empty() -> None:
    rules = replace(some_rules(adopt=True), identity=TWO)
    found = some_actual(a_webhook(description=""), a_webhook(2), rules=rules)

    inhabited = make_plan(some_desired(receivers_in=("billing",)), found, rules)
    empty = make_plan(some_desired(receivers_in=()), found, rules)

    assert deserted(inhabited) == [(Kind.WEBHOOK, NAMESPACE, [202], False)]
    assert deserted(empty) == [(Kind.WEBHOOK, None, [201], True), (Kind.WEBHOOK, NAMESPACE, [202], True)]


def test_retiring_a_whole_cluster_deserts_nothing() -> None:
    identity = Identity(CLUSTER, frozenset({NAMESPACE}), every_namespace=True)
    plan = make_plan(some_desired(repositories_in=()), some_actual(a_key()), replace(some_rules(), identity=identity))

    assert (len(plan.deletes), plan.deserted) == (1, ())


def test_without_deletes_nothing_is_deserted() -> None:
    plan = make_plan(some_desired(repositories_in=()), some_actual(a_key()), some_rules())

    assert plan.deserted != ()
    assert plan.without_deletes().deserted == ()


# the checksum


def test_the_checksum_knows_which_events_a_new_webhook_gets() -> None:
    plans = [a_plan(a_wanted_webhook(flags=flags)) for flags in (["push_events"], ["push_events", "note_events"])]

    assert plans[0].checksum(HOST, some_rules()) != plans[1].checksum(HOST, some_rules())


def test_the_checksum_is_twelve_hex_digits_and_stays_the_same() -> None:
    plan = a_plan(a_wanted_key(), a_wanted_webhook(), a_key(2), a_webhook(tls=False))

    # The number itself is part of the interface: reviewed plans are named by it.
    assert plan.checksum(HOST, some_rules()) == "2b4279e494c6"
    assert Plan().checksum(HOST, some_rules()) != plan.checksum(HOST, some_rules())


def test_the_order_of_changes_is_no_part_of_the_checksum() -> None:
    plan = a_plan(a_wanted_key(), a_wanted_webhook(), a_key(2))

    assert replace(plan, changes=plan.changes[::-1]).checksum(HOST, some_rules()) == plan.checksum(HOST, some_rules())


def test_reasons_and_problems_are_no_part_of_the_checksum() -> None:
    plan = a_plan(a_key())
    other = replace(plan, problems=(), changes=tuple(replace(one, reason="") for one in plan.changes))

    assert other.checksum(HOST, some_rules()) == plan.checksum(HOST, some_rules())


def an_update_plan(**fields: tuple[object, object]) -> Plan:
    return Plan((Update(a_webhook(), a_wanted_webhook(), fields, ""),))


@pytest.mark.parametrize(
    "other",
    [
        Plan((Delete(a_project(2), a_key(), ""),)),
        Plan((Delete(a_project(), a_key(2, id_=101), ""),)),
        Plan((Delete(a_project(), a_key(id_=102), ""),)),
        Plan((Delete(a_project(), a_webhook(id_=101), ""),)),
        Plan((Update(a_key(), a_wanted_key(), {}, ""),)),
        Plan((Delete(a_project(), a_key(), ""), Delete(a_project(), a_key(2), ""))),
    ],
    ids=["project", "fingerprint", "id", "kind", "action", "one more"],
)
def test_everything_that_a_change_does_is_part_of_the_checksum(other: Plan) -> None:
    plan = Plan((Delete(a_project(), a_key(), ""),))

    assert other.checksum(HOST, some_rules()) != plan.checksum(HOST, some_rules())


def test_the_fields_of_an_update_are_part_of_the_checksum_in_any_order() -> None:
    one = an_update_plan(a=(True, False), b=("x", "y")).checksum(HOST, some_rules())

    assert an_update_plan(b=("x", "y"), a=(True, False)).checksum(HOST, some_rules()) == one
    assert an_update_plan(a=(True, False), b=("x", "z")).checksum(HOST, some_rules()) != one


def test_the_whole_url_is_part_of_the_checksum() -> None:
    url = a_webhook().url
    near = url[:-1] + ("0" if url[-1] != "0" else "1")
    one, other = (Plan((Delete(A, a_webhook(url=text), ""),)).checksum(HOST, some_rules()) for text in (url, near))

    assert one != other


def test_the_title_and_the_right_to_push_of_a_key_that_is_put_back_are_part_of_the_checksum() -> None:
    title = "flux-gitlab-syncer prod flux-config/shop"
    before = [
        None,
        FormerKey(title, can_push=False),
        FormerKey("deploy bot", can_push=False),
        FormerKey(title, can_push=True),
    ]
    plans = [Plan((Create(a_wanted_key(), "", former=former),)) for former in before]

    # The first two send the same: the title is the mark.
    assert len({plan.checksum(HOST, some_rules()) for plan in plans}) == len(before) - 1


def test_the_mark_under_which_something_is_made_is_part_of_the_checksum() -> None:
    for make in (a_wanted_key, a_wanted_webhook):
        plans = [Plan((Create(replace(make(), mark=a_mark(name)), ""),)) for name in ("shop", "other")]

        assert len({plan.checksum(HOST, some_rules()) for plan in plans}) == 2


def test_whether_gitlab_verifies_the_receivers_certificate_is_part_of_the_checksum() -> None:
    for change in (Create(a_wanted_webhook(), ""), Update(a_webhook(), a_wanted_webhook(), {"token": ("", "")}, "")):
        sums = {Plan((change,)).checksum(HOST, some_rules(tls_verification=tls)) for tls in (True, False)}

        assert len(sums) == 2


def test_the_token_is_no_part_of_the_checksum() -> None:
    plans = [Plan((Create(replace(a_wanted_webhook(), token=token), ""),)) for token in ("one", "other")]

    assert len({plan.checksum(HOST, some_rules()) for plan in plans}) == 1


def test_a_key_that_is_joined_under_another_title_has_another_checksum() -> None:
    joins = [Create(a_wanted_key(), "", existing=a_key(title=title)) for title in (LEFT_MARK, "deploy bot")]

    assert len({Plan((join,)).checksum(HOST, some_rules()) for join in joins}) == 2


def test_the_path_of_a_project_is_no_part_of_the_checksum() -> None:
    one, other = (Plan((Delete(a_project(1, path), a_key(), ""),)) for path in ("t/a", "t/renamed"))

    assert one.checksum(HOST, some_rules()) == other.checksum(HOST, some_rules())


def test_another_gitlab_or_cluster_has_another_checksum() -> None:
    plan = a_plan(a_key(title=LEFT_MARK))
    sums = {
        plan.checksum(HOST, some_rules()),
        plan.checksum("other.example.net", some_rules()),
        plan.checksum(HOST, some_rules(identity=an_identity(cluster="staging"))),
    }

    assert len(sums) == 3

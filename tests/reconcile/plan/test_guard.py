from __future__ import annotations

from collections.abc import Iterable

import pytest

from reconcile.desired.listed_receivers import ListedReceivers
from reconcile.model import Kind, Project, Ref
from reconcile.plan.changes import Change, Create, Delete, Excuse
from reconcile.plan.deserted import Deserted
from reconcile.plan.guard import guard
from reconcile.plan.limits import NO_LIMITS, Limits
from reconcile.plan.objections import Objection
from reconcile.plan.plan import Plan
from tests.worlds.builders import (
    LEFT_MARK,
    NAMESPACE,
    RECEIVER_URL,
    a_create,
    a_delete,
    a_key,
    a_mark,
    a_plan,
    a_url,
    a_wanted_key,
    a_wanted_webhook,
    a_webhook,
    an_update,
    receiver_ref,
    some_items,
    some_rules,
)

SUM = "0123456789ab"
OLD_URL = "https://old.example.net"


def project(number: int) -> Project:
    return Project(number, f"tenants/p{number:03}")


def leaving(count: int, *, each: int = 1, first: int = 1, webhook: bool = False) -> list[Delete]:
    """Deletes of *each* items on so many projects."""
    return [
        a_delete(number, project=project(id_), webhook=webhook)
        for id_ in range(first, first + count)
        for number in range(1, each + 1)
    ]


def rotating(count: int, *, sources: int | None = None, on: Iterable[int] | None = None) -> list[Delete]:
    """Replaced deletes on so many projects, of so many different Secrets."""
    return [
        a_delete(id_, project=project(id_), excuse=Excuse.REPLACED, name=f"secret-{id_ % (sources or count)}")
        for id_ in on or range(1, 1 + count)
    ]


def plan_of(changes: Iterable[Change], *, keys_on: int = 1000, webhooks_on: int = 1000, sources: int = 1000) -> Plan:
    """A plan in a group with so many projects that have keys and webhooks of ours, and so many Secrets."""
    owned_on = {
        Kind.DEPLOY_KEY: frozenset(range(1, keys_on + 1)),
        Kind.WEBHOOK: frozenset(range(1, webhooks_on + 1)),
    }
    sources_on = {id_: frozenset({Ref("Secret", NAMESPACE, f"secret-{id_}")}) for id_ in range(1, sources + 1)}
    return Plan((a_create(), *changes), owned_on=owned_on, sources_on=sources_on)


def objections(plan: Plan, limits: Limits | None = None) -> list[str]:
    return [one.code for one in guard(plan, limits or Limits(), SUM)]


def the_objection(plan: Plan, limits: Limits | None = None) -> Objection:
    (found,) = guard(plan, limits or Limits(), SUM)
    return found


# projects that lose something


def test_no_delete_is_no_objection() -> None:
    assert objections(Plan((a_create(), an_update()))) == []


@pytest.mark.parametrize(("count", "refused"), [(20, False), (21, True)])
def test_the_number_counts_projects(count: int, *, refused: bool) -> None:
    assert objections(plan_of(leaving(count))) == (["TooManyPrunes"] if refused else [])


def test_items_of_one_project_count_once() -> None:
    assert objections(plan_of(leaving(20, each=20))) == []


def test_keys_and_webhooks_of_one_project_count_once() -> None:
    assert objections(plan_of([*leaving(20), *leaving(20, webhook=True)])) == []
    assert objections(plan_of([*leaving(11), *leaving(10, first=12, webhook=True)])) == ["TooManyPrunes"]


@pytest.mark.parametrize(("count", "refused"), [(10, False), (11, True)])
def test_the_percentage_is_of_the_projects_on_which_we_own_something(count: int, *, refused: bool) -> None:
    plan = plan_of(leaving(count), keys_on=30, webhooks_on=40)

    assert objections(plan) == (["TooManyPrunes"] if refused else [])


@pytest.mark.parametrize(("count", "refused"), [(3, False), (4, True)])
def test_three_projects_are_everyday_work_whatever_the_limits(count: int, *, refused: bool) -> None:
    assert objections(plan_of(leaving(count), keys_on=8), Limits(0, 1.0)) == (["TooManyPrunes"] if refused else [])


@pytest.mark.parametrize("webhook", [False, True])
@pytest.mark.parametrize(("count", "refused"), [(2, False), (3, True)])
def test_all_projects_with_items_of_a_kind_are_too_many_when_they_are_more_than_two(
    count: int, *, refused: bool, webhook: bool
) -> None:
    owned = {"webhooks_on": count} if webhook else {"keys_on": count}
    plan = plan_of(leaving(count, webhook=webhook), **owned)

    assert objections(plan) == (["TooManyPrunes"] if refused else [])


def test_one_less_than_all_is_not_all() -> None:
    assert objections(plan_of(leaving(3), keys_on=4)) == []


def test_one_hundred_percent_is_no_limit_at_all() -> None:
    plan = plan_of(leaving(100, each=30), keys_on=100, webhooks_on=100)

    assert objections(plan, NO_LIMITS) == []
    assert objections(plan, Limits.parse("99%")) == ["TooManyPrunes"] * 2


def test_it_refuses_all_deletes_and_nothing_else_and_says_first_how_to_look() -> None:
    plan = plan_of(leaving(21))

    found = the_objection(plan)

    assert (found.refuses, found.project, found.namespace, found.refuses_all) == (plan.deletes, None, None, True)
    assert found.message == (
        "Would remove from 21 of the 1000 projects with items of ours; the limit is 20 or 25%. Look at the deletes of "
        "this report and at what Flux has (`kubectl get gitrepositories,receivers --all-namespaces`): is all of this "
        f"gone on purpose? If that is meant, pass --expect-plan {SUM}, or --max-prune with a higher limit "
        "(100% is none)."
    )


# one project


@pytest.mark.parametrize(("count", "refused"), [(20, False), (21, True)])
def test_many_items_of_one_project_refuse_its_deletes_only(count: int, *, refused: bool) -> None:
    plan = plan_of([*leaving(1, each=count), *leaving(2, first=2)])

    if not refused:
        assert objections(plan) == []
        return
    found = the_objection(plan)
    assert {delete.project for delete in found.refuses} == {project(1)}
    assert (len(found.refuses), found.project, found.refuses_all) == (count, "tenants/p001", False)
    assert "Would remove 21 items from tenants/p001; the limit for one project is 20. Look at" in found.message


def test_shards_do_not_divide_the_limit_of_one_project() -> None:
    assert objections(plan_of(leaving(1, each=20)), Limits().divided(8)) == []
    assert objections(plan_of(leaving(1, each=21)), Limits().divided(8)) == ["TooManyPrunes"]


def test_where_everything_is_refused_no_project_is_refused_beside_it() -> None:
    assert objections(plan_of(leaving(30, each=30))) == ["TooManyPrunes"]


def test_forged_marks_on_one_project_neither_stop_nor_blind_the_guard() -> None:
    forged = leaving(1, each=500)

    stopped = the_objection(plan_of([*forged, *leaving(3, first=2)]))
    assert {delete.project for delete in stopped.refuses} == {project(1)}

    hostile = plan_of([*forged, *leaving(11, first=2)], keys_on=40, webhooks_on=40)
    assert [one.project for one in guard(hostile, Limits(), SUM)] == [None]


# rotations


def test_one_secret_for_a_thousand_tenants_is_free() -> None:
    assert objections(plan_of(rotating(1000, sources=1))) == []


@pytest.mark.parametrize(("sources", "refused"), [(20, False), (21, True)])
def test_many_secrets_at_once_ask_once(sources: int, *, refused: bool) -> None:
    assert objections(plan_of(rotating(100, sources=sources))) == (["TooManyPrunes"] if refused else [])


@pytest.mark.parametrize(("sources", "refused"), [(10, False), (11, True)])
def test_the_percentage_is_of_all_secrets_and_receivers_that_our_marks_name(sources: int, *, refused: bool) -> None:
    plan = plan_of(rotating(100, sources=sources), sources=40)

    assert objections(plan) == (["TooManyPrunes"] if refused else [])


@pytest.mark.parametrize(("sources", "refused"), [(3, False), (4, True)])
def test_three_secrets_are_always_excused(sources: int, *, refused: bool) -> None:
    plan = plan_of(rotating(4, sources=sources), keys_on=4, sources=sources)

    assert bool(objections(plan)) is refused


def test_what_is_not_excused_counts_like_any_other_delete() -> None:
    few_projects = [
        a_delete(number, project=project(1), excuse=Excuse.REPLACED, name=f"s{number}") for number in range(1, 22)
    ]

    assert the_objection(plan_of(few_projects)).project == "tenants/p001"
    assert objections(plan_of(few_projects[:20])) == []


def test_a_project_that_is_refused_by_itself_does_not_spoil_the_others_rotation() -> None:
    hostile = [
        a_delete(number, project=project(1), excuse=Excuse.REPLACED, name=f"h{number}") for number in range(1, 50)
    ]
    crafty = [
        a_delete(number, project=project(2), excuse=Excuse.REPLACED, name=f"c{number}") for number in range(1, 21)
    ]
    honest = rotating(200, sources=1, on=range(3, 203))

    found = the_objection(plan_of([*hostile, *crafty, *honest]))

    assert {delete.project for delete in found.refuses} == {project(1)}


def test_forged_marks_do_not_raise_the_percentage() -> None:
    plan = plan_of(rotating(100, sources=18), sources=40)
    forged = frozenset(Ref("Secret", NAMESPACE, f"forged-{number}") for number in range(1000))

    diluted = Plan(plan.changes, owned_on=plan.owned_on, sources_on={**plan.sources_on, 1: forged})

    assert objections(plan) == objections(diluted) == ["TooManyPrunes"]


@pytest.mark.parametrize("excuse", [Excuse.ANNOUNCED, Excuse.SAME_PATH])
def test_announced_keys_and_the_same_path_have_no_limit(excuse: Excuse) -> None:
    deletes = [a_delete(id_, project=project(id_), excuse=excuse, name=f"s{id_}") for id_ in range(1, 501)]

    assert objections(plan_of(deletes, keys_on=500)) == []


# what the planner excuses


def test_a_secret_that_gives_another_key_replaces_the_old_one() -> None:
    assert [delete.excuse for delete in a_plan(a_wanted_key(2), a_key(1)).deletes] == [Excuse.REPLACED]


def test_a_key_of_ours_that_was_there_before_has_taken_over() -> None:
    announced = a_key(2, title=str(a_mark("next")))

    plan = a_plan(a_wanted_key(2, name="next"), a_key(1), announced)
    only_now = a_plan(a_wanted_key(2, name="next"), a_key(1))
    unmarked = a_plan(a_wanted_key(2, name="next"), a_key(1), a_key(2, title="by hand"))

    assert [delete.excuse for delete in plan.deletes] == [Excuse.ANNOUNCED]
    assert [delete.excuse for delete in only_now.deletes] == [None]
    assert [delete.excuse for delete in unmarked.deletes] == [None]


# shards


@pytest.mark.parametrize(("count", "refused"), [(3, False), (4, True)])
def test_a_shard_refuses_its_part_of_what_a_single_run_would_refuse(count: int, *, refused: bool) -> None:
    assert bool(objections(plan_of(leaving(count)), Limits().divided(8))) is refused


def test_a_tenant_that_leaves_is_everyday_work_in_every_shard() -> None:
    plan = plan_of([*leaving(1), *leaving(1, webhook=True)], keys_on=2, webhooks_on=2)

    assert objections(plan, Limits().divided(20)) == []


# desired is empty


def test_a_deserted_namespace_refuses_the_deletes_marked_with_it() -> None:
    deletes = tuple(leaving(2))
    plan = Plan(
        (*deletes, a_delete(9, webhook=True)),
        deserted=(Deserted(Kind.DEPLOY_KEY, NAMESPACE, deletes, everywhere=False),),
    )

    for limits in (Limits(), NO_LIMITS):
        found = the_objection(plan, limits)
        assert (found.code, found.option, found.namespace) == ("DesiredIsEmpty", "--expect-plan", NAMESPACE)
        assert (found.refuses, found.refuses_all) == (deletes, False)
        assert found.message == (
            "Namespace flux-config holds no GitRepository, yet deploy keys marked with it would be removed. Look "
            "whether they are gone on purpose: `kubectl get gitrepository --namespace flux-config`. If so, pass "
            f"--expect-plan {SUM}."
        )


def test_where_no_namespace_holds_any_what_carries_no_mark_is_refused_too() -> None:
    deletes = (a_delete(1, webhook=True),)

    found = the_objection(Plan(deletes, deserted=(Deserted(Kind.WEBHOOK, None, deletes, everywhere=True),)))

    assert (found.namespace, found.refuses_all) == (None, True)
    assert found.message.startswith("No namespace that is read holds a Receiver, yet webhooks without a mark of")


# the base URL has changed


def moved(projects: int, of: int, *, at: str = OLD_URL, name: str = "shop") -> Plan:
    """*of* projects want a webhook; on *projects* of them there is one of ours at another base URL."""
    hooks = [
        some_items(
            *([a_webhook(id_, url=a_url(id_, base=at), description=str(a_mark(name)))] if id_ <= projects else []),
            project=project(id_),
        )
        for id_ in range(1, of + 1)
    ]
    wanted = [a_wanted_webhook(id_, project=project(id_)) for id_ in range(1, of + 1)]
    listed = ListedReceivers(refs=(receiver_ref("shop"),))
    return a_plan(*wanted, *hooks, listed=listed)


@pytest.mark.parametrize(("projects", "refused"), [(5, False), (6, True)])
def test_more_than_half_at_another_base_url_is_a_typo(projects: int, *, refused: bool) -> None:
    assert objections(moved(projects, 10)) == (["ReceiverUrlChanged"] if refused else [])


def test_it_refuses_creates_of_webhooks_only() -> None:
    plan = moved(9, 10)
    plan = Plan((*plan.changes, a_create()), webhooks_elsewhere=plan.webhooks_elsewhere)

    found = the_objection(plan)

    assert all(isinstance(change, Create) and change.kind is Kind.WEBHOOK for change in found.refuses)
    assert (len(found.refuses), found.option, found.refuses_all) == (10, "--receiver-url", True)
    assert "On 9 of the 10 projects that want a webhook ours lies at another base URL (https://old.example.net)" in (
        found.message
    )
    assert found.message.endswith(f"--expect-plan {SUM} creates them all the same.")


def test_a_former_base_url_that_is_listed_is_a_move() -> None:
    rules = some_rules(previous_receiver_urls=(OLD_URL,))
    hooks = [some_items(a_webhook(id_, url=a_url(id_, base=OLD_URL)), project=project(id_)) for id_ in (1, 2, 3)]
    wanted = [a_wanted_webhook(id_, project=project(id_)) for id_ in (1, 2, 3)]

    plan = a_plan(*wanted, *hooks, rules=rules, listed=ListedReceivers(refs=(receiver_ref("shop"),)))

    assert objections(plan) == []


def test_marks_that_name_no_listed_receiver_do_not_count() -> None:
    assert objections(moved(10, 10, name="left")) == []
    assert a_mark("left") == a_webhook(description=LEFT_MARK).mark


def test_where_ours_lies_at_the_present_base_url_too_it_is_no_typo() -> None:
    hooks = [
        some_items(
            a_webhook(id_, url=a_url(id_, base=OLD_URL)), a_webhook(50 + id_, id_=900 + id_), project=project(id_)
        )
        for id_ in (1, 2, 3)
    ]
    wanted = [a_wanted_webhook(id_, project=project(id_)) for id_ in (1, 2, 3)]

    assert objections(a_plan(*wanted, *hooks, listed=ListedReceivers(refs=(receiver_ref("shop"),)))) == []
    assert a_url(51).startswith(RECEIVER_URL)

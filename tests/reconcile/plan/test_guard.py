from __future__ import annotations

import pytest

from reconcile.model import Kind
from reconcile.plan.changes import described
from reconcile.plan.guard import NO_LIMITS, Expected, Limits, Objection, ObjectionCode, guard, plan_changed
from reconcile.plan.plan import Plan
from tests.worlds.builders import NAMESPACE, a_create, a_delete, a_url, an_update

SUM = "0123456789ab"
MANY = 10_000


def deleting(
    count: int, *, webhooks: int = 0, replaced: int = 0, keys_owned: int = MANY, webhooks_owned: int = MANY
) -> Plan:
    """A plan with *count* deletes of keys, *webhooks* of webhooks and *replaced* ones of keys."""
    keys = [a_delete(number + 1) for number in range(count)]
    excused = [a_delete(count + number + 1, replaced=True) for number in range(replaced)]
    hooks = [a_delete(number + 1, webhook=True) for number in range(webhooks)]
    owned = {Kind.DEPLOY_KEY: keys_owned, Kind.WEBHOOK: webhooks_owned}
    return Plan((a_create(), *keys, *excused, *hooks), owned=owned)


def objections(plan: Plan, limits: Limits | None = None) -> list[str]:
    return [one.code for one in guard(plan, limits or Limits(), SUM)]


# shards


@pytest.mark.parametrize(
    ("limits", "shards", "part"),
    [
        (Limits(), 1, Limits()),
        (Limits(), 2, Limits(10, 25.0, always=3)),
        (Limits(), 8, Limits(3, 25.0, always=2)),
        (Limits(), 100, Limits(2, 25.0, always=2)),
        (Limits(1, None), 8, Limits(1, None, always=2)),
        (Limits(0, None), 8, Limits(0, None, always=2)),
        (Limits(None, 10.0), 8, Limits(None, 10.0, always=2)),
    ],
)
def test_each_shard_has_its_part_of_the_counts_and_no_less_than_one_tenants_items(
    limits: Limits, shards: int, part: Limits
) -> None:
    assert limits.divided(shards) == part


def test_no_limit_stays_none_in_each_shard() -> None:
    assert NO_LIMITS.divided(8).none


@pytest.mark.parametrize(("count", "refused"), [(2, False), (3, False), (4, True)])
def test_a_shard_refuses_its_part_of_what_a_single_run_would_refuse(count: int, *, refused: bool) -> None:
    assert bool(objections(deleting(count), Limits().divided(8))) is refused


@pytest.mark.parametrize(("count", "refused"), [(2, False), (3, True)])
def test_a_tenant_that_leaves_is_everyday_work_in_every_shard(count: int, *, refused: bool) -> None:
    assert bool(objections(deleting(count, keys_owned=4, webhooks_owned=1), Limits().divided(20))) is refused


# limits as text


@pytest.mark.parametrize(
    ("text", "limits"),
    [
        ("20,25%", Limits(20, 25.0)),
        ("25%,20", Limits(20, 25.0)),
        (" 20 , 25% ", Limits(20, 25.0)),
        ("0", Limits(0, None)),
        ("50", Limits(50, None)),
        ("10%", Limits(None, 10.0)),
        ("100%", NO_LIMITS),
    ],
)
def test_limits_are_a_number_a_percentage_or_both(text: str, limits: Limits) -> None:
    assert Limits.parse(text) == limits


@pytest.mark.parametrize("text", ["", "20,", "many", "-1", "1.5%", "20,30", "10%,20%", "1,2,3%", "٣", "20 %", "1" * 10])
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="is neither a number, a percentage nor both, as in 20,25%"):
        Limits.parse(text)


def test_more_than_everything_is_refused() -> None:
    with pytest.raises(ValueError, match="is more than 100%: '101%'"):
        Limits.parse("101%")


@pytest.mark.parametrize("text", ["20,25%", "50", "10%", "100%"])
def test_limits_are_written_as_they_are_read(text: str) -> None:
    assert str(Limits.parse(text)) == text


def test_no_limit_is_the_empty_text() -> None:
    assert str(Limits(None, None)) == ""
    assert Limits(None, None).exceeded_by(MANY, 1) is False


def test_only_all_of_it_without_a_number_lifts_the_limits() -> None:
    assert Limits.parse("100%").none is True
    assert Limits.parse("99%").none is False
    assert Limits.parse("20,100%").none is False
    assert Limits.parse("20").none is False


# too many


def test_no_delete_is_no_objection() -> None:
    assert objections(Plan((a_create(), an_update()))) == []


@pytest.mark.parametrize(("count", "refused"), [(19, False), (20, False), (21, True)])
def test_the_number_may_be_reached_and_not_passed(count: int, *, refused: bool) -> None:
    assert objections(deleting(count)) == (["TooManyPrunes"] if refused else [])


@pytest.mark.parametrize(("count", "refused"), [(9, False), (10, False), (11, True)])
def test_the_share_of_what_we_own_may_be_reached_and_not_passed(count: int, *, refused: bool) -> None:
    plan = deleting(count, keys_owned=20, webhooks_owned=20)

    assert objections(plan) == (["TooManyPrunes"] if refused else [])


@pytest.mark.parametrize(("count", "refused"), [(4, False), (5, False), (6, True)])
def test_five_deletes_are_everyday_work_whatever_the_limits(count: int, *, refused: bool) -> None:
    plan = deleting(count, keys_owned=8, webhooks_owned=0)

    assert objections(plan, Limits(0, 1.0)) == (["TooManyPrunes"] if refused else [])


def test_either_limit_is_enough() -> None:
    plan = deleting(10, keys_owned=100, webhooks_owned=0)

    assert objections(plan, Limits(9, 50.0)) == ["TooManyPrunes"]
    assert objections(plan, Limits(50, 9.0)) == ["TooManyPrunes"]
    assert objections(plan, Limits(50, 50.0)) == []


def test_one_limit_alone_is_the_only_one() -> None:
    plan = deleting(30, keys_owned=100, webhooks_owned=0)

    assert objections(plan, Limits(30, None)) == []
    assert objections(plan, Limits(None, 30.0)) == []
    assert objections(plan, Limits(29, None)) == ["TooManyPrunes"]
    assert objections(plan, Limits(None, 29.0)) == ["TooManyPrunes"]


def test_both_kinds_are_counted_together() -> None:
    assert objections(deleting(10, webhooks=10)) == []
    assert objections(deleting(10, webhooks=11)) == ["TooManyPrunes"]


def test_what_is_replaced_is_not_counted() -> None:
    assert objections(deleting(20, replaced=1000)) == []
    assert objections(deleting(21, replaced=1000)) == ["TooManyPrunes"]


@pytest.mark.parametrize(("count", "refused"), [(1, False), (2, False), (3, True), (4, True)])
def test_all_of_a_kind_is_too_many_when_that_is_more_than_two(count: int, *, refused: bool) -> None:
    assert objections(deleting(count, keys_owned=count)) == (["TooManyPrunes"] if refused else [])


@pytest.mark.parametrize(("webhooks", "refused"), [(2, False), (3, True)])
def test_one_less_than_all_of_a_kind_is_not_all(webhooks: int, *, refused: bool) -> None:
    plan = deleting(0, webhooks=webhooks, webhooks_owned=3)

    assert objections(plan) == (["TooManyPrunes"] if refused else [])


def test_all_of_a_kind_of_which_one_is_replaced_is_not_all() -> None:
    assert objections(deleting(3, replaced=1, keys_owned=4)) == []
    assert objections(deleting(4, keys_owned=4)) == ["TooManyPrunes"]


def test_all_of_both_kinds_is_an_objection_for_each() -> None:
    found = guard(deleting(3, webhooks=3, keys_owned=3, webhooks_owned=3), Limits(None, 99.0), SUM)

    assert [one.message.partition(":")[0] for one in found] == [
        "Would remove 6 of the 6 items that are ours; the limit is 99%",
        "Would remove all 3 deploy keys that are ours",
        "Would remove all 3 webhooks that are ours",
    ]


def test_one_hundred_percent_is_no_limit_at_all() -> None:
    plan = deleting(100, webhooks=100, keys_owned=100, webhooks_owned=100)

    assert objections(plan, Limits.parse("100%")) == []
    assert objections(plan, Limits.parse("99%")) == ["TooManyPrunes"] * 3


def test_an_objection_says_what_lifts_it() -> None:
    (found,) = guard(deleting(21, keys_owned=MANY, webhooks_owned=0), Limits(), SUM)

    assert found == Objection(
        ObjectionCode.TOO_MANY_PRUNES,
        "Would remove 21 of the 10000 items that are ours; the limit is 20 or 25%: review it, then pass --max-prune "
        f"with a higher limit (100% is none), or --expect-plan {SUM}.",
        "--max-prune",
    )


# desired is empty


def test_a_deserted_namespace_is_an_objection_that_only_a_review_lifts() -> None:
    plan = Plan((a_delete(),), owned={Kind.DEPLOY_KEY: 50, Kind.WEBHOOK: 50}, deserted=((Kind.DEPLOY_KEY, NAMESPACE),))

    for limits in (Limits(), NO_LIMITS):
        (found,) = guard(plan, limits, SUM)
        assert found == Objection(
            ObjectionCode.DESIRED_IS_EMPTY,
            "Namespace flux-config holds no GitRepository, yet deploy keys marked with it would be removed: "
            f"if that is meant, pass --expect-plan {SUM}.",
            "--expect-plan",
        )


def test_each_kind_names_the_objects_that_are_missing() -> None:
    deserted = ((Kind.DEPLOY_KEY, "a"), (Kind.WEBHOOK, "b"))

    found = guard(Plan(deserted=deserted), Limits(), SUM)

    assert [one.message.partition(" marked")[0] for one in found] == [
        "Namespace a holds no GitRepository, yet deploy keys",
        "Namespace b holds no Receiver, yet webhooks",
    ]


# the plan has changed


def test_the_expected_plan_is_no_objection() -> None:
    assert plan_changed(deleting(100), SUM, Expected(SUM)) is None


def test_another_plan_is_an_objection_with_both_checksums() -> None:
    found = plan_changed(deleting(2), SUM, Expected("ffffffffffff"))

    assert found == Objection(
        ObjectionCode.PLAN_CHANGED,
        f"The plan made now is {SUM} (3 changes), not the expected ffffffffffff, so nothing was applied. "
        "Review it anew.",
        "--expect-plan",
    )


def test_a_report_tells_the_count_and_the_first_differences() -> None:
    gone = [f"delete webhook {number}" for number in range(5)]
    plan = Plan((a_create(), an_update()))

    found = plan_changed(plan, SUM, Expected("ffffffffffff", (described(a_create()), *gone)))

    assert found is not None
    assert f"is {SUM} (2 changes), not the expected ffffffffffff (6 changes), so nothing was applied." in found.message
    assert f"First differences: now also: {described(an_update())}; no longer: {gone[0]}; no longer: {gone[1]}. " in (
        found.message
    )
    assert gone[2] not in found.message
    assert described(a_create()) not in found.message
    assert a_url() not in found.message


def test_a_report_of_the_same_changes_with_other_fields_has_no_differences_to_name() -> None:
    found = plan_changed(Plan((a_create(),)), SUM, Expected("ffffffffffff", (described(a_create()),)))

    assert found is not None
    assert "First differences" not in found.message

from __future__ import annotations

from reconcile.plan.changes import described
from reconcile.plan.objections import Expected, Objection, ObjectionCode, plan_changed
from reconcile.plan.plan import Plan
from tests.worlds.builders import a_create, a_delete, a_url, an_update

SUM = "0123456789ab"


def test_the_expected_plan_is_no_objection() -> None:
    assert plan_changed(Plan((a_create(),)), SUM, Expected(SUM)) is None


def test_another_plan_is_an_objection_to_everything_with_both_checksums() -> None:
    plan = Plan((a_create(), a_delete(1), a_delete(2)))

    assert plan_changed(plan, SUM, Expected("ffffffffffff")) == Objection(
        ObjectionCode.PLAN_CHANGED,
        f"The plan made now is {SUM} (3 changes), not the expected ffffffffffff, so nothing was applied. Look at the "
        f"changes of this report; if they are right, pass --expect-plan {SUM}.",
        "--expect-plan",
        plan.changes,
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

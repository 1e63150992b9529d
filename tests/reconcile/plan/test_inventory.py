from __future__ import annotations

import pytest

from reconcile.actual import Found, Unreadable
from reconcile.marks import Owner
from reconcile.plan.inventory import Inventory, Listed, inventory_of
from reconcile.run import RunOptions, plan_for
from tests.worlds.builders import (
    LEFT_MARK,
    NEIGHBOURS_MARK,
    OTHERS_MARK,
    a_key,
    a_plan,
    a_project,
    a_public_key,
    a_url,
    a_webhook,
    some_actual,
    some_desired,
    some_items,
    some_rules,
)

SHOP, TILL = a_project(1, "tenants/shop"), a_project(2, "tenants/till")


def owners(*found: Found, **rules: object) -> list[Owner]:
    return [one.owner for one in inventory_of(some_actual(*found, rules=some_rules(**rules))).listed]


def duplicates(*states: object) -> list[int]:
    return [one.duplicates for one in inventory_of(some_actual(*states)).listed]


def test_every_key_and_webhook_is_listed_with_its_project_whosever_it_is() -> None:
    key, others, webhook = a_key(1), a_key(2, title="somebody's"), a_webhook(1)
    actual = some_actual(some_items(key, webhook, project=SHOP), some_items(others, project=TILL))
    assert inventory_of(actual).listed == (
        Listed(SHOP, key, Owner.OURS),
        Listed(SHOP, webhook, Owner.OURS),
        Listed(TILL, others, Owner.UNMARKED),
    )


def test_nothing_read_is_nothing_listed() -> None:
    assert inventory_of(some_actual(some_items())) == Inventory()


@pytest.mark.parametrize(
    ("mark", "owner"),
    [
        (LEFT_MARK, Owner.OURS),
        (OTHERS_MARK, Owner.OTHER_CLUSTER),
        (NEIGHBOURS_MARK, Owner.OTHER_INSTANCE),
        ("by hand", Owner.UNMARKED),
    ],
)
def test_whose_each_is_goes_by_its_mark(mark: str, owner: Owner) -> None:
    assert owners(a_key(1, title=mark), a_webhook(1, description=mark)) == [owner, owner]


def test_whose_each_is_goes_by_the_settings_too() -> None:
    unmarked = (a_key(1, title=""), a_webhook(1, description=""))
    settings = {"owned_keys": frozenset({a_public_key(1).fingerprint}), "receiver_url_is_ours": True}
    assert owners(*unmarked, **settings) == [Owner.OURS, Owner.OURS]
    assert owners(*unmarked) == [Owner.UNMARKED, Owner.UNMARKED]


def test_a_key_has_as_many_duplicates_as_there_are_other_projects_with_it() -> None:
    shop, till = some_items(a_key(1), a_key(2), project=SHOP), some_items(a_key(1), project=TILL)
    assert duplicates(shop, till) == [1, 0, 1]


def test_a_webhook_has_as_many_duplicates_as_its_project_has_others_at_its_url() -> None:
    shop = some_items(a_webhook(1, id_=1), a_webhook(1, id_=2), a_webhook(2), project=SHOP)
    till = some_items(a_webhook(1, url=a_url(1)), project=TILL)
    assert duplicates(shop, till) == [1, 1, 0, 0]


def test_a_project_that_cannot_be_read_is_named_so_that_nobody_takes_it_for_an_empty_one() -> None:
    inventory = inventory_of(some_actual(some_items(a_key(1), project=SHOP), Unreadable(TILL, "403")))
    assert [one.project for one in inventory.listed] == [SHOP]
    assert inventory.unread == (Unreadable(TILL, "403"),)


# what a run does with it


def test_a_plan_has_an_inventory_only_where_the_orders_ask_for_one() -> None:
    actual = some_actual(a_key(1))
    assert plan_for(some_desired(), actual, some_rules(), RunOptions()).inventory is None
    asked = plan_for(some_desired(), actual, some_rules(), RunOptions(inventory=True)).inventory
    assert asked == inventory_of(actual)


def test_the_inventory_is_of_the_projects_that_are_acted_on_and_knows_the_group() -> None:
    shop, till = some_items(a_key(1), project=SHOP), some_items(a_key(1), project=TILL)
    options = RunOptions(inventory=True, acts_on=lambda path: path == SHOP.path)
    plan = plan_for(
        some_desired(), some_actual(shop, till, Unreadable(a_project(3, "x/y"), "403")), some_rules(), options
    )
    assert plan.inventory == Inventory((Listed(SHOP, a_key(1), Owner.OURS, 1),), ())


def test_asking_for_an_inventory_changes_nothing_of_the_plan() -> None:
    actual = some_actual(a_key(1, title=LEFT_MARK), a_webhook(1))
    plain = plan_for(some_desired(), actual, some_rules(), RunOptions())
    asked = plan_for(some_desired(), actual, some_rules(), RunOptions(inventory=True))
    assert asked.changes == plain.changes
    assert asked.checksum("gitlab", some_rules()) == plain.checksum("gitlab", some_rules())


def test_without_pruning_the_plan_says_what_it_spares() -> None:
    plan = a_plan(a_key(1, title=LEFT_MARK))
    assert plan.spared == ()
    assert plan.without_deletes().spared == plan.deletes != ()

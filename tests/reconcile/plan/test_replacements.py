from __future__ import annotations

from reconcile.marks import Mark
from reconcile.plan.changes import Excuse
from reconcile.plan.replacements import Replacements
from reconcile.problems import Code
from tests.worlds.builders import LEFT_MARK, a_mark, secret_ref

LEFT = Mark.parse(LEFT_MARK)
SHOP = a_mark("shop")


def test_nothing_is_replaced_by_nothing() -> None:
    assert Replacements().excuse([LEFT, None]) == [None, None]


def test_the_same_object_replaces_once() -> None:
    replacements = Replacements()
    replacements.add([secret_ref("left")], None)

    assert replacements.excuse([LEFT, LEFT]) == [Excuse.REPLACED, None]


def test_the_mark_that_is_there_names_an_object_too() -> None:
    replacements = Replacements()
    replacements.add([secret_ref("renamed")], LEFT)

    assert replacements.excuse([LEFT]) == [Excuse.REPLACED]


def test_one_item_of_two_names_is_taken_once() -> None:
    replacements = Replacements()
    replacements.add([secret_ref("left"), secret_ref("shop")], None)

    assert replacements.excuse([LEFT, SHOP]) == [Excuse.REPLACED, None]


def test_the_same_name_in_another_namespace_is_another_object() -> None:
    replacements = Replacements()
    replacements.add([secret_ref("left", "billing")], None)

    assert replacements.excuse([LEFT]) == [None]


def test_a_name_that_gitlabs_limit_cut_is_recognised() -> None:
    long = "x" * 253
    replacements = Replacements()
    replacements.add([secret_ref("short")], None)
    replacements.add([secret_ref(long)], None)

    cut = Mark.parse(str(Mark("prod", "flux-config", long)))
    assert len(str(cut)) == 255
    assert replacements.excuse([cut, cut]) == [Excuse.REPLACED, None]


# a key that was announced


def test_a_key_that_was_there_before_excuses_one_of_another_object() -> None:
    replacements = Replacements()
    replacements.add([secret_ref("next")], None, announced=True)

    assert replacements.excuse([LEFT, SHOP]) == [Excuse.ANNOUNCED, None]


def test_a_key_that_is_only_created_now_does_not() -> None:
    replacements = Replacements()
    replacements.add([secret_ref("next")], None, change="SHA256:next")

    assert replacements.excuse([LEFT]) == [None]


def test_what_replaces_its_own_object_has_not_taken_over_from_another() -> None:
    replacements = Replacements()
    replacements.add([secret_ref("shop")], None, announced=True)

    assert replacements.excuse([LEFT, SHOP]) == [None, Excuse.REPLACED]


# what a delete waits for


def test_a_delete_waits_for_every_create_from_its_own_object() -> None:
    replacements = Replacements()
    replacements.add([secret_ref("left")], None, change="one")
    replacements.add([secret_ref("left"), secret_ref("shop")], None, change="two")
    replacements.add([secret_ref("left")], None)

    assert replacements.changes_for(LEFT) == {"one", "two"}
    assert replacements.changes_for(SHOP) == {"two"}
    assert replacements.changes_for(a_mark("other")) == replacements.changes_for(None) == frozenset()


def test_what_is_not_made_keeps_what_comes_from_its_own_object() -> None:
    replacements = Replacements()
    replacements.add_missing([secret_ref("left")], Code.WEBHOOK_FOREIGN_MARK)

    assert replacements.missing_for(LEFT) is Code.WEBHOOK_FOREIGN_MARK
    assert replacements.missing_for(SHOP) is None

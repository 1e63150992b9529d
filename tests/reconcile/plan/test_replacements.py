from __future__ import annotations

from reconcile.marks import Mark
from reconcile.plan.replacements import Replacements
from tests.worlds.builders import LEFT_MARK, a_mark, a_url, receiver_ref, secret_ref

LEFT = Mark.parse(LEFT_MARK)


def test_nothing_is_replaced_by_nothing() -> None:
    assert Replacements().take(LEFT, a_url()) is False


def test_the_same_object_replaces_once() -> None:
    replacements = Replacements()
    replacements.add([secret_ref("left")], None)

    assert [replacements.take(LEFT), replacements.take(LEFT)] == [True, False]


def test_the_mark_that_is_there_names_an_object_too() -> None:
    replacements = Replacements()
    replacements.add([secret_ref("renamed")], LEFT)

    assert replacements.take(LEFT) is True


def test_one_item_of_two_names_is_taken_once() -> None:
    replacements = Replacements()
    replacements.add([secret_ref("left"), secret_ref("shop")], None)

    assert replacements.take(LEFT) is True
    assert replacements.take(a_mark("shop")) is False


def test_the_same_name_in_another_namespace_is_another_object() -> None:
    replacements = Replacements()
    replacements.add([secret_ref("left", "billing")], None)

    assert replacements.take(LEFT) is False


def test_the_same_url_replaces_once_whatever_the_mark() -> None:
    replacements = Replacements()
    replacements.add([receiver_ref("shop")], None, a_url(1))

    assert replacements.take(None, a_url(2)) is False
    assert [replacements.take(None, a_url(1)), replacements.take(None, a_url(1))] == [True, False]


def test_an_item_taken_by_its_name_is_no_longer_there_by_its_url() -> None:
    replacements = Replacements()
    replacements.add([receiver_ref("shop")], None, a_url(1))

    assert replacements.take(a_mark("shop"), a_url(9)) is True
    assert replacements.take(LEFT, a_url(1)) is False


def test_items_without_a_url_do_not_replace_each_other() -> None:
    replacements = Replacements()
    replacements.add([secret_ref("shop")], None)

    assert replacements.take(None) is False


def test_a_name_that_gitlabs_limit_cut_is_recognised() -> None:
    long = "x" * 253
    replacements = Replacements()
    replacements.add([secret_ref("short")], None)
    replacements.add([secret_ref(long)], None)

    cut = Mark.parse(str(Mark("prod", "flux-config", long)))
    assert len(str(cut)) == 255
    assert [replacements.take(cut), replacements.take(cut)] == [True, False]

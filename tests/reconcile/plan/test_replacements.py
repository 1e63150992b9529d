from __future__ import annotations

from reconcile.marks import Mark
from reconcile.plan.replacements import Replacements
from tests.worlds.builders import LEFT_MARK, a_mark, a_url, receiver_ref, secret_ref


def test_nothing_is_replaced_by_nothing() -> None:
    assert Replacements().take(LEFT_MARK, a_url()) is False


def test_the_same_object_replaces_once() -> None:
    replacements = Replacements()
    replacements.add([secret_ref("left")], "")

    assert [replacements.take(LEFT_MARK), replacements.take(LEFT_MARK)] == [True, False]


def test_the_mark_that_is_there_names_an_object_too() -> None:
    replacements = Replacements()
    replacements.add([secret_ref("renamed")], LEFT_MARK)

    assert replacements.take(LEFT_MARK) is True


def test_one_item_of_two_names_is_taken_once() -> None:
    replacements = Replacements()
    replacements.add([secret_ref("left"), secret_ref("shop")], "")

    assert replacements.take(LEFT_MARK) is True
    assert replacements.take(str(a_mark("shop"))) is False


def test_the_same_name_in_another_namespace_is_another_object() -> None:
    replacements = Replacements()
    replacements.add([secret_ref("left", "billing")], "")

    assert replacements.take(LEFT_MARK) is False


def test_the_same_url_replaces_once_whatever_the_mark() -> None:
    replacements = Replacements()
    replacements.add([receiver_ref("shop")], "", a_url(1))

    assert replacements.take("", a_url(2)) is False
    assert [replacements.take("", a_url(1)), replacements.take("", a_url(1))] == [True, False]


def test_an_item_taken_by_its_name_is_no_longer_there_by_its_url() -> None:
    replacements = Replacements()
    replacements.add([receiver_ref("shop")], "", a_url(1))

    assert replacements.take(str(a_mark("shop")), a_url(9)) is True
    assert replacements.take(LEFT_MARK, a_url(1)) is False


def test_items_without_a_url_do_not_replace_each_other() -> None:
    replacements = Replacements()
    replacements.add([secret_ref("shop")], "")

    assert replacements.take("no mark") is False


def test_a_name_that_gitlabs_limit_cut_is_recognised() -> None:
    long = "x" * 253
    replacements = Replacements()
    replacements.add([secret_ref("short")], "")
    replacements.add([secret_ref(long)], "")

    cut = str(Mark("prod", "flux-config", long))
    assert len(cut) == 255
    assert [replacements.take(cut), replacements.take(cut)] == [True, False]

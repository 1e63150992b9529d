"""Hints at the nearest name: right where people mistype, and bounded in work."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from reconcile.desired.hints import MAX_HINTS, Hints

NAMES = [f"tenant-{number:04}" for number in range(3000)]


@pytest.mark.parametrize(
    ("name", "near"),
    [("tenant-29999", "tenant-2999"), ("enant-0777", "tenant-0777"), ("tenant0042", "tenant-0042")],
)
def test_the_nearest_of_many_names_is_found(name: str, near: str) -> None:
    assert Hints(1).nearest(name, NAMES) == f" Did you mean {near}?"


def test_a_name_like_no_other_gets_none() -> None:
    assert Hints(1).nearest("zzz", NAMES) == ""


def test_only_so_many_are_given() -> None:
    hints = Hints(MAX_HINTS)
    given = [hints.nearest("ap", ["app"]) for _ in range(50)]
    assert given == [" Did you mean app?"] * MAX_HINTS + [""] * (50 - MAX_HINTS)
    assert Hints().nearest("ap", ["app"]) == ""


def test_once_they_are_used_up_no_name_is_looked_at() -> None:
    looked_at = 0

    def names() -> Iterator[str]:
        nonlocal looked_at
        looked_at += 1
        yield "app"

    hints = Hints(1)
    for _ in range(3):
        hints.nearest("ap", names())
    assert looked_at == 1


def test_names_of_unusual_length_are_not_compared() -> None:
    assert Hints(1).nearest("a" * 65, ["a" * 64]) == ""
    assert Hints(1).nearest("a" * 64, ["a" * 65]) == ""
    assert Hints(1).nearest("a" * 64, ["a" * 63]) == f" Did you mean {'a' * 63}?"

"""A sequence that grows by one at a time holds what a list does."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.desired.by_project import with_one


def grown(ones: Sequence[int]) -> Sequence[int] | None:
    made = None
    for one in ones:
        made = with_one(made, one)
    return made


@given(st.lists(st.integers(), max_size=20))
def test_it_holds_what_was_put_into_it_in_that_order(ones: list[int]) -> None:
    assert list(grown(ones) or ()) == ones


def test_nothing_put_into_it_is_no_sequence() -> None:
    assert grown([]) is None


@pytest.mark.parametrize(("count", "kind"), [(1, tuple), (7, tuple), (8, list), (9, list)])
def test_many_are_a_list_which_need_not_be_copied_to_grow(count: int, kind: type) -> None:
    made = grown(range(count))

    assert type(made) is kind
    assert made is not None
    assert (with_one(made, 99) is made) == (kind is list and count >= 8)

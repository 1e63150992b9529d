"""A small mapping behaves as a dict does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.few import Few, with_one


@given(st.dictionaries(st.text(max_size=2), st.integers(), max_size=20))
def test_it_is_equal_to_the_dict_that_was_put_into_it(entries: dict[str, int]) -> None:
    made = None
    for key, value in entries.items():
        made = with_one(made, key, value)

    assert (made or {}) == entries
    assert list(made or {}) == list(entries)
    assert list((made or {}).items()) == list(entries.items())
    assert len(made or {}) == len(entries)
    assert all(made is not None and made[key] == value for key, value in entries.items())


def test_what_is_not_in_it_is_missing() -> None:
    with pytest.raises(KeyError):
        Few(("a", 1))["b"]

    assert Few(("a", 1)).get("b") is None
    assert "a" in Few(("a", 1))
    assert "b" not in Few(("a", 1))


def test_it_is_shown_as_a_dict_is() -> None:
    assert repr(Few(("a", 1))) == "{'a': 1}"


@pytest.mark.parametrize(("count", "kind"), [(1, Few), (7, Few), (8, dict), (9, dict)])
def test_many_entries_are_a_dict_which_finds_them_faster(count: int, kind: type) -> None:
    made = None
    for number in range(count):
        made = with_one(made, number, str(number))

    assert type(made) is kind
    assert made == {number: str(number) for number in range(count)}

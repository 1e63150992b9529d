"""What is wanted by project behaves as a dict does, and is made anew each time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from reconcile.desired.by_project import ByProject, on_these


def lengths(id_: int, words: Sequence[str]) -> Mapping[str, int]:
    return {word: id_ * len(word) for word in words}


def test_it_is_equal_to_the_dict_of_all_that_it_makes() -> None:
    wanted = ByProject({7: ("a", "bb"), 8: ("c",)}, lengths)

    assert wanted == {7: {"a": 7, "bb": 14}, 8: {"c": 8}}
    assert (len(wanted), list(wanted), wanted.get(9)) == (2, [7, 8], None)
    assert wanted[7] is not wanted[7]


@pytest.mark.parametrize("projects", [set(), {8}, {7, 8}, {8, 9}])
def test_the_part_on_some_projects_has_those_and_no_others(projects: set[int]) -> None:
    whole: Mapping[int, Mapping[str, int]] = ByProject({7: ("a",), 8: ("c",)}, lengths)

    assert on_these(whole, projects) == {id_: whole[id_] for id_ in (7, 8) if id_ in projects}

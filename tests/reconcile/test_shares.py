"""Every project is exactly one shard's."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from reconcile.shares import ALL, Share


@given(st.integers(0, 10**12), st.integers(1, 100))
def test_every_project_is_exactly_one_shards(project: int, shards: int) -> None:
    assert sum(Share(index, shards).has(project) for index in range(shards)) == 1


def test_which_one_never_changes() -> None:
    # Were it to change with a release, two versions side by side would both write to a project.
    shards = [next(index for index in range(8) if Share(index, 8).has(project)) for project in range(1, 11)]

    assert shards == [1, 6, 3, 6, 3, 7, 6, 7, 0, 0]


def test_four_thousand_projects_are_shared_out_evenly() -> None:
    counts = Counter(index for project in range(4000) for index in range(8) if Share(index, 8).has(project))

    assert len(counts) == 8
    assert all(400 < count < 600 for count in counts.values())


def test_without_shards_every_project_is_ours() -> None:
    assert all(ALL.has(project) for project in range(100))
    assert (ALL.is_all, ALL.is_first, ALL.labels) == (True, True, {})


def test_the_first_shard_reports_what_concerns_no_project() -> None:
    assert [Share(index, 3).is_first for index in range(3)] == [True, False, False]
    assert Share(0, 3).is_all is False


def test_a_shard_is_labelled() -> None:
    assert Share(2, 3).labels == {"shard": "2"}

from __future__ import annotations

import pytest

from reconcile.plan.limits import NO_LIMITS, Limits

# limits as text


@pytest.mark.parametrize(
    ("text", "limits"),
    [
        ("20,25%", Limits(20, 25.0)),
        ("25%,20", Limits(20, 25.0)),
        (" 20 , 25% ", Limits(20, 25.0)),
        ("0", Limits(0, None)),
        ("50", Limits(50, None)),
        ("10%", Limits(None, 10.0)),
        ("100%", NO_LIMITS),
    ],
)
def test_limits_are_a_number_a_percentage_or_both(text: str, limits: Limits) -> None:
    assert Limits.parse(text) == limits


@pytest.mark.parametrize("text", ["", "20,", "many", "-1", "1.5%", "20,30", "10%,20%", "1,2,3%", "٣", "20 %", "1" * 10])
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="is neither a number, a percentage nor both, as in 20,25%"):
        Limits.parse(text)


def test_more_than_everything_is_refused() -> None:
    with pytest.raises(ValueError, match="is more than 100%: '101%'"):
        Limits.parse("101%")


@pytest.mark.parametrize("text", ["20,25%", "50", "10%", "100%"])
def test_limits_are_written_as_they_are_read(text: str) -> None:
    assert str(Limits.parse(text)) == text


def test_only_all_of_it_without_a_number_lifts_the_limits() -> None:
    assert Limits.parse("100%").none is True
    assert Limits.parse("99%").none is False
    assert Limits.parse("20,100%").none is False
    assert Limits.parse("20").none is False
    assert not NO_LIMITS.exceeded_by(1000, 1000)


# what exceeds them


@pytest.mark.parametrize(("amount", "exceeds"), [(20, False), (21, True)])
def test_the_number_may_be_reached_and_not_passed(amount: int, *, exceeds: bool) -> None:
    assert Limits().exceeded_by(amount, 1000) is exceeds


@pytest.mark.parametrize(("amount", "exceeds"), [(10, False), (11, True)])
def test_the_percentage_may_be_reached_and_not_passed(amount: int, *, exceeds: bool) -> None:
    assert Limits().exceeded_by(amount, 40) is exceeds


@pytest.mark.parametrize(("amount", "exceeds"), [(3, False), (4, True)])
def test_three_are_everyday_work_whatever_the_limits(amount: int, *, exceeds: bool) -> None:
    assert Limits(0, 1.0).exceeded_by(amount, 5) is exceeds


def test_one_limit_alone_is_the_only_one() -> None:
    assert not Limits(30, None).exceeded_by(30, 31)
    assert Limits(29, None).exceeded_by(30, 1000)
    assert not Limits(None, 30.0).exceeded_by(30, 100)
    assert Limits(None, 29.0).exceeded_by(30, 100)


# one project


@pytest.mark.parametrize(("text", "limit"), [("20,25%", 20), ("50", 50), ("5,25%", 5), ("10%", 20), ("1", 3), ("0", 3)])
def test_the_number_is_the_limit_of_each_single_project(text: str, limit: int) -> None:
    assert Limits.parse(text).of_one_project == limit
    assert Limits.parse(text).divided(8).of_one_project == limit


# shards


@pytest.mark.parametrize(
    ("limits", "shards", "allowed"),
    [
        (Limits(), 1, 20),
        (Limits(), 2, 10),
        (Limits(), 8, 3),
        (Limits(), 100, 1),
        (Limits(1, None), 8, 1),
        (Limits(0, None), 8, 1),
        (Limits(None, 10.0), 8, 100),
    ],
)
def test_each_shard_has_its_part_of_the_number_and_no_less_than_one_project(
    limits: Limits, shards: int, allowed: int
) -> None:
    assert not limits.divided(shards).exceeded_by(allowed, 1000)
    assert limits.divided(shards).exceeded_by(allowed + 1, 1000)


def test_no_limit_stays_none_in_each_shard() -> None:
    assert NO_LIMITS.divided(8).none


def test_a_shards_limits_are_shown_as_they_are_there() -> None:
    assert str(Limits().divided(8)) == "3,25%"

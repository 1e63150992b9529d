"""A climate is the same for the same seed, whoever asks when, and patience gets through it."""

from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from cronjob.sandbox.faults.fault import Trouble
from cronjob.sandbox.faults.named import flapping_kubernetes, gitlab_storm, kubernetes_storm, rain
from cronjob.sandbox.faults.random_faults import Climate, Kind, Requests, UnderClimate

ONE, TWO = Kind("one", Trouble(status=500)), Kind("two", Trouble(status=502))
MANY = [Requests("GET", f"/api/v4/projects/{number}/hooks", "page=1") for number in range(4000)]
HALF = Climate((ONE, TWO), percent=50)

Told = dict[Requests, list[int | None]]


def fates(climate: Climate, asked: Requests, comings: int = 40) -> list[str | None]:
    """What befalls each coming of one request."""
    kinds = [climate.kind_for(asked, nth) for nth in range(1, comings + 1)]
    return [kind.name if kind else None for kind in kinds]


def told(climate: Climate, requests: Iterable[Requests]) -> Told:
    """What befalls these requests when they come one after the other, by request."""
    sky = UnderClimate()
    sky.climate = climate
    by_request: Told = defaultdict(list)
    for asked in requests:
        trouble = sky.climates_trouble(*asked)
        by_request[asked].append(trouble.status if trouble else None)
    return by_request


# Repeatable


def test_the_same_seed_and_requests_in_another_order_fail_in_the_same_way() -> None:
    requests = MANY[:200] * 5
    mixed = [*requests[2::3], *requests[::-3], *requests[1::3]]
    assert sorted(mixed) == sorted(requests)
    assert told(HALF, mixed) == told(HALF, requests)


def test_another_seed_has_other_failures() -> None:
    assert told(HALF, MANY) == told(replace(HALF, seed=1), MANY)
    assert told(HALF, MANY) != told(replace(HALF, seed=2), MANY)


def test_requests_from_several_threads_fail_as_often_as_one_after_the_other() -> None:
    requests = MANY[:100] * 8
    sky = UnderClimate()
    sky.climate = HALF
    with ThreadPoolExecutor(8) as pool:
        troubles = list(pool.map(lambda asked: (asked, sky.climates_trouble(*asked)), requests))
    by_request: Told = defaultdict(list)
    for asked, trouble in troubles:
        by_request[asked].append(trouble.status if trouble else None)
    assert {asked: sorted(map(str, seen)) for asked, seen in by_request.items()} == {
        asked: sorted(map(str, seen)) for asked, seen in told(HALF, requests).items()
    }


@pytest.mark.parametrize("other", [{"method": "POST"}, {"path": "/other"}, {"query": "page=2"}])
def test_method_path_and_query_make_another_request(other: dict[str, str]) -> None:
    asked = MANY[0]
    assert fates(HALF, asked) == fates(HALF, asked._replace(query="page=1"))
    assert fates(HALF, asked) != fates(HALF, asked._replace(**other))


def test_a_climate_that_is_put_in_force_again_begins_anew() -> None:
    sky = UnderClimate()
    seen = []
    for _ in range(2):
        sky.climate = Climate((ONE,), only_first=2)
        seen.append([sky.climates_trouble(*MANY[0]) is not None for _ in range(3)])
    assert seen == [[True, True, False]] * 2


# How often, and which


@pytest.mark.parametrize(
    ("climate", "percent"),
    [(rain(), 5), (gitlab_storm(), 20), (kubernetes_storm(), 20), (flapping_kubernetes(), 20), (HALF, 50)],
)
def test_about_the_stated_share_of_requests_fails(climate: Climate, percent: int) -> None:
    for seed in (1, 2):
        failed = sum(replace(climate, seed=seed).kind_for(asked, 1) is not None for asked in MANY)
        assert 0.8 * percent < 100 * failed / len(MANY) < 1.2 * percent


def test_the_kinds_have_equal_shares() -> None:
    names = [kind.name for asked in MANY if (kind := HALF.kind_for(asked, 1))]
    assert 0.4 < names.count("one") / len(names) < 0.6


def test_what_befalls_only_writes_befalls_no_read() -> None:
    climate = Climate((replace(ONE, writes_only=True),))
    assert {climate.kind_for(MANY[0]._replace(method=method), 1) is None for method in ("GET", "HEAD")} == {True}
    assert {climate.kind_for(MANY[0]._replace(method=method), 1) is None for method in ("POST", "DELETE")} == {False}


def test_what_needs_a_word_in_the_query_befalls_no_other_request() -> None:
    climate = Climate((replace(ONE, query="continue="),))
    assert climate.kind_for(MANY[0], 1) is None
    assert climate.kind_for(MANY[0]._replace(query="limit=5&continue=x"), 1) is climate.kinds[0]


# RetryPolicy


def test_after_three_failures_in_a_row_a_request_passes() -> None:
    assert fates(Climate((ONE,)), MANY[0], 9) == ["one", "one", "one", None, "one", "one", "one", None, "one"]


def test_the_number_in_a_row_can_be_chosen() -> None:
    assert fates(Climate((ONE,), in_a_row=1), MANY[0], 4) == ["one", None, "one", None]


@pytest.mark.parametrize("seed", range(1, 6))
def test_no_request_fails_more_often_in_a_row_whatever_the_share(seed: int) -> None:
    climate = replace(HALF, percent=80, seed=seed)
    for asked in MANY[:50]:
        text = "".join("x" if name else "." for name in fates(climate, asked))
        assert "xxx" in text
        assert "xxxx" not in text


def test_only_the_first_comings_fail_where_that_is_asked_for() -> None:
    assert fates(Climate((ONE,), only_first=2), MANY[0], 5) == ["one", "one", None, None, None]


# The count


def test_what_is_injected_is_counted_by_kind() -> None:
    sky = UnderClimate()
    sky.climate = HALF
    failed = [trouble for asked in MANY[:100] if (trouble := sky.climates_trouble(*asked))]
    assert sky.injected == {kind.name: failed.count(kind.trouble) for kind in (ONE, TWO)}
    assert sky.injected.total() == len(failed) > 0


def test_good_weather_injects_nothing() -> None:
    sky = UnderClimate()
    assert [sky.climates_trouble(*asked) for asked in MANY[:20]] == [None] * 20
    sky.climate = Climate((ONE,))
    assert sky.climates_trouble(*MANY[0]) is ONE.trouble
    sky.climate = None
    assert [sky.climates_trouble(*asked) for asked in MANY[:20]] == [None] * 20
    assert sky.injected.total() == 1

"""Random faults are the same for the same seed in any order of requests, and retries get through."""

from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from cronjob.sandbox.faults.fault import Fault
from cronjob.sandbox.faults.injector import FaultInjector
from cronjob.sandbox.faults.named import flapping_kubernetes, gitlab_storm, kubernetes_storm, rain
from cronjob.sandbox.faults.random_faults import FaultKind, FaultProfile, RequestKey

ONE, TWO = FaultKind("one", Fault(status=500)), FaultKind("two", Fault(status=502))
MANY = [RequestKey("GET", f"/api/v4/projects/{number}/hooks", "page=1") for number in range(4000)]
HALF = FaultProfile((ONE, TWO), percent=50)

Statuses = dict[RequestKey, list[int | None]]


def kinds_by_attempt(profile: FaultProfile, request: RequestKey, attempts: int = 40) -> list[str | None]:
    """The name of the fault for each attempt of one request."""
    kinds = [profile.kind_for(request, attempt) for attempt in range(1, attempts + 1)]
    return [kind.name if kind else None for kind in kinds]


def injector_with(profile: FaultProfile) -> FaultInjector:
    injector = FaultInjector()
    injector.profile = profile
    return injector


def statuses(profile: FaultProfile, requests: Iterable[RequestKey]) -> Statuses:
    """The statuses of the faults for these requests, sent one after the other, by request."""
    injector = injector_with(profile)
    by_request: Statuses = defaultdict(list)
    for request in requests:
        fault = injector.random_fault(request)
        by_request[request].append(fault.status if fault else None)
    return by_request


# Repeatable


def test_the_same_seed_and_requests_in_another_order_fail_in_the_same_way() -> None:
    requests = MANY[:200] * 5
    mixed = [*requests[2::3], *requests[::-3], *requests[1::3]]
    assert sorted(mixed) == sorted(requests)
    assert statuses(HALF, mixed) == statuses(HALF, requests)


def test_another_seed_has_other_failures() -> None:
    assert statuses(HALF, MANY) == statuses(replace(HALF, seed=1), MANY)
    assert statuses(HALF, MANY) != statuses(replace(HALF, seed=2), MANY)


def test_requests_from_several_threads_fail_as_often_as_one_after_the_other() -> None:
    requests = MANY[:100] * 8
    injector = injector_with(HALF)
    with ThreadPoolExecutor(8) as pool:
        faults = list(pool.map(lambda request: (request, injector.random_fault(request)), requests))
    by_request: Statuses = defaultdict(list)
    for request, fault in faults:
        by_request[request].append(fault.status if fault else None)
    assert {request: sorted(map(str, seen)) for request, seen in by_request.items()} == {
        request: sorted(map(str, seen)) for request, seen in statuses(HALF, requests).items()
    }


@pytest.mark.parametrize("other", [{"method": "POST"}, {"path": "/other"}, {"query": "page=2"}])
def test_method_path_and_query_make_another_request(other: dict[str, str]) -> None:
    request = MANY[0]
    assert kinds_by_attempt(HALF, request) == kinds_by_attempt(HALF, request._replace(query="page=1"))
    assert kinds_by_attempt(HALF, request) != kinds_by_attempt(HALF, request._replace(**other))


def test_setting_a_profile_again_forgets_the_attempts() -> None:
    injector = FaultInjector()
    seen = []
    for _ in range(2):
        injector.profile = FaultProfile((ONE,), only_first=2)
        seen.append([injector.random_fault(MANY[0]) is not None for _ in range(3)])
    assert seen == [[True, True, False]] * 2


# How often, and which


@pytest.mark.parametrize(
    ("profile", "percent"),
    [(rain(), 5), (gitlab_storm(), 20), (kubernetes_storm(), 20), (flapping_kubernetes(), 20), (HALF, 50)],
)
def test_about_the_stated_share_of_requests_fails(profile: FaultProfile, percent: int) -> None:
    for seed in (1, 2):
        failed = sum(replace(profile, seed=seed).kind_for(request, 1) is not None for request in MANY)
        assert 0.8 * percent < 100 * failed / len(MANY) < 1.2 * percent


def test_the_kinds_have_equal_shares() -> None:
    names = [kind.name for request in MANY if (kind := HALF.kind_for(request, 1))]
    assert 0.4 < names.count("one") / len(names) < 0.6


def test_a_fault_of_writes_only_does_not_fail_reads() -> None:
    profile = FaultProfile((replace(ONE, writes_only=True),))
    assert {profile.kind_for(MANY[0]._replace(method=method), 1) is None for method in ("GET", "HEAD")} == {True}
    assert {profile.kind_for(MANY[0]._replace(method=method), 1) is None for method in ("POST", "DELETE")} == {False}


def test_a_fault_with_a_query_fails_only_requests_with_that_query() -> None:
    profile = FaultProfile((replace(ONE, query="continue="),))
    assert profile.kind_for(MANY[0], 1) is None
    assert profile.kind_for(MANY[0]._replace(query="limit=5&continue=x"), 1) is profile.kinds[0]


# Failures in a row


def test_after_three_failures_in_a_row_a_request_passes() -> None:
    three = ["one"] * 3
    assert kinds_by_attempt(FaultProfile((ONE,)), MANY[0], 9) == [*three, None, *three, None, "one"]


def test_the_number_in_a_row_can_be_chosen() -> None:
    assert kinds_by_attempt(FaultProfile((ONE,), in_a_row=1), MANY[0], 4) == ["one", None, "one", None]


@pytest.mark.parametrize("seed", range(1, 6))
def test_no_request_fails_more_often_in_a_row_whatever_the_share(seed: int) -> None:
    profile = replace(HALF, percent=80, seed=seed)
    for request in MANY[:50]:
        text = "".join("x" if name else "." for name in kinds_by_attempt(profile, request))
        assert "xxx" in text
        assert "xxxx" not in text


def test_only_first_limits_faults_to_the_first_attempts() -> None:
    assert kinds_by_attempt(FaultProfile((ONE,), only_first=2), MANY[0], 5) == ["one", "one", None, None, None]


# The count


def test_what_is_injected_is_counted_by_kind() -> None:
    injector = injector_with(HALF)
    failed = [fault for request in MANY[:100] if (fault := injector.random_fault(request))]
    assert injector.injected == {kind.name: failed.count(kind.fault) for kind in (ONE, TWO)}
    assert injector.injected.total() == len(failed) > 0


def test_without_a_profile_no_request_fails() -> None:
    injector = FaultInjector()
    assert [injector.random_fault(request) for request in MANY[:20]] == [None] * 20
    injector.profile = FaultProfile((ONE,))
    assert injector.random_fault(MANY[0]) is ONE.fault
    injector.profile = None
    assert [injector.random_fault(request) for request in MANY[:20]] == [None] * 20
    assert injector.injected.total() == 1

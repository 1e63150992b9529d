import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from cronjob.sandbox.fake_kubernetes.app import kubernetes_app
from cronjob.sandbox.fake_kubernetes.world import KubernetesWorld
from cronjob.sandbox.serving import serving
from tests.worlds.wire import torn

SECRETS = "/api/v1/namespaces/tenants/secrets"


@pytest.fixture
def world() -> KubernetesWorld:
    return KubernetesWorld()


@pytest.fixture
def url(world: KubernetesWorld) -> Iterator[str]:
    with serving(kubernetes_app(world)) as address:
        yield address


def get(url: str) -> requests.Response:
    return requests.get(url, timeout=10)


def test_a_failure_meets_as_many_requests_as_ordered(world: KubernetesWorld, url: str) -> None:
    world.fail(path="/secrets", status=503, times=2)

    assert [get(url + SECRETS).status_code for _ in range(3)] == [503, 503, 200]


def test_a_failure_is_a_status(world: KubernetesWorld, url: str) -> None:
    world.fail(status=503)

    answer = get(url + SECRETS)

    assert answer.json()["kind"] == "Status"
    assert answer.json()["reason"] == "ServiceUnavailable"
    assert answer.json()["code"] == 503


def test_a_failure_can_last(world: KubernetesWorld, url: str) -> None:
    world.fail(status=500, times=None)

    assert {get(url + SECRETS).status_code for _ in range(5)} == {500}


def test_a_failure_meets_its_method_and_path_only(world: KubernetesWorld, url: str) -> None:
    world.fail(method="POST", path=r"/secrets$", status=500)

    assert get(url + SECRETS).status_code == 200
    assert get(f"{url}/api/v1/namespaces").status_code == 200
    assert requests.post(url + SECRETS, json={}, timeout=10).status_code == 500


def test_a_failure_can_wait_for_the_second_chunk(world: KubernetesWorld, url: str) -> None:
    world.fail(query="continue=", status=500)

    assert get(f"{url}{SECRETS}?limit=1").status_code == 200
    assert get(f"{url}{SECRETS}?limit=1&continue=x").status_code == 500


def test_a_failure_has_the_ordered_body_and_headers(world: KubernetesWorld, url: str) -> None:
    world.fail(status=429, body={"message": "slow"}, headers={"Retry-After": "1"})
    world.fail(status=502, body="<html>")

    throttled, broken = get(url + SECRETS), get(url + SECRETS)

    assert (throttled.status_code, throttled.json()) == (429, {"message": "slow"})
    assert throttled.headers["Retry-After"] == "1"
    assert (broken.status_code, broken.text) == (502, "<html>")


def test_a_body_can_be_broken_with_status_200(world: KubernetesWorld, url: str) -> None:
    world.fail(status=200, body='{"items": [')

    answer = get(url + SECRETS)

    assert (answer.status_code, answer.text) == (200, '{"items": [')


def test_a_dropped_connection_has_no_answer(world: KubernetesWorld, url: str) -> None:
    world.fail(drop=True)

    with pytest.raises(requests.ConnectionError):
        get(url + SECRETS)

    assert get(url + SECRETS).status_code == 200
    assert [request.status for request in world.requests] == [0, 200]


def test_a_failed_write_writes_nothing(world: KubernetesWorld, url: str) -> None:
    world.add_namespace("tenants")
    world.fail(method="POST", status=500)

    assert requests.post(url + SECRETS, json={"metadata": {"name": "a"}}, timeout=10).status_code == 500
    assert world.list("Secret") == []

    assert requests.post(url + SECRETS, json={"metadata": {"name": "a"}}, timeout=10).status_code == 201
    assert len(world.list("Secret")) == 1


@pytest.mark.parametrize("slow", ["delay", "latency"])
def test_an_answer_can_be_slow(world: KubernetesWorld, url: str, slow: str) -> None:
    if slow == "delay":
        world.fail(delay=0.2)
    else:
        world.latency = 0.2
    begun = time.monotonic()

    assert get(url + SECRETS).status_code == 200

    assert time.monotonic() - begun >= 0.2


def test_every_request_is_logged_as_it_was_answered(world: KubernetesWorld, url: str) -> None:
    get(f"{url}{SECRETS}?limit=5")
    get(f"{url}{SECRETS}/missing")

    assert [(each.method, each.path, each.query, each.status) for each in world.requests] == [
        ("GET", SECRETS, {"limit": "5"}, 200),
        ("GET", f"{SECRETS}/missing", {}, 404),
    ]


def create(url: str) -> requests.Response:
    return requests.post(url + SECRETS, json={"metadata": {"name": "a"}}, timeout=10)


def test_the_first_requests_are_skipped(world: KubernetesWorld, url: str) -> None:
    world.fail(status=503, skip=2, times=2)

    assert [get(url + SECRETS).status_code for _ in range(5)] == [200, 200, 503, 503, 200]


@pytest.mark.parametrize("failure", [{"status": 500}, {"drop": True}, {"cut": True}])
def test_a_write_can_have_happened_though_it_was_not_answered(
    world: KubernetesWorld, url: str, failure: dict[str, Any]
) -> None:
    world.add_namespace("tenants")
    world.fail(method="POST", after=True, **failure)

    try:
        assert create(url).status_code == 500
    except requests.RequestException:
        assert "status" not in failure

    assert len(world.list("Secret")) == 1
    assert create(url).status_code == 409


def test_a_cut_answer_states_its_whole_length_and_breaks_off_half_way(world: KubernetesWorld, url: str) -> None:
    whole = get(url + SECRETS).content
    world.fail(cut=True)

    answer = torn(url, "GET", SECRETS)

    assert (answer.status, answer.stated, answer.arrived) == (200, len(whole), whole[: len(whole) // 2])
    assert get(url + SECRETS).content == whole
    assert [request.status for request in world.requests] == [200, 0, 200]


@pytest.mark.parametrize("after", [False, True])
def test_what_is_called_is_called_before_or_after_the_request_was_handled(
    world: KubernetesWorld, url: str, *, after: bool
) -> None:
    world.add_namespace("tenants")
    seen = []
    world.fail(method="POST", after=after, call=lambda: seen.append(len(world.list("Secret"))))

    assert [create(url).status_code for _ in range(2)] == [201, 409]
    assert seen == [int(after)]

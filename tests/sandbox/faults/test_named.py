"""The named faults over HTTP: what each fault looks like, and whether the request was handled."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from cronjob.sandbox.fake_kubernetes.app import kubernetes_app
from cronjob.sandbox.fake_kubernetes.world import KubernetesWorld
from cronjob.sandbox.faults.fault_kinds import BAD_GATEWAY, FLAPPING, GITLAB_STORM, KUBERNETES_STORM, MAINTENANCE, RESET
from cronjob.sandbox.faults.named import (
    ALLOWED,
    WINDOW,
    ActiveFaults,
    flapping_kubernetes,
    gitlab_storm,
    kubernetes_storm,
    maintenance,
    rain,
    start_faults,
)
from cronjob.sandbox.faults.names import FAULT_PROFILES
from cronjob.sandbox.faults.random_faults import FaultKind, FaultProfile
from cronjob.sandbox.serving import serving
from tests.worlds.gitlab_client import HOOKS, URL, Client, a_gitlab
from tests.worlds.wire import torn

HTML = "text/html; charset=utf-8"
SECRETS = "/api/v1/namespaces/tenants/secrets"
# By name: status, content type, a part of the body, and whether a write was done. None is a connection that was reset.
AT_GITLAB = {
    "reset": (None, "", "", False),
    "reset after it was handled": (None, "", "", True),
    "502 page": (502, HTML, "GitLab is not responding", False),
    "503 page": (503, HTML, "Deploy in progress", False),
    "500": (500, "application/json", '{"message":"500 Internal Server Error"}', False),
    "504 page": (504, HTML, "Gateway Time-out", False),
    "520 page": (520, HTML, "Web server is returning an unknown error", False),
    "409 Resource lock": (409, "application/json", '{"message":"409 Conflict: Resource lock"}', False),
    "500 after it was done": (500, "application/json", '{"message":"500 Internal Server Error"}', True),
    "504 after it was done": (504, HTML, "Gateway Time-out", True),
}
AT_KUBERNETES = {
    "reset": (None, "", "", False),
    "reset after it was handled": (None, "", "", True),
    "500": (500, "application/json", '"message":"etcdserver: leader changed"', False),
    "503": (503, "application/json", '"reason":"ServiceUnavailable"', False),
    "429": (429, "text/plain; charset=utf-8", "Too many requests, please try again later.\n", False),
    "502 page": (502, HTML, "Bad Gateway", False),
    "504": (504, "application/json", '"reason":"Timeout"', False),
    "500 after it was done": (500, "application/json", '"message":"etcdserver: request timed out"', True),
}


@pytest.fixture
def gitlab() -> Iterator[Client]:
    with a_gitlab() as client:
        yield client


@pytest.fixture
def cluster() -> KubernetesWorld:
    world = KubernetesWorld()
    world.add_namespace("tenants")
    return world


@pytest.fixture
def url(cluster: KubernetesWorld) -> Iterator[str]:
    with serving(kubernetes_app(cluster)) as address:
        yield address


def only(kinds: tuple[FaultKind, ...], name: str) -> FaultProfile:
    """A profile that fails the first attempt of every request with this kind of fault."""
    [kind] = [kind for kind in kinds if kind.name == name]
    return FaultProfile((kind,), only_first=1)


def started(name: str, gitlab: Client, cluster: KubernetesWorld, seed: int = 1) -> ActiveFaults:
    return start_faults(name, gitlab.world, cluster, seed=seed)


def settings_of(gitlab: Client, cluster: KubernetesWorld) -> list[object]:
    """Everything that a profile sets."""
    return [gitlab.world.faults.profile, gitlab.world.rate_limits.throttle, cluster.faults.profile]


# What each fault looks like


@pytest.mark.parametrize("name", AT_GITLAB)
def test_a_failed_write_at_gitlab_looks_like_the_real_one(gitlab: Client, name: str) -> None:
    status, kind, text, done = AT_GITLAB[name]
    gitlab.world.faults.profile = only(GITLAB_STORM, name)
    if status is None:
        with pytest.raises(requests.ConnectionError):
            gitlab.post(HOOKS, url=URL)
    else:
        answer = gitlab.post(HOOKS, url=URL)
        assert (answer.status_code, answer.headers["Content-Type"]) == (status, kind)
        assert text in answer.text
    assert len(gitlab.world.hooks_of(gitlab.project)) == int(done)
    assert gitlab.post(HOOKS, url=URL).status_code == 201
    assert gitlab.world.faults.injected == {name: 1}


@pytest.mark.parametrize("name", AT_KUBERNETES)
def test_a_failed_write_at_kubernetes_looks_like_the_real_one(cluster: KubernetesWorld, url: str, name: str) -> None:
    status, kind, text, done = AT_KUBERNETES[name]
    cluster.faults.profile = only(KUBERNETES_STORM, name)
    secret = {"metadata": {"name": "a"}}
    if status is None:
        with pytest.raises(requests.ConnectionError):
            requests.post(url + SECRETS, json=secret, timeout=10)
    else:
        answer = requests.post(url + SECRETS, json=secret, timeout=10)
        assert (answer.status_code, answer.headers["Content-Type"].replace("json; charset=utf-8", "json")) == (
            status,
            kind,
        )
        assert text in answer.text
        assert answer.headers.get("Retry-After") == ("1" if status in {429, 503} else None)
    assert len(cluster.list("Secret")) == int(done)
    assert requests.post(url + SECRETS, json=secret, timeout=10).status_code == (409 if done else 201)


def test_a_cut_answer_breaks_off_at_both(gitlab: Client, cluster: KubernetesWorld, url: str) -> None:
    gitlab.world.faults.profile = only(GITLAB_STORM, "cut answer")
    cluster.faults.profile = only(KUBERNETES_STORM, "cut answer")
    for answer in (torn(gitlab.url, "GET", "/api/v4/user", gitlab.token), torn(url, "GET", SECRETS)):
        assert answer.status == 200
        assert len(answer.arrived) == answer.stated // 2 > 0


def test_every_kind_of_fault_of_a_storm_is_tested_here() -> None:
    assert {kind.name for kind in GITLAB_STORM} == {*AT_GITLAB, "cut answer"}
    assert {kind.name for kind in KUBERNETES_STORM} == {*AT_KUBERNETES, "cut answer", "410 Gone"}


def test_a_continue_token_is_gone_and_the_list_without_one_is_not(cluster: KubernetesWorld, url: str) -> None:
    cluster.faults.profile = only(FLAPPING, "410 Gone")
    assert requests.get(f"{url}{SECRETS}?limit=1", timeout=10).status_code == 200
    answer = requests.get(f"{url}{SECRETS}?limit=1&continue=x", timeout=10)
    assert (answer.status_code, answer.json()["reason"]) == (410, "Expired")
    assert "continue" not in answer.json()["metadata"]


# The five profiles


def test_every_named_profile_can_be_started_and_stopped(gitlab: Client, cluster: KubernetesWorld) -> None:
    for name in FAULT_PROFILES:
        faults = started(name, gitlab, cluster)
        assert any(settings_of(gitlab, cluster)), name
        faults.stop()
        assert not any(settings_of(gitlab, cluster)), name
    with pytest.raises(KeyError):
        started("snow", gitlab, cluster)


def test_the_profiles_fail_the_share_of_requests_that_they_state() -> None:
    profiles = (rain(), gitlab_storm(), kubernetes_storm(), flapping_kubernetes())
    assert [profile.percent for profile in profiles] == [5, 20, 20, 20]
    assert [profile.kinds for profile in profiles] == [
        (RESET, BAD_GATEWAY),
        GITLAB_STORM,
        KUBERNETES_STORM,
        FLAPPING,
    ]
    assert f"{ALLOWED} requests in {WINDOW:.0f} seconds" in FAULT_PROFILES["ratelimit"]


def test_rain_and_flapping_fail_one_server_and_a_storm_both(gitlab: Client, cluster: KubernetesWorld) -> None:
    failing = {}
    for name in ("rain", "flapping-kubernetes", "storm"):
        faults = started(name, gitlab, cluster)
        failing[name] = [world.faults.profile is not None for world in (gitlab.world, cluster)]
        faults.stop()
    assert failing == {"rain": [True, False], "flapping-kubernetes": [False, True], "storm": [True, True]}


def test_maintenance_refuses_each_request_twice_and_shows_a_page(gitlab: Client, cluster: KubernetesWorld) -> None:
    started("maintenance", gitlab, cluster)
    answers = [gitlab.get("user") for _ in range(4)] + [gitlab.post(HOOKS, url=URL) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [503, 503, 200, 200, 503, 503, 201, 201]
    assert answers[0].text == MAINTENANCE.fault.body
    assert "Retry-After" not in answers[0].headers


def test_maintenance_can_last_longer(gitlab: Client) -> None:
    gitlab.world.faults.profile = maintenance(5)
    assert [gitlab.get("user").status_code for _ in range(7)] == [503] * 5 + [200] * 2


def test_ratelimit_is_gitlabs_rate_limit_in_short_windows(gitlab: Client, cluster: KubernetesWorld) -> None:
    gitlab.world.clock = lambda: 1_700_000_040.0
    faults = started("ratelimit", gitlab, cluster)
    allowed = [gitlab.get("user") for _ in range(ALLOWED)]
    refused = gitlab.get("user")
    assert {answer.status_code for answer in allowed} == {200}
    assert [answer.headers["RateLimit-Remaining"] for answer in allowed] == [str(left) for left in range(14, -1, -1)]
    assert (refused.status_code, refused.text, refused.headers["Retry-After"]) == (429, "Retry later\n", "3")
    assert faults.injected == {"429 Retry later at GitLab": 1}
    gitlab.world.clock = lambda: 1_700_000_043.0
    assert gitlab.get("user").status_code == 200


def test_a_planned_fault_comes_before_a_random_one(gitlab: Client, cluster: KubernetesWorld, url: str) -> None:
    gitlab.world.faults.profile = cluster.faults.profile = FaultProfile((MAINTENANCE,))
    gitlab.world.fail(status=418)
    cluster.fail(status=418)
    assert [gitlab.get("user").status_code for _ in range(2)] == [418, 503]
    assert [requests.get(url + SECRETS, timeout=10).status_code for _ in range(2)] == [418, 503]


# Repeatable over HTTP


def test_a_storm_is_the_same_for_several_threads_as_for_one(gitlab: Client, cluster: KubernetesWorld) -> None:
    paths = [f"projects/{number}/hooks" for number in range(60)] * 3

    def outcome(path: str) -> tuple[str, str]:
        try:
            with requests.Session() as session:
                headers = {"PRIVATE-TOKEN": gitlab.token}
                return path, str(session.get(f"{gitlab.url}/api/v4/{path}", headers=headers, timeout=10).status_code)
        except requests.RequestException as error:
            return path, type(error).__name__

    injected = []
    outcomes = []
    for workers, order in ((1, 1), (8, -1)):
        before = gitlab.world.faults.injected
        started("storm", gitlab, cluster, seed=5)
        with ThreadPoolExecutor(workers) as pool:
            outcomes.append(sorted(pool.map(outcome, paths[::order])))
        injected.append(gitlab.world.faults.injected - before)
    assert outcomes[0] == outcomes[1]
    assert injected[0] == injected[1]
    assert len(injected[0]) > 3

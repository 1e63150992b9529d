"""Faults, limits, latency and the log of requests."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.worlds.gitlab_client import HOOKS, URL, Client, a_gitlab, a_public_key

NOON = 1_700_000_040.0  # divisible by 60: a window begins


@pytest.fixture
def gitlab() -> Iterator[Client]:
    with a_gitlab() as client:
        client.world.clock = lambda: NOON
        yield client


# Faults


def test_a_fault_is_answered_once_and_nothing_is_done(gitlab: Client) -> None:
    fault = gitlab.world.fail(method="POST", path=r"/hooks$", status=502, body="GitLab is not responding")
    answer = gitlab.post(HOOKS, url=URL)
    assert (answer.status_code, answer.text) == (502, "GitLab is not responding")
    assert (fault.injected, gitlab.world.hooks_of(gitlab.project)) == (1, [])
    assert gitlab.post(HOOKS, url=URL).status_code == 201


def test_a_fault_afterwards_lets_the_write_happen(gitlab: Client) -> None:
    gitlab.world.fail(method="POST", status=500, body={"message": "500 Internal Server Error"}, after=True)
    answer = gitlab.post(HOOKS, url=URL)
    assert (answer.status_code, answer.json()) == (500, {"message": "500 Internal Server Error"})
    assert len(gitlab.world.hooks_of(gitlab.project)) == 1


def test_a_dropped_connection_has_no_answer_and_nothing_is_done(gitlab: Client) -> None:
    gitlab.world.fail(drop=True)
    with pytest.raises(requests.ConnectionError):
        gitlab.post(HOOKS, url=URL)
    assert gitlab.world.hooks_of(gitlab.project) == []
    assert gitlab.world.requests[-1].status == 0


def test_a_connection_dropped_afterwards_lets_the_write_happen(gitlab: Client) -> None:
    gitlab.world.fail(drop=True, after=True)
    with pytest.raises(requests.ConnectionError):
        gitlab.post(HOOKS, url=URL)
    assert len(gitlab.world.hooks_of(gitlab.project)) == 1
    assert gitlab.get(HOOKS).status_code == 200


def test_a_fault_strikes_only_what_it_matches(gitlab: Client) -> None:
    fault = gitlab.world.fail(method="GET", path="/hooks", query="page=2", status=503, times=None)
    assert gitlab.get(HOOKS).status_code == 200
    assert gitlab.get("projects/1000", page=2).status_code == 200
    assert gitlab.post(f"{HOOKS}?page=2", url=URL).status_code == 201
    assert fault.injected == 0
    assert gitlab.get(HOOKS, page=2).status_code == 503


def test_a_fault_strikes_as_often_as_it_was_told(gitlab: Client) -> None:
    gitlab.world.fail(status=503, times=2)
    gitlab.world.fail(status=500)
    assert [gitlab.get("user").status_code for _ in range(4)] == [503, 503, 500, 200]
    gitlab.world.fail(status=503, times=None)
    assert {gitlab.get("user").status_code for _ in range(5)} == {503}
    gitlab.world.faults.planned.clear()
    assert gitlab.get("user").status_code == 200


def test_a_fault_has_headers_and_a_page_of_html(gitlab: Client) -> None:
    gitlab.world.fail(status=520, body="<html>", headers={"Content-Type": "text/html", "Retry-After": "7"})
    answer = gitlab.get("user")
    assert (answer.status_code, answer.text) == (520, "<html>")
    assert (answer.headers["Content-Type"], answer.headers["Retry-After"]) == ("text/html", "7")


def test_a_fault_can_be_merely_slow(gitlab: Client) -> None:
    gitlab.world.fail(delay=0.2)
    before = time.monotonic()
    assert gitlab.get("user").status_code == 200
    assert time.monotonic() - before >= 0.2


def test_a_slow_answer_can_come_after_the_write(gitlab: Client) -> None:
    gitlab.world.fail(method="POST", delay=0.5, after=True)
    with pytest.raises(requests.ReadTimeout):
        gitlab.session.post(f"{gitlab.url}/api/v4/{HOOKS}", json={"url": URL}, timeout=0.2)
    assert len(gitlab.world.hooks_of(gitlab.project)) == 1


def test_a_slow_request_is_done_even_when_nobody_waits_for_it_any_more(gitlab: Client) -> None:
    gitlab.world.fail(method="POST", delay=0.5)
    with pytest.raises(requests.ReadTimeout):
        gitlab.session.post(f"{gitlab.url}/api/v4/{HOOKS}", json={"url": URL}, timeout=0.2)
    assert gitlab.world.hooks_of(gitlab.project) == []
    deadline = time.monotonic() + 5
    while not gitlab.world.hooks_of(gitlab.project) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(gitlab.world.hooks_of(gitlab.project)) == 1


# Limits


def test_without_a_limit_there_are_no_headers_of_one(gitlab: Client) -> None:
    assert not [name for name in gitlab.get("user").headers if name.lower().startswith("ratelimit")]


def test_the_throttle_counts_on_every_answer(gitlab: Client) -> None:
    gitlab.world.rate_limit(per_minute=10)
    gitlab.get("user")
    headers = gitlab.get("projects/4711").headers
    assert headers["RateLimit-Limit"] == "10"
    assert headers["RateLimit-Name"] == "throttle_authenticated_api"
    assert (headers["RateLimit-Observed"], headers["RateLimit-Remaining"]) == ("2", "8")
    assert headers["RateLimit-Reset"] == str(int(NOON) + 60)
    assert "Retry-After" not in headers


def test_one_request_too_many_is_told_in_plain_text_when_to_return(gitlab: Client) -> None:
    gitlab.world.rate_limit(per_minute=1)
    gitlab.get("user")
    gitlab.world.clock = lambda: NOON + 37
    answer = gitlab.post(HOOKS, url=URL)
    assert (answer.status_code, answer.text) == (429, "Retry later\n")
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert (answer.headers["Retry-After"], answer.headers["RateLimit-Remaining"]) == ("23", "0")
    assert answer.headers["RateLimit-ResetTime"] == "Tue, 14 Nov 2023 22:15:00 GMT"
    assert gitlab.world.hooks_of(gitlab.project) == []
    gitlab.world.clock = lambda: NOON + 60
    assert gitlab.post(HOOKS, url=URL).status_code == 201


def test_the_throttle_is_each_users_own(gitlab: Client) -> None:
    gitlab.world.rate_limit(per_minute=1)
    gitlab.get("user")
    gitlab.act_as(gitlab.someone(40))
    assert gitlab.get("user").status_code == 200
    gitlab.act_as(gitlab.world.add_token(gitlab.bot))
    assert gitlab.get("user").status_code == 429


def test_a_shorter_period_still_names_the_limit_by_the_minute(gitlab: Client) -> None:
    gitlab.world.rate_limit(per_minute=120, period=1)
    statuses = [gitlab.get("user").status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert gitlab.get("user").headers["RateLimit-Limit"] == "120"


def test_an_endpoint_limit_is_json_and_does_not_say_when_to_return(gitlab: Client) -> None:
    gitlab.world.endpoint_limit(r"/groups/[^/]+/projects$", per_minute=1)
    assert gitlab.get("groups/tenants/projects").status_code == 200
    answer = gitlab.get("groups/tenants/projects")
    text = "This endpoint has been requested too many times. Try again later."
    assert (answer.status_code, answer.json()) == (429, {"message": {"error": text}})
    assert "Retry-After" not in answer.headers
    assert gitlab.get("groups/tenants").status_code == 200
    gitlab.world.clock = lambda: NOON + 60
    assert gitlab.get("groups/tenants/projects").status_code == 200


# The log, and load


def test_the_log_has_every_request_in_order(gitlab: Client) -> None:
    gitlab.get("projects/tenants%2Fapp/hooks", per_page=100)
    gitlab.post(HOOKS, url=URL)
    gitlab.delete("projects/4711/hooks/1")
    log = [(each.method, each.path, each.query, each.status, each.body) for each in gitlab.world.requests]
    assert log == [
        ("GET", "/api/v4/projects/tenants%2Fapp/hooks", {"per_page": "100"}, 200, None),
        ("POST", "/api/v4/projects/1000/hooks", {}, 201, {"url": URL}),
        ("DELETE", "/api/v4/projects/4711/hooks/1", {}, 404, None),
    ]
    assert [each.method for each in gitlab.world.writes] == ["POST", "DELETE"]


def test_a_body_that_is_no_json_is_refused_and_logged(gitlab: Client) -> None:
    answer = gitlab.send("POST", HOOKS, data="{", headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert gitlab.world.requests[-1].body == "{"


def test_head_is_a_get_without_a_body(gitlab: Client) -> None:
    answer = gitlab.send("HEAD", HOOKS)
    assert (answer.status_code, answer.text, answer.headers["X-Total"]) == (200, "", "0")
    assert gitlab.world.writes == []


def test_latency_is_waited_for_by_many_at_a_time(gitlab: Client) -> None:
    gitlab.world.latency = 0.1
    before = time.monotonic()
    with ThreadPoolExecutor(16) as pool:
        statuses = set(pool.map(lambda _: gitlab.get("user").status_code, range(32)))
    took = time.monotonic() - before
    assert statuses == {200}
    assert 0.2 <= took < 1.6


def test_the_world_is_changed_while_it_is_read(gitlab: Client) -> None:
    def add(number: int) -> None:
        project = gitlab.world.add_project(f"tenants/p{number}")
        gitlab.world.add_deploy_key(project, a_public_key(str(number)), title="t")

    with ThreadPoolExecutor(8) as pool:
        adding = [pool.submit(add, number) for number in range(100)]
        reading = [pool.submit(gitlab.get, "groups/tenants/projects", per_page=100) for _ in range(50)]
        assert {each.result().status_code for each in reading} == {200}
        assert [each.result() for each in adding] == [None] * 100
    assert gitlab.get("groups/tenants/projects").headers["X-Total"] == "101"


def test_ten_thousand_projects_are_listed_quickly(gitlab: Client) -> None:
    for number in range(9_999):
        gitlab.world.add_project(f"tenants/p{number}")
    before = time.monotonic()
    seen = {
        project["id"]
        for page in range(1, 101)
        for project in gitlab.get("groups/tenants/projects", simple="true", per_page=100, page=page).json()
    }
    assert len(seen) == 10_000
    assert time.monotonic() - before < 10

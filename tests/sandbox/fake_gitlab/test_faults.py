"""Single faults at GitLab: requests that pass first, answers that break off, and what is called at that moment."""

import json
from collections.abc import Iterator
from threading import Event

import pytest
import requests

from tests.worlds.gitlab_client import HOOKS, URL, Client, a_gitlab
from tests.worlds.wire import sent, torn


@pytest.fixture
def gitlab() -> Iterator[Client]:
    with a_gitlab() as client:
        yield client


# skip


def test_the_first_requests_are_skipped(gitlab: Client) -> None:
    fault = gitlab.world.fail(status=503, skip=2, times=2)
    assert [gitlab.get("user").status_code for _ in range(5)] == [200, 200, 503, 503, 200]
    assert fault.injected == 2


def test_only_matching_requests_count_as_skipped(gitlab: Client) -> None:
    gitlab.world.fail(method="POST", status=503, skip=1)
    gitlab.get("user")
    assert [gitlab.post(HOOKS, url=URL).status_code for _ in range(2)] == [201, 503]


def test_a_request_that_one_fault_skips_may_meet_the_next_one(gitlab: Client) -> None:
    gitlab.world.fail(status=500, skip=1)
    gitlab.world.fail(status=502)
    assert [gitlab.get("user").status_code for _ in range(3)] == [502, 500, 200]


# cut


def test_a_cut_answer_states_its_whole_length_and_breaks_off_half_way(gitlab: Client) -> None:
    whole = gitlab.get("user").content
    gitlab.world.fail(cut=True)
    answer = torn(gitlab.url, "GET", "/api/v4/user", gitlab.token)
    assert (answer.status, answer.stated, answer.arrived) == (200, len(whole), whole[: len(whole) // 2])
    assert gitlab.get("user").content == whole


def test_the_connection_of_a_cut_answer_is_closed_and_its_request_has_no_status(gitlab: Client) -> None:
    gitlab.world.fail(cut=True)
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        gitlab.get("user")
    assert gitlab.world.requests[-1].status == 0


def test_a_write_whose_answer_is_cut_was_done(gitlab: Client) -> None:
    gitlab.world.fail(method="POST", cut=True)
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        gitlab.post(HOOKS, url=URL)
    assert len(gitlab.world.hooks_of(gitlab.project)) == 1


def test_an_answer_of_its_own_can_be_cut_and_then_nothing_was_done(gitlab: Client) -> None:
    gitlab.world.fail(method="DELETE", status=502, body="<html>12</html>", cut=True)
    hook = gitlab.world.add_hook(gitlab.project, URL)
    answer = torn(gitlab.url, "DELETE", f"/api/v4/{HOOKS}/{hook.id}", gitlab.token)
    assert (answer.status, answer.stated, answer.arrived) == (502, 15, b"<html>1")
    assert gitlab.world.hooks_of(gitlab.project) == [hook]


def test_an_answer_without_a_body_is_dropped_where_it_should_be_cut(gitlab: Client) -> None:
    hook = gitlab.world.add_hook(gitlab.project, URL)
    gitlab.world.fail(method="DELETE", cut=True)
    with pytest.raises(requests.ConnectionError):
        gitlab.delete(f"{HOOKS}/{hook.id}")
    assert gitlab.world.hooks_of(gitlab.project) == []


# drop


def test_a_dropped_connection_is_reset(gitlab: Client) -> None:
    gitlab.world.fail(drop=True)
    with sent(gitlab.url, "GET /api/v4/user HTTP/1.1\r\n") as connection, pytest.raises(ConnectionResetError):
        connection.recv(1)


# call


@pytest.mark.parametrize("after", [False, True])
def test_what_is_called_is_called_before_or_after_the_request_was_handled(gitlab: Client, *, after: bool) -> None:
    seen = []
    gitlab.world.fail(method="POST", after=after, call=lambda: seen.append(len(gitlab.world.hooks_of(gitlab.project))))
    assert [gitlab.post(HOOKS, url=URL).status_code for _ in range(2)] == [201, 201]
    assert seen == [int(after)]


@pytest.mark.parametrize("after", [False, True])
def test_the_answer_is_not_sent_before_the_call_has_ended(gitlab: Client, *, after: bool) -> None:
    called, enough = Event(), Event()

    def wait() -> None:
        called.set()
        enough.wait(10)

    gitlab.world.fail(method="POST", after=after, call=wait)
    head = f"POST /api/v4/{HOOKS} HTTP/1.1\r\nPRIVATE-TOKEN: {gitlab.token}\r\nContent-Type: application/json\r\n"
    with sent(gitlab.url, head, json.dumps({"url": URL}).encode()) as connection:
        assert called.wait(10)
        connection.settimeout(0.2)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        enough.set()
        connection.settimeout(10)
        assert connection.recv(12) == b"HTTP/1.1 201"


def test_a_call_can_stand_before_a_connection_that_is_dropped(gitlab: Client) -> None:
    seen = []
    gitlab.world.fail(method="POST", call=lambda: seen.append("killed"), drop=True)
    with pytest.raises(requests.ConnectionError):
        gitlab.post(HOOKS, url=URL)
    assert (seen, gitlab.world.hooks_of(gitlab.project)) == (["killed"], [])

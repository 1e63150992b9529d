"""Changing and removing webhooks, and what a new URL takes with it."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from tests.worlds.gitlab_client import HOOKS, NOT_FOUND, URL, Client, a_gitlab, a_hook


@pytest.fixture
def gitlab() -> Iterator[Client]:
    with a_gitlab() as client:
        yield client


def test_an_update_leaves_alone_what_was_not_sent(gitlab: Client) -> None:
    path = a_hook(gitlab, issues_events=True, description="mark")
    before = gitlab.get(path).json()
    answer = gitlab.put(path, push_events=False)
    assert (answer.status_code, answer.json()) == (200, before | {"push_events": False})
    assert gitlab.world.hooks_of(gitlab.project)[0].token == "old"


def test_an_update_with_nothing_known_is_refused(gitlab: Client) -> None:
    path = a_hook(gitlab)
    for body in ({}, {"push_event": False}):
        answer = gitlab.put(path, **body)
        assert (answer.status_code, answer.json()) == (400, {"error": "No parameters provided"})


def test_a_new_url_without_a_token_erases_the_token(gitlab: Client) -> None:
    path = a_hook(gitlab)
    assert gitlab.put(path, url="https://flux.example/hook/new").status_code == 200
    assert gitlab.world.hooks_of(gitlab.project)[0].token is None


def test_a_new_url_with_the_same_token_keeps_it(gitlab: Client) -> None:
    path = a_hook(gitlab)
    gitlab.put(path, url="https://flux.example/hook/new", token="old")
    assert gitlab.world.hooks_of(gitlab.project)[0].token == "old"


def test_the_same_url_keeps_the_token(gitlab: Client) -> None:
    path = a_hook(gitlab)
    gitlab.put(path, url=f" {URL} ", push_events=False)
    assert gitlab.world.hooks_of(gitlab.project)[0].token == "old"


def test_a_new_url_empties_the_headers_even_those_sent_with_it(gitlab: Client) -> None:
    path = a_hook(gitlab, custom_headers={"X-Route": "a"})
    sent = [{"key": "X-Other", "value": "b"}]
    assert gitlab.put(path, url="https://new.example", custom_headers=sent).json()["custom_headers"] == []
    answer = gitlab.put(path, custom_headers=sent)
    assert answer.json()["custom_headers"] == [{"key": "X-Other"}]


def test_a_disabled_hook_is_not_revived_by_an_update(gitlab: Client) -> None:
    path = a_hook(gitlab)
    gitlab.world.disable_hook(gitlab.world.hooks_of(gitlab.project)[0])
    assert gitlab.put(path, push_events=False).json()["alert_status"] == "disabled"


def test_a_hook_that_was_disabled_for_a_while_reads_executable_afterwards(gitlab: Client) -> None:
    path = a_hook(gitlab)
    hook = gitlab.world.hooks_of(gitlab.project)[0]
    gitlab.world.disable_hook(hook, until=datetime(2999, 1, 1, tzinfo=UTC))
    assert gitlab.get(path).json()["alert_status"] == "temporarily_disabled"
    gitlab.world.disable_hook(hook, until=datetime(2020, 1, 1, tzinfo=UTC))
    answer = gitlab.get(path).json()
    assert (answer["alert_status"], answer["disabled_until"]) == ("executable", "2020-01-01T00:00:00.000Z")


def test_a_hook_is_deleted_once(gitlab: Client) -> None:
    path = a_hook(gitlab)
    answer = gitlab.delete(path)
    assert (answer.status_code, answer.text) == (204, "")
    again = gitlab.delete(path)
    assert (again.status_code, again.json()) == NOT_FOUND


def test_an_unknown_hook_is_not_found_by_any_method(gitlab: Client) -> None:
    other = gitlab.world.add_hook(gitlab.world.add_project("tenants/other"), URL)
    for hook_id in (other.id, 4711):
        path = f"{HOOKS}/{hook_id}"
        for answer in (gitlab.get(path), gitlab.put(path, push_events=False), gitlab.delete(path)):
            assert (answer.status_code, answer.json()) == NOT_FOUND


def test_the_project_and_the_route_are_missed_in_other_words(gitlab: Client) -> None:
    assert gitlab.delete("projects/4711/hooks/1").json() == {"message": "404 Project Not Found"}
    assert gitlab.delete("projects/tenants/app/hooks/1").json() == {"error": "404 Not Found"}


def test_a_delete_can_insist_on_an_unmodified_hook(gitlab: Client) -> None:
    path = a_hook(gitlab)
    since = {"If-Unmodified-Since": "Wed, 01 Jan 2020 00:00:00 GMT"}
    assert gitlab.send("DELETE", path, headers=since).status_code == 412
    assert gitlab.send("DELETE", path, headers={"If-Unmodified-Since": "whenever"}).status_code == 204


def test_names_of_headers_and_variables_are_shown_but_not_in_the_list(gitlab: Client) -> None:
    fields = {
        "url": "https://flux.example/{where}",
        "url_variables": [{"key": "where", "value": "here"}],
        "custom_headers": [{"key": "X-Route", "value": "v4lue"}],
    }
    answer = gitlab.post(HOOKS, **fields)
    assert answer.json()["url_variables"] == [{"key": "where"}]
    assert answer.json()["custom_headers"] == [{"key": "X-Route"}]
    assert answer.json()["url"] == "https://flux.example/{where}"
    assert "v4lue" not in answer.text
    assert not gitlab.get(HOOKS).json()[0].keys() & {"url_variables", "custom_headers"}


def test_headers_are_merged_by_key(gitlab: Client) -> None:
    path = a_hook(gitlab, custom_headers={"X-One": "1", "X-Two": "2"})
    gitlab.put(path, custom_headers=[{"key": "X-Two", "value": "two"}])
    assert gitlab.world.hooks_of(gitlab.project)[0].custom_headers == {"X-One": "1", "X-Two": "two"}


def test_one_header_is_set_and_removed(gitlab: Client) -> None:
    path = a_hook(gitlab)
    assert gitlab.put(f"{path}/custom_headers/X-One", value="1").status_code == 204
    assert gitlab.get(path).json()["custom_headers"] == [{"key": "X-One"}]
    assert gitlab.delete(f"{path}/custom_headers/X-One").status_code == 204
    answer = gitlab.delete(f"{path}/custom_headers/X-One")
    assert (answer.status_code, answer.json()) == NOT_FOUND


def test_a_header_with_a_wrong_name_is_refused_in_two_envelopes(gitlab: Client) -> None:
    path = a_hook(gitlab)
    wrong = [{"key": "1-X", "value": "v"}]
    answer = gitlab.post(HOOKS, url=URL, custom_headers=wrong)
    assert (answer.status_code, answer.json()) == (422, {"error": "Custom headers must be a valid json schema"})
    answer = gitlab.put(path, custom_headers=wrong)
    assert answer.status_code == 422
    assert answer.json()["error"].startswith("Custom headers validation failed: ")
    assert gitlab.put(path, custom_headers="X-One").json() == {"error": "custom_headers is invalid"}


def test_a_variable_that_would_change_the_effective_url_is_refused(gitlab: Client) -> None:
    hook = gitlab.world.add_hook(gitlab.project, "https://a.example/{x}", url_variables={"x": "1", "y": "2"})
    path = f"{HOOKS}/{hook.id}"
    assert gitlab.put(path, url_variables=[{"key": "x", "value": "3"}]).status_code == 422
    assert gitlab.put(f"{path}/url_variables/x", value="3").status_code == 422
    assert hook.url_variables == {"x": "1", "y": "2"}
    assert gitlab.put(path, url_variables=[{"key": "y", "value": "3"}]).status_code == 200
    assert hook.url_variables == {"x": "1", "y": "3"}


def test_a_new_url_empties_the_variables_it_does_not_need(gitlab: Client) -> None:
    hook = gitlab.world.add_hook(gitlab.project, "https://a.example/{x}", url_variables={"x": "1"})
    assert gitlab.put(f"{HOOKS}/{hook.id}", url="https://b.example").json()["url_variables"] == []

"""Test deliveries of webhooks and their log."""

from collections.abc import Iterator

import pytest

from tests.worlds.gitlab_client import URL, Client, a_gitlab, a_hook


@pytest.fixture
def gitlab() -> Iterator[Client]:
    with a_gitlab() as client:
        yield client


def test_a_test_that_is_received_is_201_and_logged(gitlab: Client) -> None:
    path = a_hook(gitlab)
    answer = gitlab.post(f"{path}/test/push_events")
    assert (answer.status_code, answer.json()) == (201, {"message": "201 Created"})
    event = gitlab.get(f"{path}/events").json()[0]
    assert (event["trigger"], event["response_status"]) == ("push_hooks", "200")
    assert event["request_headers"]["X-Gitlab-Token"] == "[REDACTED]"


def test_a_test_that_is_received_revives_a_disabled_hook(gitlab: Client) -> None:
    path = a_hook(gitlab)
    gitlab.world.disable_hook(gitlab.world.hooks_of(gitlab.project)[0])
    gitlab.world.receiver = lambda _hook, _trigger: 401
    gitlab.post(f"{path}/test/push_events")
    assert gitlab.get(path).json()["alert_status"] == "disabled"
    gitlab.world.receiver = lambda _hook, _trigger: 204
    gitlab.post(f"{path}/test/push_events")
    assert gitlab.get(path).json()["alert_status"] == "executable"


def test_a_test_that_is_not_received_is_422_and_logged_all_the_same(gitlab: Client) -> None:
    path = a_hook(gitlab)
    why = "URL is blocked: Host cannot be resolved or invalid"
    gitlab.world.receiver = lambda _hook, _trigger: why
    answer = gitlab.post(f"{path}/test/push_events")
    assert (answer.status_code, answer.json()) == (422, {"message": why})
    assert len(gitlab.get(f"{path}/events").json()) == 1


def test_a_test_needs_a_trigger_that_exists_and_can_be_tested(gitlab: Client) -> None:
    path = a_hook(gitlab)
    answer = gitlab.post(f"{path}/test/push")
    assert (answer.status_code, answer.json()) == (400, {"error": "trigger does not have a valid value"})
    answer = gitlab.post(f"{path}/test/deployment_events")
    assert (answer.status_code, answer.json()) == (422, {"message": "Testing not available for this hook"})
    assert gitlab.post(f"{path}/test/note_events").status_code == 201


def test_an_empty_project_cannot_be_tested_with_a_push(gitlab: Client) -> None:
    path = a_hook(gitlab)
    gitlab.project.empty_repo = True
    assert gitlab.post(f"{path}/test/push_events").status_code == 422
    gitlab.project.empty_repo = False
    assert gitlab.post(f"{path}/test/push_events").status_code == 201


def test_five_tests_a_minute_and_project_are_allowed(gitlab: Client) -> None:
    gitlab.world.clock = lambda: 1_700_000_000.0
    first, second = a_hook(gitlab), a_hook(gitlab)
    for path in (first, second, first, second, first):
        assert gitlab.post(f"{path}/test/push_events").status_code == 201
    answer = gitlab.post(f"{second}/test/push_events")
    assert answer.status_code == 429
    text = "This endpoint has been requested too many times. Try again later."
    assert answer.json() == {"message": {"error": text}}
    assert "Retry-After" not in answer.headers
    gitlab.world.clock = lambda: 1_700_000_060.0
    assert gitlab.post(f"{second}/test/push_events").status_code == 201


def test_17_0_allows_three_tests_a_minute_and_hook(gitlab: Client) -> None:
    gitlab.world.version = "17.0.0"
    gitlab.world.clock = lambda: 1_700_000_000.0
    first, second = a_hook(gitlab), a_hook(gitlab)
    statuses = [gitlab.post(f"{first}/test/push_events").status_code for _ in range(4)]
    assert statuses == [201, 201, 201, 429]
    assert gitlab.post(f"{second}/test/push_events").status_code == 201


@pytest.mark.parametrize(("version", "status"), [("16.10.0", 404), ("16.11.0", 201)])
def test_tests_came_with_16_11(gitlab: Client, version: str, status: int) -> None:
    gitlab.world.version = version
    assert gitlab.post(f"{a_hook(gitlab)}/test/push_events").status_code == status


@pytest.mark.parametrize(("version", "status"), [("17.2.0", 404), ("17.3.0", 200)])
def test_events_came_with_17_3(gitlab: Client, version: str, status: int) -> None:
    gitlab.world.version = version
    assert gitlab.get(f"{a_hook(gitlab)}/events").status_code == status


def test_events_are_filtered_by_status(gitlab: Client) -> None:
    path = a_hook(gitlab)
    for status in (200, 401, 503, "timeout"):
        gitlab.world.deliver(gitlab.world.hooks_of(gitlab.project)[0], "push_hooks")
        gitlab.world.receiver = lambda _hook, _trigger, status=status: status
    gitlab.world.deliver(gitlab.world.hooks_of(gitlab.project)[0], "push_hooks")

    def statuses(**params: object) -> list[str]:
        return [event["response_status"] for event in gitlab.get(f"{path}/events", **params).json()]

    assert statuses() == ["internal error", "503", "401", "200", "200"]
    assert statuses(status="successful") == ["200", "200"]
    assert statuses(status="client_failure") == ["401"]
    assert statuses(status="server_failure") == ["internal error", "503"]
    assert statuses(status="401") == ["401"]
    assert statuses(status="401,successful") == ["401", "200", "200"]
    answer = gitlab.get(f"{path}/events", status="failed")
    assert (answer.status_code, answer.json()) == (400, {"error": "status does not have a valid value"})


def test_events_come_at_most_20_a_page_and_more_is_refused(gitlab: Client) -> None:
    path = a_hook(gitlab)
    for _ in range(21):
        gitlab.world.deliver(gitlab.world.hooks_of(gitlab.project)[0], "push_hooks")

    first = gitlab.get(f"{path}/events", per_page=20)
    assert (len(first.json()), first.headers["X-Next-Page"]) == (20, "2")
    assert len(gitlab.get(f"{path}/events", per_page=20, page=2).json()) == 1
    answer = gitlab.get(f"{path}/events", per_page=21)
    assert (answer.status_code, answer.json()) == (400, {"error": "per_page does not have a valid value"})


def test_a_hook_can_be_added_as_no_api_would_make_it_but_not_with_a_misspelt_field(gitlab: Client) -> None:
    assert gitlab.world.add_hook(gitlab.project, "http://localhost", push_events=False).push_events is False
    with pytest.raises(TypeError, match="push_event"):
        gitlab.world.add_hook(gitlab.project, URL, push_event=False)

"""
The limit of webhooks per project, and their time of creation, over HTTP.

Sources: app/models/concerns/limitable.rb, app/services/web_hooks/create_service.rb (GitLab 17 and 18); the limit of
100 is in doc/administration/instance_limits.md.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from tests.worlds.gitlab_client import HOOKS, URL, Client, a_gitlab


@pytest.fixture
def gitlab() -> Iterator[Client]:
    with a_gitlab() as client:
        yield client


def test_a_project_has_at_most_100_webhooks(gitlab: Client) -> None:
    for _ in range(99):
        gitlab.world.add_hook(gitlab.project, URL)
    last = gitlab.post(HOOKS, url=URL)
    refused = gitlab.post(HOOKS, url=URL)
    error = "Maximum number of project hooks (100) exceeded"
    assert (last.status_code, refused.status_code, refused.json()) == (201, 422, {"error": error})
    assert gitlab.delete(f"{HOOKS}/{last.json()['id']}").status_code == 204
    assert gitlab.post(HOOKS, url=URL).status_code == 201


def test_an_instance_can_have_another_limit(gitlab: Client) -> None:
    gitlab.world.max_hooks = 1
    statuses = [gitlab.post(HOOKS, url=URL).status_code for _ in range(2)]
    assert statuses == [201, 422]


def test_a_webhook_at_the_limit_can_still_be_changed(gitlab: Client) -> None:
    gitlab.world.max_hooks = 1
    hook = gitlab.post(HOOKS, url=URL).json()
    assert gitlab.put(f"{HOOKS}/{hook['id']}", push_events=False).status_code == 200


def test_the_time_of_creation_can_be_set(gitlab: Client) -> None:
    gitlab.world.add_hook(gitlab.project, URL, created_at=datetime(2025, 6, 1, tzinfo=UTC))
    [listed] = gitlab.get(HOOKS).json()
    assert listed["created_at"] == "2025-06-01T00:00:00.000Z"

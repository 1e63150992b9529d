"""
Maintenance mode over HTTP.

Source: lib/gitlab/middleware/read_only/controller.rb, doc/administration/maintenance_mode/_index.md (GitLab 18).
"""

from collections.abc import Iterator

import pytest

from tests.worlds.gitlab_client import HOOKS, KEYS, ONE, URL, Client, a_gitlab


@pytest.fixture
def gitlab() -> Iterator[Client]:
    with a_gitlab() as client:
        yield client


def test_reads_are_answered(gitlab: Client) -> None:
    gitlab.world.maintenance_mode = True
    assert gitlab.get(HOOKS).status_code == 200


def test_a_write_with_a_json_body_is_refused_with_a_message(gitlab: Client) -> None:
    gitlab.world.maintenance_mode = True
    answer = gitlab.post(HOOKS, url=URL)
    message = "You cannot perform write operations on a read-only instance"
    assert (answer.status_code, answer.json()) == (403, {"message": message})
    assert gitlab.world.hooks_of(gitlab.project) == []


def test_a_write_without_json_as_its_content_type_is_redirected_to_the_start_page(gitlab: Client) -> None:
    key = gitlab.world.add_deploy_key(gitlab.project, ONE, title="t")
    gitlab.world.maintenance_mode = True
    answer = gitlab.delete(f"{KEYS}/{key.id}")
    assert (answer.status_code, answer.headers["Location"], answer.text) == (301, f"{gitlab.url}/", "")
    assert gitlab.send("POST", HOOKS, data={"url": URL}).status_code == 301
    assert len(gitlab.world.keys_of(gitlab.project)) == 1


def test_the_content_type_counts_and_not_the_body(gitlab: Client) -> None:
    key = gitlab.world.add_deploy_key(gitlab.project, ONE, title="t")
    gitlab.world.maintenance_mode = True
    answer = gitlab.send("DELETE", f"{KEYS}/{key.id}", headers={"Content-Type": "application/json; charset=utf-8"})
    assert answer.status_code == 403


def test_after_maintenance_writes_are_done_again(gitlab: Client) -> None:
    gitlab.world.maintenance_mode = True
    gitlab.post(HOOKS, url=URL)
    gitlab.world.maintenance_mode = False
    assert gitlab.post(HOOKS, url=URL).status_code == 201

"""The monitor sees what a write should not have done, says which write it was, and is silent about all others."""

from collections.abc import Iterator

import pytest
import requests

from cronjob.sandbox.fake_gitlab.monitor import Monitor, Wanted
from cronjob.sandbox.fake_gitlab.records import Hook, Key
from tests.worlds.gitlab_client import HOOKS, KEYS, ONE, URL, Client, a_gitlab, a_public_key

TWO = a_public_key("two")
THEIRS = "https://ci.example.org/gitlab"


@pytest.fixture
def gitlab() -> Iterator[Client]:
    with a_gitlab() as client:
        yield client


def watching(gitlab: Client, *foreign: Hook | Key, token: str = "") -> Monitor:
    """A monitor that wants the key ONE and a webhook at URL on the project, and takes *foreign* for somebody's."""
    id_ = gitlab.project.id
    return Monitor(
        gitlab.world,
        Wanted({id_: {ONE}}, {id_: {URL}}, {URL: token} if token else {}),
        foreign_hooks=[item for item in foreign if isinstance(item, Hook)],
        foreign_keys=[(gitlab.project, item) for item in foreign if isinstance(item, Key)],
    )


def with_key(gitlab: Client, text: str = ONE) -> Key:
    return gitlab.world.add_deploy_key(gitlab.project, text, title="a title")


# Wanted


def test_a_wanted_key_that_was_there_and_is_gone_is_a_violation_of_the_write_that_took_it(gitlab: Client) -> None:
    key = with_key(gitlab, f"{ONE} a comment")
    monitor = watching(gitlab)
    gitlab.delete(f"{KEYS}/{key.id}")
    assert monitor.violations == [
        f"DELETE /api/v4/{KEYS}/{key.id}: on tenants/app the wanted deploy key {ONE} is gone",
    ]


def test_a_wanted_webhook_that_was_there_and_is_gone_is_a_violation(gitlab: Client) -> None:
    hook = gitlab.world.add_hook(gitlab.project, URL)
    monitor = watching(gitlab)
    gitlab.put(f"{HOOKS}/{hook.id}", url="https://elsewhere.example/")
    assert monitor.violations == [f"PUT /api/v4/{HOOKS}/{hook.id}: on tenants/app the wanted webhook {URL} is gone"]


def test_wanted_items_that_were_never_there_and_unwanted_ones_that_go_are_none(gitlab: Client) -> None:
    key, hook = with_key(gitlab, TWO), gitlab.world.add_hook(gitlab.project, THEIRS)
    monitor = watching(gitlab)
    gitlab.delete(f"{KEYS}/{key.id}")
    gitlab.delete(f"{HOOKS}/{hook.id}")
    assert (monitor.violations, monitor.writes) == ([], 2)


def test_what_was_created_under_its_eyes_is_missed_when_it_goes(gitlab: Client) -> None:
    monitor = watching(gitlab)
    key = gitlab.post(KEYS, key=ONE, title="t").json()["id"]
    hook = gitlab.post(HOOKS, url=URL).json()["id"]
    assert monitor.violations == []
    gitlab.delete(f"{KEYS}/{key}")
    gitlab.delete(f"{HOOKS}/{hook}")
    assert [text.rpartition(" the wanted ")[2].split()[0] for text in monitor.violations] == ["deploy", "webhook"]


def test_a_wanted_webhook_of_which_one_is_left_is_not_gone(gitlab: Client) -> None:
    hooks = [gitlab.world.add_hook(gitlab.project, URL) for _ in range(2)]
    monitor = watching(gitlab)
    gitlab.delete(f"{HOOKS}/{hooks[1].id}")
    assert monitor.violations == []
    gitlab.delete(f"{HOOKS}/{hooks[0].id}")
    assert len(monitor.violations) == 1


def test_what_another_project_wants_may_go_here(gitlab: Client) -> None:
    other = gitlab.world.add_project("tenants/other")
    key = with_key(gitlab)
    monitor = Monitor(gitlab.world, Wanted({other.id: {ONE}}))
    gitlab.delete(f"{KEYS}/{key.id}")
    assert monitor.violations == []


# Foreign


def test_a_foreign_webhook_that_is_changed_or_removed_is_a_violation_once_each(gitlab: Client) -> None:
    hook = gitlab.world.add_hook(gitlab.project, THEIRS, token="theirs")
    monitor = watching(gitlab, hook)
    gitlab.put(f"{HOOKS}/{hook.id}", token="ours", issues_events=True)
    gitlab.post(HOOKS, url=URL)
    gitlab.delete(f"{HOOKS}/{hook.id}")
    path = f"/api/v4/{HOOKS}/{hook.id}: on tenants/app the foreign webhook {hook.id}"
    changed, gone = monitor.violations
    assert changed.startswith(f"PUT {path} is not what it was: issues_events, token")
    assert gone == f"DELETE {path} is gone"


def test_a_header_added_to_a_foreign_webhook_is_a_violation(gitlab: Client) -> None:
    hook = gitlab.world.add_hook(gitlab.project, THEIRS)
    monitor = watching(gitlab, hook)
    assert gitlab.put(f"{HOOKS}/{hook.id}/custom_headers/X-One", value="1").status_code == 204
    [violation] = monitor.violations
    assert "custom_headers" in violation


def test_a_foreign_key_that_is_changed_or_taken_off_is_a_violation(gitlab: Client) -> None:
    key = with_key(gitlab, TWO)
    monitor = watching(gitlab, key)
    gitlab.put(f"{KEYS}/{key.id}", title="ours", can_push=True)
    gitlab.delete(f"{KEYS}/{key.id}")
    assert [text.partition(" on tenants/app ")[2] for text in monitor.violations] == [
        f"the foreign deploy key {key.id} is not what it was: can_push, title",
        f"the foreign deploy key {key.id} is gone",
    ]


def test_a_foreign_key_that_is_renamed_through_another_project_is_a_violation_here(gitlab: Client) -> None:
    key = with_key(gitlab, TWO)
    other = gitlab.world.add_project("tenants/other")
    gitlab.world.attach_key(other, key, can_push=False)
    monitor = watching(gitlab, key)
    gitlab.act_as(gitlab.someone(admin=True))
    gitlab.put(f"projects/{other.id}/deploy_keys/{key.id}", title="ours")
    [violation] = monitor.violations
    assert violation.endswith(f"on tenants/app the foreign deploy key {key.id} is not what it was: title")


def test_a_test_delivery_a_clone_and_a_second_project_leave_foreign_items_what_they_were(gitlab: Client) -> None:
    key, hook = with_key(gitlab, TWO), gitlab.world.add_hook(gitlab.project, THEIRS)
    other = gitlab.world.add_project("tenants/other")
    monitor = watching(gitlab, key, hook)
    key.last_used_at = gitlab.world.now()
    assert gitlab.post(f"{HOOKS}/{hook.id}/test/push_events").status_code == 201
    assert gitlab.post(f"projects/{other.id}/deploy_keys/{key.id}/enable").status_code == 201
    gitlab.delete(f"projects/{other.id}/deploy_keys/{key.id}")
    assert (monitor.violations, monitor.writes) == ([], 3)


def test_what_is_not_declared_foreign_may_be_changed(gitlab: Client) -> None:
    hook = gitlab.world.add_hook(gitlab.project, THEIRS)
    monitor = watching(gitlab)
    gitlab.put(f"{HOOKS}/{hook.id}", issues_events=True)
    assert (monitor.violations, monitor.writes) == ([], 1)


# Doubled


def test_a_second_webhook_at_one_url_is_a_violation_and_so_is_a_third(gitlab: Client) -> None:
    gitlab.world.add_hook(gitlab.project, URL)
    monitor = watching(gitlab)
    for _ in range(2):
        gitlab.post(HOOKS, url=URL)
    assert [text.partition(": on ")[2] for text in monitor.violations] == [
        f"tenants/app there are now {count} webhooks at {URL}" for count in (2, 3)
    ]


def test_webhooks_at_two_urls_or_on_two_projects_are_not_doubled(gitlab: Client) -> None:
    other = gitlab.world.add_project("tenants/other")
    monitor = watching(gitlab)
    gitlab.post(HOOKS, url=URL)
    gitlab.post(HOOKS, url=THEIRS)
    gitlab.post(f"projects/{other.id}/hooks", url=URL)
    assert (monitor.violations, monitor.writes) == ([], 3)


def test_webhooks_that_were_double_before_are_nobodys_fault(gitlab: Client) -> None:
    hooks = [gitlab.world.add_hook(gitlab.project, URL) for _ in range(3)]
    monitor = watching(gitlab)
    gitlab.put(f"{HOOKS}/{hooks[0].id}", issues_events=True)
    gitlab.delete(f"{HOOKS}/{hooks[2].id}")
    assert monitor.violations == []


# Tokens


@pytest.mark.parametrize("body", [{}, {"token": "another"}])
def test_a_webhook_at_a_wanted_url_without_the_wanted_token_is_a_violation(
    gitlab: Client, body: dict[str, str]
) -> None:
    monitor = watching(gitlab, token="right")
    id_ = gitlab.post(HOOKS, url=URL, **body).json()["id"]
    [violation] = monitor.violations
    assert violation == f"POST /api/v4/{HOOKS}: on tenants/app the webhook {id_} at {URL} has not the wanted token"


def test_a_webhook_with_the_wanted_token_or_at_another_url_is_none(gitlab: Client) -> None:
    monitor = watching(gitlab, token="right")
    gitlab.post(HOOKS, url=URL, token="right")
    gitlab.post(HOOKS, url=THEIRS)
    assert (monitor.violations, monitor.writes) == ([], 2)


def test_a_change_that_leaves_the_wrong_token_is_a_violation_and_a_write_elsewhere_is_none(gitlab: Client) -> None:
    hook = gitlab.world.add_hook(gitlab.project, URL, token="old")
    monitor = watching(gitlab, token="right")
    gitlab.post(HOOKS, url=THEIRS)
    assert monitor.violations == []
    gitlab.put(f"{HOOKS}/{hook.id}", issues_events=True)
    assert len(monitor.violations) == 1
    gitlab.put(f"{HOOKS}/{hook.id}", token="right")
    assert len(monitor.violations) == 1


# When it looks


def test_a_test_push_that_brings_a_webhook_back_is_no_write_of_its_token_and_a_change_of_a_foreign_one(
    gitlab: Client,
) -> None:
    old = gitlab.world.add_hook(gitlab.project, URL, token="old")
    foreign = gitlab.world.add_hook(gitlab.project, THEIRS)
    for hook in (old, foreign):
        gitlab.world.disable_hook(hook)
    monitor = watching(gitlab, foreign, token="right")

    gitlab.post(f"{HOOKS}/{old.id}/test/push_events")
    assert (monitor.violations, old.alert_status) == ([], "executable")
    gitlab.post(f"{HOOKS}/{foreign.id}/test/push_events")
    [violation] = monitor.violations
    assert violation.endswith(f"the foreign webhook {foreign.id} is not what it was: alert_status")


def test_reads_are_not_looked_at_and_writes_that_fail_are(gitlab: Client) -> None:
    monitor = watching(gitlab)
    gitlab.get(HOOKS)
    gitlab.send("HEAD", HOOKS)
    assert monitor.writes == 0
    assert gitlab.delete(f"{HOOKS}/1").status_code == 404
    assert gitlab.delete("projects/4711/hooks/1").status_code == 404
    assert (monitor.violations, monitor.writes) == ([], 2)


def test_a_write_that_was_never_answered_is_seen(gitlab: Client) -> None:
    gitlab.world.add_hook(gitlab.project, URL)
    monitor = watching(gitlab)
    gitlab.world.fail(method="POST", drop=True, after=True)
    with pytest.raises(requests.ConnectionError):
        gitlab.post(HOOKS, url=URL)
    assert len(monitor.violations) == 1


def test_a_write_that_was_not_handled_is_not_seen(gitlab: Client) -> None:
    monitor = watching(gitlab)
    gitlab.world.fail(method="POST", status=502)
    gitlab.post(HOOKS, url=URL)
    assert (monitor.violations, monitor.writes) == ([], 0)


def test_writes_by_path_and_below_a_relative_root_are_seen() -> None:
    with a_gitlab(url_root="/gitlab") as gitlab:
        gitlab.world.add_hook(gitlab.project, URL)
        monitor = watching(gitlab)
        gitlab.post("projects/tenants%2FApp/hooks", url=URL)
        assert len(monitor.violations) == 1


def test_what_people_change_by_hand_is_right_after_a_new_look(gitlab: Client) -> None:
    hook = gitlab.world.add_hook(gitlab.project, THEIRS)
    monitor = watching(gitlab, hook)
    hook.issues_events = True
    monitor.take_snapshot()
    gitlab.post(HOOKS, url=URL)
    assert monitor.violations == []
    hook.issues_events = False
    gitlab.post(KEYS, key=ONE, title="t")
    assert len(monitor.violations) == 1


def test_what_is_wanted_can_change(gitlab: Client) -> None:
    first, second = with_key(gitlab), with_key(gitlab, TWO)
    monitor = watching(gitlab)
    monitor.wanted = Wanted({gitlab.project.id: {TWO}})
    gitlab.delete(f"{KEYS}/{first.id}")
    assert monitor.violations == []
    gitlab.delete(f"{KEYS}/{second.id}")
    assert len(monitor.violations) == 1

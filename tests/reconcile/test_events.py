import pytest

from reconcile.events import DEFAULT_FLAGS, FLAG_OF_EVENT, FLAGS, flags_of

TABLE = [
    ("Push Hook", "push_events"),
    ("Tag Push Hook", "tag_push_events"),
    ("Issue Hook", "issues_events"),
    ("Confidential Issue Hook", "confidential_issues_events"),
    ("Note Hook", "note_events"),
    ("Confidential Note Hook", "confidential_note_events"),
    ("Merge Request Hook", "merge_requests_events"),
    ("Job Hook", "job_events"),
    ("Pipeline Hook", "pipeline_events"),
    ("Wiki Page Hook", "wiki_page_events"),
    ("Deployment Hook", "deployment_events"),
    ("Feature Flag Hook", "feature_flag_events"),
    ("Release Hook", "releases_events"),
    ("Emoji Hook", "emoji_events"),
    ("Resource Access Token Hook", "resource_access_token_events"),
    ("Milestone Hook", "milestone_events"),
    ("Resource Deploy Token Hook", "resource_deploy_token_events"),
    ("Vulnerability Hook", "vulnerability_events"),
]


@pytest.mark.parametrize(("event", "flag"), TABLE)
def test_an_event_is_the_flag_that_makes_gitlab_send_it(event: str, flag: str) -> None:
    assert flags_of([event]) == (frozenset({flag}), ())


def test_the_table_is_complete() -> None:
    assert len(TABLE) == len(FLAG_OF_EVENT)
    assert set(FLAGS) == {flag for _, flag in TABLE}


def test_events_are_compared_without_case_as_flux_does() -> None:
    assert flags_of(["push hook", "TAG PUSH HOOK"]) == (DEFAULT_FLAGS, ())


@pytest.mark.parametrize(
    "event",
    ["push", "Push", "Push  Hook", "Push Hook ", "push_events", "System Hook", "Member Hook", "Subgroup Hook", "*", ""],
)
def test_what_no_project_webhook_sends_is_unknown_as_it_was_written(event: str) -> None:
    assert flags_of([event]) == (frozenset(), (event,))


def test_known_events_count_beside_unknown_ones() -> None:
    assert flags_of(["push", "Push Hook", "tag"]) == (frozenset({"push_events"}), ("push", "tag"))


def test_gitlabs_push_to_the_repository_is_no_flag_of_ours() -> None:
    assert "repository_update_events" not in FLAGS

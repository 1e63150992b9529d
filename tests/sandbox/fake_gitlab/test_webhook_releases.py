"""What webhooks are in which release of GitLab."""

from collections.abc import Iterator

import pytest

from tests.worlds.gitlab_client import HOOKS, URL, Client, a_gitlab, a_hook


@pytest.fixture
def gitlab() -> Iterator[Client]:
    with a_gitlab() as client:
        yield client


EVERY = """
    id url name description created_at push_events tag_push_events merge_requests_events repository_update_events
    enable_ssl_verification alert_status disabled_until url_variables push_events_branch_filter
    branch_filter_strategy custom_webhook_template custom_headers token_present signing_token_present project_id
    issues_events confidential_issues_events note_events confidential_note_events pipeline_events wiki_page_events
    job_events deployment_events feature_flag_events releases_events milestone_events emoji_events
    resource_access_token_events resource_deploy_token_events vulnerability_events duo_flow_callback_enabled
"""
AT_14 = """
    id url created_at push_events tag_push_events merge_requests_events repository_update_events
    enable_ssl_verification project_id issues_events confidential_issues_events note_events
    confidential_note_events pipeline_events wiki_page_events deployment_events job_events releases_events
    push_events_branch_filter
"""
AT_15 = set(AT_14.split()) | {"alert_status", "disabled_until", "url_variables"}
AT_16 = AT_15 | {"emoji_events", "custom_webhook_template", "feature_flag_events"}
AT_17 = AT_16 | {"branch_filter_strategy", "resource_access_token_events", "milestone_events"}
AT_17_1 = AT_17 | {"name", "description", "custom_headers"}
AT_18_10 = AT_17_1 | {"resource_deploy_token_events"}
AT_19 = AT_18_10 | {"token_present", "signing_token_present"}


@pytest.mark.parametrize(
    ("version", "fields"),
    [
        ("14.10.5", set(AT_14.split())),
        ("15.0.0", AT_15),
        ("16.0.0", AT_16),
        ("17.0.0", AT_17),
        ("17.1.0", AT_17_1),
        ("18.9.0", AT_17_1),
        ("18.10.0", AT_18_10),
        ("19.0.0", AT_19),
        ("19.4.0-ee", set(EVERY.split())),
    ],
)
def test_each_release_has_its_fields(gitlab: Client, version: str, fields: set[str]) -> None:
    gitlab.world.version = version
    assert gitlab.post(HOOKS, url=URL).json().keys() == fields


def test_a_parameter_is_ignored_before_its_release(gitlab: Client) -> None:
    gitlab.world.version = "17.0.0"
    gitlab.post(HOOKS, url=URL, description="mark")
    assert gitlab.put(f"{HOOKS}/7000", description="mark").json() == {"error": "No parameters provided"}
    gitlab.world.version = "17.1.0"
    assert gitlab.get(HOOKS).json()[0]["description"] is None
    assert gitlab.put(f"{HOOKS}/7000", description="mark").json()["description"] == "mark"


def test_whether_there_is_a_token_is_told_since_19(gitlab: Client) -> None:
    gitlab.world.version = "19.0.0"
    gitlab.world.add_hook(gitlab.project, URL, token="s3cret")
    gitlab.world.add_hook(gitlab.project, URL, token="")
    assert [each["token_present"] for each in gitlab.get(HOOKS).json()] == [True, False]


def test_a_signing_token_has_a_form_since_19_and_is_ignored_before(gitlab: Client) -> None:
    good = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
    assert gitlab.post(HOOKS, url=URL, signing_token="wrong").status_code == 201
    gitlab.world.version = "19.0.0"
    answer = gitlab.post(HOOKS, url=URL, signing_token="wrong")
    assert (answer.status_code, answer.json()) == (422, {"error": "Signing token is invalid"})
    assert gitlab.post(HOOKS, url=URL, signing_token=good).json()["signing_token_present"] is True


def test_gitlab_14_wants_the_url_on_every_update(gitlab: Client) -> None:
    gitlab.world.version = "14.10.0"
    path = a_hook(gitlab)
    answer = gitlab.put(path, push_events=False)
    assert (answer.status_code, answer.json()) == (400, {"error": "url is missing"})
    assert gitlab.put(path, url=URL, push_events=False).json()["push_events"] is False


def test_gitlab_14_answers_404_where_the_model_says_no(gitlab: Client) -> None:
    gitlab.world.version = "14.10.0"
    for _ in range(100):
        gitlab.world.add_hook(gitlab.project, URL)
    answer = gitlab.post(HOOKS, url=URL)
    text = '404 Project hook {:base=>["Maximum number of project hooks (100) exceeded"]} Not Found'
    assert (answer.status_code, answer.json()) == (404, {"message": text})
    assert gitlab.post(HOOKS, url="nonsense").json() == {"error": "Invalid url given"}


def test_the_duo_flow_callback_can_be_refused_but_not_wanted(gitlab: Client) -> None:
    gitlab.world.version = "19.4.0"
    assert gitlab.post(HOOKS, url=URL, duo_flow_callback_enabled=True).status_code == 400
    assert gitlab.post(HOOKS, url=URL, duo_flow_callback_enabled=False).status_code == 201


def test_the_list_is_paged(gitlab: Client) -> None:
    for _ in range(25):
        gitlab.world.add_hook(gitlab.project, URL)
    assert len(gitlab.get(HOOKS).json()) == 20
    assert len(gitlab.get(HOOKS, page=2).json()) == 5
    assert len(gitlab.get(HOOKS, per_page=100).json()) == 25

"""Making webhooks: defaults, refusals, and what is never shown."""

from collections.abc import Iterator

import pytest

from tests.worlds.gitlab_client import HOOKS, URL, Client, a_gitlab, a_hook


@pytest.fixture
def gitlab() -> Iterator[Client]:
    with a_gitlab() as client:
        yield client


def test_a_hook_is_created_and_read(gitlab: Client) -> None:
    answer = gitlab.post(HOOKS, url=URL, token="s3cret", name="Flux", description="ours", push_events=False)
    assert answer.status_code == 201
    created = answer.json()
    assert (created["url"], created["name"], created["description"]) == (URL, "Flux", "ours")
    assert (created["push_events"], created["project_id"]) == (False, 1000)
    assert gitlab.get(f"{HOOKS}/{created['id']}").json() == created
    assert [each["id"] for each in gitlab.get(HOOKS).json()] == [created["id"]]


def test_defaults_are_push_events_and_tls_verification(gitlab: Client) -> None:
    created = gitlab.post(HOOKS, url=URL).json()
    on = {name for name, value in created.items() if value is True}
    assert on == {"push_events", "enable_ssl_verification"}
    assert created["confidential_note_events"] is None
    assert created["confidential_issues_events"] is False
    assert created["branch_filter_strategy"] == "wildcard"
    assert created["push_events_branch_filter"] is None


def test_the_secret_is_kept_and_never_shown(gitlab: Client) -> None:
    created = gitlab.post(HOOKS, url=URL, token="s3cret")
    assert gitlab.world.hooks_of(gitlab.project)[0].token == "s3cret"
    for answer in (created, gitlab.get(HOOKS), gitlab.put(f"{HOOKS}/{created.json()['id']}", push_events=True)):
        assert "s3cret" not in answer.text
        assert '"token"' not in answer.text


def test_the_same_url_makes_a_second_hook(gitlab: Client) -> None:
    first, second = gitlab.post(HOOKS, url=URL).json(), gitlab.post(HOOKS, url=URL).json()
    assert second["id"] > first["id"]
    assert len(gitlab.get(HOOKS).json()) == 2


def test_unknown_parameters_are_ignored(gitlab: Client) -> None:
    answer = gitlab.post(HOOKS, url=URL, push_event=False, repository_update_events=True)
    assert answer.status_code == 201
    assert (answer.json()["push_events"], answer.json()["repository_update_events"]) == (True, False)


def test_a_url_must_be_sent(gitlab: Client) -> None:
    answer = gitlab.post(HOOKS, token="t")
    assert (answer.status_code, answer.json()) == (400, {"error": "url is missing"})


def test_blanks_around_the_url_are_dropped(gitlab: Client) -> None:
    assert gitlab.post(HOOKS, url=f"  {URL}\n").json()["url"] == URL


@pytest.mark.parametrize(
    "url",
    ["", "flux.example/hook", "ftp://flux.example", "https://", "https://a b.example", "https://a:port", "https://{x}"],
)
def test_a_url_that_is_none_is_refused_by_both_methods(gitlab: Client, url: str) -> None:
    path = a_hook(gitlab)
    for answer in (gitlab.post(HOOKS, url=url), gitlab.put(path, url=url)):
        assert (answer.status_code, answer.json()) == (422, {"error": "Invalid url given"})
    assert [hook.url for hook in gitlab.world.hooks_of(gitlab.project)] == [URL]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "10.1.2.3", "192.168.0.1", "[::1]", "169.254.1.1"])
def test_a_local_url_is_refused_unless_the_instance_allows_it(gitlab: Client, host: str) -> None:
    answer = gitlab.post(HOOKS, url=f"http://{host}:9292/hook")
    assert (answer.status_code, answer.json()) == (422, {"error": "Invalid url given"})
    gitlab.world.allow_local_requests = True
    assert gitlab.post(HOOKS, url=f"http://{host}:9292/hook").status_code == 201


def test_a_name_that_does_not_resolve_is_accepted(gitlab: Client) -> None:
    assert gitlab.post(HOOKS, url="https://nowhere.invalid/hook").status_code == 201


def test_a_token_with_a_line_break_is_refused_in_two_envelopes(gitlab: Client) -> None:
    path = a_hook(gitlab)
    answer = gitlab.post(HOOKS, url=URL, token="a\nb")
    assert (answer.status_code, answer.json()) == (422, {"error": "Token is invalid"})
    answer = gitlab.put(path, token="a\nb")
    assert (answer.status_code, answer.json()) == (422, {"message": {"token": ["is invalid"]}})
    assert [hook.token for hook in gitlab.world.hooks_of(gitlab.project)] == ["old"]


def test_several_complaints_are_one_sentence(gitlab: Client) -> None:
    answer = gitlab.post(HOOKS, url=URL, token="a\nb", name="n" * 256)
    assert answer.json() == {"error": "Token is invalid and Name is too long (maximum is 255 characters)"}


def test_a_project_takes_a_hundred_hooks(gitlab: Client) -> None:
    for _ in range(99):
        gitlab.world.add_hook(gitlab.project, URL)
    assert gitlab.post(HOOKS, url=URL).status_code == 201
    answer = gitlab.post(HOOKS, url=URL)
    assert answer.status_code == 422
    assert answer.json() == {"error": "Maximum number of project hooks (100) exceeded"}
    last = gitlab.world.hooks_of(gitlab.project)[-1]
    assert gitlab.put(f"{HOOKS}/{last.id}", push_events=False).status_code == 200


@pytest.mark.parametrize(
    ("value", "shown"), [("true", True), ("1", True), (1, True), ("no", False), (None, False), ("", False)]
)
def test_several_words_are_taken_for_a_flag(gitlab: Client, value: object, shown: object) -> None:
    assert gitlab.post(HOOKS, url=URL, push_events=value).json()["push_events"] is shown


def test_a_flag_that_is_none_is_refused(gitlab: Client) -> None:
    answer = gitlab.post(HOOKS, url=URL, push_events="sometimes")
    assert (answer.status_code, answer.json()) == (400, {"error": "push_events is invalid"})


@pytest.mark.parametrize(
    ("fields", "kept"),
    [
        ({"push_events_branch_filter": ""}, ""),
        ({"push_events_branch_filter": " release/* "}, "release/*"),
        ({"push_events_branch_filter": "^v\\d+$", "branch_filter_strategy": "regex"}, "^v\\d+$"),
        ({"push_events_branch_filter": "main", "branch_filter_strategy": "all_branches"}, None),
    ],
)
def test_a_branch_filter_is_kept_by_its_strategy(gitlab: Client, fields: dict[str, str], kept: str | None) -> None:
    assert gitlab.post(HOOKS, url=URL, **fields).json()["push_events_branch_filter"] == kept


@pytest.mark.parametrize(
    "fields",
    [
        {"push_events_branch_filter": "no..dots"},
        {"push_events_branch_filter": "no space"},
        {"push_events_branch_filter": "(", "branch_filter_strategy": "regex"},
        {"push_events_branch_filter": "(?!main)", "branch_filter_strategy": "regex"},
    ],
)
def test_a_branch_filter_that_is_none_is_refused_by_both_methods(gitlab: Client, fields: dict[str, str]) -> None:
    path = a_hook(gitlab)
    for answer in (gitlab.post(HOOKS, url=URL, **fields), gitlab.put(path, **fields)):
        assert (answer.status_code, answer.json()) == (422, {"error": "Invalid branch filter given"})


def test_an_unknown_strategy_is_refused(gitlab: Client) -> None:
    answer = gitlab.post(HOOKS, url=URL, branch_filter_strategy="some")
    assert (answer.status_code, answer.json()) == (
        400,
        {"error": "branch_filter_strategy does not have a valid value"},
    )

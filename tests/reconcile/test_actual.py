from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.actual import Unreadable, actual_from, key_from, project_from, webhook_from
from reconcile.causes import MALFORMED, Cause, CauseCode
from reconcile.errors import MalformedAnswer
from reconcile.events import FLAGS
from reconcile.model import FoundKey, FoundWebhook, Project
from reconcile.problems import Code, Problem
from tests.worlds.builders import a_key, a_project, a_public_key, a_webhook, some_actual, some_items

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
TEXT = a_public_key(1).text


def a_key_answer(**more: object) -> dict[str, object]:
    """As GitLab 15.2 to 17 answers."""
    return {
        "id": 9,
        "title": "deploy bot",
        "created_at": "2025-06-01T07:00:00.000Z",
        "expires_at": None,
        "key": f"{TEXT} bot",
        "fingerprint": "00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff",
        "fingerprint_sha256": a_public_key(1).fingerprint,
        "can_push": False,
        **more,
    }


OLD_HOOK: dict[str, object] = {
    "id": 77,
    "url": "https://flux.example.net/hook/0",
    "created_at": "2021-07-02T09:30:00.000Z",
    "push_events": True,
    "tag_push_events": False,
    "merge_requests_events": True,
    "repository_update_events": True,
    "enable_ssl_verification": True,
    "project_id": 4,
    "issues_events": False,
    "confidential_issues_events": False,
    "note_events": False,
    "confidential_note_events": None,
    "pipeline_events": False,
    "wiki_page_events": False,
    "deployment_events": False,
    "job_events": False,
    "releases_events": False,
    "push_events_branch_filter": None,
}
HOOK_15 = {**OLD_HOOK, "alert_status": "executable", "disabled_until": None, "url_variables": []}
HOOK_16 = {**HOOK_15, "emoji_events": False, "feature_flag_events": None, "custom_webhook_template": None}
HOOK_17_1 = {
    **HOOK_16,
    "name": None,
    "description": None,
    "custom_headers": [],
    "branch_filter_strategy": "wildcard",
    "resource_access_token_events": False,
    "milestone_events": False,
    "vulnerability_events": False,
}
HOOK_19 = {
    **{name: value for name, value in HOOK_17_1.items() if name not in {"url_variables", "custom_headers"}},
    "name": "Flux flux-config/shop",
    "description": "flux-gitlab-syncer prod flux-config/shop",
    "push_events_branch_filter": "",
    "resource_deploy_token_events": False,
    "token_present": True,
    "signing_token_present": False,
    "duo_flow_callback_enabled": False,
}


@pytest.mark.parametrize(
    "version", [OLD_HOOK, HOOK_15, HOOK_16, HOOK_17_1, HOOK_19], ids=["14", "15", "16", "17", "19"]
)
def test_a_webhook_of_every_version_is_read_with_the_flags_that_version_has(version: dict[str, object]) -> None:
    found = webhook_from(version)

    assert (found.id, found.url, found.tls, found.branch_filter) == (77, "https://flux.example.net/hook/0", True, "")
    assert found.flags == {flag: flag in {"push_events", "merge_requests_events"} for flag in FLAGS if flag in version}


def test_the_newest_version_has_all_flags_and_version_14_lacks_some() -> None:
    assert set(webhook_from(HOOK_19).flags) == set(FLAGS)
    assert "emoji_events" in webhook_from(HOOK_16).flags
    assert "emoji_events" not in webhook_from(OLD_HOOK).flags


def test_the_flag_that_is_no_parameter_is_never_read() -> None:
    assert "repository_update_events" not in webhook_from(HOOK_19).flags


def test_a_null_flag_is_a_false_one() -> None:
    assert webhook_from(OLD_HOOK).flags["confidential_note_events"] is False
    assert webhook_from({**OLD_HOOK, "confidential_note_events": True}).flags["confidential_note_events"] is True


def test_a_missing_description_is_not_a_null_one() -> None:
    before, since = webhook_from(HOOK_16), webhook_from(HOOK_17_1)

    assert (before.has_description, before.description) == (False, "")
    assert (since.has_description, since.description) == (True, "")
    assert webhook_from(HOOK_19).description == "flux-gitlab-syncer prod flux-config/shop"


def test_whether_a_token_is_there_is_unknown_before_19() -> None:
    assert webhook_from(HOOK_17_1).token_present is None
    assert webhook_from(HOOK_19).token_present is True
    assert webhook_from({**HOOK_19, "token_present": False}).token_present is False


def test_a_branch_filter_of_null_is_an_empty_one() -> None:
    assert webhook_from(HOOK_17_1).branch_filter == ""
    assert webhook_from({**HOOK_17_1, "push_events_branch_filter": "main"}).branch_filter == "main"


def test_the_strategy_is_none_where_the_version_has_none() -> None:
    assert webhook_from(HOOK_16).strategy is None
    assert webhook_from(HOOK_17_1).strategy == "wildcard"


def test_a_webhook_that_checks_no_certificate_is_read_so() -> None:
    assert webhook_from({**OLD_HOOK, "enable_ssl_verification": False}).tls is False
    assert webhook_from({**OLD_HOOK, "enable_ssl_verification": None}).tls is False
    assert webhook_from({"id": 1, "url": "u"}).tls is True


def test_a_webhook_of_version_14_is_never_disabled_and_later_ones_may_be() -> None:
    assert webhook_from(OLD_HOOK).alert_status == "executable"
    assert webhook_from({**HOOK_15, "alert_status": "temporarily_disabled"}).alert_status == "temporarily_disabled"


def test_a_key_is_known_by_its_material_without_the_comment() -> None:
    assert key_from(a_key_answer(), NOW) == FoundKey(9, "deploy bot", a_public_key(1))
    assert key_from(a_key_answer(key=TEXT), NOW) == key_from(a_key_answer(key=f"{TEXT} someone else"), NOW)


def test_a_key_of_a_fips_server_and_of_the_newest_version_reads_the_same() -> None:
    fips = {name: value for name, value in a_key_answer().items() if name != "fingerprint"}
    newest = {**a_key_answer(), "last_used_at": "2026-09-20T04:10:00.000Z", "usage_type": "auth_and_signing"}

    assert key_from(fips, NOW) == key_from(newest, NOW) == key_from(a_key_answer(), NOW)


def test_the_answer_of_enable_is_a_key_that_may_not_push() -> None:
    enabled = {name: value for name, value in a_key_answer().items() if name != "can_push"}

    assert key_from(enabled, NOW).can_push is False
    assert key_from(a_key_answer(can_push=True), NOW).can_push is True


@pytest.mark.parametrize("text", ["", "ssh-rsa", "ssh-rsa ***", "ssh-ed25519 ====", "ssh-ed25519 ü"])
def test_a_key_whose_text_is_no_public_key_is_not_understood_rather_than_nobodys(text: str) -> None:
    with pytest.raises(MalformedAnswer, match="a deploy key that is no public key"):
        key_from(a_key_answer(key=text), NOW)


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        (CauseCode.ROLE_MISSING, "Make the bot account a Maintainer there."),
        (CauseCode.SERVER_ERROR, "The next run tries again; see the server's health if this goes on."),
    ],
)
def test_the_cause_says_what_to_do_about_an_unreadable_project(code: CauseCode, advice: str) -> None:
    state = Unreadable(a_project(2, "b/b"), "GitLab said no", Cause(code))

    (problem,) = actual_from([state, some_items()]).problems

    assert problem.message == (
        f"Its deploy keys and webhooks cannot be read: GitLab said no. {advice} "
        "Until it can be read nothing on it is changed."
    )
    assert problem.cause == Cause(code)


@pytest.mark.parametrize("id_", [401, 403, 404])
def test_a_malformed_answer_about_a_project_with_the_id_of_a_status_is_not_about_rights(id_: int) -> None:
    error = MalformedAnswer(f"GitLab's answer to /projects/{id_}/deploy_keys is not a list")

    (problem,) = actual_from([Unreadable(a_project(id_), str(error), error.cause), some_items()]).problems

    assert problem.cause == MALFORMED
    assert "Maintainer" not in problem.message


@pytest.mark.parametrize(
    ("expires", "expired"),
    [
        (None, False),
        ("2026-11-23T12:00:00.000Z", True),
        ("2026-11-23T12:00:00.001Z", False),
        ("2026-11-23", True),
        ("2026-11-24", False),
        ("2026-11-23T13:00:00+02:00", True),
        ("soon", False),
        ("", False),
    ],
)
def test_a_key_has_expired_once_its_time_has_come(expires: str | None, *, expired: bool) -> None:
    assert key_from(a_key_answer(expires_at=expires), NOW).expired is expired


@pytest.mark.parametrize(
    ("says", "time"),
    [
        ("2026-09-20T04:10:00.000Z", datetime(2026, 9, 20, 4, 10, tzinfo=UTC)),
        ("2026-09-20", datetime(2026, 9, 20, tzinfo=UTC)),
        (None, None),
        ("lately", None),
        (5, None),
        ([], None),
    ],
)
def test_when_a_key_was_used_is_known_where_gitlab_says_it_so_that_it_can_be_read(
    says: object, time: datetime | None
) -> None:
    assert key_from(a_key_answer(last_used_at=says), NOW).last_used == time
    assert key_from(a_key_answer(), NOW).last_used is None


def test_when_a_key_expires_is_known_whether_or_not_it_has() -> None:
    assert key_from(a_key_answer(expires_at="2027-01-31"), NOW).expires == datetime(2027, 1, 31, tzinfo=UTC)
    assert key_from(a_key_answer(expires_at=None), NOW).expires is None


def test_a_project_is_its_id_and_its_full_path() -> None:
    assert project_from({"id": 4, "path_with_namespace": "a/b", "runners_token": "x"}) == Project(4, "a/b")


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ([], "holds something that is no object"),
        ({"path_with_namespace": "a/b"}, "has no number `id`"),
        ({"id": True, "path_with_namespace": "a/b"}, "has no number `id`"),
        ({"id": "4", "path_with_namespace": "a/b"}, "has no number `id`"),
        ({"id": 4}, "has no text `path_with_namespace`"),
        ({"id": 4, "path_with_namespace": None}, "has no text `path_with_namespace`"),
        ({"id": 4, "path_with_namespace": 5}, "`path_with_namespace` in GitLab's answer is no text"),
    ],
)
def test_a_malformed_project_says_what_is_wrong(answer: object, says: str) -> None:
    with pytest.raises(MalformedAnswer, match=says):
        project_from(answer)


@pytest.mark.parametrize("change", [{"push_events": "false"}, {"enable_ssl_verification": 1}, {"token_present": "no"}])
def test_a_flag_that_is_neither_true_nor_false_is_malformed(change: dict[str, object]) -> None:
    with pytest.raises(MalformedAnswer, match="is neither true nor false"):
        webhook_from({**HOOK_19, **change})


@pytest.mark.parametrize("change", [{"description": 5}, {"alert_status": []}, {"branch_filter_strategy": False}])
def test_a_text_of_another_type_is_malformed(change: dict[str, object]) -> None:
    with pytest.raises(MalformedAnswer, match="is no text"):
        webhook_from({**HOOK_19, **change})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


def twisted(answer: dict[str, object]) -> st.SearchStrategy[object]:
    """*answer* with some fields replaced by anything, some left out; or anything at all."""
    changed = st.dictionaries(st.sampled_from(sorted(answer)), JSON, max_size=4)
    gone = st.sets(st.sampled_from(sorted(answer)), max_size=3)
    dates = st.datetimes(timezones=st.timezones() | st.none()).map(lambda time: {"expires_at": time.isoformat()})
    bent = st.tuples(changed | dates, gone).map(
        lambda both: {name: value for name, value in {**answer, **both[0]}.items() if name not in both[1]}
    )
    return bent | JSON


@given(twisted(HOOK_19))
def test_a_webhook_is_read_or_malformed_and_nothing_else(answer: object) -> None:
    try:
        found = webhook_from(answer)
    except MalformedAnswer:
        return
    assert isinstance(found, FoundWebhook)
    assert all(isinstance(value, bool) for value in found.flags.values())


@given(twisted(a_key_answer()))
def test_a_key_is_read_or_malformed_and_nothing_else(answer: object) -> None:
    try:
        found = key_from(answer, NOW)
    except MalformedAnswer:
        return
    assert isinstance(found.can_push, bool)
    assert isinstance(found.expired, bool)


@given(twisted({"id": 4, "path_with_namespace": "a/b"}))
def test_a_project_is_read_or_malformed_and_nothing_else(answer: object) -> None:
    try:
        found = project_from(answer)
    except MalformedAnswer:
        return
    assert isinstance(found.path, str)


def test_projects_and_their_items_come_in_the_order_of_their_ids() -> None:
    first, second = a_project(1, "z/z"), a_project(2, "a/a")
    states = [
        some_items(a_key(2), a_key(1), a_webhook(4), a_webhook(3), project=second),
        Unreadable(a_project(3, "b/b"), "403"),
        some_items(project=first),
    ]

    actual = actual_from(states)

    assert [one.project for one in actual.projects] == [first, second]
    assert [found.id for found in actual.projects[1].keys] == [101, 102]
    assert [found.id for found in actual.projects[1].webhooks] == [203, 204]
    assert actual == actual_from(reversed(states))


def test_an_item_that_two_pages_show_is_there_once() -> None:
    (items,) = actual_from([some_items(a_key(1), a_webhook(1), a_key(1), a_webhook(1))]).projects

    assert (items.keys, items.webhooks) == ((a_key(1),), (a_webhook(1),))


def test_the_group_knows_each_key_once_and_on_how_many_projects_it_is() -> None:
    actual = some_actual(some_items(a_key(1)), some_items(a_key(1), a_key(2), project=a_project(2, "b/b")))

    assert actual.by_material == {a_public_key(1): a_key(1), a_public_key(2): a_key(2)}
    assert [actual.uses(a_public_key(number)) for number in (1, 2, 3)] == [2, 1, 0]


def test_each_unreadable_project_is_a_problem() -> None:
    actual = actual_from([Unreadable(a_project(2, "b/b"), "403 Forbidden"), some_items()])

    (problem,) = actual.problems
    assert (problem.severity, problem.code, problem.project) == ("error", "ProjectUnreadable", "b/b")
    assert problem.message.startswith("Its deploy keys and webhooks cannot be read: 403 Forbidden. The next run tries")


def test_one_cause_for_every_project_is_one_problem() -> None:
    projects = [a_project(number, f"t/{number}") for number in range(1, 6)]

    actual = actual_from(Unreadable(project, "403 Forbidden") for project in projects)

    (problem,) = actual.problems
    assert problem.project is None
    assert problem.message.startswith("None of the 5 projects can be read: 403 Forbidden.")


def test_two_causes_are_a_problem_for_each_project() -> None:
    states = [Unreadable(a_project(1, "a/a"), "403 Forbidden"), Unreadable(a_project(2, "b/b"), "a timeout")]

    assert [problem.project for problem in actual_from(states).problems] == ["a/a", "b/b"]


def test_the_only_project_is_named_where_it_is_unreadable() -> None:
    (problem,) = actual_from([Unreadable(a_project(), "403 Forbidden")]).problems

    assert problem.project == "tenants/shop"


def test_problems_of_the_reading_itself_are_kept() -> None:
    soon = Problem.of(Code.TOKEN_EXPIRES_SOON, "The token expires soon.")

    assert actual_from([], [soon]).problems == (soon,)


def test_acting_on_some_projects_leaves_the_others_and_their_problems_out_and_the_group_known() -> None:
    soon = Problem.of(Code.TOKEN_EXPIRES_SOON, "The token expires soon.")
    one, two = a_project(1, "a/a"), a_project(2, "b/b")
    states = [some_items(a_key(1), project=one), some_items(project=two)]
    unreadable = [Unreadable(a_project(3, "a/c"), "403"), Unreadable(a_project(4, "b/d"), "403")]

    part = actual_from([*states, *unreadable], [soon]).within(lambda path: path.startswith("b/"))

    assert [items.project for items in part.projects] == [two]
    assert [state.project.path for state in part.unreadable] == ["b/d"]
    assert [problem.project for problem in part.problems] == [None, "b/d"]
    assert part.by_material == {a_public_key(1): a_key(1)}

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cronjob.gitlab.items import key_from, project_from, webhook_from
from reconcile.actual import FoundKey, FoundWebhook
from reconcile.causes import Cause, CauseCode
from reconcile.errors import MalformedAnswer
from reconcile.events import FLAGS
from reconcile.marks import Owner
from reconcile.model import Project
from tests.worlds.builders import a_public_key, some_rules

RULES = some_rules()
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
    found = webhook_from(version, RULES)

    assert (found.id, found.url, found.tls, found.branch_filter) == (77, "https://flux.example.net/hook/0", True, "")
    assert found.flags == {flag: flag in {"push_events", "merge_requests_events"} for flag in FLAGS if flag in version}


def test_the_newest_version_has_all_flags_and_version_14_lacks_some() -> None:
    assert set(webhook_from(HOOK_19, RULES).flags) == set(FLAGS)
    assert "emoji_events" in webhook_from(HOOK_16, RULES).flags
    assert "emoji_events" not in webhook_from(OLD_HOOK, RULES).flags


def test_the_flag_that_is_no_parameter_is_never_read() -> None:
    assert "repository_update_events" not in webhook_from(HOOK_19, RULES).flags


def test_a_null_flag_is_a_false_one() -> None:
    assert webhook_from(OLD_HOOK, RULES).flags["confidential_note_events"] is False
    assert webhook_from({**OLD_HOOK, "confidential_note_events": True}, RULES).flags["confidential_note_events"] is True


def test_a_missing_description_is_not_a_null_one() -> None:
    before, since = webhook_from(HOOK_16, RULES), webhook_from(HOOK_17_1, RULES)

    assert (before.has_description, before.description) == (False, "")
    assert (since.has_description, since.description) == (True, "")
    assert webhook_from(HOOK_19, RULES).description == "flux-gitlab-syncer prod flux-config/shop"


def test_whether_a_token_is_there_is_unknown_before_19() -> None:
    assert webhook_from(HOOK_17_1, RULES).token_present is None
    assert webhook_from(HOOK_19, RULES).token_present is True
    assert webhook_from({**HOOK_19, "token_present": False}, RULES).token_present is False


def test_a_branch_filter_of_null_is_an_empty_one() -> None:
    assert webhook_from(HOOK_17_1, RULES).branch_filter == ""
    assert webhook_from({**HOOK_17_1, "push_events_branch_filter": "main"}, RULES).branch_filter == "main"


def test_the_strategy_is_none_where_the_version_has_none() -> None:
    assert webhook_from(HOOK_16, RULES).strategy is None
    assert webhook_from(HOOK_17_1, RULES).strategy == "wildcard"


def test_a_webhook_that_checks_no_certificate_is_read_so() -> None:
    assert webhook_from({**OLD_HOOK, "enable_ssl_verification": False}, RULES).tls is False
    assert webhook_from({**OLD_HOOK, "enable_ssl_verification": None}, RULES).tls is False
    assert webhook_from({"id": 1, "url": "u"}, RULES).tls is True


def test_a_webhook_of_version_14_is_never_disabled_and_later_ones_may_be() -> None:
    assert webhook_from(OLD_HOOK, RULES).alert_status == "executable"
    assert (
        webhook_from({**HOOK_15, "alert_status": "temporarily_disabled"}, RULES).alert_status == "temporarily_disabled"
    )


def test_a_key_is_known_by_its_material_without_the_comment() -> None:
    assert key_from(a_key_answer(), RULES, NOW) == FoundKey(9, "deploy bot", a_public_key(1), None, Owner.UNMARKED)
    commented = key_from(a_key_answer(key=f"{TEXT} someone else"), RULES, NOW)
    assert key_from(a_key_answer(key=TEXT), RULES, NOW) == commented


def test_a_key_of_a_fips_server_and_of_the_newest_version_reads_the_same() -> None:
    fips = {name: value for name, value in a_key_answer().items() if name != "fingerprint"}
    newest = {**a_key_answer(), "last_used_at": "2026-09-20T04:10:00.000Z", "usage_type": "auth_and_signing"}

    assert key_from(fips, RULES, NOW) == key_from(newest, RULES, NOW) == key_from(a_key_answer(), RULES, NOW)


def test_the_answer_of_enable_is_a_key_that_may_not_push() -> None:
    enabled = {name: value for name, value in a_key_answer().items() if name != "can_push"}

    assert key_from(enabled, RULES, NOW).can_push is False
    assert key_from(a_key_answer(can_push=True), RULES, NOW).can_push is True


@pytest.mark.parametrize("text", ["", "ssh-rsa", "ssh-rsa ***", "ssh-ed25519 ====", "ssh-ed25519 ü"])
def test_a_key_whose_text_is_no_public_key_is_not_understood_rather_than_nobodys(text: str) -> None:
    with pytest.raises(MalformedAnswer, match="the deploy key 9, titled `deploy bot`, is no public key") as error:
        key_from(a_key_answer(key=text), RULES, NOW)

    assert error.value.cause == Cause(CauseCode.KEY_UNREADABLE)


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
    assert key_from(a_key_answer(expires_at=expires), RULES, NOW).expired is expired


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
    assert key_from(a_key_answer(last_used_at=says), RULES, NOW).last_used == time
    assert key_from(a_key_answer(), RULES, NOW).last_used is None


def test_when_a_key_expires_is_known_whether_or_not_it_has() -> None:
    assert key_from(a_key_answer(expires_at="2027-01-31"), RULES, NOW).expires == datetime(2027, 1, 31, tzinfo=UTC)
    assert key_from(a_key_answer(expires_at=None), RULES, NOW).expires is None


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
        webhook_from({**HOOK_19, **change}, RULES)


@pytest.mark.parametrize("change", [{"description": 5}, {"alert_status": []}, {"branch_filter_strategy": False}])
def test_a_text_of_another_type_is_malformed(change: dict[str, object]) -> None:
    with pytest.raises(MalformedAnswer, match="is no text"):
        webhook_from({**HOOK_19, **change}, RULES)


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
        found = webhook_from(answer, RULES)
    except MalformedAnswer:
        return
    assert isinstance(found, FoundWebhook)
    assert all(isinstance(value, bool) for value in found.flags.values())


@given(twisted(a_key_answer()))
def test_a_key_is_read_or_malformed_and_nothing_else(answer: object) -> None:
    try:
        found = key_from(answer, RULES, NOW)
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

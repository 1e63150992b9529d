from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.causes import Cause, CauseCode
from reconcile.desired.receiver_tokens import webhook_path, with_token
from reconcile.desired.receivers import ReceiverRequest, receiver_requests_from
from reconcile.events import DEFAULT_FLAGS
from reconcile.model import Ref, Secret, SecretAnswer, SecretMissing, SecretUnreadable, shown_url
from reconcile.problems import Code, Severity
from reconcile.rules import is_hook_path
from tests.worlds.builders import NAMESPACE, RECEIVER_URL, a_token_secret, some_rules
from tests.worlds.objects import DISABLED, a_condition, a_path, a_receiver

DIGEST = "0123456789abcdef" * 4


def a_request(**fields: Any) -> ReceiverRequest:
    """One Receiver before its Secret is read."""
    (receiver,) = receiver_requests_from([a_receiver(**fields)])
    return receiver


def judged(answer: SecretAnswer | None = None, **fields: Any) -> ReceiverRequest:
    """One Receiver and what its Secret says; the token is right unless told otherwise."""
    return with_token(a_request(**fields), a_token_secret() if answer is None else answer, some_rules())


def codes(receiver: ReceiverRequest) -> list[str]:
    return [problem.code for problem in receiver.problems]


def message(receiver: ReceiverRequest) -> str:
    (problem,) = receiver.problems
    return problem.message


def waits(receiver: ReceiverRequest, code: Code) -> bool:
    """Whether nothing is made for it, what is there is kept, and that is all there is to say."""
    return (receiver.creates, receiver.held, codes(receiver)) == (False, code, [str(code)])


# the path


@pytest.mark.parametrize(
    ("token", "name", "namespace", "path"),
    [
        pytest.param(
            b"test-token",
            "receiver-secret",
            "my-namespace",
            "/hook/106120121d366c2f67e93200f6c1dbe938235eb588daa5e8c0516d3a77ac1dee",
            id="Flux's own golden file",
        ),
        pytest.param(
            b"test-token",
            "gcr-secret",
            "my-namespace",
            "/hook/6d6c55e9affb9d1e0d101ce604ae4270880ec1ff24d1bd2d928fcd64243d21a4",
            id="Flux's other golden file",
        ),
        pytest.param(b"", "r", "n", a_path(b"", "r", "n"), id="an empty token"),
        pytest.param(b"t\n", "r", "n", a_path(b"t\n", "r", "n"), id="nothing is trimmed"),
        pytest.param(b"\xff\x00", "r", "n", a_path(b"\xff\x00", "r", "n"), id="bytes that are no text"),
        pytest.param("ä✓".encode(), "r", "n", a_path("ä✓".encode(), "r", "n"), id="UTF-8"),
    ],
)
def test_the_path_is_the_digest_of_token_name_and_namespace(token: bytes, name: str, namespace: str, path: str) -> None:
    assert webhook_path(token, Ref("Receiver", namespace, name)) == path


@given(st.binary(max_size=40))
def test_the_path_is_made_from_bytes_and_always_has_its_form(token: bytes) -> None:
    path = webhook_path(token, Ref("Receiver", NAMESPACE, "app"))
    assert path == a_path(token)
    assert is_hook_path(path)


def test_the_path_has_no_separator_so_two_receivers_may_have_the_same() -> None:
    assert webhook_path(b"t", Ref("Receiver", "bc", "a")) == webhook_path(b"t", Ref("Receiver", "c", "ab"))


@pytest.mark.parametrize(
    ("status", "path"),
    [
        pytest.param({"webhookPath": a_path()}, a_path(), id="webhookPath"),
        pytest.param({"url": a_path()}, a_path(), id="url, before Flux 0.38"),
        pytest.param({"webhookPath": a_path(), "url": a_path(b"old")}, a_path(), id="webhookPath before url"),
        pytest.param({"webhookPath": "", "url": a_path()}, a_path(), id="an empty webhookPath"),
        pytest.param({"webhookPath": "/hook/short"}, None, id="another form"),
        pytest.param({}, None, id="none yet"),
    ],
)
def test_the_path_is_read_from_the_status(status: dict[str, Any], path: str | None) -> None:
    assert a_request(status=status).path == path


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (f"/hook/{DIGEST}", True),
        (f"/hook/{DIGEST.upper()}", False),
        (f"/hook/{DIGEST}0", False),
        (f"/hook/{DIGEST[1:]}", False),
        (f"/hook/{DIGEST}/", False),
        (f"/hook/{DIGEST}\n", False),
        (f"hook/{DIGEST}", False),
        (f"//hook/{DIGEST}", False),
    ],
)
def test_a_hook_path_is_64_lower_case_digits_and_nothing_after(path: str, *, expected: bool) -> None:
    assert is_hook_path(path) is expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        pytest.param(f"{RECEIVER_URL}/hook/{DIGEST}", True, id="ours"),
        pytest.param(f"https://old.example.com/flux/hook/{DIGEST}", True, id="a former one of ours"),
        pytest.param(f"https://other.example.com/hook/{DIGEST}", False, id="another cluster's, with the same path"),
        pytest.param(f"{RECEIVER_URL}/x/hook/{DIGEST}", False, id="something between"),
        pytest.param(f"{RECEIVER_URL}/hook/{DIGEST}?x", False, id="something after"),
        pytest.param(f"{RECEIVER_URL}.evil.org/hook/{DIGEST}", False, id="a longer host"),
        pytest.param(RECEIVER_URL, False, id="the base alone"),
    ],
)
def test_a_webhook_counts_by_its_whole_url(url: str, *, expected: bool) -> None:
    rules = some_rules(previous_receiver_urls=("https://old.example.com/flux",))
    assert rules.counts(url) is expected


def test_without_a_receiver_url_only_former_ones_count() -> None:
    rules = some_rules(receiver_url=None, previous_receiver_urls=("https://old.example.com",))
    assert rules.counts(f"https://old.example.com/hook/{DIGEST}")
    assert not rules.counts(f"{RECEIVER_URL}/hook/{DIGEST}")
    assert not rules.counts(f"/hook/{DIGEST}")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (f"{RECEIVER_URL}/hook/{DIGEST}", f"{RECEIVER_URL}/hook/01234567…"),
        ("https://user:pass@example.com/x", "https://…@example.com/x"),
        ("HTTPS://user:p@ss@example.com/x", "HTTPS://…@example.com/x"),
        ("https://example.com/x?token=secret", "https://example.com/x?…"),
        ("https://example.com/x#secret\nmore", "https://example.com/x?…"),
        ("https://example.com/a@b", "https://example.com/a@b"),
    ],
)
def test_a_url_is_shown_without_what_may_be_secret(url: str, shown: str) -> None:
    assert shown_url(url) == shown


# the Receiver


def test_a_receiver_in_order_listens_with_its_token() -> None:
    receiver = judged()
    assert (receiver.token, receiver.path, receiver.creates, receiver.held) == ("token", a_path(), True, None)
    assert (receiver.flags, receiver.problems) == (DEFAULT_FLAGS, ())


def test_the_token_is_in_no_repr() -> None:
    receiver = judged(a_token_secret(b"hunter2"), token=b"hunter2")
    assert receiver.token == "hunter2"
    assert "hunter2" not in repr(receiver) + repr(a_token_secret(b"hunter2"))


def test_a_receiver_that_is_being_deleted_counts_as_gone() -> None:
    items = [a_receiver("old", deleting=True), a_receiver("new")]
    assert [receiver.ref.name for receiver in receiver_requests_from(items)] == ["new"]


@pytest.mark.parametrize("kind", ["gitlab", "generic"])
def test_gitlab_can_feed_these_types(kind: str) -> None:
    assert judged(type=kind).creates


@pytest.mark.parametrize("kind", ["generic-hmac", "generic-oidc", "github", "bitbucket", "harbor", "GitLab", ""])
def test_gitlab_can_feed_no_other_type(kind: str) -> None:
    receiver = a_request(type=kind, suspend=True, status={})
    assert (receiver.supported, receiver.creates, receiver.held, receiver.problems) == (False, False, None, ())


def test_a_receiver_without_spec_and_status_is_no_crash() -> None:
    item = a_receiver()
    item["spec"] = item["status"] = None
    (receiver,) = receiver_requests_from([item])
    assert (receiver.supported, receiver.path, receiver.secret) == (False, None, None)


# switched off


def test_a_suspended_receiver_keeps_what_it_has() -> None:
    receiver = a_request(suspend=True)
    assert waits(receiver, Code.SUSPENDED)
    assert receiver.problems[0].severity is Severity.NOTICE
    assert f"`flux resume receiver app -n {NAMESPACE}`" in message(receiver)


def test_a_receiver_that_was_resumed_listens() -> None:
    assert judged(suspend=False).creates


@pytest.mark.parametrize("kind", ["gitlab", "generic", "github"])
def test_a_disabled_receiver_keeps_what_it_has_whatever_its_type_is_now(kind: str) -> None:
    receiver = a_request(annotations=DISABLED, type=kind, suspend=True, events=["nonsense"])
    assert waits(receiver, Code.DISABLED)
    assert "left alone until it is removed" in message(receiver)


# events


@pytest.mark.parametrize(
    ("kind", "events", "flags"),
    [
        pytest.param("gitlab", None, DEFAULT_FLAGS, id="none"),
        pytest.param("gitlab", [], DEFAULT_FLAGS, id="an empty list"),
        pytest.param("gitlab", ["Push Hook"], frozenset({"push_events"}), id="one"),
        pytest.param("gitlab", ["note hook", "JOB HOOK"], frozenset({"note_events", "job_events"}), id="any case"),
        pytest.param("generic", ["Note Hook"], DEFAULT_FLAGS, id="type generic, where Flux ignores them"),
        pytest.param("generic", ["nonsense"], DEFAULT_FLAGS, id="type generic, where nothing is unknown"),
    ],
)
def test_the_flags_are_those_of_the_events(kind: str, events: list[str] | None, flags: frozenset[str]) -> None:
    receiver = judged(type=kind, events=events)
    assert (receiver.flags, receiver.creates, receiver.problems) == (flags, True, ())


def test_an_unknown_event_among_others_is_a_warning() -> None:
    receiver = judged(events=["push", "Tag Push Hook"])
    assert (receiver.flags, receiver.creates, receiver.held) == (frozenset({"tag_push_events"}), True, None)
    assert (codes(receiver), receiver.problems[0].severity) == (["UnknownEvent"], Severity.WARNING)
    assert "'push'" in message(receiver)
    assert "write `Push Hook`, or remove it" in message(receiver)


def test_an_event_that_is_like_none_of_gitlabs_gets_an_example() -> None:
    assert "write it as in `Push Hook`, or remove it" in message(judged(events=["ping", "Push Hook"]))


def test_a_receiver_with_unknown_events_only_keeps_its_webhook_as_it_is() -> None:
    receiver = judged(events=["push", "tag_push"])
    assert waits(receiver, Code.UNKNOWN_EVENT)
    assert receiver.problems[0].severity is Severity.ERROR
    assert "'push', 'tag_push'" in message(receiver)
    assert "write `Push Hook`, `Tag Push Hook`, or remove it" in message(receiver)
    assert "its webhook stays as it is" in message(receiver)


# the token


@pytest.mark.parametrize(
    ("answer", "code", "says"),
    [
        pytest.param(
            SecretMissing(), Code.SECRET_NOT_FOUND, "does not exist; create it with the key `token`", id="gone"
        ),
        pytest.param(Secret(), Code.SECRET_NOT_FOUND, "has no key `token`; add it", id="without the key"),
        pytest.param(
            SecretUnreadable("500 Internal Server Error", Cause(CauseCode.SERVER_ERROR)),
            Code.SECRET_UNREADABLE,
            "cannot be read: 500 Internal Server Error. The next run tries again",
            id="unreadable",
        ),
        pytest.param(a_token_secret(b""), Code.EMPTY_TOKEN, "Store a token if GitLab should call it", id="empty"),
    ],
)
def test_a_secret_without_a_token_lets_the_webhook_wait(answer: SecretAnswer, code: Code, says: str) -> None:
    receiver = judged(answer)
    assert waits(receiver, code)
    assert f"Secret/{NAMESPACE}/app-token" in message(receiver)
    assert says in message(receiver)
    assert receiver.token is None


def test_a_receiver_that_names_no_secret_is_told_so() -> None:
    receiver = with_token(a_request(secret=None), None, some_rules())
    assert waits(receiver, Code.SECRET_NOT_FOUND)
    assert "Flux needs one with the key `token`" in message(receiver)


UNUSABLE = [
    pytest.param(b"\xff\xfe", id="not UTF-8"),
    pytest.param(b"token\n", id="a line break at the end, as `echo` leaves it"),
    pytest.param(b"to\nken", id="a line break"),
    pytest.param(b"to\rken", id="a carriage return"),
    pytest.param(b"to\x00ken", id="a null character"),
    pytest.param(b"to\tken", id="a tab"),
    pytest.param(b"to\x7fken", id="a delete character"),
    pytest.param(b" token", id="a leading blank"),
    pytest.param(b"token ", id="a trailing blank"),
    pytest.param(b"   ", id="nothing but blanks"),
    pytest.param("token\u00a0".encode(), id="a blank that does not break lines"),
]


@pytest.mark.parametrize("token", UNUSABLE)
def test_a_token_that_no_header_can_carry_is_unusable(token: bytes) -> None:
    receiver = judged(a_token_secret(token), token=token)
    assert waits(receiver, Code.TOKEN_UNUSABLE)
    assert receiver.problems[0].severity is Severity.ERROR
    assert "Store it without (`echo -n`, or `printf %s`)" in message(receiver)
    assert receiver.token is None


@pytest.mark.parametrize("text", ["token", "two words", "pä$$-wörd ✓", "0" * 64, "x"])
def test_any_other_token_is_sent_as_it_is(text: str) -> None:
    assert judged(a_token_secret(text.encode()), token=text.encode()).token == text


@given(st.binary(min_size=1, max_size=30))
def test_whatever_the_token_it_is_sent_unchanged_or_not_at_all(token: bytes) -> None:
    receiver = judged(a_token_secret(token), token=token)
    if receiver.token is None:
        assert waits(receiver, Code.TOKEN_UNUSABLE)
    else:
        assert receiver.token.encode() == token
        assert receiver.token == receiver.token.strip() != ""


# readiness


@pytest.mark.parametrize(
    ("status", "says"),
    [
        pytest.param({}, "status.webhookPath is not there yet", id="no path yet"),
        pytest.param({"observedGeneration": -1}, "status.webhookPath is not there yet", id="new"),
        pytest.param(
            {"webhookPath": a_path(), "conditions": [a_condition("False", message="unable to read token.")]},
            "not ready: unable to read token; see",
            id="not ready, with a message",
        ),
        pytest.param(
            {"webhookPath": a_path(), "conditions": [a_condition("False", reason="InvalidCELExpression")]},
            "not ready: InvalidCELExpression; see",
            id="not ready, with a reason",
        ),
        pytest.param(
            {"webhookPath": a_path(), "conditions": [a_condition("Unknown")]},
            "not ready: it gives no reason; see",
            id="not known to be ready",
        ),
        pytest.param(
            {"webhookPath": a_path(), "observedGeneration": 0, "conditions": [a_condition()]},
            "has not seen its newest spec yet",
            id="ready for an older spec",
        ),
    ],
)
def test_a_receiver_that_flux_has_not_made_ready_lets_its_webhook_wait(status: dict[str, Any], says: str) -> None:
    receiver = judged(status=status)
    assert waits(receiver, Code.RECEIVER_NOT_READY)
    assert receiver.problems[0].severity is Severity.WARNING
    assert says in message(receiver)
    assert f"`kubectl describe receiver app -n {NAMESPACE}`" in message(receiver)


@pytest.mark.parametrize(
    "status",
    [
        pytest.param({"webhookPath": a_path()}, id="without conditions and generation"),
        pytest.param({"url": a_path(), "conditions": [a_condition()]}, id="as before Flux 0.38"),
        pytest.param({"webhookPath": a_path(), "observedGeneration": 1, "conditions": [a_condition()]}, id="ready"),
        pytest.param(
            {"webhookPath": a_path(), "conditions": [{"type": "Reconciling", "status": "False"}, a_condition()]},
            id="with other conditions",
        ),
    ],
)
def test_a_receiver_with_a_path_and_nothing_against_it_listens(status: dict[str, Any]) -> None:
    assert judged(status=status).creates


def test_what_flux_says_is_quoted_on_one_line_shortened_and_without_the_digest() -> None:
    said = f"line one\nof /hook/{DIGEST} " + "and more " * 100
    receiver = judged(status={"webhookPath": a_path(), "conditions": [a_condition("False", message=said)]})
    assert "line one of /hook/01234567… and more" in message(receiver)
    assert "\n" not in message(receiver)
    assert len(message(receiver)) < 400


def test_a_token_newer_than_the_path_is_a_rotation_in_flight() -> None:
    receiver = judged(a_token_secret(b"new"), token=b"old")
    assert waits(receiver, Code.ROTATION_IN_FLIGHT)
    assert receiver.problems[0].severity is Severity.WARNING
    assert f"`flux reconcile receiver app -n {NAMESPACE}`" in message(receiver)
    assert (receiver.token, receiver.path) == (None, a_path(b"old"))


NOT_READY = {"conditions": [a_condition("False", reason="TokenNotFound")]}


@pytest.mark.parametrize(
    ("answer", "fields", "code"),
    [
        pytest.param(SecretMissing(), {"status": NOT_READY}, Code.SECRET_NOT_FOUND, id="a missing Secret"),
        pytest.param(Secret(), {"status": NOT_READY}, Code.SECRET_NOT_FOUND, id="a missing token"),
        pytest.param(SecretUnreadable("403"), {"status": NOT_READY}, Code.SECRET_UNREADABLE, id="an unreadable Secret"),
        pytest.param(a_token_secret(b""), {"token": b"old"}, Code.EMPTY_TOKEN, id="an empty token"),
        pytest.param(a_token_secret(b"new\n"), {"token": b"old"}, Code.TOKEN_UNUSABLE, id="an unusable token"),
        pytest.param(a_token_secret(b"new"), {"status": NOT_READY}, Code.RECEIVER_NOT_READY, id="not ready"),
    ],
)
def test_one_cause_is_reported_once(answer: SecretAnswer, fields: dict[str, Any], code: Code) -> None:
    assert waits(judged(answer, **fields), code)


def test_different_causes_are_all_reported_and_the_first_one_holds() -> None:
    receiver = judged(SecretMissing(), events=["push"])
    assert codes(receiver) == ["UnknownEvent", "SecretNotFound"]
    assert receiver.held is Code.UNKNOWN_EVENT


# filing


def test_problems_are_filed_under_the_project_if_there_is_only_one() -> None:
    receiver = judged(SecretMissing())
    assert [problem.project for problem in receiver.concerning(["tenants/app"]).problems] == ["tenants/app"]
    assert receiver.concerning(["tenants/app", "tenants/web"]) == receiver
    assert receiver.concerning([]) == receiver


def test_a_listener_while_webhooks_are_off_wants_nothing_and_says_nothing() -> None:
    silent = judged(SecretMissing()).switched_off()
    assert (silent.creates, silent.held, silent.problems) == (False, None, ())
    assert replace(silent, creates=True, token="token") == judged()

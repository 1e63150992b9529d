from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.model import Kind, Project, PublicKey, Ref, Secret, shown_foreign_url, shown_url
from tests.worlds.builders import a_public_key, a_url, repository_ref

MATERIAL = "AAAAC3NzaC1lZDI1NTE5AAAAIImIrwV2uvJO9fJd6SGcHclJXgaz5VsdYpP5VClloXzq"


def test_a_kind_has_a_plural_for_sentences() -> None:
    assert [kind.plural for kind in Kind] == ["deploy keys", "webhooks"]


def test_an_object_is_written_as_reports_name_it() -> None:
    assert str(repository_ref("shop", "flux-config")) == "GitRepository/flux-config/shop"


def test_objects_and_projects_sort_by_their_parts() -> None:
    assert sorted([Ref("B", "a", "a"), Ref("A", "b", "a"), Ref("A", "a", "b")])[0] == Ref("A", "a", "b")
    assert sorted([Project(2, "a"), Project(1, "b")]) == [Project(1, "b"), Project(2, "a")]


def test_a_public_key_is_its_algorithm_and_material() -> None:
    key = PublicKey.parse(f"  ssh-ed25519   {MATERIAL} two words\n")

    assert key == PublicKey("ssh-ed25519", MATERIAL)
    assert key.text == f"ssh-ed25519 {MATERIAL}"


def test_the_fingerprint_is_the_one_that_gitlab_shows() -> None:
    key = PublicKey.parse(f"ssh-ed25519 {MATERIAL}")

    assert key.fingerprint == "SHA256:ULmKpSFs3IF9BXdFKu+GvA6OZhbc+5cuAVV550KyQ+U"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not a public key in OpenSSH's format"),
        ("ssh-ed25519", "not a public key in OpenSSH's format"),
        ("ssh-ed25519 !!!!", "is not base64"),
        ("ssh-ed25519 AAA", "is not base64"),
        ("ssh-ed25519 =", "is not base64|is empty"),
    ],
)
def test_what_is_no_public_key_says_why(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        PublicKey.parse(text)


@given(st.text(max_size=80))
def test_any_text_is_a_public_key_or_a_value_error(text: str) -> None:
    try:
        key = PublicKey.parse(text)
    except ValueError:
        return
    assert key.fingerprint.startswith("SHA256:")


@given(st.text("ssh-ed25519 AAAA=+/", max_size=40).map("ssh-rsa ".__add__))
def test_whatever_parses_has_a_fingerprint_and_parses_again(text: str) -> None:
    try:
        key = PublicKey.parse(text)
    except ValueError:
        return
    assert PublicKey.parse(key.text) == key
    assert key.fingerprint


def test_a_token_is_never_shown() -> None:
    assert "hush" not in repr(Secret(token=b"hush", public_key=a_public_key()))


def test_a_receivers_digest_is_cut_to_eight_characters() -> None:
    digest = a_url().rpartition("/")[2]

    assert shown_url(a_url()) == f"https://flux.example.net/hook/{digest[:8]}…"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:word@chat.example.net/x", "https://…@chat.example.net/x"),
        ("https://chat.example.net/x?token=hush", "https://chat.example.net/x?…"),
        ("https://chat.example.net/x#hush", "https://chat.example.net/x?…"),
        ("https://chat.example.net/x", "https://chat.example.net/x"),
    ],
)
def test_what_may_be_secret_in_a_url_is_left_out(url: str, shown: str) -> None:
    assert shown_url(url) == shown


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://hooks.example.com/services/T0/B0/SECRET", "https://hooks.example.com/services…"),
        ("https://ci.example.org/gitlab", "https://ci.example.org/gitlab"),
        ("https://u:p@ci.example.org/gitlab-hooks?token=x", "https://…@ci.example.org/gitlab-h…?…"),
        (f"https://flux.example.net/hook/{'a' * 64}", "https://flux.example.net/hook/aaaaaaaa…"),
    ],
)
def test_anothers_webhook_url_is_cut_after_eight_characters_of_its_path(url: str, shown: str) -> None:
    assert shown_foreign_url(url) == shown

"""Credentials that no webhook may carry: found in every spelling, and nothing else is taken for one."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.credentials import GITLAB_PREFIXES, OwnToken, credential_in

OWN = "Secret-Own_Token.of+this/Job"
NO_TOKEN = OwnToken()


def encoded(data: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(data).encode()).decode().rstrip("=")


def percent_encoded(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode())


SPELLINGS = {
    "as it is": OWN,
    "with a line break": f"{OWN}\n",
    "with text around": f"user:{OWN}@host",
    "in upper case": OWN.upper(),
    "in lower case": OWN.lower(),
    "in base64": base64.b64encode(OWN.encode()).decode(),
    "in base64 of an URL": base64.urlsafe_b64encode(OWN.encode()).decode(),
    "in base64 without padding": base64.b64encode(OWN.encode()).decode().rstrip("="),
    "in base64 with a user": base64.b64encode(f"oauth2:{OWN}".encode()).decode(),
    "in base64 behind a word": "Basic " + base64.b64encode(f"u:{OWN}".encode()).decode(),
    "in base64 behind one letter": "x" + base64.b64encode(OWN.encode()).decode(),
    "in base64 behind three letters": "abc" + base64.b64encode(OWN.encode()).decode(),
    "percent-encoded where needed": quote(OWN, safe=""),
    "percent-encoded whole": percent_encoded(OWN),
    "percent-encoded in upper case": percent_encoded(OWN).upper(),
}


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS.keys())
@pytest.mark.parametrize("own", [OWN, f" {OWN}\n"], ids=["stripped", "as a file has it"])
def test_our_own_token_is_found_in_every_spelling(spelling: str, own: str) -> None:
    assert credential_in(spelling.encode(), OwnToken(own)) == "it holds this job's own GitLab token"
    assert credential_in(spelling.encode(), NO_TOKEN) is None


def test_our_own_token_is_in_no_repr() -> None:
    assert OWN not in repr(OwnToken(OWN))
    assert OWN not in str(credential_in(OWN.encode(), OwnToken(OWN)))


@given(own=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8), around=st.binary(max_size=20))
def test_whatever_the_token_is_it_is_found_in_base64_with_anything_around(own: str, around: bytes) -> None:
    text = base64.b64encode(around + own.encode() + around)
    assert OwnToken(own).is_in(text)


@pytest.mark.parametrize("prefix", GITLAB_PREFIXES)
@pytest.mark.parametrize("form", ["{}rest-0123456789", "  {}rest", "Bearer {}rest"])
def test_what_begins_like_a_credential_of_gitlab_is_one(prefix: str, form: str) -> None:
    for text in (form.format(prefix), form.format(prefix.upper())):
        assert credential_in(text.encode(), NO_TOKEN) == f"it begins like a credential of GitLab (`{prefix}`)"


def test_one_in_base64_or_percent_encoded_is_one_too() -> None:
    assert credential_in(base64.b64encode(b"glpat-0123456789abcdef"), NO_TOKEN)
    assert credential_in(b"glpat%2D0123456789abcdef", NO_TOKEN)


@pytest.mark.parametrize("header", [{"alg": "RS256", "kid": "x"}, {"typ": "JWT", "alg": "none"}])
def test_a_json_web_token_is_one(header: object) -> None:
    token = f"{encoded(header)}.{encoded({'sub': 'system:serviceaccount:a:b'})}.c2lnbmF0dXJl"
    for text in (token, f"{token}\n", f"Bearer {token}", f"{encoded(header)}.{encoded({})}."):
        assert credential_in(text.encode(), NO_TOKEN) == (
            "it is a JSON web token, which is a credential of something else"
        )


@pytest.mark.parametrize(
    "token",
    [
        "token",
        "a.b.c",
        "www.example.org",
        f"{encoded({'typ': 'x'})}.{encoded({})}.x",
        f"{encoded(['alg'])}.{encoded({})}.x",
        f"{encoded({'alg': 'x'})}.{encoded({})}",
        "not-glpat-0123456789",
        "glpa-0123456789abcdef",
        "%zz%",
        "",
        "0" * 40,
        "[" * 5000,
        base64.b64encode(b"[" * 200_000).decode() + ".e30.x",
    ],
)
def test_nothing_else_is_taken_for_one(token: str) -> None:
    assert credential_in(token.encode(), OwnToken(OWN)) is None


@given(st.binary(max_size=300))
def test_no_bytes_are_too_odd_to_be_looked_at(candidate: bytes) -> None:
    credential_in(candidate, OwnToken(OWN))

"""
Credentials that no webhook may carry: this job's own GitLab token, tokens that GitLab issues, and JSON web tokens.

Whoever writes a Receiver chooses the Secret that its token comes from, and may name one that they cannot read. The
token would be stored at GitLab and sent with each push.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

# docs.gitlab.com/security/tokens, "Token prefixes"; the last one is that of old registration tokens of runners.
GITLAB_PREFIXES = (
    "glpat-",
    "glrt-",
    "glrtr-",
    "gldt-",
    "glsoat-",
    "glcbt-",
    "glptt-",
    "glft-",
    "glimt-",
    "glagent-",
    "gloas-",
    "glwt-",
    "glffct-",
    "gr1348941",
)
# Shorter runs cannot hold a credential.
_BASE64_RUN = re.compile(rb"[A-Za-z0-9+/_-]{8,}")
_JSON_WEB_TOKEN = re.compile(rb"([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class OwnToken:
    """This job's own GitLab token, kept only to be searched for; it is in no repr."""

    _text: str = field(default="", repr=False)

    def is_in(self, candidate: bytes) -> bool:
        """Return whether *candidate* holds the token: as it is, or in base64 or percent-encoded; without case."""
        token = self._text.strip().lower().encode()
        return bool(token) and any(token in spelling for spelling in _spellings(candidate))


def credential_in(candidate: bytes, own: OwnToken) -> str | None:
    """Return what credential *candidate* is or holds, as a clause without any part of it, or None."""
    if own.is_in(candidate):
        return "it holds this job's own GitLab token"
    for spelling in _spellings(candidate):
        for word in spelling.split():
            prefix = next((known for known in GITLAB_PREFIXES if word.startswith(known.encode())), None)
            if prefix:
                return f"it begins like a credential of GitLab (`{prefix}`)"
    if any(map(_is_json_web_token, candidate.split())):
        return "it is a JSON web token, which is a credential of something else"
    return None


def _spellings(candidate: bytes) -> Iterator[bytes]:
    """Yield the candidate in lower case, as it is and decoded once."""
    yield candidate.strip().lower()
    if b"%" in candidate:
        yield unquote_to_bytes(candidate).strip().lower()
    for run in _BASE64_RUN.findall(candidate):
        # What stands before the encoded part may be of the same alphabet.
        yield from (_decoded(run[start:]).lower() for start in range(4))


def _decoded(run: bytes) -> bytes:
    """Decode base64 of either alphabet, without its padding and without an incomplete end."""
    plain = run.translate(bytes.maketrans(b"-_", b"+/"))
    whole = plain[: len(plain) - 1] if len(plain) % 4 == 1 else plain
    return base64.b64decode(whole + b"=" * (-len(whole) % 4))


def _is_json_web_token(word: bytes) -> bool:
    """Return whether it is three parts of base64url of which the first is a JSON object with `alg` (RFC 7515)."""
    match = _JSON_WEB_TOKEN.fullmatch(word)
    if not match:
        return False
    try:
        header = json.loads(_decoded(match[1]))
    except (ValueError, RecursionError):
        return False
    return isinstance(header, dict) and "alg" in header

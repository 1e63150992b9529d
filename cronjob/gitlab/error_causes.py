"""What GitLab says about a request, as one clause, without the secrets that it, or something before it, echoes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

_SHOWN = 200
# A slash as it is, or as URLs, JSON and HTML write it.
_SLASH = r"(?:\\*/|%(?:25)*2f|\\+u002f|&#x2f;|&#47;)"
# A receiver's digest may be its only secret; eight characters of it are shown.
_DIGEST = re.compile(rf"({_SLASH}hook{_SLASH}[0-9a-f]{{8}})[0-9a-f]+", re.IGNORECASE)


def reason(status: int, content: bytes, secrets: Iterable[str]) -> str:
    """One clause: the status and what GitLab says, from any of its envelopes, plain text or HTML."""
    try:
        said = _said(json.loads(content))
    except (ValueError, RecursionError):
        said = _plain(content)
    # Nothing is cut before the secrets are: the half of one would not be found.
    said = re.sub(r"\s+", " ", redacted(said, secrets)).strip()[:_SHOWN]
    number = str(status)
    return f"GitLab answered {said if said.startswith(number) else f'{number} {said}'}".strip()


def redacted(text: str, secrets: Iterable[str]) -> str:
    """The text with `…` for every secret, however it is written, and with digests cut."""
    spellings = {spelling for secret in secrets for spelling in _spellings(secret)}
    for spelling in sorted(filter(None, spellings), key=len, reverse=True):
        text = text.replace(spelling, "…")
    return _DIGEST.sub(r"\1…", text)


def _spellings(secret: str) -> set[str]:
    # Half a megabyte, for those runs that are told no.
    import html

    plain = {secret, secret.strip()}
    return plain | {
        spelling
        for each in plain
        for spelling in (
            quote(each),
            quote(each, safe=""),
            quote_plus(each),
            html.escape(each),
            json.dumps(each)[1:-1],
            json.dumps(each, ensure_ascii=False)[1:-1],
            repr(each)[1:-1],
        )
    }


def _plain(content: bytes) -> str:
    """A text; of a page, or of JSON that is cut off, nothing is worth showing."""
    text = content.decode(errors="replace").lstrip()
    return "" if text.startswith(("<", "{", "[")) else text


def _said(body: object) -> str:
    if not isinstance(body, dict):
        return ""
    said = body.get("error_description") or body.get("message") or body.get("error") or ""
    if isinstance(said, dict):
        said = "; ".join(f"{name} {_flat(value)}" for name, value in said.items())
    needed = f" (scope {body['scope']})" if "scope" in body else ""
    return _flat(said) + needed


def _flat(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)

"""GitLab's error answers as one clause for people, without the secrets that they echo."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

from cronjob.transport.answer import Answer
from reconcile.model import shown_url, without_digests

_SHOWN = 200


def reason(answer: Answer, secrets: Iterable[str]) -> str:
    """One clause: the status and what GitLab says, from any of its envelopes or plain text; where a redirect leads."""
    try:
        text = _text(json.loads(answer.body))
    except (ValueError, RecursionError):
        text = _plain_text(answer.body)
    number, location = str(answer.status), answer.headers.get("Location")
    if location:
        text = f"{number}, a redirect to {shown_url(location)}"
    # Nothing is cut before the secrets are: the half of one would not be found.
    text = re.sub(r"\s+", " ", redacted(text, secrets)).strip()[:_SHOWN]
    return f"{who_answered(answer.body)} answered {text if text.startswith(number) else f'{number} {text}'}".strip()


def who_answered(content: bytes) -> str:
    """The subject of a clause about an answer: GitLab's API never answers with a page."""
    return "something in front of GitLab" if content.lstrip().startswith(b"<") else "GitLab"


def redacted(text: str, secrets: Iterable[str]) -> str:
    """The text with `…` for every secret, however it is written, and with digests cut."""
    spellings = {spelling for secret in secrets for spelling in _spellings(secret)}
    for spelling in sorted(filter(None, spellings), key=len, reverse=True):
        text = text.replace(spelling, "…")
    return without_digests(text)


def _spellings(secret: str) -> set[str]:
    # Half a megabyte, for those runs that are refused something.
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


def _plain_text(content: bytes) -> str:
    """A text as it is; of a page, or of JSON that is cut off, nothing is worth showing."""
    text = content.decode(errors="replace").lstrip()
    return "" if text.startswith(("<", "{", "[")) else text


def _text(body: object) -> str:
    if not isinstance(body, dict):
        return ""
    text = body.get("error_description") or body.get("message") or body.get("error") or ""
    if isinstance(text, dict):
        text = "; ".join(f"{name} {_flat(value)}" for name, value in text.items())
    needed = f" (scope {body['scope']})" if "scope" in body else ""
    return _flat(text) + needed


def _flat(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)

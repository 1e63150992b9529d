"""Read the status that Flux's controllers write into their objects, and quote their messages safely."""

from __future__ import annotations

import re
from collections.abc import Mapping
from textwrap import shorten
from typing import Any

from reconcile.chain.flux_messages import MessageCause
from reconcile.model import without_digests

# A password or token in a URL; the user of ssh://git@ is no secret.
_CREDENTIALS = re.compile(r"(https?://)[^/\s@]*@|(ssh://[^/\s@:]*:)[^/\s@]*@", re.IGNORECASE)
_LONGEST = 400


def quoted(text: str) -> str:
    """Return what a controller has written, without digests and credentials, at most 400 characters of it."""
    plain = _CREDENTIALS.sub(lambda found: f"{found[1] or found[2]}…@", without_digests(text))
    return shorten(plain, _LONGEST, placeholder="…").rstrip(".")


def text_of(value: object) -> str:
    """Return a field that no run reads, as text; an empty one where it is none."""
    return value if isinstance(value, str) else ""


def condition(item: Mapping[str, Any], kind: str = "Ready") -> Mapping[str, Any]:
    """Return the object's condition of that type; an empty one where it has none."""
    conditions = (item.get("status") or {}).get("conditions") or ()
    return next((found for found in conditions if found.get("type") == kind), {})


def not_ready(ready: Mapping[str, Any], reasons: Mapping[str, str], cause: MessageCause | None) -> str:
    """
    Say why an object is not Ready: Flux's reason, what its message means, what to do, and the message itself.

    Where the message's *cause* is not known, the meaning is that of the reason by *reasons*.
    """
    reason, message = text_of(ready.get("reason")), quoted(text_of(ready.get("message")))
    meaning = cause.meaning if cause else reasons.get(reason)
    sentence = f"Not Ready, {reason or 'without a reason'}{f': {meaning}' if meaning else ''}."
    next_step = f" {cause.next_step}" if cause else ""
    return f"{sentence}{next_step}{f' Flux says: {message}.' if message else ''}"

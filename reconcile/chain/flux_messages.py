"""Read the messages of Flux's controllers: which kind of failure a message is about, and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto

# A project or an object may be called like a failure.
_URL = re.compile(r"\b[a-z]+://[^\s'\"]+", re.IGNORECASE)


class Cure(Enum):
    """What fixes a failure, beside its next step in words."""

    CHANGE = auto()
    # Reconciling again may succeed without any change.
    RETRY = auto()
    # GitLab has to accept the key; where that is on the project already, reconciling again is enough.
    KEY = auto()


@dataclass(frozen=True, slots=True)
class MessageCause:
    """One kind of failure: *pattern* finds it in Flux's message; *meaning* and *next_step* are for people."""

    pattern: str
    meaning: str
    next_step: str
    cure: Cure = Cure.CHANGE


def cause_of(message: str, causes: Iterable[MessageCause]) -> MessageCause | None:
    """Return the first of *causes* that the message, without the URLs in it, is about; None where there is none."""
    text = _URL.sub("", message)
    return next((cause for cause in causes if re.search(cause.pattern, text, re.IGNORECASE)), None)

"""Errors of requests to GitLab. Each carries its cause as data; the sentence for people is made from it."""

from __future__ import annotations

from cronjob.gitlab.error_causes import error_body
from cronjob.transport.answer import Answer
from reconcile.causes import UNKNOWN, Cause
from reconcile.errors import SyncerError


class Refused(SyncerError):
    """GitLab answered with another status than hoped for; *body* is what it said, *location* a redirect's target."""

    cause: Cause

    def __init__(self, text: str, answer: Answer, cause: Cause) -> None:
        super().__init__(text, cause=cause)
        self.status = answer.status
        self.body = error_body(answer)
        self.location = answer.headers.get("Location", "")


class NoAnswer(SyncerError):
    """No usable answer came: a write may or may not have been done."""

    cause: Cause = UNKNOWN


class Cancelled(NoAnswer):
    """The run was stopped while a GET waited for its turn."""


class GatewayTimeout(NoAnswer):
    """GitLab did not answer in time, and may still be working on it."""


class UnconfirmedDelete(NoAnswer):
    """A DELETE was answered, but not as GitLab does: something before it may have done that."""

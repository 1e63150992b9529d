"""
Errors, split by who must act. Each carries its cause as a value up to the report.

    SyncerError
      ReadError       a source could not be read whole: nothing is decided, nothing is written
      SettingsError   the operator asked for something that cannot be done: exit code 2
      WriteFailed     one change did not work: it is recorded, the others go on
        NotTried      nothing was sent to make it: NotReached, DeleteHeld, DeleteContradicted
      MalformedAnswer one answer has a shape we do not understand: its project is unreadable
"""

from __future__ import annotations

from reconcile.causes import MALFORMED, Cause

# The code of a ReadError: another run is at work.
LEASE_HELD = "LeaseHeld"


class SyncerError(Exception):
    """Base of everything this program raises on purpose; its text is one sentence for the operator."""

    cause: Cause | None = None

    def __init__(self, message: str, *, cause: Cause | None = None) -> None:
        super().__init__(message)
        if cause:
            self.cause = cause


class ReadError(SyncerError):
    """A source could not be read whole. *code* names the problem in the report."""

    def __init__(self, message: str, *, code: str = "SourceUnreadable", cause: Cause | None = None) -> None:
        super().__init__(message, cause=cause)
        self.code = code


class SettingsError(SyncerError):
    """The settings contradict each other or the world; the text says what to change."""


class WriteFailed(SyncerError):
    """A change was not made; the text says what the server answered."""


class NotTried(WriteFailed):
    """A change was not tried: nothing was sent to make it."""


class NotReached(NotTried):
    """The run was stopped before the change was begun."""


class DeleteHeld(NotTried):
    """An item could not be read again right before its removal, so it stays."""


class DeleteContradicted(NotTried):
    """An item is no longer what was to be removed, so it stays. That is no failure."""


class MalformedAnswer(SyncerError):
    """A server's answer lacks a field or has one of the wrong type."""

    cause: Cause = MALFORMED

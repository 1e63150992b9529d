"""
What can go wrong, split by who must act.

    SyncerError
      ReadError       a source could not be read whole: nothing is decided, nothing is written
      SettingsError   the operator asked for something that cannot be done: exit code 2
      WriteFailed     one change did not work: it is recorded, the others go on
      MalformedAnswer one answer has a shape we do not understand: its project is unreadable
"""

from __future__ import annotations

# The code of a ReadError: another run is at work.
LEASE_HELD = "LeaseHeld"


class SyncerError(Exception):
    """Base of everything this program raises on purpose; its text is one sentence for the operator."""


class ReadError(SyncerError):
    """A source could not be read whole. *code* names the cause in the report."""

    def __init__(self, message: str, *, code: str = "SourceUnreadable") -> None:
        super().__init__(message)
        self.code = code


class SettingsError(SyncerError):
    """The settings contradict each other or the world; the text says what to change."""


class WriteFailed(SyncerError):
    """A change was not made; the text says what the server answered."""


class MalformedAnswer(SyncerError):
    """A server's answer lacks a field or has one of the wrong type."""

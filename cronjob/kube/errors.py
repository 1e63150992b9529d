"""Errors of requests to the API server. Each carries its cause as data; the sentence for people is made from it."""

from __future__ import annotations

from urllib3 import exceptions as urllib3_errors

from cronjob.transport import failures
from cronjob.transport.answer import Answer
from reconcile.causes import UNKNOWN, Cause, CauseCode
from reconcile.errors import ReadError, SyncerError

TLS_FAILED = Cause(CauseCode.TLS_FAILED)
_UNREADABLE = Cause(CauseCode.CREDENTIALS_UNUSABLE, "they can no longer be read")
_NO_HEADER = Cause(CauseCode.CREDENTIALS_UNUSABLE, "they hold characters that no header can carry")


class NoAnswer(SyncerError):
    """
    The API server gave no answer that can be used.

    The text is a clause that says why and never holds a credential.
    """

    cause: Cause = UNKNOWN

    @classmethod
    def because_of(cls, error: Exception) -> NoAnswer:
        """The same for an exception of the connection; any other one comes from the files with the credentials."""
        if isinstance(error, urllib3_errors.HTTPError):
            cause = failures.cause_of(error)
        else:
            cause = _NO_HEADER if isinstance(error, ValueError) else _UNREADABLE
        return cls(cause.clause, cause=cause)


class KubeReadError(ReadError):
    """
    Kubernetes did not answer a read with what was asked for.

    *server* is the address that answered. *status* is the HTTP status, None where no answer came; *reason* is the
    server's own word for it (the `reason` of a Status, as in `Forbidden`), or the code of a cause.
    """

    def __init__(
        self, message: str, *, server: str, status: int | None, reason: str, cause: Cause | None = None
    ) -> None:
        super().__init__(message, cause=cause)
        self.server = server
        self.status = status
        self.reason = reason


def reason_in(answer: Answer) -> str:
    """The `reason` of the Status that Kubernetes sends with a refusal; empty where something else answered."""
    match answer.parsed():
        case {"kind": "Status", "reason": str(reason)}:
            return reason
    return ""

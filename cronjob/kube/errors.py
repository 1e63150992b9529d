"""Errors of requests to the API server. Each carries its cause as data; the sentence for people is made from it."""

from __future__ import annotations

from urllib3 import exceptions as urllib3_errors

from cronjob.transport.answer import Answer
from reconcile.errors import ReadError, SyncerError

TLS_FAILED = ("TlsFailed", "its TLS certificate is not trusted, or it speaks no TLS")
_CREDENTIALS = "CredentialsUnusable"
# By the exception of urllib3: the cause's code, and a clause for a sentence.
_CAUSES: tuple[tuple[type[Exception], tuple[str, str]], ...] = (
    (urllib3_errors.ProxyError, ("ProxyFailed", "the proxy does not answer")),
    (urllib3_errors.NameResolutionError, ("NameNotResolved", "its name cannot be resolved")),
    (urllib3_errors.NewConnectionError, ("ConnectionRefused", "the connection was refused")),
    (urllib3_errors.ConnectTimeoutError, ("ConnectTimeout", "it does not accept connections in time")),
    (urllib3_errors.ReadTimeoutError, ("Timeout", "it does not answer in time")),
    (urllib3_errors.SSLError, TLS_FAILED),
    (urllib3_errors.HTTPError, ("ConnectionBroken", "the connection broke off")),
    (ValueError, (_CREDENTIALS, "the credentials hold characters that no header can carry")),
)


class NoAnswer(SyncerError):
    """
    The API server gave no answer that can be used.

    The text is a clause that says why and never holds a credential; *code* is the cause's code.
    """

    def __init__(self, clause: str, code: str = "Unknown") -> None:
        super().__init__(clause)
        self.code = code

    @classmethod
    def because_of(cls, error: Exception) -> NoAnswer:
        """The same for an exception of the connection; any other one comes from the files with the credentials."""
        cause = error.reason if isinstance(error, urllib3_errors.MaxRetryError) and error.reason else error
        known = (code_and_clause for kind, code_and_clause in _CAUSES if isinstance(cause, kind))
        code, clause = next(known, (_CREDENTIALS, "the credentials can no longer be read"))
        return cls(clause, code)


class KubeReadError(ReadError):
    """
    Kubernetes did not answer a read with what was asked for.

    *server* is the address that answered. *status* is the HTTP status, None where no answer came; *reason* is the
    server's own word for it (the `reason` of a Status, as in `Forbidden`), or the code of a NoAnswer.
    """

    def __init__(self, message: str, *, server: str, status: int | None, reason: str) -> None:
        super().__init__(message)
        self.server = server
        self.status = status
        self.reason = reason


def reason_in(answer: Answer) -> str:
    """The `reason` of the Status that Kubernetes sends with a refusal; empty where something else answered."""
    match answer.parsed():
        case {"kind": "Status", "reason": str(reason)}:
            return reason
    return ""

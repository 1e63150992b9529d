"""Errors of requests to the API server. Each carries its cause as data; the sentence for people is made from it."""

from __future__ import annotations

from http import HTTPStatus

from urllib3 import exceptions as urllib3_errors

from cronjob.transport import failures
from cronjob.transport.answer import Answer
from reconcile.causes import UNKNOWN, Cause, CauseCode
from reconcile.errors import ReadError, SyncerError

_WRONG_PROXY_LOGIN = Cause(
    CauseCode.PROXY_FAILED, "407 Proxy Authentication Required: write USER:PASSWORD@ into proxy-url or HTTPS_PROXY"
)
_CAUSES: dict[int, CauseCode] = {
    HTTPStatus.OK: CauseCode.NOT_KUBERNETES,
    HTTPStatus.UNAUTHORIZED: CauseCode.CREDENTIALS_UNUSABLE,
    HTTPStatus.FORBIDDEN: CauseCode.RBAC_MISSING,
    HTTPStatus.TOO_MANY_REQUESTS: CauseCode.RATE_LIMITED,
    HTTPStatus.GATEWAY_TIMEOUT: CauseCode.TIMEOUT,
}
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
            cause = _WRONG_PROXY_LOGIN if _is_proxy_login_refused(error) else failures.cause_of(error)
        else:
            cause = _NO_HEADER if isinstance(error, ValueError) else _UNREADABLE
        return cls(cause.clause, cause=cause)


class KubeconfigProblem(Exception):
    """A kubeconfig, or a pod's service account, cannot be used; the text is a clause without credentials."""


class CredentialsProblem(Exception):
    """The credentials come to nothing; the text is a clause that says why and what to do, without any credential."""


class CredentialsError(ReadError):
    """The API server cannot be asked as anybody: a login failed, or there is none. It is no matter of permissions."""

    def __init__(self, message: str, problem: str) -> None:
        super().__init__(message, cause=Cause(CauseCode.CREDENTIALS_UNUSABLE, problem))


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


def cause_of_answer(answer: Answer) -> Cause:
    """The cause that an answer other than the one hoped for stands for."""
    if answer.status in _CAUSES:
        return Cause(_CAUSES[answer.status])
    return Cause(CauseCode.SERVER_ERROR if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR else CauseCode.UNKNOWN)


def reason_in(answer: Answer) -> str:
    """The `reason` of the Status that Kubernetes sends with a refusal; empty where something else answered."""
    match answer.parsed():
        case {"kind": "Status", "reason": str(reason)}:
            return reason
    return ""


def is_anonymous(answer: Answer) -> bool:
    """Whether a 403 is about nobody in particular. Kubernetes names the user in its message only."""
    match answer.parsed() if answer.status == HTTPStatus.FORBIDDEN else None:
        case {"kind": "Status", "message": str(message)}:
            return 'User "system:anonymous"' in message
    return False


def refused_by_proxy() -> NoAnswer:
    """The NoAnswer for a 407, which a proxy gives to a request over plain HTTP."""
    return NoAnswer(_WRONG_PROXY_LOGIN.clause, cause=_WRONG_PROXY_LOGIN)


def _is_proxy_login_refused(error: Exception) -> bool:
    """Whether a proxy answered 407 to CONNECT. The standard library's http.client puts the status into a text only."""
    return any("Tunnel connection failed: 407" in str(inner) for inner in failures.wrapped(error))

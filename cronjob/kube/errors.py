"""Why nothing comes back from the API server: for sentences, and without any credential in them."""

from __future__ import annotations

from urllib3 import exceptions as urllib3_errors

from reconcile.errors import SyncerError

TLS_TROUBLE = "its TLS certificate is not trusted, or it speaks no TLS"
_CAUSES: tuple[tuple[type[Exception], str], ...] = (
    (urllib3_errors.ProxyError, "the proxy does not answer"),
    (urllib3_errors.NameResolutionError, "its name cannot be resolved"),
    (urllib3_errors.NewConnectionError, "the connection was refused"),
    (urllib3_errors.ConnectTimeoutError, "it does not accept connections in time"),
    (urllib3_errors.ReadTimeoutError, "it does not answer in time"),
    (urllib3_errors.SSLError, TLS_TROUBLE),
    (urllib3_errors.HTTPError, "the connection broke off"),
    (ValueError, "the credentials hold characters that no header can carry"),
)


class NoAnswer(SyncerError):
    """No answer came; the text is a clause that says why, and never holds a credential."""


def cause_of(error: Exception) -> str:
    """Why no answer came. What is no failure of the connection is one of the files with the credentials."""
    cause = error.reason if isinstance(error, urllib3_errors.MaxRetryError) and error.reason else error
    known = (text for kind, text in _CAUSES if isinstance(cause, kind))
    return next(known, "the credentials can no longer be read")

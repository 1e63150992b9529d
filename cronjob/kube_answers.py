"""What comes back from the API server, or why nothing does: for sentences, and without any credential in them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from urllib3 import exceptions as weather
from urllib3.util import Retry

from reconcile.errors import SyncerError

# urllib3 repeats what fails before an answer begins, but not what breaks off in the middle of one.
CUT_OFF = (weather.ProtocolError, weather.ReadTimeoutError, weather.DecodeError)
TLS_TROUBLE = "its TLS certificate is not trusted, or it speaks no TLS"
_CAUSES: tuple[tuple[type[Exception], str], ...] = (
    (weather.ProxyError, "the proxy does not answer"),
    (weather.NameResolutionError, "its name cannot be resolved"),
    (weather.NewConnectionError, "the connection was refused"),
    (weather.ConnectTimeoutError, "it does not accept connections in time"),
    (weather.ReadTimeoutError, "it does not answer in time"),
    (weather.SSLError, TLS_TROUBLE),
    (weather.HTTPError, "the connection broke off"),
    (ValueError, "the credentials hold characters that no header can carry"),
)


class NoAnswer(SyncerError):
    """No answer came; the text is a clause that says why, and never holds a credential."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API server said; the body may be a Secret."""

    status: int
    body: bytes = field(repr=False)

    @property
    def title(self) -> str:
        """The status for a sentence, as in `403 Forbidden`."""
        known = self.status in HTTPStatus.__members__.values()
        return f"{self.status} {HTTPStatus(self.status).phrase}" if known else str(self.status)

    def parsed(self) -> dict[str, Any] | None:
        """The body, or None where it is no JSON object."""
        try:
            body = json.loads(self.body)
        except (ValueError, RecursionError):
            # Also of a number with thousands of digits, and of lists in lists beyond Python's stack.
            return None
        return body if isinstance(body, dict) else None


def reading() -> Retry:
    """GETs are repeated after anything that may pass; of writes only refused connections."""
    return Retry(
        total=4,
        connect=3,
        read=3,
        status=4,
        redirect=0,
        other=0,
        allowed_methods={"GET"},
        status_forcelist={429, 500, 502, 503, 504},
        backoff_factor=0.25,
        backoff_jitter=0.25,
        retry_after_max=60,
        # The last answer is worth more than urllib3's own error: it says why.
        raise_on_status=False,
        raise_on_redirect=False,
    )


def cause_of(error: Exception) -> str:
    """Why no answer came. What is no failure of the connection is one of the files with the credentials."""
    cause = error.reason if isinstance(error, weather.MaxRetryError) and error.reason else error
    known = (text for kind, text in _CAUSES if isinstance(cause, kind))
    return next(known, "the credentials can no longer be read")

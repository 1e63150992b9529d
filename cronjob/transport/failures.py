"""Connection errors: why no answer came, as a cause, from what urllib3 raises; for GitLab and for Kubernetes."""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Iterator

from urllib3 import exceptions as urllib3_errors

from reconcile.causes import Cause, CauseCode

CausesByKind = Iterable[tuple[tuple[type[BaseException], ...], Cause]]

NOT_SENT = Cause(CauseCode.UNKNOWN, "the request could not be sent")
# The first row that fits counts: a proxy's error, for one, wraps that of the connection to it.
_CAUSES: CausesByKind = (
    ((urllib3_errors.ProxyError,), Cause(CauseCode.PROXY_FAILED)),
    ((urllib3_errors.NameResolutionError,), Cause(CauseCode.NAME_NOT_RESOLVED)),
    ((urllib3_errors.SSLError,), Cause(CauseCode.TLS_FAILED)),
    ((urllib3_errors.NewConnectionError,), Cause(CauseCode.CONNECTION_REFUSED)),
    ((urllib3_errors.ConnectTimeoutError,), Cause(CauseCode.CONNECT_TIMEOUT)),
    ((urllib3_errors.ReadTimeoutError,), Cause(CauseCode.TIMEOUT)),
    ((urllib3_errors.DecodeError,), Cause(CauseCode.MALFORMED, "it cannot be decoded")),
    ((urllib3_errors.ProtocolError, ConnectionError), Cause(CauseCode.CONNECTION_BROKEN)),
)

# OpenSSL's verification errors (x509_vfy.h: X509_V_ERR_...) that no CA helps against.
_CERTIFICATE_CAUSES = {
    9: CauseCode.CERTIFICATE_EXPIRED,
    10: CauseCode.CERTIFICATE_EXPIRED,
    62: CauseCode.CERTIFICATE_NAME_WRONG,
    64: CauseCode.CERTIFICATE_NAME_WRONG,
}


def cause_of(error: BaseException, more: CausesByKind = ()) -> Cause:
    """
    Why no answer came, without the URL and the objects that libraries put into their messages.

    The rows of *more*, for a library's own exceptions, come before ours.
    """
    if certificate := certificate_error(error):
        code = _CERTIFICATE_CAUSES.get(certificate.verify_code, CauseCode.TLS_FAILED)
        return Cause(code, certificate.verify_message)
    chain = list(wrapped(error))
    found = (cause for kinds, cause in (*more, *_CAUSES) if any(isinstance(one, kinds) for one in chain))
    return next(found, NOT_SENT)


def certificate_error(error: BaseException) -> ssl.SSLCertVerificationError | None:
    """What OpenSSL says about a certificate that is not trusted, if that is the reason."""
    return next((one for one in wrapped(error) if isinstance(one, ssl.SSLCertVerificationError)), None)


def wrapped(error: BaseException) -> Iterator[BaseException]:
    """The error and those it wraps: requests and urllib3 put them into `args` and `reason`."""
    yield error
    for inner in (*error.args, getattr(error, "reason", None)):
        if isinstance(inner, BaseException):
            yield from wrapped(inner)

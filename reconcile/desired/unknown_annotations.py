"""Annotations under this program's prefix that have a name which none of its annotations has."""

from __future__ import annotations

from typing import TypeVar

from reconcile.desired.annotations import KNOWN, PREFIX, unknown_message
from reconcile.desired.hints import Hints
from reconcile.desired.receivers import ReceiverRequest
from reconcile.desired.repositories import RepositoryRequest
from reconcile.problems import Code, Severity

Request = TypeVar("Request", RepositoryRequest, ReceiverRequest)


def with_unknown_annotations(request: Request, hints: Hints) -> Request:
    """Return the request with a warning where it has such annotations; one that is switched off stays as it is."""
    names = request.annotations.unknown
    if not names or request.held is Code.DISABLED:
        return request
    known = [name.removeprefix(PREFIX) for name in KNOWN[request.ref.kind]]
    hint = hints.nearest(names[0].removeprefix(PREFIX), known, PREFIX)
    message = unknown_message(names, hint)
    return request.warned(Code.ANNOTATION_UNUSABLE, message, severity=Severity.WARNING)

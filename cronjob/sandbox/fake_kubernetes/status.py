"""
Errors of the Kubernetes API: `Status` objects, raised as `StatusError`. The messages are the real server's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from cronjob.sandbox.fake_kubernetes.kinds import Kind

REASONS = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    409: "Conflict",
    410: "Expired",
    415: "UnsupportedMediaType",
    422: "Invalid",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
    504: "Timeout",
}


# eq=False: exceptions have to stay hashable.
@dataclass(eq=False)
class StatusError(Exception):
    """A request that the API server refuses, with the contents of its Status object."""

    code: int
    message: str
    reason: str = ""
    details: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)

    def as_status(self) -> dict[str, Any]:
        """The Status object for the body of the answer."""
        status: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": self.metadata,
            "status": "Failure",
            "message": self.message,
            "reason": self.reason or REASONS.get(self.code, ""),
        }
        if self.details:
            status["details"] = self.details
        return status | {"code": self.code}


def success(kind: Kind, manifest: dict[str, Any]) -> dict[str, Any]:
    """The Status that answers a DELETE."""
    metadata = manifest["metadata"]
    details = _details(kind, metadata["name"]) | {"uid": metadata["uid"]}
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}


def not_found(kind: Kind, name: str) -> StatusError:
    """No object of that name."""
    return StatusError(404, f'{kind.qualified} "{name}" not found', details=_details(kind, name))


def already_exists(kind: Kind, name: str) -> StatusError:
    """A POST for a name that is taken."""
    message = f'{kind.qualified} "{name}" already exists'
    return StatusError(409, message, reason="AlreadyExists", details=_details(kind, name))


def conflict(kind: Kind, name: str) -> StatusError:
    """A write that was based on an older resourceVersion."""
    message = (
        f'Operation cannot be fulfilled on {kind.qualified} "{name}": the object has been modified; '
        "please apply your changes to the latest version and try again"
    )
    return StatusError(409, message, details=_details(kind, name))


def invalid(kind: Kind, name: str, causes: list[tuple[str, str]]) -> StatusError:
    """An invalid object; *causes* are pairs of field and message."""
    complaints = [f"{path}: {text}" for path, text in causes]
    listed = complaints[0] if len(complaints) == 1 else f"[{', '.join(complaints)}]"
    details = _details(kind, name) | {"kind": kind.kind}
    details_causes = [{"reason": _cause(text), "message": text, "field": path} for path, text in causes]
    message = f'{_kind_and_group(kind)} "{name}" is invalid: {listed}'
    return StatusError(422, message, details=details | {"causes": details_causes})


def without_version(kind: Kind, name: str) -> StatusError:
    """An update of a Lease or a custom resource without a resourceVersion."""
    cause = ("metadata.resourceVersion", "Invalid value: 0x0: must be specified for an update")
    refusal = invalid(kind, name, [cause])
    # This message names the resource instead of the kind.
    message = f'{kind.qualified} "{name}" is invalid: {": ".join(cause)}'
    return StatusError(422, message, details=refusal.details | {"kind": kind.plural})


def other_uid(kind: Kind, name: str, wanted: str, found: str) -> StatusError:
    """A write with the uid of another object of the same name, or of a deleted one (*found* is empty)."""
    message = (
        f'Operation cannot be fulfilled on {kind.qualified} "{name}": Precondition failed: '
        f"UID in precondition: {wanted}, UID in object meta: {found}"
    )
    return StatusError(409, message, details=_details(kind, name))


def forbidden(kind: Kind, name: str, why: str) -> StatusError:
    """A request that is not allowed; *why* is the reason."""
    named = f'{kind.qualified} "{name}"' if name else kind.qualified
    return StatusError(403, f"{named} is forbidden: {why}", details=_details(kind, name))


def unauthorized() -> StatusError:
    """A request without a valid token."""
    return StatusError(401, "Unauthorized")


def bad_request(message: str) -> StatusError:
    """A malformed request."""
    return StatusError(400, message)


def expired(continue_token: str) -> StatusError:
    """An expired continue token; *continue_token* reads the rest from the current state."""
    message = (
        "The provided continue parameter is too old to display a consistent list result. "
        "Start a new list without it, or use the token in this answer for the rest, "
        "which may then miss or repeat what changed in between."
    )
    return StatusError(410, message, metadata={"continue": continue_token})


def unserved() -> StatusError:
    """A resource that does not exist in a served group version."""
    return StatusError(404, "the server could not find the requested resource")


def _details(kind: Kind, name: str) -> dict[str, Any]:
    """Details leave out what is empty; their `kind` is the plural, as in the real answers."""
    details = {"name": name, "group": kind.group, "kind": kind.plural}
    return {key: value for key, value in details.items() if value}


def _cause(complaint: str) -> str:
    reasons = {"Required": "FieldValueRequired", "Unsupported": "FieldValueNotSupported", "Too": "FieldValueTooLong"}
    return reasons.get(complaint.partition(" ")[0], "FieldValueInvalid")


def _kind_and_group(kind: Kind) -> str:
    return f"{kind.kind}.{kind.group}" if kind.group else kind.kind

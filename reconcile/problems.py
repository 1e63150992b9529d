"""What could not be resolved or looks wrong: the codes, how bad each is, and which of them hold items back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from reconcile.causes import Cause
from reconcile.model import Ref


class Severity(StrEnum):
    """How bad a problem is; an error makes the run exit 1 unless `--fail-on` says otherwise."""

    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"


class Code(StrEnum):
    """Every problem this program can name. The names are part of its public interface."""

    # error, with a hold: what is ours stays until this is cleared up
    SECRET_NOT_FOUND = "SecretNotFound"
    SECRET_UNREADABLE = "SecretUnreadable"
    KEY_UNUSABLE = "KeyUnusable"
    URL_UNUSABLE = "UrlUnusable"
    PROJECT_NOT_FOUND = "ProjectNotFound"
    PROJECT_UNREADABLE = "ProjectUnreadable"
    PROJECT_REPLACED = "ProjectReplaced"
    RECEIVER_TARGET_NOT_FOUND = "ReceiverTargetNotFound"
    TOKEN_UNUSABLE = "TokenUnusable"
    RECEIVER_PATH_COLLISION = "ReceiverPathCollision"
    MARK_ELSEWHERE = "MarkElsewhere"
    # error when nothing is left to listen to (with a hold), else a warning
    UNKNOWN_EVENT = "UnknownEvent"
    # error, without
    WEBHOOK_FOREIGN_MARK = "WebhookForeignMark"
    NOT_ALLOWED = "NotAllowed"
    CANNOT_PUT_BACK = "CannotPutBack"
    # error where the key is missing, else a warning
    KEY_SHARED_ACROSS_CLUSTERS = "KeySharedAcrossClusters"
    # warning, with a hold
    RECEIVER_NOT_READY = "ReceiverNotReady"
    ROTATION_IN_FLIGHT = "RotationInFlight"
    # warning, without
    URL_NOT_FETCHABLE = "UrlNotFetchable"
    PUBLIC_KEY_MISMATCH = "PublicKeyMismatch"
    PROJECT_MOVED = "ProjectMoved"
    KEY_UNMARKED = "KeyUnmarked"
    KEY_EXPIRED = "KeyExpired"
    TOKEN_EXPIRES_SOON = "TokenExpiresSoon"
    WEBHOOK_DISABLED = "WebhookDisabled"
    REMOVED_AGAIN = "RemovedAgain"
    # notice, with a hold
    EMPTY_TOKEN = "EmptyToken"
    SUSPENDED = "Suspended"
    DISABLED = "Disabled"
    # notice, without
    FOREIGN_HOST = "ForeignHost"
    PROJECT_OUTSIDE_GROUP = "ProjectOutsideGroup"
    RECEIVER_TYPE_UNSUPPORTED = "ReceiverTypeUnsupported"
    KEY_CAN_PUSH = "KeyCanPush"
    WEBHOOK_UNMARKED = "WebhookUnmarked"
    NAMESPACE_NOT_READ = "NamespaceNotRead"
    WEBHOOKS_OFF = "WebhooksOff"


WARNINGS = frozenset(
    {
        Code.RECEIVER_NOT_READY,
        Code.ROTATION_IN_FLIGHT,
        Code.URL_NOT_FETCHABLE,
        Code.PUBLIC_KEY_MISMATCH,
        Code.PROJECT_MOVED,
        Code.KEY_UNMARKED,
        Code.KEY_EXPIRED,
        Code.TOKEN_EXPIRES_SOON,
        Code.WEBHOOK_DISABLED,
        Code.REMOVED_AGAIN,
    }
)
NOTICES = frozenset(
    {
        Code.EMPTY_TOKEN,
        Code.SUSPENDED,
        Code.DISABLED,
        Code.FOREIGN_HOST,
        Code.PROJECT_OUTSIDE_GROUP,
        Code.RECEIVER_TYPE_UNSUPPORTED,
        Code.KEY_CAN_PUSH,
        Code.WEBHOOK_UNMARKED,
        Code.NAMESPACE_NOT_READ,
        Code.WEBHOOKS_OFF,
    }
)


def severity_of(code: Code) -> Severity:
    """The severity a code has unless its place in the table depends on the case (two codes: see `Problem.of`)."""
    if code in WARNINGS:
        return Severity.WARNING
    return Severity.NOTICE if code in NOTICES else Severity.ERROR


@dataclass(frozen=True, slots=True)
class Problem:
    """
    One thing an operator or a tenant should know, once per cause.

    *object* is `Kind/namespace/name` or None, *project* a path or None; *message* says what to do about it.
    *code* is a plain string, since a source that cannot be read has codes of its own; *cause* is why a request
    failed.
    """

    severity: Severity
    code: str
    message: str
    object: str | None = None
    project: str | None = None
    cause: Cause | None = None

    @classmethod
    def of(
        cls,
        code: Code,
        message: str,
        *,
        object: Ref | None = None,  # noqa: A002 - the report's own word for it
        project: str | None = None,
        severity: Severity | None = None,
    ) -> Problem:
        """A problem with the table's severity, or the given one for the two codes that have two."""
        name = str(object) if object else None
        return cls(severity or severity_of(code), str(code), message, name, project)

    def caused_by(self, cause: Cause | None) -> Problem:
        """The same problem with the cause of a failed request."""
        return replace(self, cause=cause)

    @property
    def sort_key(self) -> tuple[int, str, str, str, str]:
        """Worst first, then by code, project, object and text."""
        return (
            list(Severity).index(self.severity),
            self.code,
            self.project or "",
            self.object or "",
            self.message,
        )

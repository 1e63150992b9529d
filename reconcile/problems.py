"""Problems: what could not be resolved or looks wrong, each with its code, severity and what to do."""

from __future__ import annotations

from dataclasses import dataclass, replace

from reconcile.causes import Cause
from reconcile.model import Ref
from reconcile.problem_codes import Code, Severity

__all__ = ["Code", "Problem", "Severity"]


@dataclass(frozen=True, slots=True)
class Problem:
    """
    One thing an operator or a tenant should know, once per cause.

    *object* is `Kind/namespace/name` or None, *project* a path or None; *message* says what to do about it.
    *code* is a plain string, since a source that cannot be read has codes of its own; *cause* is why a request
    failed. *actual_path* is the path that GitLab gives the object's project: the message may name it, and a tenant who
    may not see the project must not be shown it.
    """

    severity: Severity
    code: str
    message: str
    object: str | None = None
    project: str | None = None
    cause: Cause | None = None
    actual_path: str | None = None

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
        """A problem with the table's severity, or the given one for codes that have two."""
        name = str(object) if object else None
        return cls(severity or code.severity, str(code), message, name, project)

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

"""Logging to stderr: JSON lines with the keys that Flux's controllers use, or short lines for a terminal."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from pythonjsonlogger.json import JsonFormatter

from cronjob.output.render.escaping import for_terminal
from cronjob.reports.timestamps import utc_text
from reconcile.actual import FoundKey
from reconcile.model import cut_digests, shown_url, without_digests
from reconcile.plan.changes import Change, Delete
from reconcile.problems import Problem, Severity
from reconcile.report import Entry, Status


class LineStream(Protocol):
    """A stream for log lines."""

    def write(self, text: str, /) -> object:
        """Write one or more whole lines."""

    def flush(self) -> object:
        """Send what was written to the reader."""


log = logging.getLogger("flux-gitlab-syncer")
# Their debug output has whole responses, Secrets included.
LIBRARIES = ("kubernetes", "urllib3", "requests", "asyncio")
_LEVELS = {Severity.ERROR: logging.ERROR, Severity.WARNING: logging.WARNING, Severity.NOTICE: logging.INFO}


class _JsonLine(JsonFormatter):
    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        """Write levels in lower case, leave out fields without a value, and cut receivers' digests."""
        log_data["level"] = str(log_data["level"]).lower()
        return {name: cut_digests(value) for name, value in log_data.items() if value is not None}


class _TextLine(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """Return the level, the message and the error; a person reads the other fields in the report."""
        error = getattr(record, "error", None)
        text = f"{record.getMessage()}: {error}" if error else record.getMessage()
        return f"{record.levelname.lower():7} {for_terminal(without_digests(text))}"


def set_up_logging(log_format: str, level: str, constant: Mapping[str, str]) -> None:
    """Log to stderr from now on; every JSON line has the *constant* fields (run_id, cluster)."""
    handler = logging.StreamHandler()
    if log_format == "json":
        names = {"levelname": "level", "message": "msg"}
        handler.setFormatter(_JsonLine(list(names), rename_fields=names, static_fields=dict(constant), timestamp="ts"))
    else:
        handler.setFormatter(_TextLine())
    log.handlers[:] = [handler]
    log.setLevel(level.upper())
    log.propagate = False
    for name in LIBRARIES:
        logging.getLogger(name).setLevel(logging.ERROR)


@contextmanager
def logging_to(stream: LineStream) -> Iterator[None]:
    """Send log lines to *stream* while the context is open, each line in one write."""
    handlers = [handler for handler in log.handlers if isinstance(handler, logging.StreamHandler)]
    previous = [handler.setStream(stream) for handler in handlers]
    try:
        yield
    finally:
        for handler, old_stream in zip(handlers, previous, strict=True):
            handler.setStream(old_stream)


def log_warning(message: str, error: str) -> None:
    """Log a failure of a side task (metrics, Lease) that does not change the run's result."""
    log.warning("%s", message, extra={"error": error})


def log_notice(message: str, error: str) -> None:
    """Log a failure of something optional."""
    log.info("%s", message, extra={"error": error})


def log_problem(problem: Problem) -> None:
    """Log one problem."""
    fields = {"code": problem.code, "object": problem.object, "project": problem.project}
    log.log(_LEVELS[problem.severity], "%s: %s", problem.code, problem.message, extra=fields)


def log_write(change: Change, seconds: float, error: str | None) -> None:
    """Log one write when it happens, so that the log has it after a crash. *error* is None where it succeeded."""
    level, outcome = (logging.ERROR, "failed") if error else (logging.INFO, "applied")
    more = {"duration_seconds": round(seconds, 3), "error": error}
    if isinstance(change, Delete) and error is None:
        _log_for_undo(_text(outcome, change), {**_fields(change), **more, "removed": removed_record(change)})
    else:
        _log_change(level, outcome, change, more)


def log_entry(entry: Entry) -> None:
    """Log one change that was not tried: planned, held, refused, contradicted or not reached."""
    outcome = entry.status.value.replace("_", " ")
    level = logging.INFO if entry.status is Status.PLANNED else logging.WARNING
    _log_change(level, outcome, entry.change, {"error": entry.error})


def _log_change(level: int, outcome: str, change: Change, more: Mapping[str, Any]) -> None:
    log.log(level, "%s", _text(outcome, change), extra={**_fields(change), **more})


def _fields(change: Change) -> dict[str, Any]:
    return {
        "project": change.project.path,
        "kind": change.kind.value,
        "action": change.action,
        "source": ", ".join(map(str, change.sources)) or None,
    }


def _text(outcome: str, change: Change) -> str:
    name = f"{change.kind.value.replace('_', ' ')} {shown_url(change.name)} on {change.project.path}"
    return f"{change.action} {outcome}: {name}"


def removed_record(delete: Delete) -> dict[str, Any]:
    """Return what `undo` needs to put the deleted item back; the digest of a webhook's URL is cut."""
    found, record = delete.found, {"project": delete.project.path, "project_id": delete.project.id}
    if isinstance(found, FoundKey):
        key = {
            "title": found.title,
            "fingerprint": found.key.fingerprint,
            "public_key": found.key.text,
            "can_push": found.can_push,
            "expires_at": utc_text(found.expires, "seconds") if found.expires else None,
        }
        return {**record, "kind": found.kind.value, "key": key}
    webhook = {
        "id": found.id,
        "url": shown_url(found.url),
        "events": sorted(flag for flag, is_on in found.flags.items() if is_on),
        "receiver": str(delete.sources[0]) if delete.sources else None,
    }
    return {**record, "kind": found.kind.value, "webhook": webhook}


def log_summary(line: str, deletes: int) -> None:
    """Log the summary line with the number of deletes, by which `undo` knows whether the log is whole."""
    _log_for_undo(line, {"deletes": deletes})


def _log_for_undo(text: str, fields: Mapping[str, Any]) -> None:
    """Log what `undo` reads: as JSON at every level, as text at its own."""
    if any(isinstance(handler.formatter, _JsonLine) for handler in log.handlers):
        log.handle(log.makeRecord(log.name, logging.INFO, __file__, 0, text, (), None, extra=dict(fields)))
    else:
        log.info("%s", text, extra=fields)

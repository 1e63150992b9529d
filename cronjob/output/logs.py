"""Logs: JSON lines with the keys of Flux's controllers, or short lines for a terminal; always on stderr."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from pythonjsonlogger.json import JsonFormatter

from cronjob.output.render.escaping import for_terminal
from reconcile.model import shown_url
from reconcile.plan.changes import Change
from reconcile.problems import Problem, Severity
from reconcile.report import Entry, Status


class Lines(Protocol):
    """Where log lines may go."""

    def write(self, text: str, /) -> object:
        """One or more whole lines."""

    def flush(self) -> object:
        """Let them be seen."""


log = logging.getLogger("flux-gitlab-syncer")
# Their debug output holds whole answers, Secrets among them.
LIBRARIES = ("kubernetes", "urllib3", "requests", "asyncio")
_LEVELS = {Severity.ERROR: logging.ERROR, Severity.WARNING: logging.WARNING, Severity.NOTICE: logging.INFO}


class _Json(JsonFormatter):
    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        """Levels in lower case, and nothing that is not known."""
        log_data["level"] = str(log_data["level"]).lower()
        return {name: value for name, value in log_data.items() if value is not None}


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """`level message`, and the error; a person sees the rest in the report."""
        error = getattr(record, "error", None)
        said = f"{record.getMessage()}: {error}" if error else record.getMessage()
        return f"{record.levelname.lower():7} {for_terminal(said)}"


def set_up_logging(log_format: str, level: str, constant: Mapping[str, str]) -> None:
    """Log to stderr from now on; *constant* fields (run_id, cluster) go with every JSON line."""
    handler = logging.StreamHandler()
    if log_format == "json":
        names = {"levelname": "level", "message": "msg"}
        handler.setFormatter(_Json(list(names), rename_fields=names, static_fields=dict(constant), timestamp="ts"))
    else:
        handler.setFormatter(_Text())
    log.handlers[:] = [handler]
    log.setLevel(level.upper())
    log.propagate = False
    for name in LIBRARIES:
        logging.getLogger(name).setLevel(logging.ERROR)


@contextmanager
def logging_to(stream: Lines) -> Iterator[None]:
    """Log lines go there for a while, each in one piece."""
    handlers = [handler for handler in log.handlers if isinstance(handler, logging.StreamHandler)]
    before = [handler.setStream(stream) for handler in handlers]
    try:
        yield
    finally:
        for handler, old in zip(handlers, before, strict=True):
            handler.setStream(old)


def log_warning(message: str, error: str) -> None:
    """One line for what went wrong beside the run's own business."""
    log.warning("%s", message, extra={"error": error})


def log_notice(message: str, error: str) -> None:
    """One line for what did not work and need not."""
    log.info("%s", message, extra={"error": error})


def log_problem(problem: Problem) -> None:
    """One line for one problem."""
    fields = {"code": problem.code, "object": problem.object, "project": problem.project}
    log.log(_LEVELS[problem.severity], "%s: %s", problem.code, problem.message, extra=fields)


def log_write(change: Change, seconds: float, error: str | None) -> None:
    """One line for one write as it happens: what a log holds after a crash. *error* is None where it was made."""
    level, how = (logging.ERROR, "not made") if error else (logging.INFO, "made")
    _log_change(level, how, change, {"duration_seconds": round(seconds, 3), "error": error})


def log_entry(entry: Entry) -> None:
    """One line for a change that was not tried: planned, held, refused, contradicted or not reached."""
    how = entry.status.value.replace("_", " ")
    level = logging.INFO if entry.status is Status.PLANNED else logging.WARNING
    _log_change(level, how, entry.change, {"error": entry.error})


def _log_change(level: int, how: str, change: Change, more: Mapping[str, Any]) -> None:
    fields = {
        "project": change.project.path,
        "kind": change.kind.value,
        "action": change.action,
        "source": ", ".join(map(str, change.sources)) or None,
        **more,
    }
    name = f"{change.kind.value.replace('_', ' ')} {shown_url(change.name)} on {change.project.path}"
    log.log(level, "%s %s: %s", change.action, how, name, extra=fields)

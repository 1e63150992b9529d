"""A fault: how one answer fails, whichever of the embedded servers gives it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypedDict


class FaultFields(TypedDict, total=False):
    status: int | None
    body: Any
    headers: Mapping[str, str]
    drop: bool
    cut: bool
    after: bool
    delay: float
    call: Callable[[], None] | None


@dataclass(kw_only=True)
class Fault:
    """
    What a client gets instead of the real answer.

    *status*, *body* (text, or JSON) and *headers* are answered, and the request is not handled. With *drop* the
    connection is reset without an answer. With *cut* the headers are sent and state the whole length, half of the
    body follows, and the connection is closed: this is the real answer, or that of *status*; an answer without a body
    is dropped. With *after* the request is handled first: the write happened, and its answer is lost.

    The server waits *delay* seconds and then calls *call*, before anything is answered and before the request is
    handled (with *after*: just after it was handled). The server is blocked meanwhile, so *call* must not send it a
    request. A fault without status, drop and cut only delays the answer, or only calls.
    """

    status: int | None = None
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    drop: bool = False
    cut: bool = False
    after: bool = False
    delay: float = 0
    call: Callable[[], None] | None = None

    @property
    def replaces_answer(self) -> bool:
        """Whether the client does not get the real answer at all."""
        return self.drop or self.status is not None


class PlannedFaultFields(FaultFields, total=False):
    """The arguments of a world's `fail`, all of them optional; `PlannedFault` describes them."""

    method: str | None
    path: str
    query: str
    skip: int
    times: int | None


@dataclass(kw_only=True)
class PlannedFault(Fault):
    """
    A fault for the requests that match.

    *method* is compared (None matches every method); *path* and *query* are regular expressions, searched for in the
    raw path and the raw query. The first *skip* matching requests pass, the next *times* fail; None is all of them.
    *injected* counts those that failed, *skipped* those that passed.
    """

    method: str | None = None
    path: str = ""
    query: str = ""
    skip: int = 0
    times: int | None = 1
    injected: int = 0
    skipped: int = 0

    @property
    def is_used_up(self) -> bool:
        """Whether the fault has been injected as often as planned."""
        return self.times is not None and self.injected >= self.times

    def applies_to(self, method: str, path: str, query: str) -> bool:
        """Whether this request fails. The request is counted as failed or as skipped."""
        if self.is_used_up or self.method not in {None, method}:
            return False
        if not (re.search(self.path, path) and re.search(self.query, query)):
            return False
        if self.skipped < self.skip:
            self.skipped += 1
            return False
        self.injected += 1
        return True

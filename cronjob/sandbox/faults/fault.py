"""How one answer goes wrong, whichever of the embedded servers gives it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypedDict


class TroubleFields(TypedDict, total=False):
    status: int | None
    body: Any
    headers: Mapping[str, str]
    drop: bool
    cut: bool
    after: bool
    delay: float
    call: Callable[[], None] | None


@dataclass(kw_only=True)
class Trouble:
    """
    What becomes of one request instead of its real answer.

    *status*, *body* (text, or JSON) and *headers* are answered, and the request is not handled. With *drop* the
    connection is reset without an answer. With *cut* the headers come and state the whole length, the body breaks
    off half way, and the connection is closed: the real answer's, or that of *status*; one without a body is
    dropped. With *after* the request is handled first: a write that happened and was not answered.

    *delay* seconds pass, and then *call* is called, before anything is answered; that is also before the request is
    handled, or with *after* just after it was. The server stands still meanwhile, so *call* must not ask it anything.
    What has neither status, drop nor cut is only slow, or only called.
    """

    status: int | None = None
    body: Any = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    drop: bool = False
    cut: bool = False
    after: bool = False
    delay: float = 0
    call: Callable[[], None] | None = None

    @property
    def replaces(self) -> bool:
        """Whether the real answer does not come at all."""
        return self.drop or self.status is not None

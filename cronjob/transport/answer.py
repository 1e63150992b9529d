"""HTTP answers, the same for GitLab and for Kubernetes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """
    One answer, read to its end; the body may be a Secret. The names of *headers* have no case.

    Where *is_too_large*, its body is over the limit of its request, and was dropped.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    is_too_large: bool = field(default=False, repr=False)

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

"""Answers of the embedded GitLab, and its error messages: each layer of GitLab has a format of its own."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NoReturn

Json = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """A response: *body* is JSON, unless it is text. None is an empty body."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


class RefusedError(Exception):
    """Ends the handling of a request with an error answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer)
        self.answer = answer


def refuse(status: int, *, message: object = None, error: object = None) -> NoReturn:
    """Refuse with one of GitLab's two formats: *message* for errors of the models, *error* for those of parameters."""
    raise RefusedError(Answer(status, {"error": error} if message is None else {"message": message}))


def not_found(resource: str = "") -> NoReturn:
    """Refuse with 404 for *resource*, in GitLab's spelling, or for a sub-resource without a name."""
    refuse(404, message=f"404 {resource} Not Found" if resource else "404 Not found")


def no_route() -> NoReturn:
    """Refuse with the router's 404, typically because of an unencoded slash."""
    refuse(404, error="404 Not Found")


def unauthorized() -> NoReturn:
    refuse(401, message="401 Unauthorized")


def invalid_token(description: str) -> NoReturn:
    raise RefusedError(Answer(401, {"error": "invalid_token", "error_description": description}))


def insufficient_scope(needed: tuple[str, ...]) -> NoReturn:
    why = "The request requires higher privileges than provided by the access token."
    body = {"error": "insufficient_scope", "error_description": why, "scope": " ".join(needed)}
    raise RefusedError(Answer(403, body))


def forbidden() -> NoReturn:
    refuse(403, message="403 Forbidden")


def moved(url: str) -> NoReturn:
    """Redirect to a moved project; the body is plain text."""
    text = f"This resource has been moved permanently to {url}"
    raise RefusedError(Answer(301, text, {"Location": url}))


def timestamp(moment: datetime | None) -> str | None:
    """Format *moment* as GitLab does, with milliseconds."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z") if moment else None

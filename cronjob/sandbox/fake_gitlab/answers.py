"""What the embedded GitLab answers, above all when it refuses: each layer of GitLab words it differently."""

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
    """The request ends here, with this answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer)
        self.answer = answer


def refuse(status: int, *, message: object = None, error: object = None) -> NoReturn:
    """Refuse in one of GitLab's two envelopes: *message* for the models' and *error* for the parameters'."""
    raise RefusedError(Answer(status, {"error": error} if message is None else {"message": message}))


def not_found(what: str = "") -> NoReturn:
    """404 for *what*, in capitals as GitLab has them, or for a sub-resource without a name."""
    refuse(404, message=f"404 {what} Not Found" if what else "404 Not found")


def no_route() -> NoReturn:
    """404 of the router itself, typically because of an unencoded slash."""
    refuse(404, error="404 Not Found")


def unauthorized() -> NoReturn:
    refuse(401, message="401 Unauthorized")


def invalid_token(why: str) -> NoReturn:
    raise RefusedError(Answer(401, {"error": "invalid_token", "error_description": why}))


def insufficient_scope(needed: tuple[str, ...]) -> NoReturn:
    why = "The request requires higher privileges than provided by the access token."
    body = {"error": "insufficient_scope", "error_description": why, "scope": " ".join(needed)}
    raise RefusedError(Answer(403, body))


def forbidden() -> NoReturn:
    refuse(403, message="403 Forbidden")


def moved(url: str) -> NoReturn:
    """The redirect of a moved project, which is text."""
    text = f"This resource has been moved permanently to {url}"
    raise RefusedError(Answer(301, text, {"Location": url}))


def timestamp(moment: datetime | None) -> str | None:
    """*moment* as GitLab writes it, with milliseconds."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z") if moment else None

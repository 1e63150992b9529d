"""Routes: the handler, the first release and the scopes of each method and path."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote

from cronjob.sandbox.fake_gitlab.answers import Answer
from cronjob.sandbox.fake_gitlab.call import Call
from cronjob.sandbox.fake_gitlab.fine_grained_tokens import Permission

READING = ("api", "read_api")
WRITING = ("api",)


@dataclass(frozen=True)
class Route:
    """
    *pattern* is a path below ``/api/v4/``, with ``:name`` for any one segment.

    *permission* is what a fine-grained token needs. Any other token needs one of *scopes*, or is accepted if they are
    empty.
    """

    method: str
    pattern: str
    answer: Callable[[Call], Answer]
    permission: Permission
    since: tuple[int, int] = (0, 0)
    scopes: tuple[str, ...] = WRITING

    @property
    def segments(self) -> list[str]:
        return self.pattern.split("/")


def reading(
    pattern: str, answer: Callable[[Call], Answer], permission: Permission, *, since: tuple[int, int] = (0, 0)
) -> Route:
    return Route("GET", pattern, answer, permission, since, READING)


class Router:
    """Finds routes by the raw path, so that an encoded slash stays inside its segment."""

    def __init__(self, routes: list[Route]) -> None:
        self._by_shape: dict[tuple[str, int], list[tuple[list[str], Route]]] = {}
        for route in routes:
            segments = route.segments
            self._by_shape.setdefault((route.method, len(segments)), []).append((segments, route))

    def find(self, method: str, path: str, release: tuple[int, int]) -> tuple[Route, dict[str, str]] | None:
        """The route of a raw *path* below the API's root, and what its placeholders stand for."""
        parts = path.split("/")
        shape = ("GET" if method == "HEAD" else method, len(parts))
        for segments, route in self._by_shape.get(shape, []):
            if release >= route.since:
                pairs = list(zip(segments, parts, strict=True))
                if all(segment[0] == ":" or segment == part for segment, part in pairs):
                    return route, {segment[1:]: unquote(part) for segment, part in pairs if segment[0] == ":"}
        return None

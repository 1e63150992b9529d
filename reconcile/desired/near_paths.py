"""Nearest names: which project a GitRepository may mean whose URL names one that GitLab does not have."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from reconcile.deletion import scheduled_deletion
from reconcile.desired.hints import MAX_HINTS, Hints
from reconcile.desired.repositories import RepositoryRequest
from reconcile.model import Project
from reconcile.problems import Code
from reconcile.rules import Rules


def with_nearest_paths(
    requests: Iterable[RepositoryRequest], paths: Iterable[str], rules: Rules
) -> tuple[RepositoryRequest, ...]:
    """Add the nearest of the group's lower-case *paths* to the first projects that were not found."""
    requests = tuple(requests)
    if not any(request.held is Code.PROJECT_NOT_FOUND for request in requests):
        return requests
    known, hints = _Paths(paths), Hints(MAX_HINTS)
    return tuple(
        _with_hint(request, known.hint(request, rules, hints)) if request.held is Code.PROJECT_NOT_FOUND else request
        for request in requests
    )


class _Paths:
    """The names of projects by namespace, without those that GitLab is about to delete."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._names: dict[str, list[str]] = defaultdict(list)
        self._namespaces: dict[str, list[str]] = defaultdict(list)
        for path in paths:
            if scheduled_deletion(Project(0, path)) is None:
                namespace, _, name = path.rpartition("/")
                self._names[namespace].append(name)
                self._namespaces[name].append(namespace)

    def hint(self, request: RepositoryRequest, rules: Rules, hints: Hints) -> str:
        """Name the path that is most like the request's: in its namespace, or the same name in another one."""
        if hints.is_used_up:
            return ""
        namespace, _, name = (request.path or "").rpartition("/")
        beside = [each for each in self._names.get(namespace, ()) if _allows(request, rules, f"{namespace}/{each}")]
        if beside:
            return hints.nearest(name, beside, f"{namespace}/")
        elsewhere = [each for each in self._namespaces.get(name, ()) if _allows(request, rules, f"{each}/{name}")]
        near = hints.nearest(namespace, elsewhere) if elsewhere else ""
        return near.replace("?", f"/{name}?")


def _allows(request: RepositoryRequest, rules: Rules, path: str) -> bool:
    """Nobody learns the names of projects that he may not name."""
    return rules.tenancy.allows(request.ref.namespace, path)


def _with_hint(request: RepositoryRequest, hint: str) -> RepositoryRequest:
    problems = (
        replace(problem, message=f"{problem.message}{hint}") if problem.code == Code.PROJECT_NOT_FOUND else problem
        for problem in request.problems
    )
    return replace(request, problems=tuple(problems))

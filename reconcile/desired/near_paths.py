"""Nearest names: which project a GitRepository may mean whose URL names one that GitLab does not have."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from difflib import get_close_matches

from reconcile.deletion import scheduled_deletion
from reconcile.desired.repositories import RepositoryRequest
from reconcile.model import Project
from reconcile.problems import Code
from reconcile.rules import Rules

# A run makes no more suggestions than this, since comparing names is costly.
_SUGGESTIONS = 20
_ALIKE = 0.8


def with_nearest_paths(
    requests: Iterable[RepositoryRequest], paths: Iterable[str], rules: Rules
) -> tuple[RepositoryRequest, ...]:
    """Add the nearest of the group's lower-case *paths* to the first projects that were not found."""
    requests, index = tuple(requests), None
    changed: list[RepositoryRequest] = []
    for request in requests:
        is_lost = request.held is Code.PROJECT_NOT_FOUND and request.path is not None
        if is_lost and len(changed) < _SUGGESTIONS:
            index = index or _Paths(paths)
            changed.append(_with_hint(request, index.nearest(request, rules)))
    by_ref = {request.ref: request for request in changed}
    return tuple(by_ref.get(request.ref, request) for request in requests)


class _Paths:
    """The group's paths by namespace and by name; without those of projects that GitLab is about to delete."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._by_namespace: dict[str, list[str]] = defaultdict(list)
        self._by_name: dict[str, list[str]] = defaultdict(list)
        for path in paths:
            if scheduled_deletion(Project(0, path)) is None:
                namespace, _, name = path.rpartition("/")
                self._by_namespace[namespace].append(path)
                self._by_name[name].append(path)

    def nearest(self, request: RepositoryRequest, rules: Rules) -> str | None:
        """Return the path that is most like the request's: in its namespace, or the same name in another one."""
        wanted = request.path or ""
        namespace, _, name = wanted.rpartition("/")
        candidates = [*self._by_namespace.get(namespace, ()), *self._by_name.get(name, ())]
        # Nobody learns the names of projects that he may not name.
        allowed = [path for path in candidates if rules.tenancy.allows(request.ref.namespace, path)]
        return next(iter(get_close_matches(wanted, allowed, n=1, cutoff=_ALIKE)), None)


def _with_hint(request: RepositoryRequest, path: str | None) -> RepositoryRequest:
    if path is None:
        return request
    problems = (
        replace(problem, message=f"{problem.message} Did you mean {path}?")
        if problem.code == Code.PROJECT_NOT_FOUND
        else problem
        for problem in request.problems
    )
    return replace(request, problems=tuple(problems))

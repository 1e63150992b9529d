"""Find the GitRepositories that a query means; GitLab is asked only where the cluster does not know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cronjob.commands.trace.project_reader import ProjectReader
from reconcile.actual import Items
from reconcile.chain.query import Item, Query
from reconcile.errors import ReadError
from reconcile.model import LookUpFailed, Project, ProjectLocation


@dataclass(frozen=True, slots=True)
class Target:
    """The GitRepositories to trace; where there is none, the *project*, if GitLab has it."""

    items: Sequence[Item] = ()
    project: Project | None = None


def find_repositories(query: Query, gitlab: ProjectReader) -> Target:
    """
    Find by name, by path or URL, and only then by asking GitLab which project that is.

    Raises ReadError where GitLab is needed and does not answer.
    """
    found = query.matching(gitlab.hosts)
    if found:
        return Target(found)
    path = query.lookup_path(gitlab.hosts)
    location = gitlab.find(path) if path else None
    if isinstance(location, LookUpFailed):
        raise ReadError(f"GitLab did not say which project {query.text!r} is: {location.reason}")
    if not isinstance(location, ProjectLocation):
        return Target()
    project = location.project
    return Target(query.leading_to(project.path, None, gitlab.hosts) or _marked_on(query, project, gitlab), project)


def _marked_on(query: Query, project: Project, gitlab: ProjectReader) -> list[Item]:
    items = gitlab.read(project).items
    return query.marked_on(items) if isinstance(items, Items) else []

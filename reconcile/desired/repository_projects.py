"""Which project each GitRepository leads to, from what GitLab says about its path."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import replace

from reconcile.deletion import scheduled_deletion
from reconcile.desired.annotations import PIN
from reconcile.desired.repositories import RepositoryRequest
from reconcile.model import LookUpFailed, LookUpResult, ProjectAbsent, ProjectLocation
from reconcile.problems import Code
from reconcile.rules import Rules


def with_project(request: RepositoryRequest, places: Mapping[str, LookUpResult], rules: Rules) -> RepositoryRequest:
    """The request with its project, from GitLab's answers by lower-case path."""
    if request.dropped or request.url is None:
        return request
    match places.get(request.url.path.lower(), ProjectAbsent()):
        case ProjectLocation() as place:
            return _at(replace(request, actual_path=place.project.path), request.url.path, place, rules)
        case _ if request.held is Code.DISABLED:
            return request
        case LookUpFailed(reason, cause):
            return request.hold(
                Code.PROJECT_UNREADABLE,
                f"GitLab did not say whether {request.url.path} exists: {reason}. {cause.next_step}",
                cause,
            )
        case _:
            return request.hold(
                Code.PROJECT_NOT_FOUND,
                f"GitLab has no project {request.url.path} that this token can see; "
                "correct the URL, or make the bot account a Maintainer there.",
            )


def held_if_unreadable(request: RepositoryRequest, unreadable: Set[int]) -> RepositoryRequest:
    """The request, held where its project's lists could not be read; that is reported once, with the project."""
    if request.project and request.project.id in unreadable:
        return replace(request, held=request.held or Code.PROJECT_UNREADABLE)
    return request


def _at(request: RepositoryRequest, path: str, place: ProjectLocation, rules: Rules) -> RepositoryRequest:
    project, deletion = place.project, scheduled_deletion(place.project, place.marked_on)
    current_path = deletion.path if deletion else project.path
    if not rules.tenancy.allows(request.ref.namespace, current_path):
        return request.drop(
            Code.NOT_ALLOWED,
            f"The URL's project is now {current_path}, which the tenancy rules do not let namespace "
            f"{request.ref.namespace} name; correct the URL.",
        )
    if not place.inside:
        return request.drop(
            Code.PROJECT_OUTSIDE_GROUP,
            f"{current_path} lies outside the group and is never touched; "
            f"add it with --extra-project {current_path} if it should be.",
        )
    request = request.at(project)
    if request.held is Code.DISABLED:
        return request
    if request.pinned is not None and request.pinned != project.id:
        return request.hold(
            Code.PROJECT_REPLACED,
            f"The annotation {PIN} names project {request.pinned}, but {project.path} has id {project.id}: "
            "another project may have taken the path. Check whose it is, then correct the annotation.",
        )
    if deletion:
        return request.hold(Code.PROJECT_SCHEDULED_FOR_DELETION, deletion.message)
    moved = f"{path} has moved to {project.path}; correct the URL, since anybody may take the old path."
    return request.warned(Code.PROJECT_MOVED, moved) if place.moved else request

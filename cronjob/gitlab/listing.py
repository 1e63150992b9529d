"""
Project listing: which projects are the tenants' (with pagination), and look-ups of paths that are not in it.

Rules about pagination, redirects and 404s: GitLab's REST API (doc/api/rest, lib/api/helpers.rb), versions 14 to 19.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from cronjob.gitlab import routes
from cronjob.gitlab.errors import NoAnswer, Refused
from cronjob.gitlab.identity import raise_if_token_is_over
from cronjob.gitlab.items import creation_time, marked_for_deletion, project_from
from cronjob.gitlab.session import Session
from reconcile.causes import CauseCode
from reconcile.deletion import scheduled_deletion
from reconcile.desired.git_url import UnusableUrl, parse_git_url
from reconcile.errors import MalformedAnswer, ReadError
from reconcile.model import LookUpFailed, LookUpResult, Project, ProjectAbsent, ProjectLocation
from reconcile.problems import Code, Problem

_PAGE = 100
_NUMBER = re.compile(r"[0-9]{1,9}")
_CLONE_URLS = ("ssh_url_to_repo", "http_url_to_repo")
GROUP_PROJECTS = {
    "include_subgroups": "true",
    # GitLab's default mixes in projects of other groups that are shared with this one.
    "with_shared": "false",
    "simple": "true",
    # New projects then land on the last page, where they push nothing to another one.
    "order_by": "id",
    "sort": "asc",
}


@dataclass(slots=True)
class Listing:
    """
    The tenants' projects by lower-case path, and the hosts under which this GitLab is known.

    *roots* are the groups' full paths in lower case, *extras* the ids of projects that were named by themselves.
    *found* hears of each project at once, and only once of one that is renamed meanwhile.
    """

    hosts: set[str]
    found: Callable[[Project], None] = lambda _: None
    roots: list[str] = field(default_factory=list)
    extras: set[int] = field(default_factory=set)
    by_path: dict[str, Project] = field(default_factory=dict)
    created: dict[int, datetime] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    _by_id: dict[int, Project] = field(default_factory=dict)

    def contains(self, project: Project) -> bool:
        """Whether the project lies in one of the groups, or was named by itself."""
        return project.id in self.extras or self.is_below_a_group(project.path.lower())

    def is_below_a_group(self, path: str) -> bool:
        """Whether a path in lower case lies in one of the groups."""
        return any(path.startswith(f"{root}/") for root in self.roots)

    def add(self, answer: Mapping[str, Any]) -> None:
        """Take one project of a list, with the hosts of its clone URLs, if it is the tenants'."""
        project = project_from(answer)
        if self.contains(project):
            self.keep(project)
            self.learn(project, answer)

    def learn(self, project: Project, answer: Mapping[str, Any]) -> None:
        """Remember the hosts of a project's clone URLs, and when it was created."""
        self.hosts |= _hosts(answer)
        if created := creation_time(answer):
            self.created[project.id] = created

    def keep(self, project: Project) -> None:
        """Take the project in; one that was renamed while pages were read is known by its newer path only."""
        older = self._by_id.get(project.id)
        if older and self.by_path.get(older.path.lower()) == older:
            del self.by_path[older.path.lower()]
        self._by_id[project.id] = self.by_path[_lower(project.path)] = project
        if older is None:
            self.found(project)

    def lists(self, id_: int) -> bool:
        """Whether the project was taken in."""
        return id_ in self._by_id


def _lower(text: str) -> str:
    """The same object where nothing is to be changed, as for nearly all."""
    lower = text.lower()
    return text if lower == text else lower


def read_listing(session: Session, listing: Listing, *, groups: Iterable[str], extras: Iterable[str]) -> Listing:
    """List all *groups* to their last pages and look up *extras*. Raises ReadError where a list is not whole."""
    try:
        for group in groups:
            _add_group(session, group, listing)
        for path in extras:
            _add_extra(session, path, listing)
    except (NoAnswer, MalformedAnswer) as error:
        text = str(error)
        message = f"{text[0].upper()}{text[1:]}; nothing was changed. {error.cause.next_step}"
        raise ReadError(message, code="GitLabUnreadable", cause=error.cause) from error
    return listing


def read_root(session: Session, group: str, listing: Listing) -> int:
    """Learn the group's full path; its id. Raises ReadError, NoAnswer or MalformedAnswer."""
    try:
        answer, _ = session.get(routes.group(group), {"with_projects": "false"})
        root, id_ = answer["full_path"], answer["id"]
    except Refused as error:
        raise_if_token_is_over(error)
        raise _unreadable(group, error) from error
    except (KeyError, TypeError) as error:
        raise MalformedAnswer(f"GitLab's answer about group {group} is not a group") from error
    if not (isinstance(root, str) and root and type(id_) is int):
        raise MalformedAnswer(f"GitLab's answer about group {group} is not a group")
    listing.roots.append(root.lower())
    return id_


def _add_group(session: Session, group: str, listing: Listing) -> None:
    id_ = read_root(session, group, listing)
    try:
        for project in pages(session, routes.group_projects(id_), GROUP_PROJECTS):
            listing.add(project)
    except Refused as error:
        raise_if_token_is_over(error)
        raise _unreadable(group, error) from error


def _unreadable(group: str, error: Refused) -> ReadError:
    message = f"Group {group} cannot be read: {error}. {error.cause.next_step}"
    return ReadError(message, code="GitLabUnreadable", cause=error.cause)


def _add_extra(session: Session, path: str, listing: Listing) -> None:
    place = look_up(session, path, listing)
    match place:
        case ProjectLocation(project=project, moved=moved, marked_on=marked_on):
            listing.extras.add(project.id)
            listing.keep(project)
            # The new path of what is to be deleted is no path to use; who wants that project is told.
            if moved and not scheduled_deletion(project, marked_on):
                message = f"--extra-project {path} has moved to {project.path}; name it by its new path."
                listing.problems.append(Problem.of(Code.PROJECT_MOVED, message, project=project.path))
        case ProjectAbsent():
            message = f"--extra-project {path}: GitLab has no such project that this token can see; correct the path."
            listing.problems.append(Problem.of(Code.PROJECT_NOT_FOUND, message, project=path))
        case LookUpFailed(reason, cause):
            message = f"--extra-project {path} cannot be looked up: {reason}. {cause.next_step}"
            listing.problems.append(Problem.of(Code.PROJECT_UNREADABLE, message, project=path).caused_by(cause))


def look_up(session: Session, path: str, listing: Listing) -> LookUpResult:
    """Where *path* leads now, by one GET, or two for a project that moved. Raises ReadError where the token is over."""
    try:
        try:
            answer, _ = session.get(routes.project(path))
        except Refused as error:
            moved = routes.moved_project(error.location)
            if error.status != 301 or moved is None:
                raise
            # Only the id is taken from Location: its host may be another one.
            answer, _ = session.get(routes.project(moved))
        project = project_from(answer)
        listing.learn(project, answer)
    except Refused as error:
        raise_if_token_is_over(error)
        if error.cause.code is CauseCode.PROJECT_GONE:
            return ProjectAbsent()
        return LookUpFailed(str(error), error.cause)
    except (NoAnswer, MalformedAnswer) as error:
        return LookUpFailed(str(error), error.cause)
    return ProjectLocation(
        project,
        moved=project.path.lower() != path.lower(),
        inside=listing.contains(project),
        marked_on=marked_for_deletion(answer),
    )


def pages(session: Session, path: str, params: Mapping[str, str]) -> Iterator[Mapping[str, Any]]:
    """
    Every element of a list, to its last page. Raises Refused, NoAnswer or MalformedAnswer.

    A list that its own headers call longer than what came is not whole, and a page that brings nothing new ends it.
    """
    page, came, seen = "1", 0, set[str]()
    while page:
        answer, headers = session.get(path, {**params, "per_page": str(_PAGE), "page": page})
        if not isinstance(answer, list) or not all(isinstance(one, dict) for one in answer):
            raise MalformedAnswer(f"GitLab's answer to {path} is not a list")
        following = _next_page(headers, page, len(answer))
        new = {str(element.get("id")) for element in answer} - seen
        if not new and (answer or following):
            raise MalformedAnswer(f"GitLab's list {path} brings nothing new on page {page}, so it is not whole")
        yield from answer
        came += len(answer)
        seen |= new
        if not following and (promised := _promised(headers, page, came)):
            raise MalformedAnswer(f"GitLab's list {path} is not whole: {promised}, and {came} elements came")
        page = following


def _next_page(headers: Mapping[str, str], page: str, size: int) -> str:
    """The number of the next page; empty on the last one. Raises MalformedAnswer where it leads nowhere."""
    following = headers.get("X-Next-Page")
    if following is None:
        # A proxy that drops the header must not cut the list short.
        following = str(int(page) + 1) if size == _PAGE else ""
    if following and not (_NUMBER.fullmatch(following) and int(following) > int(page)):
        raise MalformedAnswer(f"GitLab's answer leads from page {page} to page {following[:9]}")
    return following


def _promised(headers: Mapping[str, str], page: str, came: int) -> str:
    """What the headers of the last page promise beyond it, as a clause; GitLab sends no totals above 10,000."""
    total, last = (headers.get(name, "") for name in ("X-Total", "X-Total-Pages"))
    if _NUMBER.fullmatch(total) and int(total) > came:
        return f"its headers count {total}"
    if _NUMBER.fullmatch(last) and int(last) > int(page):
        return f"its headers count {last} pages"
    return "its headers link a next page" if 'rel="next"' in headers.get("Link", "") else ""


def _hosts(answer: Mapping[str, Any]) -> set[str]:
    """The hosts in a project's clone URLs; `git@host:path` is how GitLab writes the common one."""
    urls = [url for name in _CLONE_URLS if isinstance(url := answer.get(name), str) and url]
    if not urls:
        # Sources on a host that nobody knows would not be found to be this GitLab's.
        raise MalformedAnswer(f"GitLab's answer about project {answer.get('id')} has no clone URL")
    path = str(answer.get("path_with_namespace"))
    return {host for url in urls if (host := _host("a/b".join(url.rsplit(path, 1))))}


@lru_cache(maxsize=256)
def _host(url: str) -> str | None:
    """The host of a clone URL; with one stand-in for all paths, thousands of projects have the same one."""
    try:
        return parse_git_url(url if "://" in url else f"ssh://{url}").host
    except UnusableUrl:
        return None

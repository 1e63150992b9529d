"""GitLab, asked about one project: neither the group's whole list nor anything of the project's neighbours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from cronjob.gitlab.group import Scope
from cronjob.gitlab.identity import prove
from cronjob.gitlab.listing import GROUP_PROJECTS, Listing, look_up, pages, read_listing, read_root
from cronjob.gitlab.session import Refused, Session
from reconcile.actual import Items, Unreadable, key_from, webhook_from
from reconcile.errors import MalformedAnswer, SyncerError
from reconcile.model import LookUpFailed, LookUpResult, Project, ProjectLocation

# GitLab gives no more of a webhook's events at a time (lib/api/hooks/events.rb).
_EVENTS = 20
_PAGES = 5


@dataclass(frozen=True, slots=True)
class Seen:
    """What one project has; *archived* is False where GitLab does not say."""

    items: Items | Unreadable
    archived: bool = False

    @property
    def project(self) -> Project:
        """The project."""
        return self.items.project


class ProjectReader:
    """
    One GitLab, for questions about single projects; it only reads.

    *trouble* says why it cannot be asked at all, once `reach` was called; every look-up then fails for that reason.
    """

    def __init__(self, session: Session, scope: Scope) -> None:
        self.trouble = ""
        self._session = session
        self._scope = scope
        self._listing = Listing(set(scope.hosts))
        self._places: dict[str, LookUpResult] = {}
        self._extras: set[int] | None = None

    @property
    def hosts(self) -> frozenset[str]:
        """Under which hosts this GitLab is known by now; each project that is looked up may add one."""
        return frozenset(self._listing.hosts)

    def reach(self) -> None:
        """Prove who we are, and learn the groups' full paths and, from one project of each, GitLab's hosts."""
        try:
            prove(self._session, writes=False)
            for group in self._scope.groups:
                self._learn(group)
        except SyncerError as error:
            self.trouble = str(error)

    def find(self, path: str) -> LookUpResult:
        """Where the path, or the project id, leads; asked once."""
        if self.trouble:
            return LookUpFailed(self.trouble)
        if path not in self._places:
            place = look_up(self._session, path, self._listing)
            if isinstance(place, ProjectLocation) and not place.inside and self._scope.extra_projects:
                place = replace(place, inside=place.project.id in self._named_by_themselves())
            self._places[path] = place
            if isinstance(place, ProjectLocation):
                self._places.setdefault(place.project.path.lower(), replace(place, moved=False))
        return self._places[path]

    def read(self, project: Project) -> Seen:
        """The project's deploy keys and webhooks, every page; unreadable where either list is not whole."""
        now, base = datetime.now(UTC), f"/projects/{project.id}"
        archived = False
        try:
            answer, _ = self._session.get(base)
            archived = isinstance(answer, dict) and answer.get("archived") is True
            keys = tuple(key_from(one, now) for one in pages(self._session, f"{base}/deploy_keys", {}))
            webhooks = tuple(webhook_from(one) for one in pages(self._session, f"{base}/hooks", {}))
        except SyncerError as error:
            return Seen(Unreadable(project, str(error)), archived)
        return Seen(Items(project, keys, webhooks), archived)

    def deliveries(self, project: Project, webhook: int) -> list[str] | None:
        """
        How the last deliveries were answered, the newest first: a status, or `internal error` where none came.

        GitLab keeps them for 7 days; at most 100 are read. None: this GitLab does not tell (before 17.3). Raises
        SyncerError.
        """
        found: list[str] = []
        for page in range(1, _PAGES + 1):
            params = {"per_page": str(_EVENTS), "page": str(page)}
            try:
                answer, headers = self._session.get(f"/projects/{project.id}/hooks/{webhook}/events", params)
            except Refused as error:
                if error.status == 404:
                    return None
                raise
            found += _statuses(answer)
            if len(answer) < _EVENTS or headers.get("X-Next-Page") == "":
                break
        return found

    def _learn(self, group: str) -> None:
        id_ = read_root(self._session, group, self._listing)
        answer, _ = self._session.get(f"/groups/{id_}/projects", {**GROUP_PROJECTS, "per_page": "1", "page": "1"})
        for project in _objects(answer):
            self._listing.add(project)

    def _named_by_themselves(self) -> set[int]:
        """The ids of the extra projects, which may have moved since they were named."""
        if self._extras is None:
            extras = read_listing(self._session, Listing(set()), groups=(), extras=self._scope.extra_projects)
            self._extras = extras.extras
        return self._extras


def _statuses(answer: object) -> list[str]:
    statuses = [one.get("response_status") for one in _objects(answer)]
    if not all(isinstance(status, str | int) for status in statuses):
        raise MalformedAnswer("GitLab's answer has a delivery without its status")
    return [str(status) for status in statuses]


def _objects(answer: object) -> list[Mapping[str, Any]]:
    if isinstance(answer, list) and all(isinstance(one, dict) for one in answer):
        return answer
    raise MalformedAnswer("GitLab's answer is not a list")

"""Read single projects of GitLab, without listing the whole group or reading other projects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from cronjob.gitlab import routes
from cronjob.gitlab.errors import Refused
from cronjob.gitlab.group import Scope
from cronjob.gitlab.identity import prove
from cronjob.gitlab.items import key_from, marked_for_deletion, webhook_from
from cronjob.gitlab.listing import GROUP_PROJECTS, Listing, look_up, pages, read_listing, read_root
from cronjob.gitlab.session import Session
from reconcile.actual import Items, Unreadable
from reconcile.causes import UNKNOWN
from reconcile.chain.deliveries import Deliveries
from reconcile.chain.query import Hosts
from reconcile.chain.tenant_trace import ProjectState
from reconcile.errors import MalformedAnswer, SyncerError
from reconcile.model import LookUpFailed, LookUpResult, Project, ProjectLocation
from reconcile.rules import Rules

# GitLab gives no more of a webhook's events at a time (lib/api/hooks/events.rb).
_EVENTS = 20
_PAGES = 5


class ProjectReader:
    """
    Reads single projects of one GitLab, and never writes.

    *unavailable* says why GitLab cannot be asked at all, once `connect` was called; every look-up then fails for that
    reason.
    """

    def __init__(self, session: Session, scope: Scope, rules: Rules) -> None:
        self.unavailable = ""
        self._cause = UNKNOWN
        self._session = session
        self._scope = scope
        self._rules = rules
        self._listing = Listing(set(scope.hosts))
        self._locations: dict[str, LookUpResult] = {}
        self._extras: set[int] | None = None

    @property
    def hosts(self) -> Hosts:
        """The hosts of this GitLab that are known by now; each project that is looked up may add one."""
        return Hosts(frozenset(self._listing.hosts), complete=not self.unavailable)

    def connect(self) -> None:
        """Check the token, and read the groups' full paths and, from one project of each, GitLab's hosts."""
        try:
            prove(self._session, writes=False)
            for group in self._scope.groups:
                self._read_hosts(group)
        except SyncerError as error:
            self.unavailable, self._cause = str(error), error.cause or UNKNOWN

    def find(self, path: str) -> LookUpResult:
        """Return where the path, or the project id, leads; GitLab is asked once."""
        if self.unavailable:
            return LookUpFailed(self.unavailable, self._cause)
        if path not in self._locations:
            location = look_up(self._session, path, self._listing)
            if isinstance(location, ProjectLocation) and not location.inside and self._scope.extra_projects:
                location = replace(location, inside=location.project.id in self._extra_projects())
            self._locations[path] = location
            if isinstance(location, ProjectLocation):
                self._locations.setdefault(location.project.path.lower(), replace(location, moved=False))
        return self._locations[path]

    def read(self, project: Project) -> ProjectState:
        """Read every page of the project's deploy keys and webhooks; unreadable where either list is not whole."""
        now, base = datetime.now(UTC), routes.project(project.id)
        archived = False
        try:
            answer, _ = self._session.get(base)
            # What is scheduled for deletion is archived, too, and that is said already.
            is_shown = isinstance(answer, dict) and not marked_for_deletion(answer)
            archived = is_shown and answer.get("archived") is True
            listed_keys = pages(self._session, routes.deploy_keys(base), {})
            keys = tuple(key_from(element, self._rules, now) for element in listed_keys)
            listed_hooks = pages(self._session, routes.hooks(base), {})
            webhooks = tuple(webhook_from(element, self._rules) for element in listed_hooks)
        except SyncerError as error:
            return ProjectState(Unreadable(project, str(error), error.cause or UNKNOWN), archived)
        return ProjectState(Items(project, keys, webhooks), archived)

    def deliveries(self, project: Project, webhook: int) -> Deliveries:
        """Read how the last deliveries of the webhook were answered, at most 100. GitLab tells since 17.3."""
        try:
            return Deliveries(tuple(self._delivery_statuses(project, webhook)))
        except Refused as error:
            if error.status == 404:
                return Deliveries(unread="GitLab tells from 17.3 on only")
            return Deliveries(unread=f"GitLab does not tell: {error}")
        except SyncerError as error:
            return Deliveries(unread=f"GitLab does not tell: {error}")

    def _delivery_statuses(self, project: Project, webhook: int) -> list[str]:
        found: list[str] = []
        route = routes.deliveries(routes.item(routes.hooks(routes.project(project.id)), webhook))
        for page in range(1, _PAGES + 1):
            params = {"per_page": str(_EVENTS), "page": str(page)}
            answer, headers = self._session.get(route, params)
            found += _statuses(answer)
            if len(answer) < _EVENTS or headers.get("X-Next-Page") == "":
                break
        return found

    def _read_hosts(self, group: str) -> None:
        id_ = read_root(self._session, group, self._listing)
        answer, _ = self._session.get(routes.group_projects(id_), {**GROUP_PROJECTS, "per_page": "1", "page": "1"})
        for project in _objects(answer):
            self._listing.add(project)

    def _extra_projects(self) -> set[int]:
        """Return the ids of the extra projects, which may have moved since they were named."""
        if self._extras is None:
            extras = read_listing(self._session, Listing(set()), groups=(), extras=self._scope.extra_projects)
            self._extras = extras.extras
        return self._extras


def _statuses(answer: object) -> list[str]:
    statuses = [delivery.get("response_status") for delivery in _objects(answer)]
    if not all(isinstance(status, str | int) for status in statuses):
        raise MalformedAnswer("GitLab's answer has a delivery without its status")
    return [str(status) for status in statuses]


def _objects(answer: object) -> list[Mapping[str, Any]]:
    if isinstance(answer, list) and all(isinstance(element, dict) for element in answer):
        return answer
    raise MalformedAnswer("GitLab's answer is not a list")

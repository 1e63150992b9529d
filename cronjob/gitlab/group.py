"""GitLab as the run needs it: list, look up and read the tenants' projects, and write changes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Set
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import chain
from operator import itemgetter
from typing import TypeVar

from cronjob.concurrency.progress_counts import ProgressCounts
from cronjob.concurrency.stop import StopControl, raise_if_stopped
from cronjob.concurrency.worker_pool import WorkerPool
from cronjob.gitlab import routes
from cronjob.gitlab.circuit_breaker import CircuitBreaker
from cronjob.gitlab.error_causes import is_token_over
from cronjob.gitlab.errors import NoAnswer, Refused
from cronjob.gitlab.identity import Whoami, prove, raise_if_token_is_over
from cronjob.gitlab.items import key_from, webhook_from
from cronjob.gitlab.listing import Listing, look_up, pages, read_listing
from cronjob.gitlab.session import Session
from cronjob.gitlab.writer import Writer
from reconcile.actual import Actual, Items, Unreadable, actual_from
from reconcile.errors import MalformedAnswer, NotTried, ReadError, WriteFailed
from reconcile.model import LookUpFailed, LookUpResult, Project, ProjectLocation
from reconcile.plan.changes import Change, Written
from reconcile.rules import Rules
from reconcile.shares import ALL, Share

Item = TypeVar("Item")
Answer = TypeVar("Answer")
# The change, the seconds it took, and what went wrong if it was not made.
OnWrite = Callable[[Change, float, str | None], None]


@dataclass(frozen=True, slots=True)
class Scope:
    """
    Which projects are the tenants', and how this run may act on them.

    *hosts* are those known beforehand: the API's and the settings'. *user* is whose token writes are for. All projects
    are listed, and those of *share* read.
    """

    groups: tuple[str, ...] = ()
    extra_projects: tuple[str, ...] = ()
    hosts: frozenset[str] = frozenset()
    user: str | None = None
    writes: bool = False
    concurrency: int = 16
    share: Share = ALL


def _ignore_write(_change: Change, _seconds: float, _error: str | None) -> None:
    """Ignore the outcome of a write."""


def _with_newest_path(project: Project, state: Items | Unreadable) -> Items | Unreadable:
    """The state that was read, with the project's newest path."""
    return state if state.project == project else replace(state, project=project)


class GitLabGroup:
    """Implements the run's port `GitLab` over one session. The projects are listed once, at first use."""

    def __init__(
        self,
        session: Session,
        scope: Scope,
        rules: Rules,
        *,
        stop_control: StopControl,
        on_write: OnWrite = _ignore_write,
    ) -> None:
        self.whoami: Whoami | None = None
        self.tally = ProgressCounts()
        self._session = session
        self._scope = scope
        self._rules = rules
        self._stop_control = stop_control
        self._on_write = on_write
        self._listing: Listing | None = None
        self._locations: dict[str, LookUpResult] = {}
        self._reading = WorkerPool(self._counted_items, scope.concurrency, "reading")
        self._breaker = CircuitBreaker(session)
        self._writer = Writer(session, rules, self._contains)

    def close(self) -> None:
        """End the workers. What they are still reading is not retried."""
        self._stop_control.watch(lambda: "the run is over")
        self._reading.close()

    def read_hosts(self) -> frozenset[str]:
        """Prove who we are and list the projects, once; the hosts under which this GitLab is known."""
        return frozenset(self._listed().hosts)

    def listed_paths(self) -> Set[str]:
        """The lower-case paths of the tenants' projects."""
        return self._listed().by_path.keys()

    def group_paths(self) -> Set[str]:
        """The lower-case full paths of the groups."""
        return frozenset(self._listed().roots)

    def find(self, paths: Iterable[str]) -> Mapping[str, LookUpResult]:
        """Where each lower-case path leads, from the listing; by one GET for each path that is not in it."""
        listing = self._listed()
        wanted = sorted(set(paths))
        unknown = [path for path in wanted if path not in listing.by_path and path not in self._locations]
        answers = list(self.in_parallel(lambda path: look_up(self._session, path, listing), unknown))
        if any(isinstance(answer, LookUpFailed) for answer in answers):
            self._raise_if_stopped()
        self._locations.update(zip(unknown, answers, strict=True))
        return {
            path: ProjectLocation(listing.by_path[path]) if path in listing.by_path else self._locations[path]
            for path in wanted
        }

    def read_actual(self, also: Iterable[Project]) -> Actual:
        """Keys and webhooks of our share of the listed projects and of *also*; what is not read whole is unreadable."""
        listing, share = self._listed(), self._scope.share
        # By the newest path: some may have been renamed while the pages were read.
        projects = {one.id: one for one in chain(listing.by_path.values(), also) if share.has(one.id)}
        for project in projects.values():
            if not listing.lists(project.id):
                self._read(project)
        read = (state for state in self._reading.answers() if state.project.id in projects)
        states = [_with_newest_path(projects[state.project.id], state) for state in read]
        actual = replace(actual_from(states, listing.problems if share.is_first else ()), created=listing.created)
        self._writer.learn(actual)
        return actual

    def write(self, change: Change) -> Written:
        """Make one change and be sure that it was made; *on_write* hears what was tried. Raises WriteFailed."""
        began = time.monotonic()
        try:
            written = self._writer.write(change)
        except NotTried:
            raise
        except WriteFailed as error:
            if error.cause and is_token_over(error.cause):
                self._stop_control.watch(lambda: "GitLab does not accept the token any more")
            self._on_write(change, time.monotonic() - began, str(error))
            raise
        finally:
            self.tally.one_written()
        self._on_write(change, time.monotonic() - began, None)
        return written

    def expect_writes(self, count: int) -> None:
        """Add *count* changes to those that the progress shows as expected."""
        self.tally.expect(count)

    def in_parallel(self, work: Callable[[Item], Answer], items: Iterable[Item]) -> Iterable[Answer]:
        """Do *work* for each item, `concurrency` at a time; the answers come in the order of the items."""

        def done(numbered: tuple[int, Item]) -> tuple[int, Answer]:
            number, item = numbered
            return number, work(item)

        with closing(WorkerPool(done, self._scope.concurrency, "gitlab")) as pool:
            for numbered in enumerate(items):
                pool.add(numbered)
            return [answer for _, answer in sorted(pool.answers(), key=itemgetter(0))]

    def stopped(self) -> str:
        """Why no new write may begin, as a clause; empty while it may."""
        return self._stop_control.reason()

    def _listed(self) -> Listing:
        if self._listing is None:
            self._raise_if_stopped()
            try:
                self._listing = self._read_listing()
            except ReadError as error:
                self._raise_if_stopped(error)
                raise
        return self._listing

    def _read_listing(self) -> Listing:
        scope, self.tally.listing = self._scope, True
        self.whoami = prove(self._session, writes=scope.writes, expected_user=scope.user)
        listing = Listing(set(scope.hosts), self._read)
        read_listing(self._session, listing, groups=scope.groups, extras=scope.extra_projects)
        if listing.problems:
            self._raise_if_stopped()
        self.tally.listed = True
        listing.problems += self.whoami.problems(datetime.now(UTC))
        return listing

    def _read(self, project: Project) -> None:
        """Begin to read the project, if it is in our share, while the next ones are still being listed."""
        if self._scope.share.has(project.id):
            self.tally.one_found()
            self._reading.add(project)

    def _raise_if_stopped(self, cause: Exception | None = None) -> None:
        """Raise ReadError where the run was stopped: a failure after that says nothing about GitLab."""
        raise_if_stopped(self._stop_control, cause)

    def _contains(self, project: Project) -> bool:
        return self._listed().contains(project)

    def _counted_items(self, project: Project) -> Items | Unreadable:
        items = self._items(project)
        self.tally.one_read()
        return items

    def _items(self, project: Project) -> Items | Unreadable:
        """All pages of both lists. A signal or the deadline ends the reading, and with it the run."""
        self._raise_if_stopped()
        self._breaker.raise_if_open()
        now, base = datetime.now(UTC), routes.project(project.id)
        try:
            listed_keys = pages(self._session, routes.deploy_keys(base), {})
            keys = tuple(key_from(element, self._rules, now) for element in listed_keys)
            listed_hooks = pages(self._session, routes.hooks(base), {})
            webhooks = tuple(webhook_from(element, self._rules) for element in listed_hooks)
        except (Refused, NoAnswer, MalformedAnswer) as error:
            self._raise_if_stopped(error)
            raise_if_token_is_over(error)
            self._breaker.record(error)
            return Unreadable(project, str(error), error.cause)
        self._breaker.record(None)
        return Items(project, keys, webhooks)

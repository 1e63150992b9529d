"""
S1, every schedule: two clusters' real runs, or a run and an `undo`, are cut at every pair of request boundaries.

The first run waits before its request i while the second one runs to its request j; then the first one ends, and then
the second one. Both speak to one embedded GitLab over HTTP.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from itertools import product

import pytest

from cronjob.concurrency.stop import StopControl
from cronjob.gitlab.group import GitLabGroup, Scope
from cronjob.gitlab.session import GitLabConnection, Session
from cronjob.sandbox.fake_gitlab.records import Project
from reconcile.desired.receiver_tokens import webhook_path
from reconcile.events import DEFAULT_FLAGS
from reconcile.marks import Identity
from reconcile.model import Ref, shown_url
from reconcile.plan.limits import NO_LIMITS
from reconcile.report import Report
from reconcile.rules import Rules
from reconcile.run import RunOptions, reconcile
from reconcile.undo.removed import RemovedKey, RemovedWebhook
from reconcile.undo.undo import undo
from tests.worlds.builders import HOST, NAMESPACE, RECEIVER_URL, a_public_key, some_rules
from tests.worlds.gitlab_builders import BACKOFF, TOKEN, GitLab, ours
from tests.worlds.pausing_proxy import PausingProxy, pausing_proxy
from tests.worlds.ports import Kubernetes, marked

pytest_plugins = ["tests.worlds.gitlab_fixtures"]

# From the second request about a project on: the token (2), the group and its projects decide nothing here.
BOUNDARIES = range(5, 12)
OPTIONS = RunOptions(gitlab_host=HOST, limits=NO_LIMITS)

Work = Callable[[Kubernetes, GitLabGroup, Rules], Report]


def a_run(flux: Kubernetes, gitlab: GitLabGroup, rules: Rules) -> Report:
    return reconcile(flux, gitlab, rules, OPTIONS)


@dataclass
class Cluster:
    """A cluster with one tenant, of which both clusters have the same objects; requests go through *proxy*."""

    name: str
    base: str
    proxy: PausingProxy
    flux: Kubernetes = field(default_factory=Kubernetes)

    def __post_init__(self) -> None:
        self.flux.add_repository("shop", "tenants/shop", a_public_key(1))
        self.path = self.flux.add_receiver("shop", ["shop"], "token").removeprefix(RECEIVER_URL)

    @property
    def url(self) -> str:
        return self.base + self.path

    def do(self, work: Work = a_run) -> Report:
        rules = some_rules(identity=Identity(self.name, frozenset({NAMESPACE})), receiver_url=self.base)
        scope = Scope(groups=("tenants",), hosts=frozenset({HOST}), writes=True, concurrency=1)
        connection = GitLabConnection(self.proxy.url, TOKEN, allow_writes=True, backoff=BACKOFF)
        stop_control = StopControl()
        with (
            closing(Session(connection, stop_control)) as session,
            closing(GitLabGroup(session, scope, rules, stop_control=stop_control)) as gitlab,
        ):
            return work(self.flux, gitlab, rules)

    def pause_before(self, boundary: int, then: Callable[[], None]) -> None:
        """Do something before the request number *boundary* of the next run."""
        self.proxy.pause_before, self.proxy.then = len(self.proxy.seen) + boundary, then


@contextmanager
def two_clusters(gitlab: GitLab, base: str) -> Iterator[tuple[Cluster, Cluster]]:
    with ExitStack() as opened:
        proxies = [opened.enter_context(pausing_proxy(gitlab.url)) for _ in range(2)]
        yield Cluster("prod", RECEIVER_URL, proxies[0]), Cluster("staging", base, proxies[1])


def cut(first: Callable[[], Report], clusters: tuple[Cluster, Cluster], i: int, j: int) -> bool:
    """Do *first* and a run of the second cluster with this schedule; whether there was such a request i."""
    one, other = clusters
    second_waits, first_is_over = threading.Event(), threading.Event()
    reports: list[Report] = []

    def second() -> None:
        try:
            reports.append(other.do())
        finally:
            second_waits.set()

    def wait_for_the_first() -> None:
        second_waits.set()
        assert first_is_over.wait(30)

    def let_the_second_begin() -> None:
        thread.start()
        assert second_waits.wait(30)

    thread = threading.Thread(target=second)
    other.pause_before(j, wait_for_the_first)
    one.pause_before(i, let_the_second_begin)
    first()
    first_is_over.set()
    if thread.ident is None:
        return False
    thread.join()
    assert len(reports) == 1
    return True


def leftovers(gitlab: GitLab, project: Project) -> None:
    """Each cluster has a key to remove, so that there is a GET by id and a DELETE."""
    for number, name in ((8, "prod"), (9, "staging")):
        gitlab.world.add_deploy_key(project, a_public_key(number).text, title=marked("gone", name))


def lost(gitlab: GitLab, project: Project, urls: set[str]) -> list[str]:
    """What the project should have by now and has not."""
    keys = {" ".join(key.key.split()[:2]) for key, _ in gitlab.world.keys_of(project)}
    hooks = {hook.url for hook in gitlab.world.hooks_of(project)}
    return sorted({a_public_key(1).text, *urls} - keys - hooks)


def losses(gitlab: GitLab, base: str, prepare: Callable[[Project], object], work: Work = a_run) -> list[object]:
    """What is lost in any schedule, right after it or one run of each cluster later; the first does *work*."""
    found: list[object] = []
    with two_clusters(gitlab, base) as clusters:
        one, other = clusters
        for i, j in product(BOUNDARIES, repeat=2):
            project = gitlab.project()
            prepare(project)
            if not cut(lambda: one.do(work), clusters, i, j):
                # There was no such request.
                gitlab.world.remove_project(project)
                continue
            found += [(i, j, text) for text in lost(gitlab, project, {one.url, other.url})]
            other.do()
            one.do()
            found += [(i, j, text) for text in lost(gitlab, project, {one.url, other.url})]
            gitlab.world.remove_project(project)
    return found


@pytest.mark.parametrize("base", [RECEIVER_URL, "https://staging.example.net"], ids=["one URL", "two URLs"])
def test_no_schedule_of_two_runs_loses_a_key_or_a_webhook(gitlab: GitLab, base: str) -> None:
    assert losses(gitlab, base, lambda project: leftovers(gitlab, project)) == []


def test_no_schedule_loses_a_key_that_is_joined_by_its_id(gitlab: GitLab) -> None:
    """Another project has the key with a comment, so that both clusters enable it."""
    there = gitlab.project("tenants/there")
    gitlab.world.add_deploy_key(there, a_public_key(1).text + " somebody@laptop", title="by hand")

    assert losses(gitlab, RECEIVER_URL, lambda _: None) == []


def test_no_schedule_of_an_undo_and_a_run_loses_a_key_or_a_webhook(gitlab: GitLab) -> None:
    def undo_it(flux: Kubernetes, group: GitLabGroup, rules: Rules) -> Report:
        (project,) = map(ours, gitlab.world.projects.values())
        receiver = Ref("Receiver", NAMESPACE, "shop")
        path = webhook_path(b"token", receiver)
        key = RemovedKey(project, marked("shop"), a_public_key(1), can_push=False)
        webhook = RemovedWebhook(project, shown_url(RECEIVER_URL + path), DEFAULT_FLAGS, receiver)
        return undo(flux, group, rules, OPTIONS, removed=(key, webhook))

    assert losses(gitlab, "https://staging.example.net", lambda _: None, undo_it) == []

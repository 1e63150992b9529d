"""
One run, read top to bottom. Start here.

Everything is read before anything is decided, and everything is decided before anything is written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from reconcile.actual import Actual
from reconcile.apply import apply
from reconcile.desired.budgets import within_look_ups
from reconcile.desired.desired import Desired, WantedKey, desired_from
from reconcile.desired.foreign_hosts import foreign_hosts_once
from reconcile.desired.near_paths import with_nearest_paths
from reconcile.desired.needed_secrets import secrets_to_read
from reconcile.desired.receivers import receiver_request_from
from reconcile.desired.replaced_paths import with_replaced_paths
from reconcile.desired.repositories import KnownProjects, repository_request_from
from reconcile.desired.repository_projects import held_if_unreadable, with_project
from reconcile.desired.requests import Requests
from reconcile.desired.seen_items import SeenItems
from reconcile.desired.unknown_hosts import with_unknown_hosts
from reconcile.errors import ReadError, SettingsError
from reconcile.marks import Owner
from reconcile.model import SecretOfOtherShard
from reconcile.plan.changes import Create, order_of
from reconcile.plan.deploy_keys import joined_under_another_mark
from reconcile.plan.guard import guard
from reconcile.plan.inventory import inventory_of
from reconcile.plan.limits import NO_LIMITS, Limits
from reconcile.plan.objections import Expected, Objection, plan_changed
from reconcile.plan.plan import Plan, make_plan
from reconcile.ports import Flux, GitLab
from reconcile.problems import Code, Problem
from reconcile.report import Entry, Report, Status, entries_of
from reconcile.rules import Rules
from reconcile.stopping import Stopped, never

_UNMARKED_STAY = (
    "Webhooks that carry no mark, as all do before GitLab 17.1, stay. With --receiver-url those at this cluster's URLs "
    "are named, so that they can be removed by hand."
)


def _every_project(path: str) -> bool:
    return bool(path)


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What the operator asks of this run. *acts_on* says by path what it may change, *stopped* why it must end."""

    dry_run: bool = False
    prune: bool = True
    limits: Limits = field(default_factory=Limits)
    expected: Expected | None = None
    acts_on: Callable[[str], bool] = _every_project
    gitlab_host: str = ""
    show_foreign: bool = False
    inventory: bool = False
    stopped: Stopped = never


def reconcile(flux: Flux, gitlab: GitLab, rules: Rules, options: RunOptions) -> Report:
    """Bring the group's deploy keys and webhooks in sync with Flux, once. Raises ReadError before any write."""
    options = replace(options, stopped=gitlab.stopped)
    check_project_option(gitlab, options)
    requests = read_requests(flux, gitlab, rules)
    secrets = secrets_to_read(requests.repositories, requests.receivers, rules)
    flux.expect_secrets(secrets.keys, secrets.tokens)
    actual = gitlab.read_actual(requests.projects)
    plan = plan_for(read_desired(flux, requests, actual, rules), actual, rules, options)

    def plan_again() -> Plan:
        requests_now = read_requests(flux, gitlab, rules)
        return plan_for(read_desired(flux, requests_now, actual, rules), actual, rules, options)

    return guard_and_apply(plan, gitlab, rules, options, plan_again=plan_again)


def retire(gitlab: GitLab, rules: Rules, options: RunOptions) -> Report:
    """
    Remove everything that is ours, in every namespace and at any URL; what carries no mark stays and is listed.

    *rules* count every namespace of this cluster as ours. Kubernetes is not asked. The operator's confirmation
    replaces the guard.
    """
    options = replace(options, limits=NO_LIMITS)
    check_project_option(gitlab, options)
    nothing = Desired(problems=() if rules.receiver_url else (Problem.of(Code.WEBHOOKS_OFF, _UNMARKED_STAY),))
    plan = plan_for(nothing, gitlab.read_actual(()), rules, options)
    if not options.show_foreign:
        plan = replace(plan, foreign=tuple(item for item in plan.foreign if item.owner is Owner.UNMARKED))
    return guard_and_apply(plan, gitlab, rules, replace(options, show_foreign=True), plan_again=lambda: plan)


def check_project_option(gitlab: GitLab, options: RunOptions) -> None:
    """Raise SettingsError where `--project` matches none of the projects."""
    gitlab.read_hosts()
    paths = gitlab.listed_paths()
    if paths and not any(map(options.acts_on, paths)):
        raise SettingsError(
            f"--project chooses none of the {len(paths)} projects: write full paths, or globs such as group/**."
        )


def read_requests(flux: Flux, gitlab: GitLab, rules: Rules) -> Requests:
    """List Flux's objects and find the projects they name."""
    known = KnownProjects(gitlab.read_hosts(), gitlab.listed_paths())
    listed_repositories, listed_receivers = flux.read_objects(
        lambda item: repository_request_from(item, rules, known), receiver_request_from
    )
    if listed_repositories and not known.paths:
        raise ReadError(
            "GitLab lists no project, though there are GitRepositories: see --group, and that the bot is a member.",
            code="GitLabUnreadable",
        )
    repositories = within_look_ups(filter(None, listed_repositories), known.paths)
    places = gitlab.find({request.path for request in repositories if request.path})
    placed = (with_project(request, places, rules) for request in repositories)
    return Requests(
        with_nearest_paths(placed, known.paths, rules),
        tuple(request for request in listed_receivers if request),
        frozenset(gitlab.group_paths()),
        gitlab.stopped,
    )


def read_desired(flux: Flux, requests: Requests, actual: Actual, rules: Rules) -> Desired:
    """Read the Secrets that are needed and compute desired state."""
    requests = with_unknown_hosts(requests, SeenItems.of(actual), rules)
    unreadable = {state.project.id for state in actual.unreadable}
    repositories = [held_if_unreadable(request, unreadable) for request in requests.repositories]
    needed = secrets_to_read(repositories, requests.receivers, rules, actual)
    secrets = flux.read_secrets(needed.keys, needed.tokens)
    if needed.others:
        secrets = {**dict.fromkeys(needed.others, SecretOfOtherShard()), **secrets}
    requests = with_replaced_paths(replace(requests, repositories=tuple(repositories)), secrets, actual, rules)
    desired = desired_from(requests, secrets, rules, actual)
    return replace(desired, problems=foreign_hosts_once(desired.problems)).of_share(rules.share)


def plan_for(desired: Desired, actual: Actual, rules: Rules, options: RunOptions) -> Plan:
    """Compute the plan that these options allow."""
    plan = make_plan(desired.within(options.acts_on), actual.within(options.acts_on), rules, options.stopped)
    if options.inventory:
        plan = replace(plan, inventory=inventory_of(actual.within(options.acts_on)))
    return plan if options.prune else plan.without_deletes()


def guard_and_apply(
    plan: Plan, gitlab: GitLab, rules: Rules, options: RunOptions, *, plan_again: Callable[[], Plan]
) -> Report:
    """Judge the plan and, unless this is a dry run, apply what may be applied."""
    checksum = plan.checksum(options.gitlab_host, rules)
    objections = judge(plan, checksum, options)
    stopped = {order_of(change) for objection in objections for change in objection.refuses}
    refused = [change for change in plan.changes if order_of(change) in stopped]
    allowed = [change for change in plan.changes if order_of(change) not in stopped]
    done = entries_of(allowed, Status.PLANNED) if options.dry_run else apply(allowed, refused, gitlab, plan_again)
    entries = sorted([*done, *entries_of(refused, Status.REFUSED)], key=lambda entry: order_of(entry.change))
    if joined := _joined_under_another_mark(entries):
        problems = sorted({*plan.problems, *joined}, key=lambda problem: problem.sort_key)
        plan = replace(plan, problems=tuple(problems))
    return Report(plan, tuple(entries), options.dry_run, checksum, objections, show_foreign=options.show_foreign)


def judge(plan: Plan, checksum: str, options: RunOptions) -> tuple[Objection, ...]:
    """Return the objections to this plan. One that was reviewed needs no guard; any other is then refused whole."""
    if options.expected is None:
        return guard(plan, options.limits, checksum)
    changed = plan_changed(plan, checksum, options.expected)
    return (changed,) if changed else ()


def _joined_under_another_mark(entries: Sequence[Entry]) -> set[Problem]:
    """An error for each key that turned out to be another's while it was attached; the plan may know it already."""
    return {
        joined_under_another_mark(entry.change.wanted, entry.anothers_title)
        for entry in entries
        if entry.anothers_title and isinstance(entry.change, Create) and isinstance(entry.change.wanted, WantedKey)
    }

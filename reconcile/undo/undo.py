"""Putting back what a run removed: read, decided and applied as a run does it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from reconcile.actual import Actual
from reconcile.desired.receiver_tokens import with_token
from reconcile.desired.receivers import ReceiverRequest, with_path_collisions
from reconcile.model import LookUpResult, Project, ProjectLocation, Ref, SecretMissing
from reconcile.plan.changes import order_of
from reconcile.ports import Flux, GitLab
from reconcile.report import Report
from reconcile.rules import Rules
from reconcile.run import (
    Requests,
    RunOptions,
    check_project_option,
    guard_and_apply,
    plan_for,
    read_desired,
    read_requests,
)
from reconcile.undo.removed import Removed, RemovedWebhook
from reconcile.undo.restore import Now, restore


def undo(flux: Flux, gitlab: GitLab, rules: Rules, options: RunOptions, *, removed: Iterable[Removed]) -> Report:
    """
    Put back what is gone of *removed*, and name what cannot be; nothing is ever changed or removed.

    Raises ReadError before any write.
    """
    check_project_option(gitlab, options)
    asked = read_requests(flux, gitlab, rules)
    mine = [one for one in removed if rules.share.has(one.project.id)]
    places = gitlab.find({one.project.path.lower() for one in mine})
    actual = gitlab.read_actual(asked.projects | _found_again(mine, places))
    desired = read_desired(flux, asked, actual, rules)
    now = Now(desired, actual, places, _receivers(flux, asked, mine, rules))
    done = restore(_chosen(mine, actual, options), now, rules)
    base = plan_for(desired, actual, rules, options)
    problems = {*actual.within(options.acts_on).problems, *done.problems}
    plan = replace(
        base,
        changes=tuple(sorted(done.creates, key=order_of)),
        kept=(),
        problems=tuple(sorted(problems, key=lambda problem: problem.sort_key)),
        unchanged=done.unchanged,
        deserted=(),
        spared=(),
    )
    return guard_and_apply(plan, gitlab, rules, options, plan_again=lambda: plan)


def _found_again(removed: Iterable[Removed], places: Mapping[str, LookUpResult]) -> frozenset[Project]:
    """The projects that a look-up found inside the group: the listing may have missed them."""
    answers = [(one.project.id, places[one.project.path.lower()]) for one in removed]
    return frozenset(
        place.project
        for id_, place in answers
        if isinstance(place, ProjectLocation) and place.inside and place.project.id == id_
    )


def _chosen(removed: Iterable[Removed], actual: Actual, options: RunOptions) -> list[Removed]:
    """Those on projects that may be changed, by the path that they have now."""
    paths = {items.project.id: items.project.path for items in actual.projects}
    paths |= {state.project.id: state.project.path for state in actual.unreadable}
    return [one for one in removed if options.acts_on(paths.get(one.project.id, one.project.path))]


def _receivers(flux: Flux, asked: Requests, removed: Iterable[Removed], rules: Rules) -> dict[Ref, ReceiverRequest]:
    """The Receivers whose webhooks were removed, with their tokens as far as webhooks may be made for them."""
    named = {one.receiver for one in removed if isinstance(one, RemovedWebhook)}
    receivers = [one for one in with_path_collisions(asked.receivers) if one.ref in named]
    asking = [one for one in receivers if rules.receiver_url and one.supported and not one.left_alone]
    secrets = flux.read_secrets((), {one.secret for one in asking if one.secret})
    told = [with_token(one, secrets.get(one.secret, SecretMissing()) if one.secret else None) for one in asking]
    return {one.ref: one for one in (*receivers, *told)}

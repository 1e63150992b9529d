"""Putting back what a run removed: read, decided and applied as a run does it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from reconcile.actual import Actual
from reconcile.desired.path_collisions import with_path_collisions
from reconcile.desired.receiver_tokens import with_token
from reconcile.desired.receivers import ReceiverRequest
from reconcile.desired.requests import Requests
from reconcile.model import LookUpResult, Project, ProjectLocation, Ref, SecretAnswer, SecretMissing
from reconcile.plan.changes import order_of
from reconcile.ports import Flux, GitLab
from reconcile.report import Report
from reconcile.rules import Rules
from reconcile.run import (
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
    secrets = frozenset(request.secret for request in asked.repositories if request.secret)
    now = Now(desired, actual, places, _receivers(flux, asked, mine, rules), secrets)
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
    paths = {receiver.path for receiver in asked.receivers if receiver.ref in named and receiver.path}
    asking = {
        receiver.ref: receiver.secret
        for receiver in asked.receivers
        if (receiver.ref in named or receiver.path in paths) and receiver.supported and not receiver.left_alone
    }
    secrets = flux.read_secrets((), set(filter(None, asking.values()))) if rules.receiver_url else {}
    receivers = [each for each in with_path_collisions(asked.receivers, secrets) if each.ref in named]
    if not rules.receiver_url:
        return {each.ref: each for each in receivers}
    return {each.ref: _with_token(each, secrets, rules) if each.ref in asking else each for each in receivers}


def _with_token(receiver: ReceiverRequest, secrets: Mapping[Ref, SecretAnswer], rules: Rules) -> ReceiverRequest:
    answer = secrets.get(receiver.secret, SecretMissing()) if receiver.secret else None
    return with_token(receiver, answer, rules)

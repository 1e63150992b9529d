"""What planning costs next to merging two dicts of the same size, and how it grows."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from reconcile.actual import Actual, Items, actual_from
from reconcile.desired.desired import Desired
from reconcile.model import Project, ProjectLocation
from reconcile.plan.plan import make_plan
from tests.worlds.builders import (
    HOST,
    NAMESPACE,
    a_key,
    a_key_secret,
    a_project,
    a_token_secret,
    a_wanted_key,
    a_wanted_webhook,
    a_webhook,
    some_rules,
)
from tests.worlds.desired_inputs import Inputs
from tests.worlds.objects import TOKENS, a_git_repository, a_receiver


@dataclass(frozen=True)
class Planned:
    """CPU seconds and bytes at the peak, of the planner and of the merge."""

    projects: int
    seconds: float
    merge_seconds: float
    peak_bytes: int
    merge_peak_bytes: int


def worlds(projects: int) -> tuple[Desired, Actual]:
    """One key and one webhook for each project; every hundredth has another webhook."""
    keys, webhooks, states = {}, {}, []
    for number in range(1, projects + 1):
        project = a_project(number, f"tenants/p{number}")
        key = a_wanted_key(number, project=project, name=f"t{number}")
        hook = a_wanted_webhook(number, project=project, name=f"t{number}")
        keys[number], webhooks[number] = {key.key: key}, {hook.url: hook}
        there = a_webhook(number + (number % 100 == 0), description=str(hook.mark))
        states.append(Items(project, (a_key(number, title=str(key.mark)),), (there,)))
    desired = Desired(keys, webhooks, repositories_in=frozenset({NAMESPACE}), receivers_in=frozenset({NAMESPACE}))
    return desired, actual_from(states)


def measured(projects: int) -> Planned:
    desired, actual = worlds(projects)
    rules = replace(some_rules())
    wanted = {(id_, key): one for id_, keys in desired.keys.items() for key, one in keys.items()}
    wanted |= {(id_, url): one for id_, hooks in desired.webhooks.items() for url, one in hooks.items()}
    there = {(one.project.id, found.key): found for one in actual.projects for found in one.keys}
    there |= {(one.project.id, found.url): found for one in actual.projects for found in one.webhooks}
    seconds, peak = _cost(lambda: make_plan(desired, actual, rules))
    merge_seconds, merge_peak = _cost(lambda: {**there, **wanted})
    return Planned(projects, seconds, merge_seconds, peak, merge_peak)


def receiver_of_all(tenants: int) -> Inputs:
    """Tenants with a GitRepository and a key each, and one Receiver that names all of them by `*` and a label."""
    names = [f"t{number:05}" for number in range(tenants)]
    labels = {"team": "a"}
    return Inputs(
        [a_git_repository(name, f"ssh://git@{HOST}/tenants/{name}", secret=name, labels=labels) for name in names],
        [a_receiver("all", [{"kind": "GitRepository", "name": "*", "matchLabels": labels}])],
        {
            f"{NAMESPACE}/{TOKENS}": a_token_secret(),
            **{f"{NAMESPACE}/{name}": a_key_secret(name) for name in names},
        },
        {f"tenants/{name}": ProjectLocation(Project(id_, f"tenants/{name}")) for id_, name in enumerate(names, 1)},
    )


def seconds_of_receiver_of_all(tenants: int) -> float:
    """CPU seconds from Flux's objects to a plan in which every project gets its key and its webhook."""
    inputs = receiver_of_all(tenants)
    nothing = actual_from(Items(answer.project, (), ()) for answer in inputs.places.values())
    began = time.process_time()
    plan = make_plan(inputs.desired(), nothing, inputs.rules)
    seconds = time.process_time() - began
    assert len(plan.changes) == 2 * tenants
    return seconds


def _cost(work: Callable[[], Any]) -> tuple[float, int]:
    """The least of three, and the peak of one more."""
    seconds = []
    for _ in range(3):
        began = time.process_time()
        work()
        seconds.append(time.process_time() - began)
    tracemalloc.start()
    work()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return min(seconds), peak

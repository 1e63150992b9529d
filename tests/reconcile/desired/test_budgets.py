"""Budgets: what one namespace may make a run do; what is over is held and said once, and the others are served."""

from __future__ import annotations

from typing import Any

from reconcile.desired.budgets import within_look_ups
from reconcile.desired.desired import Desired, desired_from
from reconcile.desired.receivers import MAX_PROBLEMS
from reconcile.desired.repositories import KnownProjects, RepositoryRequest, repository_requests_from
from reconcile.desired.requests import Requests
from reconcile.model import Secret
from reconcile.problems import Code
from tests.worlds.builders import HOST, NAMESPACE, a_key, a_key_secret, a_webhook, secret_ref, some_rules
from tests.worlds.desired_inputs import APP, WEB, Inputs
from tests.worlds.objects import KEYS, a_git_repository, a_receiver

LISTED = frozenset({"tenants/app"})


def requests_of(*items: dict[str, Any]) -> list[RepositoryRequest]:
    return list(repository_requests_from(items, some_rules(), KnownProjects(frozenset({HOST}))))


def over(desired: Desired) -> list[str]:
    return [problem.message for problem in desired.problems if problem.code == "OverBudget"]


def elsewhere(name: str, path: str = "", namespace: str = NAMESPACE) -> dict[str, Any]:
    return a_git_repository(name, f"ssh://git@{HOST}/tenants/{path or name}.git", namespace=namespace)


def test_of_each_namespace_only_so_many_paths_are_looked_up() -> None:
    items = [elsewhere("c"), elsewhere("a"), elsewhere("b"), a_git_repository(), elsewhere("a", namespace="other")]
    looked_up = within_look_ups(requests_of(*items), LISTED, 2)

    assert [(request.ref.name, request.path) for request in looked_up] == [
        ("c", None),
        ("a", "tenants/a"),
        ("b", "tenants/b"),
        ("app", "tenants/app"),
        ("a", "tenants/a"),
    ]
    assert [request.held for request in looked_up] == [Code.OVER_BUDGET, None, None, None, None]


def test_a_path_that_several_name_is_looked_up_once_and_counts_once() -> None:
    items = [elsewhere("a", "same"), elsewhere("b", "same"), elsewhere("c", "same"), elsewhere("d", "another")]
    assert [request.held for request in within_look_ups(requests_of(*items), LISTED, 2)] == [None] * 4


def test_what_is_not_looked_up_keeps_what_it_has_and_is_said_once() -> None:
    requests = within_look_ups(requests_of(elsewhere("b"), elsewhere("c")), LISTED, 0)
    desired = desired_from(Requests(tuple(requests), ()), {secret_ref(KEYS): a_key_secret()}, some_rules())

    [message] = over(desired)
    assert f"Namespace {NAMESPACE}: more than 1,000" in message
    assert f"GitRepository/{NAMESPACE}/b, GitRepository/{NAMESPACE}/c" in message
    assert desired.holds.on_key(WEB, a_key(title=f"flux-gitlab-syncer prod {NAMESPACE}/{KEYS}")) is Code.OVER_BUDGET


def test_a_key_that_was_not_opened_is_held_and_its_namespace_named_once() -> None:
    inputs = Inputs()
    inputs.secrets[f"{NAMESPACE}/{KEYS}"] = Secret(has_identity=True, is_over_budget=True)
    desired = inputs.desired()

    assert (desired.keys, [problem.code for problem in desired.problems]) == ({}, ["OverBudget"])
    assert f"Secret/{NAMESPACE}/{KEYS}" in over(desired)[0]
    assert desired.problems[0].object is desired.problems[0].project is None
    assert desired.holds.on_key(APP, a_key()) is Code.OVER_BUDGET
    assert desired.holds.on_key(WEB, a_key()) is None
    assert set(desired.webhooks) == {APP.id}


def test_where_its_project_is_not_known_either_every_key_of_its_namespace_is_held() -> None:
    inputs = Inputs(places={})
    inputs.secrets[f"{NAMESPACE}/{KEYS}"] = Secret(has_identity=True, is_over_budget=True)

    assert inputs.desired().holds.on_key(WEB, a_key(title="flux-gitlab-syncer prod flux-config/x")) is not None


def test_one_object_has_so_many_problems_and_what_is_beyond_still_holds() -> None:
    names = [f"missing-{number}" for number in range(3000)]
    desired = Inputs(receivers=[a_receiver(resources=[*names, "app"])]).desired()

    codes = [problem.code for problem in desired.problems]
    assert codes == ["ReceiverTargetNotFound"] * MAX_PROBLEMS + ["OverBudget"]
    assert f"Receiver/{NAMESPACE}/app" in over(desired)[0]
    assert desired.holds.on_webhook(APP, a_webhook()) is Code.RECEIVER_TARGET_NOT_FOUND
    assert set(desired.webhooks) == {APP.id}


def test_a_target_that_is_named_a_thousand_times_is_one_problem() -> None:
    desired = Inputs(receivers=[a_receiver(resources=["missing"] * 1000)]).desired()
    assert [problem.code for problem in desired.problems] == ["ReceiverTargetNotFound"]


def test_hints_are_given_to_the_first_mistakes_only() -> None:
    receivers = [a_receiver(f"r{number:02}", ["ap"], status={}) for number in range(30)]
    messages = [problem.message for problem in Inputs(receivers=receivers).desired().problems]
    assert sum("Did you mean app?" in message for message in messages) == 20


def test_the_objects_with_the_most_are_named_and_the_others_counted() -> None:
    receivers = [
        a_receiver(f"r{number}", [f"missing-{index}" for index in range(25 + number)], status={}) for number in range(5)
    ]
    [message] = over(Inputs(receivers=receivers).desired())
    assert message.endswith(": Receiver/flux-config/r4, Receiver/flux-config/r3, Receiver/flux-config/r2 and 2 more.")


def test_within_its_budgets_nothing_is_said() -> None:
    assert over(Inputs().desired()) == []

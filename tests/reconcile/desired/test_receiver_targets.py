from collections.abc import Mapping
from typing import Any

import pytest

from reconcile.desired.receiver_targets import RepositoryIndex, targets_of
from reconcile.desired.receivers import ReceiverRequest, receiver_requests_from
from reconcile.desired.repositories import KnownProjects, repository_requests_from
from reconcile.problems import Code, Severity
from reconcile.rules import Rules
from tests.worlds.builders import HOST, NAMESPACE, an_identity, some_rules
from tests.worlds.objects import a_git_repository, a_receiver

REPOSITORIES = [
    a_git_repository("app", labels={"team": "a", "stage": "prod"}),
    a_git_repository("web", labels={"team": "a", "stage": "test"}),
    a_git_repository("bare"),
    a_git_repository("app", namespace="other", labels={"team": "a"}),
]
ACROSS = some_rules(cross_namespace_refs=True, identity=an_identity(namespaces=frozenset({NAMESPACE, "other"})))


def follow(*resources: str | Mapping[str, Any], rules: Rules | None = None) -> tuple[ReceiverRequest, list[str]]:
    """A Receiver that names *resources*, and the GitRepositories it reaches."""
    rules = rules or some_rules()
    (receiver,) = receiver_requests_from([a_receiver(resources=resources)])
    repositories = repository_requests_from(REPOSITORIES, rules, KnownProjects(frozenset({HOST})))
    followed, named = targets_of(receiver, RepositoryIndex(repositories), rules)
    return followed, [f"{request.ref.namespace}/{request.ref.name}" for request in named]


def git(name: str, **fields: Any) -> dict[str, Any]:
    return {"kind": "GitRepository", "name": name, **fields}


def test_a_receiver_names_git_repositories_of_its_own_namespace() -> None:
    receiver, named = follow("web", "app")
    assert named == [f"{NAMESPACE}/app", f"{NAMESPACE}/web"]
    assert receiver.problems == ()


def test_a_git_repository_that_is_named_twice_is_one_target() -> None:
    assert follow("app", "app", git("*", matchLabels={"stage": "prod"}))[1] == [f"{NAMESPACE}/app"]


@pytest.mark.parametrize(
    "version",
    [
        "source.toolkit.fluxcd.io/v1",
        "source.toolkit.fluxcd.io/v1beta2",
        "source.toolkit.fluxcd.io/v9",
        "source.toolkit.fluxcd.io",
        "",
        None,
    ],
)
def test_the_group_is_compared_and_the_version_is_not(version: str | None) -> None:
    assert follow(git("app", apiVersion=version))[1] == [f"{NAMESPACE}/app"]


@pytest.mark.parametrize(
    "resource",
    [
        pytest.param({"kind": "Kustomization", "name": "app"}, id="a Kustomization"),
        pytest.param({"kind": "OCIRepository", "name": "app"}, id="an OCIRepository"),
        pytest.param({"kind": "ImageRepository", "name": "*", "matchLabels": {"team": "a"}}, id="images by label"),
        pytest.param({"kind": "gitrepository", "name": "app"}, id="another spelling"),
        pytest.param({"name": "app"}, id="no kind"),
        pytest.param(git("app", apiVersion="example.com/v1"), id="another group"),
        pytest.param(git("app", apiVersion="v1"), id="no group but a version"),
    ],
)
def test_other_kinds_name_no_project_and_are_no_problem(resource: dict[str, Any]) -> None:
    receiver, named = follow(resource)
    assert (named, receiver.problems, receiver.held) == ([], (), None)


def test_a_receiver_may_name_nothing() -> None:
    assert follow()[1] == []


# by label


@pytest.mark.parametrize(
    ("labels", "named"),
    [
        pytest.param({"team": "a"}, ["app", "web"], id="one label"),
        pytest.param({"team": "a", "stage": "test"}, ["web"], id="all labels must match"),
        pytest.param({"team": "b"}, [], id="and may match nothing"),
    ],
)
def test_a_star_with_labels_selects_within_the_namespace(labels: dict[str, str], named: list[str]) -> None:
    receiver, found = follow(git("*", matchLabels=labels))
    assert found == [f"{NAMESPACE}/{name}" for name in named]
    assert (receiver.problems, receiver.held) == ((), None)


@pytest.mark.parametrize("fields", [{}, {"matchLabels": {}}, {"matchLabels": None}])
def test_a_star_without_labels_is_no_target(fields: dict[str, Any]) -> None:
    receiver, named = follow(git("*", **fields), "app")
    assert named == [f"{NAMESPACE}/app"]
    assert (receiver.held, receiver.creates) == (Code.RECEIVER_TARGET_NOT_FOUND, True)
    assert "add matchLabels" in receiver.problems[0].message


def test_labels_beside_a_name_are_ignored() -> None:
    assert follow(git("bare", matchLabels={"team": "a"}))[1] == [f"{NAMESPACE}/bare"]


# names that lead nowhere


def test_a_dangling_name_holds_and_the_other_targets_are_served() -> None:
    receiver, named = follow("apps", "web")
    assert named == [f"{NAMESPACE}/web"]
    assert (receiver.held, receiver.creates) == (Code.RECEIVER_TARGET_NOT_FOUND, True)
    (problem,) = receiver.problems
    assert (problem.code, problem.severity) == ("ReceiverTargetNotFound", Severity.ERROR)
    assert f"names GitRepository apps, which does not exist in namespace {NAMESPACE}" in problem.message
    assert "Correct the name in the Receiver, or create the GitRepository" in problem.message


def test_a_name_like_no_other_gets_no_hint() -> None:
    receiver, _ = follow("zzzzzz")
    assert "Did you mean" not in receiver.problems[0].message


def test_every_dangling_name_is_reported() -> None:
    receiver, _ = follow("one-gone", "two-gone")
    assert [problem.message.split()[3] for problem in receiver.problems] == ["one-gone,", "two-gone,"]


def test_a_resource_without_a_name_leads_nowhere() -> None:
    receiver, named = follow({"kind": "GitRepository"})
    assert (named, receiver.held) == ([], Code.RECEIVER_TARGET_NOT_FOUND)


# other namespaces


def test_other_namespaces_are_out_of_reach_by_default() -> None:
    receiver, named = follow(git("app", namespace="other"), "web")
    assert named == [f"{NAMESPACE}/web"]
    assert (receiver.held, receiver.creates) == (None, True)
    (problem,) = receiver.problems
    assert (problem.code, problem.severity) == ("NotAllowed", Severity.ERROR)
    assert "cross_namespace_refs" in problem.message
    assert "name GitRepositories of its own namespace" in problem.message


def test_other_namespaces_are_within_reach_where_the_settings_say_so() -> None:
    receiver, named = follow(
        git("app", namespace="other"), git("*", namespace="other", matchLabels={"team": "a"}), rules=ACROSS
    )
    assert (named, receiver.problems) == (["other/app"], ())


def test_its_own_namespace_may_be_named() -> None:
    assert follow(git("app", namespace=NAMESPACE))[1] == [f"{NAMESPACE}/app"]


@pytest.mark.parametrize("resource", [git("app"), git("*", matchLabels={"team": "a"})])
def test_a_namespace_that_is_not_read_is_not_taken_for_an_empty_one(resource: dict[str, Any]) -> None:
    receiver, named = follow({**resource, "namespace": "unread"}, rules=ACROSS)
    assert (named, receiver.held, receiver.creates) == ([], Code.RECEIVER_TARGET_NOT_FOUND, True)
    (problem,) = receiver.problems
    assert "which this run does not read; add it with --namespace" in problem.message


def test_receivers_that_select_by_the_same_labels_get_the_same_repositories() -> None:
    selector = {"kind": "GitRepository", "name": "*", "matchLabels": {"team": "a"}}
    repositories = repository_requests_from(REPOSITORIES, some_rules(), KnownProjects(frozenset({HOST})))
    index = RepositoryIndex(repositories)
    receivers = receiver_requests_from([a_receiver("one", [selector]), a_receiver("two", [selector])])

    named = [[str(request.ref) for request in targets_of(one, index, some_rules())[1]] for one in receivers]

    assert named[0] == named[1] == [f"GitRepository/{NAMESPACE}/app", f"GitRepository/{NAMESPACE}/web"]

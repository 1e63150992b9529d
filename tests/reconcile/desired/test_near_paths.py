"""A project that is not found: which one may be meant."""

from __future__ import annotations

import pytest

from reconcile.desired.near_paths import with_nearest_paths
from reconcile.desired.repositories import KnownProjects, RepositoryRequest, repository_request_from
from reconcile.desired.repository_projects import with_project
from reconcile.rules import Rules
from reconcile.tenancy import Rule, Tenancy
from tests.worlds.builders import HOST, NAMESPACE, some_rules
from tests.worlds.objects import a_git_repository

PATHS = ("tenants/shop", "tenants/billing", "others/webshop", "tenants/cart-deletion_scheduled-5")


def lost(path: str, name: str = "app", rules: Rules | None = None) -> RepositoryRequest:
    item = a_git_repository(name=name, url=f"ssh://git@{HOST}/{path}.git")
    request = repository_request_from(item, rules or some_rules(), KnownProjects(frozenset({HOST})))
    assert request is not None
    return with_project(request, {}, some_rules())


def hint(path: str, rules: Rules | None = None) -> str:
    [request] = with_nearest_paths([lost(path, rules=rules)], PATHS, rules or some_rules())
    [problem] = request.problems
    return problem.message.partition("Did you mean ")[2]


@pytest.mark.parametrize(
    ("path", "nearest"),
    [
        ("tenants/shpo", "tenants/shop?"),
        ("tenants/Billings", "tenants/billing?"),
        ("other/webshop", "others/webshop?"),
        ("tenants/nothing-like-it", ""),
        ("tenants/cart", ""),
    ],
)
def test_the_nearest_path_is_named_and_never_one_that_is_to_be_deleted(path: str, nearest: str) -> None:
    assert hint(path) == nearest


def test_nobody_learns_of_projects_that_he_may_not_name() -> None:
    rules = some_rules(tenancy=Tenancy((Rule(NAMESPACE, "tenants/s*"),)))

    assert hint("tenants/shpo", rules) == "tenants/shop?"
    assert hint("tenants/sbilling", rules) == ""


def test_only_the_first_twenty_get_one() -> None:
    requests = with_nearest_paths([lost("tenants/shpo", f"app-{number}") for number in range(25)], PATHS, some_rules())

    assert sum("Did you mean" in request.problems[0].message for request in requests) == 20

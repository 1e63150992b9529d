"""A path that was taken over: held only where all the times say so; each condition alone lets the key go on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from reconcile.actual import Actual, FoundKey, Items, actual_from
from reconcile.desired.replaced_paths import with_replaced_paths
from reconcile.desired.repositories import RepositoryRequest
from reconcile.desired.requests import Requests
from reconcile.marks import Owner
from reconcile.model import LookUpResult, Project, ProjectLocation, SecretAnswer
from reconcile.problems import Code
from reconcile.rules import Rules
from reconcile.shares import Share
from tests.worlds.builders import NAMESPACE, a_key, a_key_secret, secret_ref, some_rules
from tests.worlds.desired_inputs import APP, WEB, Inputs
from tests.worlds.objects import KEYS, a_git_repository, pin_to

FORMER = Project(3, "tenants/renamed")
TITLE = f"flux-gitlab-syncer prod {NAMESPACE}/{KEYS}"


def day(number: int) -> datetime:
    return datetime(2026, 5, number, tzinfo=UTC)


def the_key(**fields: Any) -> FoundKey:
    return replace(a_key(title=TITLE), **{"created": day(2), **fields})


def a_group(*items: Items, app: int | None = 3) -> Actual:
    states = [*items, Items(APP)] if items else [Items(FORMER, (the_key(),)), Items(APP)]
    return replace(actual_from(states), created={APP.id: day(app)} if app else {})


def changed(day_of_may: int | None, **fields: Any) -> dict[str, Any]:
    """A GitRepository whose spec somebody last changed on that day of May."""
    item = a_git_repository(**fields)
    if day_of_may:
        item["metadata"]["managedFields"] = [
            {"manager": "kubectl", "time": f"2026-05-{day_of_may:02}T00:00:00Z", "fieldsV1": {"f:spec": {}}},
            {"manager": "flux", "time": "2026-05-30T00:00:00Z", "subresource": "status", "fieldsV1": {"f:status": {}}},
        ]
    return item


def judged(
    actual: Actual | None = None, *items: dict[str, Any], rules: Rules | None = None, key: int = 1
) -> RepositoryRequest:
    """The first request after the judgement."""
    rules = rules or some_rules()
    places: dict[str, LookUpResult] = {each.path: ProjectLocation(each) for each in (APP, WEB, FORMER)}
    inputs = Inputs(repositories=list(items) or [changed(1)], places=places, rules=rules)
    secrets: dict[Any, SecretAnswer] = {secret_ref(KEYS): a_key_secret(key)}
    requests = Requests(tuple(inputs.requests()), ())
    return with_replaced_paths(requests, secrets, actual or a_group(), rules).repositories[0]


def test_a_newcomer_at_the_path_gets_nothing_and_the_message_names_the_honest_case() -> None:
    request = judged()

    assert (request.held, request.target) == (Code.PROJECT_REPLACED, None)
    [problem] = request.problems
    assert (problem.code, problem.project) == ("ProjectReplaced", APP.path)
    assert "deleted and made again" in problem.message
    assert f'project-id to "{APP.id}"' in problem.message
    # Its present path may be a secret of somebody else's.
    assert FORMER.path not in problem.message


@pytest.mark.parametrize(
    ("actual", "items"),
    [
        pytest.param(a_group(app=1), [changed(1)], id="the project is older than the key"),
        pytest.param(a_group(app=2), [changed(1)], id="they are of one moment"),
        pytest.param(a_group(app=None), [changed(1)], id="nobody knows when the project was created"),
        pytest.param(None, [changed(2)], id="the spec was changed with the key"),
        pytest.param(None, [changed(4)], id="the spec was changed since"),
        pytest.param(None, [changed(None)], id="nobody knows when the spec was changed"),
        pytest.param(None, [changed(1, annotations=pin_to(APP.id))], id="the new id is pinned"),
        pytest.param(
            None,
            [changed(1), changed(1, name="other", url="ssh://git@gitlab.example.net/tenants/web.git")],
            id="another GitRepository names the Secret",
        ),
        pytest.param(
            None,
            [changed(1), changed(1, name="o", url=f"ssh://git@gitlab.example.net/{FORMER.path}", secret="other")],
            id="the other project is wanted",
        ),
        pytest.param(a_group(Items(FORMER)), [changed(1)], id="the key lies on no other project"),
        pytest.param(a_group(Items(FORMER, (the_key(created=None),))), [changed(1)], id="the key's age is unknown"),
        pytest.param(
            a_group(Items(FORMER, (the_key(owner=Owner.UNMARKED, mark=None),))), [changed(1)], id="the key is not ours"
        ),
        pytest.param(
            a_group(Items(FORMER, (replace(a_key(title=f"{TITLE}-2"), created=day(2)),))),
            [changed(1)],
            id="the key is another Secret's",
        ),
    ],
)
def test_without_one_of_the_signs_the_project_gets_its_key(actual: Actual | None, items: list[dict[str, Any]]) -> None:
    request = judged(actual, *items)
    assert (request.held, request.target) == (None, APP)


def test_another_key_than_the_secrets_says_nothing() -> None:
    assert judged(key=2).held is None


def test_with_shards_it_is_not_judged() -> None:
    assert judged(rules=some_rules(share=Share(0, 2))).held is None


def test_what_is_held_for_another_reason_stays_so() -> None:
    assert judged(None, changed(1, annotations=pin_to(5))).problems[0].message.startswith("The annotation")

"""An unmarked webhook at the path of a listed Receiver is in use: no plan removes it, with any option."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconcile.actual import Actual, FoundWebhook, Items
from reconcile.desired.holds import Holder, Holds
from reconcile.desired.listed_receivers import ListedReceivers
from reconcile.marks import Identity
from reconcile.plan.changes import Create
from reconcile.plan.plan import Plan, make_plan
from reconcile.problems import Code
from reconcile.rules import Rules
from reconcile.tenancy import Tenancy
from tests.worlds.builders import (
    CLUSTER,
    NAMESPACE,
    OTHERS_MARK,
    RECEIVER_URL,
    a_plan,
    a_project,
    a_url,
    a_wanted_webhook,
    a_webhook,
    codes,
    receiver_ref,
    shape,
    some_actual,
    some_items,
    some_rules,
)
from tests.worlds.desired_inputs import APP, WEB, Inputs
from tests.worlds.objects import DISABLED, a_condition, a_path, a_receiver

OLD_URL = "https://old.example.net"
# Every setting with which a run removes unmarked webhooks.
REMOVING = [{"adopt": True}, {"receiver_url_is_ours": True}, {"adopt": True, "receiver_url_is_ours": True}]


def listed(number: int = 1) -> ListedReceivers:
    """A Receiver named images at that path; it wants no webhook."""
    return ListedReceivers({a_url(number).removeprefix(RECEIVER_URL): receiver_ref("images")})


def unmarked(number: int = 1, **more: object) -> FoundWebhook:
    return a_webhook(number, description="", **more)


# the rule


@pytest.mark.parametrize("options", REMOVING)
def test_an_unmarked_webhook_at_the_path_of_a_listed_receiver_is_kept(options: dict[str, bool]) -> None:
    plan = a_plan(unmarked(), listed=listed(), rules=some_rules(**options))

    assert plan.changes == ()
    assert [(kept.found.id, kept.because) for kept in plan.kept] == [(201, Code.WEBHOOK_IN_USE)]


@pytest.mark.parametrize("options", REMOVING)
def test_one_at_any_other_path_is_removed(options: dict[str, bool]) -> None:
    plan = a_plan(unmarked(2), listed=listed(1), rules=some_rules(**options))

    assert (shape(plan), plan.problems) == ([("delete", "webhook", 202)], ())


def test_one_with_our_mark_is_removed_where_its_receiver_wants_it_no_more() -> None:
    assert shape(a_plan(a_webhook(), listed=listed())) == [("delete", "webhook", 201)]


@pytest.mark.parametrize("options", [{}, *REMOVING])
def test_the_notice_names_the_receiver_and_is_the_only_problem(options: dict[str, bool]) -> None:
    (problem,) = a_plan(unmarked(), listed=listed(), rules=some_rules(**options)).problems

    assert (problem.severity, problem.code, problem.project) == ("notice", "WebhookInUse", "tenants/shop")
    assert "Receiver/flux-config/images" in problem.message
    assert a_url()[:39] not in problem.message


def test_without_an_option_that_removes_it_stays_foreign() -> None:
    plan = a_plan(unmarked(), listed=listed())

    assert (plan.changes, plan.kept, [one.found.id for one in plan.foreign]) == ((), (), [201])


@pytest.mark.parametrize("options", REMOVING)
def test_before_17_1_a_webhook_is_pruned_only_once_its_receiver_is_gone(options: dict[str, bool]) -> None:
    found = unmarked(has_description=False)

    assert shape(a_plan(found, listed=listed(), rules=some_rules(**options))) == []
    assert shape(a_plan(found, rules=some_rules(**options))) == [("delete", "webhook", 201)]


# a path that is wanted


@pytest.mark.parametrize("options", REMOVING)
def test_at_a_former_base_it_goes_once_the_present_one_has_its_own(options: dict[str, bool]) -> None:
    rules = some_rules(previous_receiver_urls=(OLD_URL,), **options)
    old = unmarked(id_=7, url=a_url(base=OLD_URL))

    plan = a_plan(a_wanted_webhook(), old, listed=listed(), rules=rules)

    assert shape(plan) == [("create", "webhook", None), ("delete", "webhook", 7)]


@pytest.mark.parametrize("options", REMOVING)
def test_at_a_former_base_it_stays_where_the_present_one_gets_none(options: dict[str, bool]) -> None:
    rules = some_rules(previous_receiver_urls=(OLD_URL,), **options)
    old = unmarked(id_=7, url=a_url(base=OLD_URL))

    not_wanted = a_plan(old, listed=listed(), rules=rules)
    anothers = a_plan(a_wanted_webhook(), old, a_webhook(description=OTHERS_MARK), listed=listed(), rules=rules)
    elsewhere = a_plan(
        a_wanted_webhook(project=a_project(2, "b/b")),
        some_items(old),
        some_items(project=a_project(2, "b/b")),
        listed=listed(),
        rules=rules,
    )

    assert [plan.deletes for plan in (not_wanted, anothers, elsewhere)] == [(), (), ()]


def test_of_two_at_a_wanted_url_the_oldest_stays() -> None:
    plan = a_plan(a_wanted_webhook(), unmarked(id_=1), unmarked(id_=2), listed=listed())

    assert shape(plan) == [("update", "webhook", 1), ("delete", "webhook", 2)]


# a Receiver without a path


@pytest.mark.parametrize("options", REMOVING)
def test_while_a_receiver_has_no_path_everything_unmarked_may_be_its_own(options: dict[str, bool]) -> None:
    pathless = ListedReceivers(without_path=(receiver_ref("new"),))

    plan = a_plan(unmarked(1), unmarked(2), a_webhook(3), listed=pathless, rules=some_rules(**options))

    assert shape(plan) == [("delete", "webhook", 203)]
    assert codes(plan) == ["WebhookInUse"] * 2
    assert all("Receiver/flux-config/new" in problem.message for problem in plan.problems)


def test_only_on_projects_that_its_namespace_may_name() -> None:
    tenancy = Tenancy.from_settings([{"namespace": "*", "projects": "{namespace}/*"}])
    pathless = ListedReceivers(without_path=(receiver_ref("new", "web"),))
    own, others = a_project(1, "web/app"), a_project(2, "shop/app")

    plan = a_plan(
        some_items(unmarked(), project=own),
        some_items(unmarked(), project=others),
        listed=pathless,
        rules=some_rules(tenancy=tenancy, adopt=True),
    )

    assert [delete.project for delete in plan.deletes] == [others]


# one problem for one webhook


def test_what_another_problem_holds_is_not_said_to_be_in_use() -> None:
    holds = Holds()
    holds.hold_webhooks(Holder(Code.SUSPENDED), receivers=[], urls=[a_url()])

    for options in ({}, *REMOVING):
        plan = a_plan(unmarked(), listed=listed(), holds=holds, rules=some_rules(**options))
        assert (plan.problems, plan.deletes) == ((), ())


def test_where_our_mark_lies_elsewhere_that_is_the_one_problem() -> None:
    stray = a_webhook(9, url=a_url(9, base=OLD_URL))

    plan = a_plan(unmarked(), stray, listed=listed(), rules=some_rules(adopt=True))

    assert (codes(plan), plan.deletes) == (["MarkElsewhere"], ())


# retire


@pytest.mark.parametrize("options", REMOVING)
def test_retiring_a_cluster_removes_what_is_marked_only(options: dict[str, bool]) -> None:
    whole = Identity(CLUSTER, frozenset(), every_namespace=True)

    plan = a_plan(unmarked(1), a_webhook(2), rules=some_rules(identity=whole, **options))

    assert shape(plan) == [("delete", "webhook", 202)]


# whatever the listed Receivers are

TYPES = ["gitlab", "generic", "generic-hmac", "github", "gcr", ""]
KINDS = ["GitRepository", "ImageRepository", "OCIRepository", "ResourceSetInputProvider", "Bucket"]
NAMES = ["app", "web", "*", "nothing"]
STATES: list[dict[str, Any]] = [
    {},
    {"suspend": True},
    {"annotations": DISABLED},
    {"secret": None},
    {"secret": "no-such-secret"},
    {"events": ["No Such Hook"]},
    {"status": {}},
    {"status": {"webhookPath": "/hook/short"}},
    {"status": {"url": a_path(b"token", "old")}},
    {"status": {"webhookPath": a_path(b"another"), "conditions": [a_condition("False", message="no token")]}},
]


@st.composite
def receivers(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Receivers of every type that name every kind, in every state; some are broken, some are being deleted."""
    number = count(1)
    listed_receivers = []
    for state in draw(st.lists(st.sampled_from(STATES), max_size=4)):
        resources: list[Mapping[str, Any]] = [
            {"kind": draw(st.sampled_from(KINDS)), "name": draw(st.sampled_from(NAMES))}
            for _ in range(draw(st.integers(0, 2)))
        ]
        options = {"type": draw(st.sampled_from(TYPES)), "deleting": draw(st.integers(0, 4)) == 0, **state}
        item = a_receiver(f"r{next(number)}", resources, **options)
        if draw(st.integers(0, 5)) == 0:
            item["broken"] = "spec.resources is no list"
        listed_receivers.append(item)
    return listed_receivers


@st.composite
def settings_of_runs(draw: st.DrawFn) -> Rules:
    return some_rules(
        adopt=draw(st.booleans()),
        receiver_url_is_ours=draw(st.booleans()),
        refresh_tokens=draw(st.booleans()),
        heal_webhooks=draw(st.booleans()),
        previous_receiver_urls=draw(st.sampled_from([(), (OLD_URL,)])),
        receiver_url=draw(st.sampled_from([RECEIVER_URL, RECEIVER_URL, None])),
    )


@st.composite
def unmarked_webhooks(draw: st.DrawFn, paths: list[str]) -> list[Items]:
    """Two projects with unmarked webhooks at these paths, under the present base URL and a former one."""
    urls = st.tuples(st.sampled_from([RECEIVER_URL, OLD_URL]), st.sampled_from(paths)).map("".join)
    return [
        some_items(
            *(unmarked(id_=project.id * 100 + at, url=url) for at, url in enumerate(draw(st.lists(urls, max_size=4)))),
            project=project,
        )
        for project in (APP, WEB)
    ]


def shown_path(item: Mapping[str, Any]) -> str:
    """The path that a Receiver's status shows, or nothing."""
    path = str(item["status"].get("webhookPath") or item["status"].get("url") or "")
    return path if len(path) == len(a_path()) else ""


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(receivers(), settings_of_runs(), st.data())
def test_no_plan_removes_an_unmarked_webhook_at_the_path_of_a_listed_receiver(
    items: list[dict[str, Any]], rules: Rules, data: st.DataObject
) -> None:
    shown = {shown_path(item) for item in items if "deletionTimestamp" not in item["metadata"]}
    found = data.draw(unmarked_webhooks(sorted({a_path(), a_path(b"x"), *filter(None, map(shown_path, items))})))
    actual = some_actual(*found, rules=rules)

    plan = make_plan(Inputs(receivers=items, rules=rules).desired(), actual, rules)

    for delete in plan.deletes:
        path = delete.name[-len(a_path()) :]
        may_be_in_use = path in shown or "" in shown
        assert not may_be_in_use or is_served(plan, delete.project.id, path, found_urls(actual, plan))


def found_urls(actual: Actual, plan: Plan) -> set[tuple[int, str]]:
    """What is left on each project once the deletes are done."""
    gone = {(delete.project.id, delete.id) for delete in plan.deletes}
    return {
        (items.project.id, hook.url)
        for items in actual.projects
        for hook in items.webhooks
        if (items.project.id, hook.id) not in gone
    }


def is_served(plan: Plan, project: int, path: str, left: set[tuple[int, str]]) -> bool:
    """Whether the project keeps, or gets, a webhook of that path at the present base URL."""
    created = {(change.project.id, change.name) for change in plan.changes if isinstance(change, Create)}
    return (project, RECEIVER_URL + path) in left | created


def test_the_property_meets_webhooks_that_are_removed_and_some_that_stay() -> None:
    rules = some_rules(adopt=True)
    items = [a_receiver("r1", [{"kind": "ImageRepository", "name": "app"}])]
    used, unused = unmarked(id_=1, url=RECEIVER_URL + a_path(name="r1")), unmarked(id_=2, url=RECEIVER_URL + a_path())

    plan = make_plan(
        Inputs(receivers=items, rules=rules).desired(), some_actual(some_items(used, unused, project=APP)), rules
    )

    assert shape(plan)[-1:] == [("delete", "webhook", 2)]
    assert f"Receiver/{NAMESPACE}/r1" in plan.problems[-1].message

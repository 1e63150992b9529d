"""Items with our mark that nothing here ever asked for stay, and nothing on their project counts as replaced."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from reconcile.actual import Items
from reconcile.desired.desired import Desired
from reconcile.desired.freshness import Source, Sources
from reconcile.desired.holds import Holder, Holds
from reconcile.marks import Identity
from reconcile.plan.changes import Excuse
from reconcile.plan.plan import Plan, make_plan
from reconcile.problems import Code
from reconcile.rules import Rules
from tests.worlds.builders import (
    CLUSTER,
    RECEIVER_URL,
    a_key,
    a_project,
    a_public_key,
    a_url,
    a_wanted_key,
    a_wanted_webhook,
    a_webhook,
    codes,
    receiver_ref,
    secret_ref,
    some_actual,
    some_desired,
    some_items,
    some_rules,
)

CHANGED = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
LATE = CHANGED + timedelta(hours=1)
EARLY = CHANGED - timedelta(hours=1)
SOURCES = Sources(
    {
        secret_ref("shop"): Source(secret_ref("shop"), secret_ref("shop"), a_public_key(1), CHANGED),
        receiver_ref("shop"): Source(
            receiver_ref("shop"), secret_ref("token"), a_url(1).removeprefix(RECEIVER_URL), CHANGED
        ),
    }
)


def desired(*, holds: Holds | None = None) -> Desired:
    """Key 1 and webhook 1 are wanted, from the Secret and the Receiver `shop`."""
    return replace(some_desired(a_wanted_key(1), a_wanted_webhook(1), holds=holds), source_states=SOURCES)


def here(*, key: datetime, webhook: datetime) -> Items:
    """The project has what is wanted, and beside it a key and a webhook with the same marks."""
    return some_items(a_key(1), replace(a_key(2), created=key), a_webhook(1), replace(a_webhook(2), created=webhook))


def plan(items: Items, rules: Rules | None = None, holds: Holds | None = None) -> Plan:
    rules = rules or some_rules()
    return make_plan(desired(holds=holds), some_actual(items, rules=rules), rules)


def test_what_came_later_than_its_source_is_kept_and_said_once_each() -> None:
    found = plan(here(key=LATE, webhook=LATE))

    assert found.changes == ()
    assert [(kept.found.id, kept.because) for kept in found.kept] == [
        (102, Code.CLUSTER_NAME_TAKEN),
        (202, Code.CLUSTER_NAME_TAKEN),
    ]
    assert [(one.severity, one.code, one.project) for one in found.problems] == [
        ("error", "ClusterNameTaken", "tenants/shop")
    ] * 2


def test_the_message_says_what_to_do() -> None:
    key, webhook = plan(here(key=LATE, webhook=LATE)).problems

    assert "Deploy key 102 carries our mark for Secret/flux-config/shop" in key.message
    assert "kubectl annotate secret shop -n flux-config flux-gitlab-syncer/checked=" in key.message
    assert "kubectl annotate secret token -n flux-config flux-gitlab-syncer/checked=" in webhook.message
    assert a_url(2)[:39] not in webhook.message


def test_what_came_before_is_an_ordinary_rotation() -> None:
    found = plan(here(key=EARLY, webhook=EARLY))

    assert [(delete.id, delete.excuse) for delete in found.deletes] == [
        (102, Excuse.REPLACED),
        (202, Excuse.REPLACED),
    ]
    assert (found.kept, found.problems) == ((), ())


def test_beside_one_no_delete_of_that_project_counts_as_replaced() -> None:
    found = plan(here(key=EARLY, webhook=LATE))

    assert [(delete.id, delete.excuse) for delete in found.deletes] == [(102, None)]


def test_other_projects_are_not_concerned() -> None:
    elsewhere = a_project(2, "b/b")
    states = [here(key=EARLY, webhook=LATE), some_items(replace(a_key(3), created=EARLY), project=elsewhere)]
    wanted = replace(
        some_desired(a_wanted_key(1), a_wanted_webhook(1), a_wanted_key(1, project=elsewhere)), source_states=SOURCES
    )

    found = make_plan(wanted, some_actual(*states), some_rules())

    assert [(delete.project.id, delete.excuse) for delete in found.deletes] == [(2, Excuse.REPLACED), (1, None)]


def test_what_is_held_anyway_is_not_said_to_be_taken() -> None:
    holds = Holds()
    holds.hold_keys(Holder(Code.SECRET_UNREADABLE), projects=[1])
    holds.hold_webhooks(Holder(Code.SUSPENDED), receivers=[], projects=[1])

    found = plan(here(key=LATE, webhook=LATE), holds=holds)

    assert (codes(found), [kept.because for kept in found.kept]) == ([], ["SecretUnreadable", "Suspended"])


@pytest.mark.parametrize("number", [1])
def test_what_is_wanted_is_never_taken(number: int) -> None:
    items = some_items(replace(a_key(number), created=LATE), replace(a_webhook(number), created=LATE))

    assert (plan(items).changes, plan(items).problems) == ((), ())


def test_retiring_asks_nobody() -> None:
    whole = some_rules(identity=Identity(CLUSTER, frozenset({"flux-config"}), every_namespace=True))

    assert {delete.id for delete in plan(here(key=LATE, webhook=LATE), whole).deletes} == {102, 202}

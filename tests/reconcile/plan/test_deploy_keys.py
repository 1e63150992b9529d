from __future__ import annotations

import pytest

from reconcile.actual import FoundKey, Unreadable
from reconcile.desired.holds import Holder, Holds
from reconcile.marks import Identity, Owner
from reconcile.model import Kind
from reconcile.plan.changes import Create, Excuse, Update
from reconcile.plan.plan import Plan
from reconcile.problems import Code, Problem
from tests.worlds.builders import (
    CLUSTER,
    LEFT_MARK,
    NEIGHBOURS_MARK,
    OTHERS_MARK,
    a_key,
    a_mark,
    a_plan,
    a_project,
    a_public_key,
    a_url,
    a_wanted_key,
    a_webhook,
    codes,
    repository_ref,
    secret_ref,
    shape,
    some_items,
    some_rules,
)

ELSEWHERE = a_project(2, "tenants/other")
OWNED = frozenset({a_public_key(1).fingerprint})


def the_problem(plan: Plan) -> Problem:
    (problem,) = plan.problems
    return problem


# wanted


def test_a_wanted_key_that_no_project_has_is_created() -> None:
    plan = a_plan(a_wanted_key())

    assert shape(plan) == [("create", "deploy_key", None)]
    assert plan.changes[0].reason == "missing"


def test_a_wanted_key_that_is_there_is_left_alone() -> None:
    plan = a_plan(a_wanted_key(), a_key())

    assert plan.changes == ()
    assert (plan.unchanged, plan.owned[Kind.DEPLOY_KEY]) == (1, 1)
    assert plan.problems == ()


def test_a_wanted_key_that_another_project_of_the_group_has_is_joined() -> None:
    plan = a_plan(a_wanted_key(), some_items(), some_items(a_key(), project=ELSEWHERE), holds=held_there())

    (change,) = plan.changes
    assert isinstance(change, Create)
    assert (change.existing, change.id, change.project) == (a_key(), 101, a_project())
    assert change.reason.endswith("; the group has this key already, so it is joined")


def held_there() -> Holds:
    holds = Holds()
    holds.hold_keys(Holder(Code.SECRET_NOT_FOUND), projects=[ELSEWHERE.id])
    return holds


def test_a_key_that_several_want_names_them_all() -> None:
    plan = a_plan(a_wanted_key(sources=["a", "b", "c"]))

    assert plan.changes[0].sources == (repository_ref("a"), repository_ref("b"), repository_ref("c"))


def test_a_project_may_have_several_keys() -> None:
    plan = a_plan(a_wanted_key(1, name="a"), a_wanted_key(2, name="b"), a_key(2))

    assert shape(plan) == [("create", "deploy_key", None)]
    assert plan.unchanged == 1


# not wanted


def test_our_key_that_nobody_wants_is_deleted() -> None:
    plan = a_plan(a_key())

    assert shape(plan) == [("delete", "deploy_key", 101)]
    assert plan.deletes[0].reason == "ours, and no GitRepository wants it on this project any more"
    assert plan.deletes[0].sources == (secret_ref("shop"),)
    assert plan.deletes[0].excuse is None
    assert plan.owned == {Kind.DEPLOY_KEY: 1, Kind.WEBHOOK: 0}


def test_our_key_that_another_project_wants_is_deleted_here() -> None:
    plan = a_plan(a_wanted_key(project=ELSEWHERE), some_items(a_key()), some_items(a_key(), project=ELSEWHERE))

    assert [(change.action, change.project) for change in plan.changes] == [("delete", a_project())]


@pytest.mark.parametrize(
    ("title", "owner"),
    [
        (OTHERS_MARK, Owner.OTHER_CLUSTER),
        (NEIGHBOURS_MARK, Owner.OTHER_INSTANCE),
        ("flux-gitlab-syncer prod-2 flux-config/shop", Owner.OTHER_CLUSTER),
        ("deploy bot", Owner.UNMARKED),
        ("Flux-gitlab-syncer prod flux-config/shop", Owner.UNMARKED),
        (" flux-gitlab-syncer prod flux-config/shop", Owner.UNMARKED),
        ("flux-gitlab-syncer prod flux-config/shop copy", Owner.UNMARKED),
        ("flux-gitlab-syncer prod flux-config", Owner.UNMARKED),
    ],
)
def test_a_key_that_is_not_ours_is_foreign(title: str, owner: Owner) -> None:
    plan = a_plan(a_key(title=title))

    assert plan.changes == ()
    assert [(one.found.id, one.owner) for one in plan.foreign] == [(101, owner)]
    assert plan.owned[Kind.DEPLOY_KEY] == 0


@pytest.mark.parametrize("title", ["flux-gitlab-syncer old flux-config/left", "flux-gitlab-syncer prod attic/left"])
def test_a_key_with_a_former_name_is_ours_once_the_settings_list_it(title: str) -> None:
    listed = some_rules(previous_clusters=["old"], previous_namespaces=["attic"])

    assert shape(a_plan(a_key(title=title))) == []
    assert shape(a_plan(a_key(title=title), rules=listed)) == [("delete", "deploy_key", 101)]


def test_a_wanted_key_with_a_former_name_is_used_without_a_word() -> None:
    plan = a_plan(
        a_wanted_key(),
        a_key(title="flux-gitlab-syncer old flux-config/shop"),
        rules=some_rules(previous_clusters=["old"]),
    )

    assert (plan.changes, plan.problems, plan.owned[Kind.DEPLOY_KEY]) == ((), (), 1)


@pytest.mark.parametrize("title", ["flux-gitlab-syncer old flux-config/shop", "flux-gitlab-syncer prod attic/shop"])
def test_adoption_brings_a_former_name_up_to_date(title: str) -> None:
    rules = some_rules(previous_clusters=["old"], previous_namespaces=["attic"], adopt=True)
    plan = a_plan(a_wanted_key(), a_key(title=title), rules=rules)

    assert [change.fields for change in plan.changes] == [{"title": (title, str(a_mark()))}]


def test_adoption_leaves_a_mark_alone_that_only_names_another_secret() -> None:
    plan = a_plan(a_wanted_key(), a_key(title=str(a_mark("other"))), rules=some_rules(adopt=True))

    assert plan.changes == ()


def test_adoption_leaves_another_clusters_mark_alone() -> None:
    plan = a_plan(a_wanted_key(), a_key(title=OTHERS_MARK), rules=some_rules(adopt=True))

    assert plan.changes == ()


# held


def test_a_held_project_keeps_our_keys() -> None:
    holds = Holds()
    holds.hold_keys(Holder(Code.SECRET_NOT_FOUND), projects=[1])

    plan = a_plan(a_key(title=LEFT_MARK), holds=holds)

    assert plan.changes == ()
    assert [(one.found.id, one.because) for one in plan.kept] == [(101, Code.SECRET_NOT_FOUND)]
    assert plan.owned[Kind.DEPLOY_KEY] == 1


def test_a_hold_on_another_project_keeps_nothing_here() -> None:
    holds = Holds()
    holds.hold_keys(Holder(Code.SECRET_NOT_FOUND), projects=[2])

    assert shape(a_plan(a_key(title=LEFT_MARK), holds=holds)) == [("delete", "deploy_key", 101)]


def test_a_hold_on_the_material_or_the_secret_keeps_the_key_anywhere() -> None:
    by_material, by_secret = Holds(), Holds()
    by_material.hold_keys(Holder(Code.PROJECT_NOT_FOUND), material=a_public_key(1))
    by_secret.hold_keys(Holder(Code.KEY_UNUSABLE), secrets=[("flux-config", "left")])
    items = some_items(a_key(1, title=LEFT_MARK), a_key(2), project=ELSEWHERE)

    for holds in (by_material, by_secret):
        plan = a_plan(items, holds=holds)
        assert [one.found.id for one in plan.kept] == [101]
        assert shape(plan) == [("delete", "deploy_key", 102)]


def test_a_hold_does_not_hinder_what_is_wanted() -> None:
    assert shape(a_plan(a_wanted_key(), holds=held_there())) == [("create", "deploy_key", None)]


def test_what_is_held_and_not_ours_is_foreign_all_the_same() -> None:
    holds = Holds()
    holds.hold_keys(Holder(Code.SECRET_NOT_FOUND), projects=[1])

    plan = a_plan(a_key(title=OTHERS_MARK), holds=holds)

    assert (plan.kept, len(plan.foreign)) == ((), 1)


def test_a_mark_elsewhere_keeps_our_keys_too() -> None:
    stray = a_webhook(1, url=a_url(base="https://old.example.net"))

    plan = a_plan(a_key(title=LEFT_MARK), stray)

    assert plan.changes == ()
    assert [(one.found.id, one.because) for one in plan.kept] == [(101, "MarkElsewhere"), (201, "MarkElsewhere")]
    assert shape(a_plan(a_key(title=LEFT_MARK))) == [("delete", "deploy_key", 101)]


def test_an_unreadable_project_is_not_touched() -> None:
    plan = a_plan(a_wanted_key(), Unreadable(a_project(), "403 Forbidden"))

    assert (plan.changes, plan.projects) == ((), 1)
    assert codes(plan) == ["ProjectUnreadable"]


# another cluster's mark on what we want


@pytest.mark.parametrize("title", [OTHERS_MARK, NEIGHBOURS_MARK])
def test_a_wanted_key_with_anothers_mark_is_used_and_warned_about(title: str) -> None:
    plan = a_plan(a_wanted_key(), a_key(title=title))

    assert (plan.changes, plan.unchanged, plan.owned[Kind.DEPLOY_KEY]) == ((), 1, 0)
    problem = the_problem(plan)
    assert (problem.severity, problem.code) == ("warning", "KeySharedAcrossClusters")
    assert (problem.object, problem.project) == ("GitRepository/flux-config/shop", "tenants/shop")
    assert f"`{title}`" in problem.message
    assert "Give each cluster a key of its own." in problem.message


@pytest.mark.parametrize("title", [OTHERS_MARK, NEIGHBOURS_MARK])
def test_a_key_with_anothers_mark_is_joined_with_an_error(title: str) -> None:
    plan = a_plan(a_wanted_key(), some_items(), some_items(a_key(title=title), project=ELSEWHERE))

    assert [(change.action, change.project) for change in plan.changes] == [("create", a_project())]
    (shared,) = (problem for problem in plan.problems if problem.code == "KeySharedAcrossClusters")
    assert (shared.severity, shared.object, shared.project) == (
        "error",
        "GitRepository/flux-config/shop",
        "tenants/shop",
    )
    assert f"`{title}`, which is not this instance's: it is joined" in shared.message


def test_owned_keys_never_take_a_key_with_anothers_mark() -> None:
    plan = a_plan(a_key(title=OTHERS_MARK), rules=some_rules(owned_keys=OWNED))

    assert (plan.changes, len(plan.foreign)) == ((), 1)


# no mark


def test_a_wanted_key_without_a_mark_is_used_and_will_not_be_removed() -> None:
    plan = a_plan(a_wanted_key(), a_key(title="deploy bot"))

    assert (plan.changes, plan.unchanged) == ((), 1)
    problem = the_problem(plan)
    assert (problem.severity, problem.code) == ("warning", "KeyUnmarked")
    assert a_public_key(1).fingerprint in problem.message
    assert "`run --adopt`" in problem.message
    assert "owned_keys" in problem.message


def test_a_wanted_key_without_a_mark_is_joined_where_it_is_missing() -> None:
    plan = a_plan(a_wanted_key(), some_items(), some_items(a_key(title="deploy bot"), project=ELSEWHERE))

    assert shape(plan) == [("create", "deploy_key", 101)]
    assert codes(plan) == ["KeyUnmarked"]


def test_owned_keys_are_ours_wherever_they_lie() -> None:
    rules = some_rules(owned_keys=OWNED)

    assert shape(a_plan(a_key(title="deploy bot"), rules=rules)) == [("delete", "deploy_key", 101)]
    assert shape(a_plan(a_key(2, title="deploy bot"), rules=rules)) == []


def test_owned_keys_that_are_wanted_are_no_problem() -> None:
    plan = a_plan(a_wanted_key(), a_key(title="deploy bot"), rules=some_rules(owned_keys=OWNED))

    assert (plan.changes, plan.problems, plan.owned[Kind.DEPLOY_KEY]) == ((), (), 1)


def test_adopt_marks_a_wanted_key_by_its_title() -> None:
    plan = a_plan(a_wanted_key(), a_key(title="deploy bot"), rules=some_rules(adopt=True))

    (change,) = plan.changes
    assert isinstance(change, Update)
    assert change.fields == {"title": ("deploy bot", str(a_mark()))}
    assert change.reason == "adopted, so it gets our mark"
    assert plan.problems == ()


def test_adopt_marks_owned_keys_too() -> None:
    rules = some_rules(adopt=True, owned_keys=OWNED)

    assert shape(a_plan(a_wanted_key(), a_key(title="deploy bot"), rules=rules)) == [("update", "deploy_key", 101)]


def test_adopt_leaves_a_key_on_two_projects_since_gitlab_keeps_its_title() -> None:
    both = [some_items(a_key(title="deploy bot"), project=one) for one in (a_project(), ELSEWHERE)]

    plan = a_plan(a_wanted_key(), *both, rules=some_rules(adopt=True))

    assert plan.changes == ()
    assert codes(plan) == ["KeyUnmarked"]


def test_adopt_leaves_a_key_that_a_second_project_is_about_to_get() -> None:
    wanted = a_wanted_key(), a_wanted_key(project=ELSEWHERE)
    one = some_items(a_key(title="deploy bot")), some_items(project=ELSEWHERE)

    plan = a_plan(*wanted, *one, rules=some_rules(adopt=True))

    assert [(change.action, change.project) for change in plan.changes] == [("create", ELSEWHERE)]


@pytest.mark.parametrize("title", [OTHERS_MARK, NEIGHBOURS_MARK])
def test_adopt_never_takes_what_carries_anothers_mark(title: str) -> None:
    plan = a_plan(a_wanted_key(), a_key(title=title), a_key(2, title=title), rules=some_rules(adopt=True))

    assert plan.changes == ()


def test_adopt_does_not_remove_an_unmarked_key_that_nobody_wants() -> None:
    plan = a_plan(a_key(title="deploy bot"), rules=some_rules(adopt=True))

    assert (plan.changes, len(plan.foreign)) == ((), 1)


# may push, has expired


def test_a_key_that_may_push_stays_so() -> None:
    plan = a_plan(a_wanted_key(), a_key(can_push=True))

    assert (plan.changes, plan.unchanged) == ((), 1)
    assert (the_problem(plan).severity, the_problem(plan).code) == ("notice", "KeyCanPush")


def test_the_settings_take_pushing_from_keys_that_are_ours() -> None:
    plan = a_plan(a_wanted_key(), a_key(can_push=True), rules=some_rules(read_only_keys=True))

    assert [change.fields for change in plan.changes] == [{"can_push": (True, False)}]
    assert plan.problems == ()


@pytest.mark.parametrize("title", ["deploy bot", OTHERS_MARK])
def test_the_settings_do_not_take_pushing_from_keys_that_are_not_ours(title: str) -> None:
    plan = a_plan(a_wanted_key(), a_key(title=title, can_push=True), rules=some_rules(read_only_keys=True))

    assert plan.changes == ()
    assert "KeyCanPush" in codes(plan)


def test_adopt_takes_pushing_along_where_the_settings_say_so() -> None:
    found = a_key(title="deploy bot", can_push=True)

    strict = a_plan(a_wanted_key(), found, rules=some_rules(adopt=True, read_only_keys=True))
    loose = a_plan(a_wanted_key(), found, rules=some_rules(adopt=True))

    assert set(strict.changes[0].fields) == {"title", "can_push"}
    assert set(loose.changes[0].fields) == {"title"}
    assert (codes(strict), codes(loose)) == ([], ["KeyCanPush"])


def test_a_read_only_key_stays_as_it_is_under_these_settings() -> None:
    assert a_plan(a_wanted_key(), a_key(), rules=some_rules(read_only_keys=True)).changes == ()


def test_a_wanted_key_that_has_expired_is_warned_about() -> None:
    plan = a_plan(a_wanted_key(), a_key(expired=True))

    problem = the_problem(plan)
    assert (problem.severity, problem.code) == ("warning", "KeyExpired")
    assert problem.message.endswith("make a new key in Secret/flux-config/shop.")
    assert plan.changes == ()


def test_an_expired_key_is_warned_about_while_it_is_adopted_and_while_it_is_joined() -> None:
    found = a_key(title="deploy bot", expired=True)

    adopted = a_plan(a_wanted_key(), found, rules=some_rules(adopt=True))
    joined = a_plan(a_wanted_key(), some_items(), some_items(a_key(expired=True), project=ELSEWHERE))

    assert (codes(adopted), codes(joined)) == (["KeyExpired"], ["KeyExpired"])


def test_an_expired_key_that_nobody_wants_is_deleted_without_a_word() -> None:
    plan = a_plan(a_key(expired=True, can_push=True))

    assert (shape(plan), plan.problems) == ([("delete", "deploy_key", 101)], ())


# replaced


def test_a_rotated_key_is_created_before_the_old_one_is_deleted_as_replaced() -> None:
    plan = a_plan(a_wanted_key(2), a_key(1))

    assert shape(plan) == [("create", "deploy_key", None), ("delete", "deploy_key", 101)]
    assert plan.deletes[0].excuse is Excuse.REPLACED


def test_a_key_is_replaced_by_one_that_is_there_already() -> None:
    plan = a_plan(a_wanted_key(2), a_key(1), a_key(2))

    assert [delete.excuse for delete in plan.deletes] == [Excuse.REPLACED]


def test_a_wanted_key_excuses_one_delete_only() -> None:
    plan = a_plan(a_wanted_key(3), a_key(1), a_key(2))

    assert [(delete.id, delete.excuse) for delete in plan.deletes] == [(101, Excuse.REPLACED), (102, None)]


def test_another_secrets_key_is_no_replacement() -> None:
    plan = a_plan(a_wanted_key(2, name="other"), a_key(1))

    assert [delete.excuse for delete in plan.deletes] == [None]


def test_a_key_under_anothers_mark_replaces_the_old_one_once_it_is_joined() -> None:
    others = some_items(a_key(2, title=OTHERS_MARK), project=ELSEWHERE)

    plan = a_plan(a_wanted_key(2), some_items(a_key(1)), others)

    assert [change.action for change in plan.changes] == ["create", "delete"]
    assert [delete.excuse for delete in plan.deletes] == [Excuse.REPLACED]


def test_a_key_is_recognised_as_replaced_under_a_former_namespace() -> None:
    rules = some_rules(previous_namespaces=["attic"])
    old = a_key(1, title="flux-gitlab-syncer prod attic/shop")

    assert [delete.excuse for delete in a_plan(a_wanted_key(2), old, rules=rules).deletes] == [Excuse.REPLACED]
    assert [delete.excuse for delete in a_plan(a_wanted_key(2, name="other"), old, rules=rules).deletes] == [None]


def test_a_key_without_a_mark_replaces_by_the_secret_it_comes_from() -> None:
    plan = a_plan(a_wanted_key(2), a_key(1), a_key(2, title="deploy bot"))

    assert [(delete.id, delete.excuse) for delete in plan.deletes] == [(101, Excuse.REPLACED)]


# namespaces that are not read


def test_another_instances_namespace_is_noticed_once() -> None:
    more = some_items(a_key(2, title=NEIGHBOURS_MARK), project=ELSEWHERE)

    plan = a_plan(some_items(a_key(1, title=NEIGHBOURS_MARK)), more)

    problem = the_problem(plan)
    assert (problem.severity, problem.code) == ("notice", "NamespaceNotRead")
    assert "namespace billing" in problem.message
    assert "previous_namespaces" in problem.message


def test_another_clusters_namespace_is_not_noticed() -> None:
    assert a_plan(a_key(title="flux-gitlab-syncer staging billing/shop")).problems == ()


# why


def test_a_delete_says_whose_it_was() -> None:
    def reason(found: FoundKey, **rules: object) -> str:
        (change,) = a_plan(found, rules=some_rules(**rules)).changes
        return change.reason

    whole = Identity(CLUSTER, frozenset(), every_namespace=True)
    owned = frozenset({a_public_key().fingerprint})
    nobody = "and no GitRepository wants it on this project any more"
    assert reason(a_key()) == f"ours, {nobody}"
    assert reason(a_key(title="flux"), owned_keys=owned) == f"listed under owned_keys, {nobody}"
    assert reason(a_key(), identity=whole) == "ours, and everything of this cluster is retired"

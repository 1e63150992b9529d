from __future__ import annotations

import pytest

from reconcile.actual import FoundWebhook, Unreadable
from reconcile.desired.holds import Holder, Holds
from reconcile.events import FLAGS
from reconcile.marks import Identity, Mark, Owner
from reconcile.model import Kind
from reconcile.plan.changes import Excuse, Update, heals
from reconcile.plan.plan import Plan
from reconcile.plan.webhooks import HEALED_A_RUN
from reconcile.problems import Code, Problem
from tests.worlds.builders import (
    CLUSTER,
    LEFT_MARK,
    NEIGHBOURS_MARK,
    OLD_FLAGS,
    OTHERS_MARK,
    a_key,
    a_mark,
    a_plan,
    a_project,
    a_url,
    a_wanted_webhook,
    a_webhook,
    an_old_webhook,
    codes,
    receiver_ref,
    shape,
    some_flags,
    some_items,
    some_rules,
)

OLD_URL = "https://old.example.net"
MARK = str(a_mark())


def fields(plan: Plan) -> dict[str, tuple[object, object]]:
    """What the plan's only change, an update, corrects."""
    (change,) = plan.changes
    assert isinstance(change, Update)
    return dict(change.fields)


def the_problem(plan: Plan) -> Problem:
    (problem,) = plan.problems
    return problem


# wanted


def test_a_wanted_webhook_that_is_missing_is_created() -> None:
    plan = a_plan(a_wanted_webhook())

    assert shape(plan) == [("create", "webhook", None)]
    assert plan.changes[0].reason == "missing"


def test_a_wanted_webhook_that_is_right_is_left_alone() -> None:
    plan = a_plan(a_wanted_webhook(), a_webhook())

    assert (plan.changes, plan.unchanged, plan.owned[Kind.WEBHOOK], plan.problems) == ((), 1, 1, ())


def test_a_webhook_on_another_project_is_not_this_ones() -> None:
    elsewhere = some_items(a_webhook(), project=a_project(2, "b/b"))

    assert shape(a_plan(a_wanted_webhook(), some_items(), elsewhere)) == [
        ("delete", "webhook", 201),
        ("create", "webhook", None),
    ]


@pytest.mark.parametrize("flag", FLAGS)
def test_each_flag_that_differs_is_corrected(flag: str) -> None:
    on = {"push_events"} ^ {flag}

    plan = a_plan(a_wanted_webhook(flags={"push_events"}), a_webhook(flags=some_flags(*on)))

    assert fields(plan) == {flag: (flag != "push_events", flag == "push_events")}


def test_flags_that_this_gitlab_lacks_are_not_compared() -> None:
    wanted = a_wanted_webhook(flags={"push_events", "tag_push_events", "emoji_events"})

    assert a_plan(wanted, an_old_webhook()).changes == ()
    assert fields(a_plan(wanted, a_webhook())) == {"emoji_events": (False, True)}
    assert "emoji_events" not in OLD_FLAGS


@pytest.mark.parametrize("wanted", [True, False])
def test_tls_verification_is_as_the_settings_say(*, wanted: bool) -> None:
    rules = some_rules(tls_verification=wanted)

    assert a_plan(a_wanted_webhook(), a_webhook(tls=wanted), rules=rules).changes == ()
    plan = a_plan(a_wanted_webhook(), a_webhook(tls=not wanted), rules=rules)
    assert fields(plan) == {"enable_ssl_verification": (not wanted, wanted)}


def test_a_branch_filter_is_taken_away() -> None:
    plan = a_plan(a_wanted_webhook(), a_webhook(branch_filter="main"))

    assert fields(plan) == {"push_events_branch_filter": ("main", "")}


@pytest.mark.parametrize("strategy", [None, "wildcard", "all_branches"])
def test_a_strategy_that_lets_every_branch_through_is_right(strategy: str | None) -> None:
    assert a_plan(a_wanted_webhook(), a_webhook(strategy=strategy)).changes == ()


def test_a_strategy_of_regex_is_corrected() -> None:
    plan = a_plan(a_wanted_webhook(), a_webhook(strategy="regex"))

    assert fields(plan) == {"branch_filter_strategy": ("regex", "wildcard")}


def test_a_webhook_without_a_token_gets_one() -> None:
    assert fields(a_plan(a_wanted_webhook(), a_webhook(token_present=False))) == {"token_present": (False, True)}
    assert a_plan(a_wanted_webhook(), a_webhook(token_present=None)).changes == ()


def test_an_unmarked_wanted_webhook_is_updated_once() -> None:
    plan = a_plan(a_wanted_webhook(), a_webhook(description=""))

    assert fields(plan) == {"description": ("", MARK)}
    assert plan.problems == ()


@pytest.mark.parametrize("was", ["flux-gitlab-syncer old flux-config/shop", "flux-gitlab-syncer prod attic/shop"])
def test_a_wanted_webhook_with_a_former_mark_gets_the_new_one(was: str) -> None:
    rules = some_rules(previous_clusters=["old"], previous_namespaces=["attic"])

    assert fields(a_plan(a_wanted_webhook(), a_webhook(description=was), rules=rules)) == {"description": (was, MARK)}


def test_a_wanted_webhook_marked_for_another_receiver_of_ours_gets_the_right_mark() -> None:
    assert fields(a_plan(a_wanted_webhook(), a_webhook(description=LEFT_MARK))) == {"description": (LEFT_MARK, MARK)}


def test_a_mark_that_gitlabs_limit_cut_is_right() -> None:
    name = "x" * 253
    cut = str(Mark("prod", "flux-config", name))

    assert a_plan(a_wanted_webhook(name=name), a_webhook(description=cut)).changes == ()
    assert shape(a_plan(a_wanted_webhook(name=name), a_webhook(description=cut + " "))) != []


def test_a_wanted_webhook_before_17_1_counts_as_right_and_as_ours() -> None:
    plan = a_plan(a_wanted_webhook(), an_old_webhook())

    assert (plan.changes, plan.unchanged, plan.owned[Kind.WEBHOOK], plan.problems) == ((), 1, 1, ())


def test_a_wanted_webhook_before_17_1_is_corrected_where_it_differs() -> None:
    assert fields(a_plan(a_wanted_webhook(), an_old_webhook(tls=False))) == {"enable_ssl_verification": (False, True)}


def test_refreshing_tokens_rewrites_every_wanted_webhook() -> None:
    rules = some_rules(refresh_tokens=True)
    old, new = a_wanted_webhook(1), a_wanted_webhook(2)

    plan = a_plan(old, new, an_old_webhook(1), a_webhook(2), rules=rules)

    assert [change.fields for change in plan.changes] == [{"token": ("(unknown)", "(set again)")}] * 2
    assert a_plan(old, new, an_old_webhook(1), a_webhook(2)).changes == ()


def test_refreshing_tokens_leaves_what_is_not_wanted_alone() -> None:
    plan = a_plan(
        a_webhook(1, description=OTHERS_MARK), a_webhook(2, description=""), rules=some_rules(refresh_tokens=True)
    )

    assert plan.changes == ()


@pytest.mark.parametrize("status", ["temporarily_disabled", "disabled"])
def test_a_wanted_webhook_that_gitlab_switched_off_is_warned_about(status: str) -> None:
    plan = a_plan(a_wanted_webhook(), a_webhook(alert_status=status))

    problem = the_problem(plan)
    assert (problem.severity, problem.code, problem.object) == (
        "warning",
        "WebhookDisabled",
        "Receiver/flux-config/shop",
    )
    assert f"switched webhook 201 off ({status})" in problem.message
    assert (plan.changes, plan.unchanged) == ((), 1)


@pytest.mark.parametrize("status", ["temporarily_disabled", "disabled"])
@pytest.mark.parametrize("old", [False, True])
def test_with_healing_a_webhook_that_is_otherwise_right_gets_a_test_push(status: str, *, old: bool) -> None:
    found = an_old_webhook(alert_status=status) if old else a_webhook(alert_status=status)

    plan = a_plan(a_wanted_webhook(), found, rules=some_rules(heal_webhooks=True))

    assert shape(plan) == [("update", "webhook", 201)]
    assert plan.changes[0].fields == {"alert_status": (status, "executable")}
    assert heals(plan.changes[0])
    assert (plan.unchanged, plan.problems) == (0, ())


def test_with_healing_a_webhook_that_is_to_be_changed_is_only_changed_and_warned_about() -> None:
    found = a_webhook(alert_status="disabled", tls=False)

    plan = a_plan(a_wanted_webhook(), found, rules=some_rules(heal_webhooks=True))

    assert plan.changes[0].fields == {"enable_ssl_verification": (False, True)}
    assert not heals(plan.changes[0])
    assert codes(plan) == ["WebhookDisabled"]


@pytest.mark.parametrize(
    "world",
    [
        [a_wanted_webhook(), a_webhook()],
        [a_wanted_webhook(), a_webhook(alert_status="disabled", description=OTHERS_MARK)],
        [a_webhook(alert_status="disabled", description="")],
        [a_webhook(alert_status="disabled", description=OTHERS_MARK)],
    ],
)
def test_with_healing_what_works_is_not_ours_or_not_wanted_gets_none(world: list[object]) -> None:
    assert a_plan(*world, rules=some_rules(heal_webhooks=True)).changes == ()


def test_with_healing_no_more_are_planned_than_gitlab_takes_without_waiting() -> None:
    wanted = [a_wanted_webhook(number) for number in range(8)]
    found = [a_webhook(number, alert_status="disabled") for number in range(8)]

    plan = a_plan(*wanted, *found, rules=some_rules(heal_webhooks=True))

    assert len(plan.changes) == HEALED_A_RUN
    assert [problem.code for problem in plan.problems] == ["WebhookDisabled"] * 3


def test_with_healing_of_two_at_a_wanted_url_the_oldest_is_healed_and_the_other_removed() -> None:
    both = [a_webhook(id_=1, alert_status="disabled"), a_webhook(id_=2, alert_status="disabled")]

    plan = a_plan(a_wanted_webhook(), *both, rules=some_rules(heal_webhooks=True))

    assert shape(plan) == [("update", "webhook", 1), ("delete", "webhook", 2)]


def test_an_unwanted_webhook_that_gitlab_switched_off_is_deleted_without_a_word() -> None:
    plan = a_plan(a_webhook(alert_status="disabled"))

    assert (shape(plan), plan.problems) == ([("delete", "webhook", 201)], ())


# not wanted


def test_our_webhook_that_nobody_wants_is_deleted() -> None:
    plan = a_plan(a_webhook())

    assert shape(plan) == [("delete", "webhook", 201)]
    assert plan.deletes[0].reason == "ours, and no Receiver wants it on this project any more"
    assert plan.deletes[0].sources == (receiver_ref("shop"),)
    assert (plan.deletes[0].excuse, plan.owned[Kind.WEBHOOK]) == (None, 1)


@pytest.mark.parametrize(
    ("description", "owner"),
    [
        (OTHERS_MARK, Owner.OTHER_CLUSTER),
        (NEIGHBOURS_MARK, Owner.OTHER_INSTANCE),
        ("flux-gitlab-syncer prod-2 flux-config/shop", Owner.OTHER_CLUSTER),
        ("something else", Owner.UNMARKED),
        ("", Owner.UNMARKED),
    ],
)
def test_a_webhook_that_is_not_ours_is_foreign(description: str, owner: Owner) -> None:
    plan = a_plan(a_webhook(description=description))

    assert plan.changes == ()
    assert [(one.found.id, one.owner) for one in plan.foreign] == [(201, owner)]
    assert plan.owned[Kind.WEBHOOK] == 0


@pytest.mark.parametrize("was", ["flux-gitlab-syncer old flux-config/left", "flux-gitlab-syncer prod attic/left"])
def test_a_webhook_with_a_former_name_is_ours_once_the_settings_list_it(was: str) -> None:
    rules = some_rules(previous_clusters=["old"], previous_namespaces=["attic"])

    assert shape(a_plan(a_webhook(description=was))) == []
    assert shape(a_plan(a_webhook(description=was), rules=rules)) == [("delete", "webhook", 201)]


def test_an_unmarked_webhook_under_our_url_is_noticed_and_stays() -> None:
    plan = a_plan(a_webhook(description=""))

    problem = the_problem(plan)
    assert (problem.severity, problem.code, problem.project) == ("notice", "WebhookUnmarked", "tenants/shop")
    assert f"{a_url()[:38]}…" in problem.message
    assert a_url()[:39] not in problem.message
    assert "`run --adopt`" in problem.message
    assert plan.changes == ()


def test_an_unmarked_webhook_before_17_1_is_noticed_and_stays() -> None:
    plan = a_plan(an_old_webhook())

    assert (plan.changes, codes(plan)) == ((), ["WebhookUnmarked"])


def test_an_unmarked_webhook_at_a_held_url_is_not_noticed() -> None:
    holds = Holds()
    holds.hold_webhooks(Holder(Code.SECRET_NOT_FOUND), receivers=[], urls=[a_url()])

    assert a_plan(a_webhook(description=""), holds=holds).problems == ()


@pytest.mark.parametrize(
    "url",
    [
        "https://chat.example.net/hook/1",
        a_url(base="https://elsewhere.example.net"),
        a_url() + "/",
        a_url() + "?x=1",
        a_url()[:-1],
        a_url().upper(),
        a_url() + "0",
        f"https://flux.example.net/hooks/{'0' * 64}",
        f"https://flux.example.net/more/hook/{'0' * 64}",
    ],
)
def test_an_unmarked_webhook_at_any_other_url_is_none_of_our_business(url: str) -> None:
    rules = some_rules(adopt=True, receiver_url_is_ours=True)

    plan = a_plan(a_webhook(description="", url=url), rules=rules)

    assert (plan.changes, plan.problems, len(plan.foreign)) == ((), (), 1)


@pytest.mark.parametrize("setting", ["adopt", "receiver_url_is_ours"])
def test_adopting_or_owning_the_url_removes_what_is_unmarked_and_not_wanted(setting: str) -> None:
    rules = some_rules(previous_receiver_urls=(OLD_URL,), **{setting: True})
    found = [a_webhook(1, description=""), an_old_webhook(2), a_webhook(3, description="", url=a_url(base=OLD_URL))]

    plan = a_plan(*found, rules=rules)

    assert sorted(delete.id for delete in plan.deletes) == [201, 202, 203]
    assert (plan.problems, plan.owned[Kind.WEBHOOK]) == ((), 3)


@pytest.mark.parametrize("setting", ["adopt", "receiver_url_is_ours"])
@pytest.mark.parametrize("mark", [OTHERS_MARK, NEIGHBOURS_MARK])
def test_adopting_or_owning_the_url_never_takes_anothers_webhook(setting: str, mark: str) -> None:
    rules = some_rules(**{setting: True})

    plan = a_plan(a_wanted_webhook(1), a_webhook(1, description=mark), a_webhook(2, description=mark), rules=rules)

    assert plan.changes == ()


def test_an_unmarked_wanted_webhook_is_ours_before_the_run_where_the_url_is() -> None:
    found = a_webhook(description="")

    assert a_plan(a_wanted_webhook(), found).owned[Kind.WEBHOOK] == 0
    assert a_plan(a_wanted_webhook(), found, rules=some_rules(receiver_url_is_ours=True)).owned[Kind.WEBHOOK] == 1


def test_what_lies_at_a_former_base_url_is_removed_and_made_anew() -> None:
    rules = some_rules(previous_receiver_urls=(OLD_URL,))

    plan = a_plan(a_wanted_webhook(), a_webhook(id_=7, url=a_url(base=OLD_URL)), rules=rules)

    assert shape(plan) == [("create", "webhook", None), ("delete", "webhook", 7)]
    assert plan.deletes[0].excuse is Excuse.SAME_PATH


# webhooks off


@pytest.mark.parametrize("adopt", [False, True])
def test_without_a_receiver_url_no_webhook_is_touched(*, adopt: bool) -> None:
    rules = some_rules(receiver_url=None, previous_receiver_urls=(OLD_URL,), adopt=adopt, receiver_url_is_ours=adopt)
    found = [a_webhook(1), a_webhook(2, description=""), a_webhook(3, description="", url=a_url(base=OLD_URL))]

    plan = a_plan(a_key(), *found, rules=rules)

    assert shape(plan) == [("delete", "deploy_key", 101)]
    assert plan.owned[Kind.WEBHOOK] == 0
    kept = [(one.found.id, one.because) for one in plan.kept]
    assert kept == [(one, Code.WEBHOOKS_OFF) for one in ([201, 203] if adopt else [201])]
    assert len(plan.kept) + len(plan.foreign) == 3


# another's mark at a wanted URL


@pytest.mark.parametrize("mark", [OTHERS_MARK, NEIGHBOURS_MARK])
def test_no_webhook_is_created_beside_anothers(mark: str) -> None:
    plan = a_plan(a_wanted_webhook(), a_webhook(description=mark, tls=False))

    assert (plan.changes, plan.owned[Kind.WEBHOOK], len(plan.foreign)) == ((), 0, 1)
    problem = next(one for one in plan.problems if one.code == "WebhookForeignMark")
    assert (problem.severity, problem.object) == ("error", "Receiver/flux-config/shop")
    assert f"is marked `{mark}`, which is not this instance's" in problem.message
    assert a_url() not in problem.message


def test_ours_beside_anothers_is_kept_right_and_only_the_others_mark_is_named() -> None:
    plan = a_plan(a_wanted_webhook(), a_webhook(id_=1, description=OTHERS_MARK), a_webhook(id_=2, description=""))

    assert shape(plan) == [("update", "webhook", 2)]
    assert f"is marked `{OTHERS_MARK}`, which" in the_problem(plan).message


def test_a_neighbours_namespace_at_a_wanted_url_is_noticed_too() -> None:
    plan = a_plan(a_wanted_webhook(), a_webhook(description=NEIGHBOURS_MARK))

    assert codes(plan) == ["WebhookForeignMark", "NamespaceNotRead"]


# duplicates


def test_the_oldest_of_several_stays() -> None:
    plan = a_plan(a_wanted_webhook(), a_webhook(id_=3), a_webhook(id_=1), a_webhook(id_=2, description=""))

    assert shape(plan) == [("delete", "webhook", 2), ("delete", "webhook", 3)]
    assert plan.deletes[0].reason == "a second webhook at a wanted URL; the oldest, 1, stays"
    assert (plan.unchanged, plan.owned[Kind.WEBHOOK]) == (1, 3)


def test_the_oldest_is_made_right_before_the_others_go() -> None:
    plan = a_plan(a_wanted_webhook(), a_webhook(id_=1, description="", tls=False), a_webhook(id_=2))

    assert shape(plan) == [("update", "webhook", 1), ("delete", "webhook", 2)]


def test_duplicates_before_17_1_go_too() -> None:
    assert shape(a_plan(a_wanted_webhook(), an_old_webhook(id_=1), an_old_webhook(id_=2))) == [("delete", "webhook", 2)]


def test_anothers_webhook_is_no_duplicate() -> None:
    plan = a_plan(a_wanted_webhook(), a_webhook(id_=1), a_webhook(id_=2, description=OTHERS_MARK))

    assert plan.changes == ()


def test_a_webhook_listed_twice_is_no_duplicate_of_itself() -> None:
    assert a_plan(a_wanted_webhook(), a_webhook(), a_webhook()).changes == ()


def test_no_duplicate_counts() -> None:
    plan = a_plan(a_wanted_webhook(), a_webhook(id_=1), a_webhook(id_=2), a_webhook(id_=3))

    assert [delete.excuse for delete in plan.deletes] == [Excuse.SAME_PATH, Excuse.SAME_PATH]


def test_held_duplicates_stay() -> None:
    holds = Holds()
    holds.hold_webhooks(Holder(Code.RECEIVER_NOT_READY), receivers=[], projects=[1])

    plan = a_plan(a_wanted_webhook(), a_webhook(id_=1), a_webhook(id_=2), holds=holds)

    assert (plan.changes, [one.found.id for one in plan.kept]) == ((), [2])


# replaced


def test_a_rotated_token_moves_the_webhook_and_is_a_replacement() -> None:
    plan = a_plan(a_wanted_webhook(2), a_webhook(1))

    assert shape(plan) == [("create", "webhook", None), ("delete", "webhook", 201)]
    assert plan.deletes[0].excuse is Excuse.REPLACED


def test_another_receivers_webhook_is_no_replacement() -> None:
    plan = a_plan(a_wanted_webhook(2, name="other"), a_webhook(1))

    assert [delete.excuse for delete in plan.deletes] == [None]


def test_a_webhook_that_is_not_made_beside_anothers_keeps_what_it_would_have_replaced() -> None:
    plan = a_plan(a_wanted_webhook(2), a_webhook(1), a_webhook(2, description=OTHERS_MARK))

    assert plan.changes == ()
    assert [(one.found.id, one.because) for one in plan.kept] == [(201, Code.WEBHOOK_FOREIGN_MARK)]


# held


def a_hold(**what: object) -> Holds:
    holds = Holds()
    holds.hold_webhooks(Holder(Code.SECRET_NOT_FOUND), **{"receivers": [], **what})
    return holds


@pytest.mark.parametrize(
    "holds",
    [
        a_hold(urls=[a_url(1)]),
        a_hold(receivers=[("flux-config", "left")]),
        a_hold(projects=[1]),
        Holds(all_webhooks={"": Code.SECRET_NOT_FOUND}),
    ],
    ids=["its url", "its receiver", "its project", "everything"],
)
def test_what_is_held_stays(holds: Holds) -> None:
    plan = a_plan(a_webhook(1, description=LEFT_MARK), holds=holds)

    assert plan.changes == ()
    assert [(one.found.id, one.because) for one in plan.kept] == [(201, Code.SECRET_NOT_FOUND)]
    assert plan.owned[Kind.WEBHOOK] == 1


@pytest.mark.parametrize(
    "holds",
    [a_hold(urls=[a_url(2)]), a_hold(receivers=[("flux-config", "shop")]), a_hold(projects=[2]), a_hold()],
    ids=["another url", "another receiver", "another project", "nothing"],
)
def test_what_something_else_holds_goes(holds: Holds) -> None:
    assert shape(a_plan(a_webhook(1, description=LEFT_MARK), holds=holds)) == [("delete", "webhook", 201)]


def test_adopting_respects_holds() -> None:
    plan = a_plan(a_webhook(description=""), holds=a_hold(projects=[1]), rules=some_rules(adopt=True))

    assert (plan.changes, len(plan.kept)) == ((), 1)


def test_an_unreadable_project_gets_no_webhook() -> None:
    assert a_plan(a_wanted_webhook(), Unreadable(a_project(), "403 Forbidden")).changes == ()


# our mark elsewhere


def test_our_mark_at_a_strange_url_keeps_everything_of_ours_on_that_project() -> None:
    stray = a_webhook(1, url=a_url(base=OLD_URL))
    elsewhere = some_items(a_webhook(3), project=a_project(2, "b/b"))

    plan = a_plan(some_items(stray, a_webhook(2)), elsewhere)

    assert [(one.found.id, one.because) for one in plan.kept] == [(202, "MarkElsewhere"), (201, "MarkElsewhere")]
    assert [(delete.project.path, delete.id) for delete in plan.deletes] == [("b/b", 203)]
    problem = the_problem(plan)
    assert (problem.severity, problem.code, problem.project) == ("error", "MarkElsewhere", "tenants/shop")
    assert "previous_receiver_urls" in problem.message
    assert a_url(base=OLD_URL) not in problem.message


def test_our_mark_at_a_strange_url_does_not_hinder_creating_and_updating() -> None:
    stray = a_webhook(1, url=a_url(base=OLD_URL))

    plan = a_plan(a_wanted_webhook(1), a_wanted_webhook(2), stray, a_webhook(2, tls=False))

    assert shape(plan) == [("create", "webhook", None), ("update", "webhook", 202)]


def test_our_mark_at_a_former_base_url_is_at_home() -> None:
    stray = a_webhook(1, url=a_url(base=OLD_URL))

    plan = a_plan(stray, rules=some_rules(previous_receiver_urls=(OLD_URL,)))

    assert (shape(plan), plan.problems) == ([("delete", "webhook", 201)], ())


def test_anothers_mark_at_a_strange_url_is_anothers() -> None:
    stray = a_webhook(1, url=a_url(base=OLD_URL), description=OTHERS_MARK)

    assert shape(a_plan(stray, a_key())) == [("delete", "deploy_key", 101)]


@pytest.mark.parametrize("url", ["https://chat.example.net/", "https://chat.example.net/hook/1", a_url() + "?x=1"])
def test_our_mark_on_a_webhook_that_leads_to_no_receiver_does_not_make_it_ours(url: str) -> None:
    plan = a_plan(a_webhook(1, url=url), a_key(), rules=some_rules(adopt=True, receiver_url_is_ours=True))

    assert (shape(plan), plan.problems) == ([("delete", "deploy_key", 101)], ())
    assert [one.found.id for one in plan.foreign] == [201]


# why


def test_a_delete_says_whose_it_was() -> None:
    def reason(*found: FoundWebhook, **rules: object) -> str:
        (change,) = a_plan(*found, rules=some_rules(**rules)).changes
        return change.reason

    whole = Identity(CLUSTER, frozenset(), every_namespace=True)
    unmarked = "carries no mark, lies at one of our URLs, and no Receiver wants it"
    assert reason(a_webhook()) == "ours, and no Receiver wants it on this project any more"
    assert reason(a_webhook(description=""), adopt=True) == unmarked
    assert reason(a_webhook(description=""), receiver_url_is_ours=True) == unmarked
    assert reason(a_webhook(), identity=whole) == "ours, and everything of this cluster is retired"

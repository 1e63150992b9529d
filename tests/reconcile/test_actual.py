from __future__ import annotations

import pytest

from reconcile.actual import Unreadable, actual_from
from reconcile.causes import MALFORMED, Cause, CauseCode
from reconcile.errors import MalformedAnswer
from reconcile.problems import Code, Problem
from tests.worlds.builders import a_key, a_project, a_public_key, a_webhook, some_actual, some_items


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        (CauseCode.ROLE_MISSING, "Make the bot account a Maintainer there."),
        (CauseCode.SERVER_ERROR, "The next run tries again; see the server's health if this goes on."),
    ],
)
def test_the_cause_says_what_to_do_about_an_unreadable_project(code: CauseCode, advice: str) -> None:
    state = Unreadable(a_project(2, "b/b"), "GitLab said no", Cause(code))

    (problem,) = actual_from([state, some_items()]).problems

    assert problem.message == (
        f"Its deploy keys and webhooks cannot be read: GitLab said no. {advice} "
        "Until it can be read nothing on it is changed."
    )
    assert problem.cause == Cause(code)


@pytest.mark.parametrize("id_", [401, 403, 404])
def test_a_malformed_answer_about_a_project_with_the_id_of_a_status_is_not_about_rights(id_: int) -> None:
    error = MalformedAnswer(f"GitLab's answer to /projects/{id_}/deploy_keys is not a list")

    (problem,) = actual_from([Unreadable(a_project(id_), str(error), error.cause), some_items()]).problems

    assert problem.cause == MALFORMED
    assert "Maintainer" not in problem.message


def test_projects_and_their_items_come_in_the_order_of_their_ids() -> None:
    first, second = a_project(1, "z/z"), a_project(2, "a/a")
    states = [
        some_items(a_key(2), a_key(1), a_webhook(4), a_webhook(3), project=second),
        Unreadable(a_project(3, "b/b"), "403"),
        some_items(project=first),
    ]

    actual = actual_from(states)

    assert [one.project for one in actual.projects] == [first, second]
    assert [found.id for found in actual.projects[1].keys] == [101, 102]
    assert [found.id for found in actual.projects[1].webhooks] == [203, 204]
    assert actual == actual_from(reversed(states))


def test_an_item_that_two_pages_show_is_there_once() -> None:
    (items,) = actual_from([some_items(a_key(1), a_webhook(1), a_key(1), a_webhook(1))]).projects

    assert (items.keys, items.webhooks) == ((a_key(1),), (a_webhook(1),))


def test_the_group_knows_each_key_once_and_on_how_many_projects_it_is() -> None:
    actual = some_actual(some_items(a_key(1)), some_items(a_key(1), a_key(2), project=a_project(2, "b/b")))

    assert actual.by_material == {a_public_key(1): a_key(1), a_public_key(2): a_key(2)}
    assert [actual.uses(a_public_key(number)) for number in (1, 2, 3)] == [2, 1, 0]


def test_each_unreadable_project_is_a_problem() -> None:
    actual = actual_from([Unreadable(a_project(2, "b/b"), "403 Forbidden"), some_items()])

    (problem,) = actual.problems
    assert (problem.severity, problem.code, problem.project) == ("error", "ProjectUnreadable", "b/b")
    assert problem.message.startswith("Its deploy keys and webhooks cannot be read: 403 Forbidden. The next run tries")


def test_one_cause_for_every_project_is_one_problem() -> None:
    projects = [a_project(number, f"t/{number}") for number in range(1, 6)]

    actual = actual_from(Unreadable(project, "403 Forbidden") for project in projects)

    (problem,) = actual.problems
    assert problem.project is None
    assert problem.message.startswith("None of the 5 projects can be read: 403 Forbidden.")


def test_two_causes_are_a_problem_for_each_project() -> None:
    states = [Unreadable(a_project(1, "a/a"), "403 Forbidden"), Unreadable(a_project(2, "b/b"), "a timeout")]

    assert [problem.project for problem in actual_from(states).problems] == ["a/a", "b/b"]


def test_the_only_project_is_named_where_it_is_unreadable() -> None:
    (problem,) = actual_from([Unreadable(a_project(), "403 Forbidden")]).problems

    assert problem.project == "tenants/shop"


def test_problems_of_the_reading_itself_are_kept() -> None:
    soon = Problem.of(Code.TOKEN_EXPIRES_SOON, "The token expires soon.")

    assert actual_from([], [soon]).problems == (soon,)


def test_acting_on_some_projects_leaves_the_others_and_their_problems_out_and_the_group_known() -> None:
    soon = Problem.of(Code.TOKEN_EXPIRES_SOON, "The token expires soon.")
    one, two = a_project(1, "a/a"), a_project(2, "b/b")
    states = [some_items(a_key(1), project=one), some_items(project=two)]
    unreadable = [Unreadable(a_project(3, "a/c"), "403"), Unreadable(a_project(4, "b/d"), "403")]

    part = actual_from([*states, *unreadable], [soon]).within(lambda path: path.startswith("b/"))

    assert [items.project for items in part.projects] == [two]
    assert [state.project.path for state in part.unreadable] == ["b/d"]
    assert [problem.project for problem in part.problems] == [None, "b/d"]
    assert part.by_material == {a_public_key(1): a_key(1)}

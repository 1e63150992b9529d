"""What the objects as a whole show of the settings: a wrong --group, a --receiver-url that is not safe."""

from __future__ import annotations

import pytest

from reconcile.model import Project, ProjectAbsent, ProjectLocation
from reconcile.plan.plan import make_plan
from reconcile.problems import Severity
from tests.worlds.builders import HOST, a_key, a_webhook, some_actual, some_desired, some_rules
from tests.worlds.desired_inputs import APP, Inputs
from tests.worlds.objects import a_git_repository


def codes(inputs: Inputs) -> list[str]:
    return [problem.code for problem in inputs.desired().problems]


def repositories(inside: int, outside: int, *, absent: int = 0) -> Inputs:
    """So many GitRepositories, all with one Secret, and no Receiver."""
    lies_inside = [True] * inside + [False] * outside
    places = {
        f"tenants/t{number}": ProjectLocation(Project(number, f"tenants/t{number}"), inside=is_inside)
        for number, is_inside in enumerate(lies_inside, start=1)
    }
    paths = [*places, *(f"tenants/absent{number}" for number in range(absent))]
    return Inputs(
        repositories=[a_git_repository(path.rpartition("/")[2], f"ssh://git@{HOST}/{path}.git") for path in paths],
        receivers=[],
        places={**places, **{path: ProjectAbsent() for path in paths if path not in places}},
    )


@pytest.mark.parametrize(
    ("inside", "outside", "is_reported"),
    [
        (0, 1, True),
        (0, 9, True),
        (4, 6, True),
        (1, 9, True),
        (5, 5, False),
        (4, 5, False),
        (1, 8, False),
        (1, 0, False),
    ],
)
def test_a_group_with_few_of_the_repositories_is_reported(*, inside: int, outside: int, is_reported: bool) -> None:
    assert ("TooManyOutside" in codes(repositories(inside, outside))) is is_reported


def test_a_project_that_does_not_exist_lies_neither_inside_nor_outside() -> None:
    assert "TooManyOutside" not in codes(repositories(0, 0, absent=12))
    assert "TooManyOutside" not in codes(repositories(5, 5, absent=12))
    assert "TooManyOutside" in codes(repositories(4, 6, absent=12))


def test_repositories_on_other_hosts_do_not_count() -> None:
    inputs = repositories(1, 0)
    inputs.repositories += [a_git_repository(f"x{n}", f"ssh://git@elsewhere.example/t/x{n}.git") for n in range(20)]

    assert "TooManyOutside" not in codes(inputs)


def test_too_many_outside_holds_nothing() -> None:
    desired = repositories(1, 9).desired()

    assert set(desired.keys) == {1}
    assert desired.holds.on_key(Project(1, "tenants/t1"), a_key(5)) is None


@pytest.mark.parametrize(
    ("url", "is_reported"),
    [
        ("http://flux.example.net", True),
        ("http://flux.example.net:8080/x", True),
        ("http://10.0.0.1", True),
        ("http://127.0.0.1.example.net", True),
        ("https://flux.example.net", False),
        ("http://localhost:9292", False),
        ("http://127.0.0.1", False),
        ("http://127.8.9.10:80", False),
        ("http://[::1]:80", False),
        (None, False),
    ],
)
def test_a_plain_http_receiver_url_is_reported_unless_it_is_loopback(url: str | None, *, is_reported: bool) -> None:
    inputs = Inputs(rules=some_rules(receiver_url=url))

    found = [problem for problem in inputs.desired().problems if problem.code == "PlainHttpReceiver"]
    assert [problem.severity for problem in found] == ([Severity.WARNING] if is_reported else [])
    assert set(inputs.desired().keys) == {APP.id}


def test_webhooks_off_is_a_warning_where_webhooks_of_ours_exist() -> None:
    rules = some_rules(receiver_url=None)
    off = Inputs(rules=rules).desired().problems

    def severities(*found: object) -> list[Severity]:
        plan = make_plan(some_desired(problems=off), some_actual(*found), rules)
        return [problem.severity for problem in plan.problems if problem.code == "WebhooksOff"]

    assert severities() == [Severity.NOTICE]
    assert severities(a_webhook(description="by hand")) == [Severity.NOTICE]
    assert severities(a_webhook(1), a_webhook(2)) == [Severity.WARNING]


def test_a_lost_receiver_url_is_reported_where_the_last_receiver_is_gone_too() -> None:
    plan = make_plan(some_desired(), some_actual(a_webhook()), some_rules(receiver_url=None))

    assert [(problem.severity, problem.code) for problem in plan.problems] == [(Severity.WARNING, "WebhooksOff")]

"""Each foreign host is told once, so that the one that matters is seen."""

from __future__ import annotations

from reconcile.desired.foreign_hosts import foreign_hosts_once
from reconcile.problems import Code, Problem
from tests.worlds.builders import repository_ref


def on(host: str, name: str) -> Problem:
    return Problem.of(Code.FOREIGN_HOST, f"{host} is not a host of this GitLab.", object=repository_ref(name))


def test_a_hundred_on_one_host_are_one_notice_beside_the_one_that_matters() -> None:
    problems = [on("github.example", f"app-{number:03}") for number in range(114)]
    told = foreign_hosts_once([*problems, on("gitlab.exmaple.org", "shop")])

    others = ", ".join(f"GitRepository/flux-config/app-{number:03}" for number in (1, 2, 3))
    assert [problem.message for problem in told] == [
        f"github.example is not a host of this GitLab. The same host: {others} and 110 more.",
        "gitlab.exmaple.org is not a host of this GitLab.",
    ]
    assert [problem.object for problem in told] == [
        "GitRepository/flux-config/app-000",
        "GitRepository/flux-config/shop",
    ]


def test_other_problems_with_one_message_stay_as_they_are() -> None:
    problems = tuple(Problem.of(Code.SUSPENDED, "It is suspended.", object=repository_ref(name)) for name in "ab")

    assert foreign_hosts_once(problems) == problems

"""Whatever Kubernetes does: one clear sentence, no write to GitLab, exit 1; or the run is as good as ever."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from cronjob.sandbox.fake_kubernetes.world import KubernetesWorld
from cronjob.sandbox.samples import NAMESPACE
from tests.worlds.hurry import in_a_hurry
from tests.worlds.program import Program, a_program

SOURCE, NOTIFICATION = "source.toolkit.fluxcd.io", "notification.toolkit.fluxcd.io"


@pytest.fixture
def program() -> Iterator[Program]:
    with a_program(3, samples=False) as ready, in_a_hurry():
        assert ready.run().code == 0
        # A tenant that has left: whoever took what they cannot read for empty would prune the others too.
        ready.tenants_leave(range(1, 2))
        yield ready


Break = Callable[[KubernetesWorld], object]

# What is broken, the problem's code, and what its sentence must name.
UNREADABLE: dict[str, tuple[Break, str, tuple[str, ...]]] = {
    "no right to list GitRepositories": (
        lambda world: world.deny(verb="list", resource="gitrepositories"),
        "SourceUnreadable",
        ("list gitrepositories.source.toolkit.fluxcd.io", NAMESPACE, "403 Forbidden", "`get,list`"),
    ),
    "no right to list Receivers": (
        lambda world: world.deny(verb="list", resource="receivers"),
        "SourceUnreadable",
        ("list receivers.notification.toolkit.fluxcd.io", NAMESPACE, "403 Forbidden", "`get,list`"),
    ),
    "a list that always answers 500": (
        lambda world: world.fail(path="/receivers", status=500, times=None),
        "SourceUnreadable",
        ("list receivers", "500 Internal Server Error", "The next run tries again"),
    ),
    "a server that drops every connection": (
        lambda world: world.fail(drop=True, times=None),
        "SourceUnreadable",
        ("gave no answer", "the connection broke off"),
    ),
    "Flux is not installed": (
        lambda world: (world.uninstall(SOURCE), world.uninstall(NOTIFICATION)),
        "SourceUnreadable",
        ("Flux (source-controller) is not installed", "--context"),
    ),
    "only its Receivers are not": (
        lambda world: world.uninstall(NOTIFICATION),
        "SourceUnreadable",
        ("Flux's notification-controller is not installed", "receivers"),
    ),
    "the namespace is gone": (
        lambda world: world.delete("Namespace", None, NAMESPACE),
        "NamespaceGone",
        (NAMESPACE, "does not exist", "--namespace"),
    ),
    "the namespace is going": (
        lambda world: world.add_namespace(NAMESPACE, phase="Terminating"),
        "NamespaceGone",
        (NAMESPACE, "is being deleted"),
    ),
    "nobody is logged in": (
        lambda world: setattr(world, "token", "another"),
        "SourceUnreadable",
        ("Nobody is logged in", "401 Unauthorized", "add them, or log in"),
    ),
}


@pytest.mark.parametrize("mode", [[], ["--dry-run"]], ids=["run", "dry run"])
@pytest.mark.parametrize("what", UNREADABLE)
def test_what_cannot_be_read_is_said_and_nothing_is_written(program: Program, what: str, mode: list[str]) -> None:
    break_it, code, parts = UNREADABLE[what]
    break_it(program.kubernetes)

    done = program.run("--no-lease", *mode)

    assert (done.code, done.writes) == (1, [])
    assert (done.report["result"], done.report["changes"], done.report["plan"]) == ("failed", [], None)
    [problem] = done.report["problems"]
    assert (problem["severity"], problem["code"]) == ("error", code)
    assert problem["message"].endswith(".")
    for part in parts:
        assert part in problem["message"]
    assert "Traceback" not in done.err


def test_a_refused_connection_is_said_too(program: Program) -> None:
    file = Path(program.environment["KUBECONFIG"])
    config = yaml.safe_load(file.read_text())
    config["clusters"][0]["cluster"]["server"] = "http://127.0.0.1:9"
    file.write_text(yaml.safe_dump(config))

    done = program.run("--no-lease")

    assert (done.code, done.writes) == (1, [])
    [problem] = done.report["problems"]
    assert "the connection was refused" in problem["message"]
    assert "http://127.0.0.1:9" in problem["message"]


@pytest.mark.parametrize(("times", "result"), [(2, "applied"), (None, "failed")])
def test_a_list_whose_token_expires_in_the_middle_begins_anew_a_few_times(
    program: Program, times: int | None, result: str
) -> None:
    for number in range(501):
        program.kubernetes.apply(
            {
                "apiVersion": f"{SOURCE}/v1",
                "kind": "GitRepository",
                "metadata": {"name": f"elsewhere-{number:03}", "namespace": NAMESPACE},
                "spec": {"url": f"https://github.example/us/{number}", "interval": "5m"},
            }
        )
    program.kubernetes.fail(path="/gitrepositories", query="continue=", status=410, times=times)

    done = program.run()

    assert done.report["result"] == result
    assert sum(request.status == 410 for request in program.kubernetes.requests) == (times or 4)
    assert len(done.writes) == (2 if times else 0)


PASSING: dict[str, Break] = {
    "a 500": lambda world: world.fail(path="/receivers", status=500, times=2),
    "a reset": lambda world: world.fail(path="/secrets/", drop=True, times=3),
    "a limit": lambda world: world.fail(path="/secrets/", status=429, headers={"Retry-After": "2"}, times=5),
    "no right to see the namespace itself": lambda world: world.deny(verb="get", resource="namespaces"),
}


@pytest.mark.parametrize("what", PASSING)
def test_what_passes_costs_nothing(program: Program, what: str) -> None:
    PASSING[what](program.kubernetes)

    done = program.run()

    assert (done.code, done.report["result"]) == (0, "applied")
    assert [change["action"] for change in done.report["changes"]] == ["delete", "delete"]


@pytest.mark.parametrize(("status", "code"), [(403, "SecretUnreadable"), (500, "SecretUnreadable")])
def test_a_secret_that_cannot_be_read_keeps_what_it_has_and_stops_no_other(
    program: Program, status: int, code: str
) -> None:
    program.kubernetes.fail(path="/secrets/tenant-0002-", status=status, times=None)

    done = program.run()

    assert done.code == 1
    assert {problem["code"] for problem in done.report["problems"]} == {code}
    assert {(change["project"][-4:], change["action"], change["status"]) for change in done.report["changes"]} == {
        ("0001", "delete", "applied")
    }
    assert program.run().report["result"] in {"in_sync", "applied"}

"""S6: marks that somebody forges on his own project neither stop the others' prunes nor hide a mass delete."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cronjob.sandbox.samples import CLUSTER, MARK, NAMESPACE, RECEIVER_URL, add_secret, ssh_key
from tests.worlds.program import Done, Program, a_program

TENANTS = 12
HOSTILE = f"{CLUSTER}/tenant-0012"


@pytest.fixture
def program() -> Iterator[Program]:
    with a_program(TENANTS, samples=False) as ready:
        ready.run()
        yield ready


def forge_keys(program: Program, count: int) -> None:
    """So many deploy keys with our mark, on the hostile tenant's own project."""
    for number in range(count):
        program.gitlab.add_deploy_key(
            program.project(HOSTILE), ssh_key()["identity.pub"], title=f"{MARK}forged-{number}"
        )


def left(program: Program) -> int:
    """How many of the honest tenants' projects have a deploy key."""
    return sum(bool(program.titles(f"{CLUSTER}/tenant-{number:04}")) for number in range(1, TENANTS))


def refused(done: Done) -> set[str]:
    """The projects on which something was refused."""
    return {change["project"].rpartition("/")[2] for change in done.report["changes"] if change["status"] == "refused"}


def test_many_forged_keys_refuse_their_own_project_only(program: Program) -> None:
    forge_keys(program, 25)
    program.tenants_leave(range(1, 2))

    done = program.run()

    assert (done.code, refused(done)) == (4, {"tenant-0012"})
    assert left(program) == TENANTS - 2
    [objection] = done.report["objections"]
    assert objection["project"].endswith("/tenant-0012")
    assert objection["refuses"] == 25


def test_forged_items_do_not_dilute_the_percentage(program: Program) -> None:
    forge_keys(program, 60)
    program.tenants_leave(range(1, 5))

    done = program.run()

    assert done.code == 4
    assert left(program) == TENANTS - 1
    assert [one["project"] for one in done.report["objections"]] == [None]


def test_a_webhook_marked_with_an_empty_namespace_refuses_only_itself(program: Program, tmp_path: Path) -> None:
    program.kubernetes.add_namespace("empty")
    settings = tmp_path / "settings.yaml"
    settings.write_text('tenancy: [{namespace: "*", projects: "**"}]\n')
    url = f"{RECEIVER_URL}/hook/{'0' * 64}"
    hook = program.gitlab.add_hook(program.project(HOSTILE), url, description=f"flux-gitlab-syncer {CLUSTER} empty/x")
    program.tenants_leave(range(1, 2))

    done = program.run("--config", str(settings), SYNCER_NAMESPACE=f"{NAMESPACE},empty")

    assert done.code == 4
    [objection] = done.report["objections"]
    assert (objection["code"], objection["namespace"], objection["refuses"]) == ("DesiredIsEmpty", "empty", 1)
    assert hook.url in program.urls(HOSTILE)
    assert left(program) == TENANTS - 2


def test_all_tenants_secrets_at_once_ask_once_and_one_does_not(program: Program) -> None:
    for number in range(1, TENANTS + 1):
        add_secret(program.sandbox, f"tenant-{number:04}-ssh", ssh_key())

    done = program.run()

    assert (done.code, {one["code"] for one in done.report["objections"]}) == (4, {"TooManyPrunes"})
    assert done.report["summary"]["create"] == TENANTS
    assert program.run("--max-prune", "100%").code == 0

    add_secret(program.sandbox, "tenant-0001-ssh", ssh_key())
    assert program.run().code == 0


def test_a_mistyped_receiver_url_makes_no_webhook(program: Program) -> None:
    done = program.run(SYNCER_RECEIVER_URL="https://flux-webhok.platform.example")

    assert (done.code, done.writes) == (4, [])
    assert [one["code"] for one in done.report["objections"]] == ["ReceiverUrlChanged"]

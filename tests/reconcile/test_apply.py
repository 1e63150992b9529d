"""What became of a change follows from the error with which the write ended."""

from __future__ import annotations

import pytest

from reconcile.errors import DeleteContradicted, DeleteHeld, NotReached, WriteFailed
from reconcile.plan.changes import Change
from reconcile.report import Status
from tests.worlds.builders import OTHERS_MARK, a_public_key
from tests.worlds.two_tenants import A, B, TwoTenants


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (WriteFailed("GitLab said no"), Status.FAILED),
        (DeleteContradicted("it is another's by now"), Status.CONTRADICTED),
        (DeleteHeld("it could not be read again"), Status.HELD),
        (NotReached("a signal stopped the run"), Status.NOT_REACHED),
    ],
)
def test_each_way_in_which_a_write_ends_has_its_status(error: WriteFailed, status: Status) -> None:
    def fail(_: Change) -> None:
        raise error

    world = TwoTenants()
    world.gitlab.add_project(A)
    world.flux.add_repository("a", A.path, a_public_key(1))
    world.gitlab.fails = fail

    report = world.run()

    assert [(entry.status, entry.error) for entry in report.entries] == [(status, str(error))]
    assert world.gitlab.titles(A) == []


def test_a_key_that_another_cluster_attached_meanwhile_is_joined_and_an_error() -> None:
    world = TwoTenants()
    for project in (A, B):
        world.gitlab.add_project(project)
    world.flux.add_repository("a", A.path, a_public_key(1))

    def meanwhile(_: Change) -> None:
        world.gitlab.add_key(B, a_public_key(1), OTHERS_MARK)

    world.gitlab.fails = meanwhile
    report = world.run()

    assert [entry.status for entry in report.entries] == [Status.APPLIED]
    assert [(str(problem.severity), problem.code) for problem in report.plan.problems] == [
        ("error", "KeySharedAcrossClusters")
    ]
    assert world.gitlab.titles(A) == [OTHERS_MARK]

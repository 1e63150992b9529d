"""S7: whatever a namespace's objects say, they hold nothing on projects that tenancy does not let it name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cronjob.sandbox.samples import CLUSTER, GROUP, NAMESPACE
from tests.flow.harm.tenancies import NEIGHBOUR, apply, two_namespaces
from tests.worlds.program import Program

LEAVING = f"{CLUSTER}/tenant-0001"
OWN_URL = f"ssh://git@code.vt.edu/{GROUP}/{NEIGHBOUR}/app.git"


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    with two_namespaces(tmp_path) as ready:
        yield ready


def a_pin_to_a_neighbours_project(program: Program) -> None:
    pin = {"flux-gitlab-syncer/project-id": str(program.project(LEAVING).id)}
    spec = {"interval": "5m", "url": OWN_URL, "secretRef": {"name": "missing"}}
    apply(program, "GitRepository", "pinned", metadata={"annotations": pin}, spec=spec)


def a_receiver_that_names_nothing_that_exists(program: Program) -> None:
    spec = {"type": "gitlab", "secretRef": {"name": "missing"}, "resources": [{"kind": "GitRepository", "name": "x"}]}
    apply(program, "Receiver", "lost", spec=spec)


def a_repository_without_a_usable_url(program: Program) -> None:
    # The name of the neighbour's Secret, in the own namespace.
    spec = {"interval": "5m", "url": "ssh://git@code.vt.edu/x", "secretRef": {"name": "tenant-0001-ssh"}}
    apply(program, "GitRepository", "tenant-0001", spec=spec)


def a_suspended_receiver_with_a_copied_path(program: Program) -> None:
    receiver = program.kubernetes.get("Receiver", NAMESPACE, "tenant-0001")
    assert receiver
    spec: dict[str, Any] = {"type": "gitlab", "suspend": True, "secretRef": {"name": "missing"}}
    resources = [{"kind": "GitRepository", "name": "x"}]
    apply(program, "Receiver", "copy", spec={**spec, "resources": resources}, status=receiver["status"])


ATTACKS = [
    a_pin_to_a_neighbours_project,
    a_receiver_that_names_nothing_that_exists,
    a_repository_without_a_usable_url,
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_a_neighbour_no_longer_wants_is_removed_all_the_same(
    program: Program, attack: Callable[[Program], None]
) -> None:
    program.tenants_leave(range(1, 2))
    attack(program)

    done = program.run()

    assert done.report["problems"] != []
    assert (program.titles(LEAVING), program.urls(LEAVING)) == ([], [])


@pytest.mark.parametrize("attack", [*ATTACKS, a_suspended_receiver_with_a_copied_path])
def test_what_a_neighbour_wants_is_made_all_the_same(program: Program, attack: Callable[[Program], None]) -> None:
    project = program.project(LEAVING)
    before = (program.titles(LEAVING), program.urls(LEAVING))
    for hook in program.gitlab.hooks_of(project):
        program.gitlab.remove_hook(project, hook)
    attack(program)

    done = program.run()

    assert "ReceiverPathCollision" not in [problem["code"] for problem in done.report["problems"]]
    assert (program.titles(LEAVING), program.urls(LEAVING)) == before


def test_the_same_objects_hold_what_lies_on_projects_of_their_own(program: Program) -> None:
    own = program.project(f"{NEIGHBOUR}/app")
    url = program.urls(LEAVING)[0].partition("/hook/")[0] + "/hook/" + "ab" * 32
    program.gitlab.add_hook(own, url, description=f"flux-gitlab-syncer {CLUSTER} {NEIGHBOUR}/former", push_events=True)
    a_receiver_that_names_nothing_that_exists(program)

    program.run()

    assert program.urls(f"{NEIGHBOUR}/app") == [url]

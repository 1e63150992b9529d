"""S5: a create that fails holds only what it replaces, and at GitLab's limit of webhooks a rotation converges."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cronjob.sandbox.samples import CLUSTER, NAMESPACE, add_objects, add_secret, reconcile_flux, ssh_key, token_of
from tests.worlds.program import Program, a_program

PROJECT = f"{CLUSTER}/tenant-0001"
RECEIVERS = 8


@pytest.fixture
def program() -> Iterator[Program]:
    """One tenant in sync, whose project is full of webhooks of its Receivers."""
    with a_program(1, samples=False) as ready:
        for number in range(2, RECEIVERS + 1):
            add_receiver(ready, f"more-{number}")
        ready.gitlab.max_hooks = RECEIVERS
        assert ready.run().code == 0
        yield ready


def add_receiver(program: Program, name: str) -> None:
    """One more Receiver of the tenant's repository, with a token of its own."""
    add_secret(program.sandbox, f"{name}-webhook", {"token": token_of(name)})
    receiver = program.kubernetes.get("Receiver", NAMESPACE, "tenant-0001")
    spec = {**receiver["spec"], "secretRef": {"name": f"{name}-webhook"}}
    program.kubernetes.apply(
        {
            "apiVersion": receiver["apiVersion"],
            "kind": "Receiver",
            "metadata": {"name": name, "namespace": NAMESPACE},
            "spec": spec,
        }
    )
    reconcile_flux(program.sandbox)


def test_at_the_limit_a_rotation_of_more_than_half_of_the_webhooks_converges(program: Program) -> None:
    before = program.urls(PROJECT)
    for number in range(2, RECEIVERS):
        add_secret(program.sandbox, f"more-{number}-webhook", {"token": f"new-{number}"})
    reconcile_flux(program.sandbox)

    done = program.run()

    assert (done.code, done.report["result"]) == (0, "applied")
    assert len(program.urls(PROJECT)) == RECEIVERS
    assert len(set(program.urls(PROJECT)) & set(before)) == 2
    assert program.run().report["result"] == "in_sync"


def test_at_the_limit_one_webhook_too_many_fails_and_says_why(program: Program) -> None:
    add_receiver(program, "one-too-many")

    done = program.run()

    assert done.code == 1
    [change] = done.report["changes"]
    assert (change["status"], change["cause"]["code"]) == ("failed", "LimitReached")


def test_a_neighbours_bad_key_does_not_keep_a_replaced_key_alive(program: Program) -> None:
    project = program.project(PROJECT)
    [(leaked, _)] = program.gitlab.keys_of(project)
    taken = ssh_key()
    program.gitlab.add_user_key(program.gitlab.add_user("somebody"), taken["identity.pub"])
    add_secret(program.sandbox, "neighbour-ssh", taken)
    add_objects(program.sandbox, "neighbour")
    url = program.kubernetes.get("GitRepository", NAMESPACE, "tenant-0001")["spec"]["url"]
    neighbour = program.kubernetes.get("GitRepository", NAMESPACE, "neighbour")
    program.kubernetes.apply({**neighbour, "spec": {**neighbour["spec"], "url": url}})
    program.kubernetes.delete("Receiver", NAMESPACE, "neighbour")
    add_secret(program.sandbox, "tenant-0001-ssh", ssh_key())

    done = program.run()

    assert sorted((one["action"], one["status"]) for one in done.report["changes"]) == [
        ("create", "applied"),
        ("create", "failed"),
        ("delete", "applied"),
    ]
    assert leaked.id not in {key.id for key, _ in program.gitlab.keys_of(project)}


def test_a_key_whose_own_replacement_fails_stays(program: Program) -> None:
    project = program.project(PROJECT)
    [(old, _)] = program.gitlab.keys_of(project)
    taken = ssh_key()
    program.gitlab.add_user_key(program.gitlab.add_user("somebody"), taken["identity.pub"])
    add_secret(program.sandbox, "tenant-0001-ssh", taken)

    done = program.run()

    assert sorted((one["action"], one["status"]) for one in done.report["changes"]) == [
        ("create", "failed"),
        ("delete", "held"),
    ]
    assert [key.id for key, _ in program.gitlab.keys_of(project)] == [old.id]

"""S3: a second cluster with the same name removes nothing unseen, and the two do not flip for ever."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from cronjob.commands.sandbox_story import running
from cronjob.sandbox.fake_kubernetes.world import KubernetesWorld
from cronjob.sandbox.samples import CLUSTER, MARK, NAMESPACE, Sandbox, add_objects, add_secret, reconcile_flux, ssh_key
from tests.worlds.program import Done, Program, a_program

TENANTS = 12
START = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)


class Clock:
    """The time at GitLab and in both clusters."""

    def __init__(self) -> None:
        self.now = START

    def passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    def seconds(self) -> float:
        return self.now.timestamp()


def names(count: int = TENANTS) -> list[str]:
    return [f"tenant-{number:04}" for number in range(1, count + 1)]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def original(clock: Clock) -> Iterator[Program]:
    """A cluster whose tenants have been in sync for a day."""
    with a_program(0, samples=False) as program:
        program.gitlab.clock = clock.seconds
        program.kubernetes.clock = clock.seconds
        for name in names():
            program.gitlab.add_project(f"it-common-platform/tenants/{CLUSTER}/{name}")
            add_tenant_objects(program.sandbox, name)
        reconcile_flux(program.sandbox)
        clock.passes(5)
        assert program.run().code == 0
        clock.passes(60 * 24)
        yield program


def add_tenant_objects(sandbox: Sandbox, name: str) -> None:
    add_secret(sandbox, f"{name}-ssh", ssh_key())
    add_secret(sandbox, f"{name}-webhook", {"token": f"token of {name} {ssh_key()['identity.pub'][-20:]}"})
    add_objects(sandbox, name)


@contextmanager
def copy_of(original: Program, clock: Clock, fresh: list[str]) -> Iterator[Program]:
    """Another cluster with the same manifests; the Secrets of the *fresh* tenants are made anew."""
    kubernetes = KubernetesWorld()
    kubernetes.clock = clock.seconds
    kubernetes.add_namespace(NAMESPACE)
    sandbox = Sandbox(original.gitlab, kubernetes, original.sandbox.token)
    for kind in ("Secret", "GitRepository", "Receiver"):
        for item in original.kubernetes.list(kind, NAMESPACE):
            kubernetes.apply({key: value for key, value in item.items() if key != "status"})
    for name in fresh:
        add_secret(sandbox, f"{name}-ssh", ssh_key())
        add_secret(sandbox, f"{name}-webhook", {"token": f"another token of {name}"})
    reconcile_flux(sandbox)
    with running(sandbox) as environment:
        del environment["SYNCER_EXTRA_PROJECT"]
        yield Program(sandbox, {**environment, "SYNCER_LOG_FORMAT": "json"})


def deletes(done: Done) -> list[str]:
    return [write for write in done.writes if write.startswith("DELETE")]


def codes(done: Done) -> set[str]:
    return {problem["code"] for problem in done.report["problems"]}


def keys(program: Program, name: str) -> int:
    return len(program.titles(f"{CLUSTER}/{name}"))


# two clusters by mistake


def test_the_first_strike_of_a_copied_cluster_meets_the_guard(original: Program, clock: Clock) -> None:
    with copy_of(original, clock, names()) as copy:
        for _ in range(3):
            done = copy.run()
            assert (done.code, deletes(done)) == (4, [])
            clock.passes(10)


def test_after_a_small_mistake_both_keys_stay_both_say_so_and_nobody_flips(original: Program, clock: Clock) -> None:
    [name, *_] = names()
    with copy_of(original, clock, [name]) as copy:
        clock.passes(20)
        copy.run()
        clock.passes(10)
        original.run()
        clock.passes(10)
        for _ in range(3):
            for cluster in (copy, original):
                done = cluster.run()
                assert (done.code, done.writes, codes(done)) == (1, [], {"ClusterNameTaken"})
                assert {problem["project"].rpartition("/")[2] for problem in done.report["problems"]} == {name}
                clock.passes(10)
        assert (keys(original, name), len(original.urls(f"{CLUSTER}/{name}"))) == (2, 2)


def test_touching_the_source_makes_the_next_run_remove_it(original: Program) -> None:
    [name, *_] = names()
    project = original.project(f"{CLUSTER}/{name}")
    stray = original.gitlab.add_deploy_key(project, ssh_key()["identity.pub"], title=f"{MARK}{name}-ssh")
    assert codes(original.run()) == {"ClusterNameTaken"}

    secret = original.kubernetes.get("Secret", NAMESPACE, f"{name}-ssh")
    secret["metadata"]["annotations"] = {"flux-gitlab-syncer/checked": "2026-12-01"}
    original.kubernetes.apply(secret, manager="kubectl-annotate")
    done = original.run()

    assert (done.code, len(deletes(done))) == (0, 1)
    assert stray.id not in {key.id for key, _ in original.gitlab.keys_of(project)}


# honest lives stay silent


def in_sync(program: Program, clock: Clock) -> None:
    """A run, and another one ten minutes later that finds nothing to do; neither has anything to say."""
    done = program.run()
    assert (done.code, done.report["problems"]) == (0, [])
    clock.passes(10)
    done = program.run()
    assert (done.code, done.writes, done.report["problems"]) == (0, [], [])


def test_a_rotation_in_place_and_a_rollback(original: Program, clock: Clock) -> None:
    before = original.kubernetes.get("Secret", NAMESPACE, "tenant-0001-ssh")
    for secret in ("tenant-0001-ssh", "tenant-0002-ssh"):
        add_secret(original.sandbox, secret, ssh_key())
    add_secret(original.sandbox, "tenant-0001-webhook", {"token": "rotated"})
    reconcile_flux(original.sandbox)
    clock.passes(9)
    in_sync(original, clock)

    original.kubernetes.apply(before)
    clock.passes(60 * 24 * 30)
    in_sync(original, clock)
    assert keys(original, "tenant-0001") == 1


def test_a_rotation_by_a_new_secret(original: Program, clock: Clock) -> None:
    add_secret(original.sandbox, "tenant-0001-new", ssh_key())
    repository = original.kubernetes.get("GitRepository", NAMESPACE, "tenant-0001")
    repository["spec"]["secretRef"]["name"] = "tenant-0001-new"
    original.kubernetes.apply(repository)
    clock.passes(60)

    in_sync(original, clock)


def test_a_job_that_slept_through_two_rotations(original: Program, clock: Clock) -> None:
    for _ in range(2):
        add_secret(original.sandbox, "tenant-0001-ssh", ssh_key())
        clock.passes(60 * 24)

    in_sync(original, clock)


def test_a_re_apply_without_a_change(original: Program, clock: Clock) -> None:
    for _ in range(3):
        for kind in ("Secret", "GitRepository", "Receiver"):
            for item in original.kubernetes.list(kind, NAMESPACE):
                original.kubernetes.apply(item)
        clock.passes(10)
        in_sync(original, clock)


def test_a_restore_of_gitlab(original: Program, clock: Clock) -> None:
    project = original.project(f"{CLUSTER}/tenant-0001")
    [(old, _)] = original.gitlab.keys_of(project)
    add_secret(original.sandbox, "tenant-0001-ssh", ssh_key())
    clock.passes(10)
    in_sync(original, clock)
    clock.passes(60)

    original.gitlab.add_deploy_key(project, old.key, title=old.title, created_at=old.created_at)

    in_sync(original, clock)
    assert keys(original, "tenant-0001") == 1


def test_a_cluster_that_is_rebuilt_under_its_name(original: Program, clock: Clock) -> None:
    clock.passes(60 * 24)
    with copy_of(original, clock, names(3)) as rebuilt:
        clock.passes(15)
        in_sync(rebuilt, clock)


def test_objects_without_managed_fields_give_no_verdict(original: Program) -> None:
    project = original.project(f"{CLUSTER}/tenant-0001")
    original.kubernetes.set_managed_fields("Secret", NAMESPACE, "tenant-0001-ssh", [])
    original.gitlab.add_deploy_key(project, ssh_key()["identity.pub"], title=f"{MARK}tenant-0001-ssh")

    done = original.run()

    assert (done.code, len(deletes(done)), codes(done)) == (0, 1, set())

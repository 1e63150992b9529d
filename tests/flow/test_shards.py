"""Several pods with a part of the projects each: together they do what one run does, and nothing twice."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from math import ceil

import pytest

from cronjob.sandbox.fake_gitlab.records import Request
from cronjob.sandbox.samples import CLUSTER, GROUP, NAMESPACE, add_secret, reconcile_flux, ssh_key
from reconcile.shares import Share
from tests.chaos.child_processes import run
from tests.worlds.program import Done, Program, a_program

SHARDS = 8


@contextmanager
def crowded(tenants: int, others: int = 0) -> Iterator[Program]:
    """The program over so many tenants, and projects that no tenant has anything to do with."""
    with a_program(tenants, samples=False) as program:
        for number in range(others):
            program.gitlab.add_project(f"{GROUP}/other-{number}")
        yield program


def shard(program: Program, index: int, *options: str, of: int = SHARDS) -> Done:
    return program.run("--shards", str(of), *options, JOB_COMPLETION_INDEX=str(index))


def projects_read(requests: list[Request]) -> Counter[int]:
    """How often each project's keys and webhooks were read."""
    parts = [one.path.split("/") for one in requests if one.method == "GET"]
    return Counter(int(part[4]) for part in parts if part[-1] in {"deploy_keys", "hooks"} and part[3] == "projects")


def test_eight_shards_read_each_project_once_and_only_list_all_of_them() -> None:
    with crowded(40, 360) as program:
        first = [shard(program, index) for index in range(SHARDS)]
        second = [shard(program, index) for index in range(SHARDS)]
        whole = program.run()

    assert whole.report["result"] == "in_sync"
    assert whole.writes == []
    assert [done.code for done in (*first, *second)] == [0] * 2 * SHARDS
    assert sum(done.report["summary"]["create"] for done in first) == 80
    assert all(done.report["result"] == "in_sync" for done in second)
    read = [projects_read(done.requests) for done in second]
    assert set().union(*read) == projects_read(whole.requests).keys()
    assert all(count == 2 for one in read for count in one.values())
    assert sum(map(len, read)) == 400
    assert all(25 < len(one) < 75 for one in read)
    # Each shard asks whose token it has (2), for the group (1) and for all its pages: what one more shard costs.
    listing = 3 + ceil(400 / 100)
    assert [len(done.requests) for done in second] == [listing + 2 * len(one) for one in read]
    assert sum(len(done.requests) for done in second) == len(whole.requests) + (SHARDS - 1) * listing
    # A project that is changed is looked at once more, and each change is one write.
    assert sum(len(done.requests) for done in first) == SHARDS * listing + 2 * 400 + 40 + 80


def test_no_secret_is_read_by_a_shard_that_it_does_not_concern() -> None:
    with crowded(40) as program:
        before = len(program.kubernetes.requests)
        for index in range(4):
            assert shard(program, index, "--dry-run", of=4).code == 0
        asked = Counter(one.path for one in program.kubernetes.requests[before:] if "/secrets/" in one.path)

    assert len(asked) == 80
    assert set(asked.values()) == {1}


def test_each_shard_holds_a_lease_of_its_own_and_the_one_of_all_together_with_the_others() -> None:
    with crowded(4) as program:
        assert shard(program, 1, of=2).code == 0

        assert program.kubernetes.get("Lease", NAMESPACE, "flux-gitlab-syncer-1")
        assert not program.kubernetes.get("Lease", NAMESPACE, "flux-gitlab-syncer-0")
        taken = [one.path.rpartition("/")[2] for one in program.kubernetes.requests if one.method == "GET"][:2]
        assert taken == ["flux-gitlab-syncer-1", "flux-gitlab-syncer"]


def test_what_concerns_no_project_is_reported_by_the_first_shard_alone() -> None:
    with a_program() as program:
        (spec,) = [
            one
            for one in program.kubernetes.list("GitRepository", NAMESPACE)
            if one["metadata"]["name"] == "broken-tenant"
        ]
        spec["spec"]["url"] = f"ssh://git@code.vt.edu/{GROUP}/nowhere.git"
        program.kubernetes.apply(spec)
        ended = [shard(program, index, "--dry-run", of=3) for index in range(3)]
        reports = [done.report for done in ended]

    found = [[one["code"] for one in report["problems"]] for report in reports]
    assert [codes.count("ProjectNotFound") for codes in found] == [1, 0, 0]
    assert [json.loads(done.err.splitlines()[-1])["shard"] for done in ended] == ["0", "1", "2"]
    assert [report["shard"] for report in reports] == [{"index": index, "of": 3} for index in range(3)]


def test_a_project_that_moves_stays_with_its_shard() -> None:
    with crowded(6) as program:
        for index in range(3):
            shard(program, index, of=3)
        project = program.project(f"{CLUSTER}/tenant-0001")
        program.gitlab.move_project(project, f"{GROUP}/elsewhere")
        moved = [shard(program, index, of=3) for index in range(3)]

    told = [[one["code"] for one in done.report["problems"]] for done in moved]
    assert [codes.count("ProjectMoved") for codes in told] == [
        int(Share(index, 3).has(project.id)) for index in range(3)
    ]
    assert [done.writes for done in moved] == [[], [], []]


def test_a_key_that_several_shards_create_at_once_is_one_key_joined_everywhere() -> None:
    names = [f"tenant-{number:04}" for number in range(1, 17)]
    with crowded(16) as program:
        shared = ssh_key()
        for name in names:
            add_secret(program.sandbox, f"{name}-ssh", shared)
        reconcile_flux(program.sandbox)
        with ThreadPoolExecutor(4) as pool:
            ended = list(
                pool.map(lambda index: run(program, "--shards", "4", JOB_COMPLETION_INDEX=str(index)), range(4))
            )
        keys = [program.gitlab.keys_of(program.project(f"{CLUSTER}/{name}")) for name in names]

        assert [one.code for one in ended] == [0, 0, 0, 0], [one.out for one in ended]
        assert all(len(found) == 1 for found in keys)
        assert len({found[0][0].id for found in keys}) == 1
        assert program.run().report["result"] == "in_sync"


@pytest.mark.parametrize(("leaving", "refused"), [(1, False), (6, True)])
def test_each_shard_guards_its_part_of_the_deletes(leaving: int, *, refused: bool) -> None:
    with crowded(30) as program:
        for index in range(4):
            shard(program, index, of=4)
        program.tenants_leave(range(1, 1 + leaving))
        ended = [shard(program, index, of=4) for index in range(4)]

    # Six of 30 tenants are 20 percent, but in one shard or another more than its part.
    assert any(done.code == 4 for done in ended) is refused
    assert all(done.code in {0, 4} for done in ended)


def test_the_next_command_names_the_shard() -> None:
    with crowded(4) as program:
        index = next(
            index for index in range(2) if shard(program, index, "--dry-run", of=2).report["result"] == "drift"
        )
        done = program("run", "--dry-run", "--shards", "2", JOB_COMPLETION_INDEX=str(index))

    assert f", shard {index} of 0 to 1\n" in done.out
    assert f"Next: JOB_COMPLETION_INDEX={index} flux-gitlab-syncer run --shards 2 --expect-plan " in done.out

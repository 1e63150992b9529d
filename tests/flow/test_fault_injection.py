"""The whole program under fault injection: runs succeed, create nothing twice and change only items of their own."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator

import pytest
from urllib3.util import Retry

from cronjob.sandbox.fake_gitlab.monitor import Monitor, Wanted
from cronjob.sandbox.faults.named import ActiveFaults, start_faults
from cronjob.sandbox.samples import CLUSTER, RECEIVER_URL, token_of
from tests.worlds.program import Program, a_program

THEIRS = "https://ci.example.org/gitlab"
TENANTS = range(1, 4)


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> Iterator[Program]:
    # Retries follow each other at once; what a server asks for in Retry-After is still waited.
    monkeypatch.setattr(Retry, "_sleep_backoff", lambda _: None)
    with a_program(len(TENANTS), samples=False) as ready:
        yield ready


@pytest.fixture
def monitor(program: Program) -> Monitor:
    """Each tenant's key and webhook are wanted, and each has a webhook of somebody else."""
    keys, urls, tokens, foreign = {}, {}, {}, []
    for number in TENANTS:
        name = f"tenant-{number:04}"
        project = program.project(f"{CLUSTER}/{name}")
        [secret] = [one for one in program.kubernetes.list("Secret") if one["metadata"]["name"] == f"{name}-ssh"]
        [receiver] = [one for one in program.kubernetes.list("Receiver") if one["metadata"]["name"] == name]
        url = RECEIVER_URL + receiver["status"]["webhookPath"]
        keys[project.id] = {" ".join(public_key_of(secret).split()[:2])}
        urls[project.id], tokens[url] = {url}, token_of(name)
        foreign.append(program.gitlab.add_hook(project, THEIRS))
    return Monitor(program.gitlab, Wanted(keys, urls, tokens), foreign_hooks=foreign)


def public_key_of(secret: dict[str, object]) -> str:
    data = secret["data"]
    assert isinstance(data, dict)
    return b64decode(data["identity.pub"]).decode()


def started(name: str, program: Program, seed: int = 1) -> ActiveFaults:
    return start_faults(name, program.gitlab, program.kubernetes, seed=seed)


def is_complete(program: Program, monitor: Monitor) -> bool:
    """Whether each project has its key, its webhook and what was there before, and nothing else."""
    for number in TENANTS:
        project = program.project(f"{CLUSTER}/tenant-{number:04}")
        texts = {" ".join(key.key.split()[:2]) for key, _ in program.gitlab.keys_of(project)}
        hooks = sorted(hook.url for hook in program.gitlab.hooks_of(project))
        if texts != monitor.wanted.keys[project.id] or hooks != sorted([THEIRS, *monitor.wanted.urls[project.id]]):
            return False
    return True


@pytest.mark.parametrize("profile", ["rain", "flapping-kubernetes"])
def test_one_run_is_enough_and_the_next_ones_find_nothing_to_do(
    program: Program, monitor: Monitor, profile: str
) -> None:
    faults = started(profile, program)
    done = [program.run() for _ in range(3)]

    assert [one.code for one in done] == [0, 0, 0]
    assert [one.report["result"] for one in done] == ["applied", "in_sync", "in_sync"]
    assert is_complete(program, monitor)
    assert faults.injected.total() > 0
    assert (monitor.violations, monitor.writes) == ([], 6)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_storm_takes_a_few_runs_at_most(program: Program, monitor: Monitor, seed: int) -> None:
    faults = started("storm", program, seed)
    results = []
    while results[-1:] != ["in_sync"] and len(results) < 6:
        results.append(program.run().report["result"])

    assert results[-1] == "in_sync"
    assert is_complete(program, monitor)
    assert faults.injected.total() > 5
    assert monitor.violations == []
    assert monitor.writes >= 6

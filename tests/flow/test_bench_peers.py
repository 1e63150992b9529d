"""The benchmark of `make bench-peers` with our own program only: it counts what a server saw, and nothing of time."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bench.peers.measuring import Cost, Pair, departure, pair, quickest, run
from bench.peers.offer import Offer, Place, RequestTally, served
from bench.peers.table import Failures, Result, Round, table_of
from bench.peers.tools import OURS, TOOLS, Call

HERE = replace(
    OURS,
    prepare=lambda offer, folder: replace(
        OURS.prepare(offer, folder), command=[sys.executable, "-m", "cronjob", "run"]
    ),
)
IDLE = replace(OURS, prepare=lambda _offer, _folder: Call([sys.executable, "-c", "raise SystemExit(7)"], {}))


def test_a_pair_is_a_first_run_and_one_that_finds_nothing_to_do() -> None:
    both = pair(HERE, Place(3))

    assert (both.first.code, both.steady.code) == (0, 0)
    assert both.first.tally.gitlab["POST"] == both.first.tally.writes == 6
    assert both.steady.tally.gitlab == {"GET": 4 + 2 * 3}
    assert both.steady.tally.writes == 0
    assert (both.steady.tally.keys, both.steady.tally.webhooks) == (3, 3)
    assert both.steady.tally.bytes > 0
    assert both.steady.tally.kubernetes["GET"] > 6


def test_who_does_nothing_is_seen_to_have_done_nothing(tmp_path: Path) -> None:
    with served(Place(3)) as server:
        cost = run(IDLE, server, tmp_path)

    assert cost.code == 7
    assert cost.peak > 0
    assert cost.tally == RequestTally(gitlab={}, kubernetes={}, bytes=0, keys=0, webhooks=0, left={})


def test_one_project_refuses_and_the_others_do_not() -> None:
    cost = pair(HERE, Place(3, refuses_one=True)).first

    assert cost.code == 1
    assert (cost.tally.keys, cost.tally.webhooks) == (2, 2)


def test_what_a_tenant_leaves_behind_is_counted_by_whose_it_is() -> None:
    assert departure(HERE, Place(3)).tally.left == {"foreign": 2}
    assert departure(IDLE, Place(3)).tally.left == {"foreign": 2}
    assert departure(replace(HERE, pruning=IDLE.prepare), Place(3)).tally.left == {"ours": 2, "foreign": 2}


@pytest.mark.parametrize("prepare", [way for tool in TOOLS for way in (tool.prepare, tool.pruning) if way])
def test_every_tool_is_told_of_every_project(prepare: Callable[[Offer, Path], Call], tmp_path: Path) -> None:
    wanted = [
        {"project": f"g/p{n}", "key": f"ssh-ed25519 {n}", "url": f"https://x/{n}", "token": f"t{n}"} for n in (1, 2)
    ]
    names = {"group": "g", "cluster": "c", "namespace": "n", "receiver": "https://x"}
    call = prepare(Offer("http://127.0.0.1:9", "the cluster", "the access", names, wanted), tmp_path)
    told = " ".join([*call.command, *call.environment.values(), *(one.read_text() for one in tmp_path.iterdir())])

    assert "http://127.0.0.1:9" in told
    assert "the access" in told
    assert "the cluster" in told or all(one["project"] in told and one["token"] in told for one in wanted)


def cost(wall: float, **fields: int) -> Cost:
    counts = {"bytes": 2048, "keys": 100, "webhooks": 100, **fields}
    tally = RequestTally({"PUT": 7, "GET": 1200}, {}, counts["bytes"], counts["keys"], counts["webhooks"], {"ours": 1})
    return Cost(0, wall, wall / 2, 51200, "", tally)


def test_the_quickest_of_some_runs_is_taken_for_each_of_both() -> None:
    slow_first, slow_steady = Pair(cost(9), cost(2)), Pair(cost(3), cost(4))

    assert quickest([slow_first, slow_steady]) == Pair(cost(3), cost(2))


def result(name: str, wall: float) -> Result:
    usual = Pair(cost(2 * wall), cost(wall))
    rounds = {0: Round(usual), 100: Round(usual, usual if name == "a" else None)}
    return Result(replace(OURS, name=name), "1", 100, rounds, Failures(cost(1, keys=98), cost(1)))


def test_the_table_has_ratios_to_the_first_tool_and_to_what_the_job_takes_one_after_the_other() -> None:
    lines = table_of([result("a", 10.05), result("b", 40.2)]).splitlines()
    cells = {title: values for title, *values in (line.strip("| ").split(" | ") for line in lines[2:])}

    assert lines[0] == "|  | a | b |"
    assert cells["steady state: requests to GitLab"] == ["GET 1,200, PUT 7"] * 2
    assert cells["steady state: requests to Kubernetes"] == ["–"] * 2
    assert cells["steady state, 0 ms: time, × ours"] == ["1.0×", "4.0×"]
    # A page and 200 lists at 100 ms are 20.1 s.
    assert cells["steady state, 100 ms: time ÷ ideal"] == ["0.50 (0.50)", "2.00"]
    assert "steady state, 0 ms: time ÷ ideal" not in cells
    assert cells["one project answers 403: others then as wanted"] == ["98 of 99"] * 2
    assert cells["a tenant leaves: its key and webhook"] == ["1 of 2 still there"] * 2
    assert cells["a tenant leaves: what people put there by hand"] == ["removed"] * 2

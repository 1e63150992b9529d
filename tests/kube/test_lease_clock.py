"""The clock of the Lease goes on while the machine sleeps."""

from __future__ import annotations

import time

from cronjob.kube.lease_clock import SleepAwareClock, sleep_aware_clock


class Machine:
    """Two clocks of a machine: asleep only the wall clock goes on."""

    def __init__(self) -> None:
        self.monotonic, self.wall = 50.0, 1_000_000.0

    def passes(self, seconds: float, *, asleep: bool = False) -> None:
        self.wall += seconds
        self.monotonic += 0 if asleep else seconds

    def clock(self) -> SleepAwareClock:
        return SleepAwareClock(lambda: self.monotonic, lambda: self.wall)


def test_it_counts_seconds_awake_and_asleep() -> None:
    machine = Machine()
    clock = machine.clock()
    began = clock()

    machine.passes(3)
    assert clock() - began == 3
    machine.passes(600, asleep=True)
    assert clock() - began == 603
    machine.passes(2)
    assert clock() - began == 605


def test_a_wall_clock_that_is_set_back_does_not_take_seconds_away() -> None:
    machine = Machine()
    clock = machine.clock()
    began = clock()

    machine.wall -= 3600
    machine.passes(5)

    assert clock() - began == 5


def test_the_clock_of_this_machine_does_not_go_backwards() -> None:
    first = sleep_aware_clock()
    time.sleep(0.01)

    assert sleep_aware_clock() > first

"""
A state machine: tenants come, go and rotate; people tamper; fault profiles start and stop; runs are stopped and killed.
After each quiet run GitLab is as it should be. At no moment is an item removed, doubled or changed that must not be.
"""

from __future__ import annotations

import contextlib
import signal
from collections import Counter
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from cronjob.sandbox.fake_gitlab.webhooks import accepts_everything
from cronjob.sandbox.faults.named import start_faults
from cronjob.sandbox.faults.names import FAULT_PROFILES
from cronjob.sandbox.samples import reconcile_flux
from tests.chaos.actions import INSIDE, OUTSIDE, TAMPERING, Actions
from tests.chaos.checked_runs import CheckedRuns
from tests.chaos.child_processes import lease_expires
from tests.worlds.hurry import in_a_hurry
from tests.worlds.program import a_program

FIGURES: Counter[str] = Counter()
OPTIONS = ("--max-prune", "100%")
# A tenant that never leaves: without tenants the guard would refuse, which has tests of its own.
ANCHOR = "anchor"
# Flux's answers to GitLab's test pushes; the last is GitLab's message where no answer came.
ANSWERS = st.sampled_from([200, 200, 404, 503, "Net::OpenTimeout"])
# One state machine for each. Before 19.0 GitLab does not show whether a webhook has a token.
VERSIONS = ("17.1.0", "18.4.0", "19.0.0", "19.2.0-ee")


def step(**arguments: Any) -> Callable[[Callable[..., Any]], Any]:
    """A rule that counts its steps."""

    def counted(function: Callable[..., Any]) -> Any:
        @wraps(function)
        def counted_step(self: Chaos, **values: Any) -> Any:
            FIGURES["steps"] += 1
            return function(self, **values)

        return rule(**arguments)(counted_step)

    return counted


class Chaos(RuleBasedStateMachine):
    """The state machine: both worlds of one platform, and the program."""

    tenants = Bundle("tenants")
    version = "18.4.0"

    def __init__(self) -> None:
        super().__init__()
        self._open = contextlib.ExitStack()
        self.program = self._open.enter_context(a_program(0, samples=False))
        self._open.enter_context(in_a_hurry())
        self.program.gitlab.version = self.version
        self.actions = Actions(self.program)
        self.platform = self.actions.platform
        self.runs = CheckedRuns(self.platform, FIGURES)
        self.folder = Path(self._open.enter_context(TemporaryDirectory()))
        self._injected = 0

    def teardown(self) -> None:
        self._stop_faults()
        self._open.close()

    @initialize(target=tenants)
    def the_first_tenants(self) -> Any:
        first = (ANCHOR, "tenant-0", "tenant-1", "tenant-2")
        for name in first:
            self.actions.add_tenant(name)
        return multiple(*first)

    # the platform team

    @step(target=tenants, name=st.sampled_from([f"tenant-{number}" for number in range(6)]))
    def a_tenant_comes(self, name: str) -> str:
        self.actions.add_tenant(name)
        return name

    @step(name=tenants)
    def a_tenant_goes(self, name: str) -> None:
        if name != ANCHOR:
            self.actions.remove_tenant(self.platform.tenants[name])

    @step(name=tenants)
    def a_key_rotates(self, name: str) -> None:
        self.actions.rotate_key(self.platform.tenants[name])

    @step(name=tenants, flux=st.booleans())
    def a_token_rotates(self, name: str, *, flux: bool) -> None:
        self.actions.rotate_token(self.platform.tenants[name])
        if flux:
            reconcile_flux(self.program.sandbox)

    @step(name=tenants)
    def secrets_are_lost(self, name: str) -> None:
        self.actions.lose_secrets(self.platform.tenants[name])

    @step(name=tenants)
    def a_receiver_is_suspended_or_resumed(self, name: str) -> None:
        self.actions.suspend_or_resume(self.platform.tenants[name])

    @step()
    def reconcile_flux(self) -> None:
        reconcile_flux(self.program.sandbox)

    # people in GitLab

    @step(name=tenants, place=st.sampled_from([INSIDE, INSIDE, *OUTSIDE]))
    def a_project_is_moved(self, name: str, place: str) -> None:
        self.actions.move(self.platform.tenants[name], place)

    @step(name=tenants)
    def somebody_adds_their_own(self, name: str) -> None:
        self.actions.add_foreign(self.platform.tenants[name])

    @step(name=tenants, detach=st.booleans())
    def somebody_tampers_with_a_key(self, name: str, *, detach: bool) -> None:
        self.actions.tamper_with_key(self.platform.tenants[name], detach=detach)

    @step(name=tenants, change=st.sampled_from(TAMPERING))
    def somebody_tampers_with_a_webhook(self, name: str, change: str) -> None:
        self.actions.tamper_with_webhook(self.platform.tenants[name], change)

    @step(name=tenants, for_good=st.booleans())
    def gitlab_switches_webhooks_off(self, name: str, *, for_good: bool) -> None:
        self.actions.switch_off(self.platform.tenants[name], for_good=for_good)

    # faults

    @step(name=st.sampled_from(sorted(FAULT_PROFILES)), number=st.integers(1, 1_000_000))
    def a_fault_profile_starts(self, name: str, number: int) -> None:
        self._start_faults(name, number)

    @step()
    def the_faults_stop(self) -> None:
        self._stop_faults()

    # runs

    @step(name=st.sampled_from([None, *sorted(FAULT_PROFILES)]), number=st.integers(1, 1_000_000))
    def a_run(self, name: str | None, number: int) -> None:
        """Run under the faults in force, or under another profile, which stays."""
        if name:
            self._start_faults(name, number)
        self.runs.run(*OPTIONS)

    @step(name=st.sampled_from([None, *sorted(FAULT_PROFILES)]), number=st.integers(1, 1_000_000), answer=ANSWERS)
    def a_run_that_heals(self, name: str | None, number: int, answer: int | str) -> None:
        """Run with --heal-webhooks, with or without an answer of Flux to the test pushes."""
        if name:
            self._start_faults(name, number)
        self.program.gitlab.receiver = lambda _hook, _trigger: answer
        self.runs.heal(*OPTIONS)

    @precondition(lambda self: self.runs.removals)
    @step(name=st.sampled_from([None, *sorted(FAULT_PROFILES)]), number=st.integers(1, 1_000_000), dry=st.booleans())
    def an_undo(self, name: str | None, number: int, *, dry: bool) -> None:
        """Undo one of the last runs that removed something."""
        if name:
            self._start_faults(name, number)
        before = self.platform.everything()
        removals = self.runs.removals[-4:]
        done = self.runs.undo(removals[number % len(removals)], self.folder, confirmed=not dry)
        FIGURES["undone"] += 1
        if dry:
            assert (done.writes, self.platform.everything()) == ([], before)

    @step(name=tenants, profile=st.sampled_from([None, *sorted(FAULT_PROFILES)]), number=st.integers(1, 1_000_000))
    def what_a_tenant_had_is_put_back(self, name: str, profile: str | None, number: int) -> None:
        """Remove and prune a tenant, then undo, before its objects are back or after."""
        if name == ANCHOR:
            return
        self._stop_faults()
        self.actions.remove_tenant(self.platform.tenants[name])
        self.runs.run(*OPTIONS)
        if number % 2:
            self.actions.add_tenant(name)
        if profile:
            self._start_faults(profile, number)
        if self.runs.removals:
            self.runs.undo(self.runs.removals[-1], self.folder, confirmed=True)

    @step()
    def a_dry_run(self) -> None:
        before = self.platform.everything()
        assert self.runs.run("--dry-run", *OPTIONS).writes == []
        assert self.platform.everything() == before

    @step(number=st.integers(0, 40), after=st.booleans())
    def a_run_is_killed(self, number: int, *, after: bool) -> None:
        ended = self.runs.run_and_signal(signal.SIGKILL, number, *OPTIONS, after=after)
        FIGURES["runs killed"] += ended.code == -signal.SIGKILL
        lease_expires(self.program)

    @step(number=st.integers(0, 40), which=st.sampled_from([signal.SIGTERM, signal.SIGINT]))
    def a_run_is_stopped(self, number: int, which: signal.Signals) -> None:
        ended = self.runs.run_and_signal(which, number, *OPTIONS)
        FIGURES["runs stopped"] += ended.code == 128 + which
        assert ended.report["result"] in {"in_sync", "applied", "incomplete", "failed"}

    @step()
    def a_quiet_run(self) -> None:
        FIGURES["quiet runs"] += 1
        self._stop_faults()
        before = self.platform.everything()
        done = self.runs.run(*OPTIONS)
        assert [change for change in done.report["changes"] if change["status"] != "applied"] == []
        assert list(self.platform.differences(before, done.report["kept"])) == []
        assert self.runs.run(*OPTIONS).report["changes"] == []

    @step(name=tenants, for_good=st.booleans())
    def a_quiet_run_that_heals(self, name: str, *, for_good: bool) -> None:
        """Sync first: only a webhook that is correct is healed."""
        self._stop_faults()
        self.runs.run(*OPTIONS)
        self.actions.switch_off(self.platform.tenants[name], for_good=for_good)
        self.runs.heal(*OPTIONS)
        assert self.platform.switched_off() == set()
        assert self.runs.heal(*OPTIONS).report["changes"] == []

    # the machine's own

    def _start_faults(self, name: str, number: int) -> None:
        self._stop_faults()
        start_faults(name, self.program.gitlab, self.program.kubernetes, seed=number)

    def _stop_faults(self) -> None:
        worlds = (self.program.gitlab, self.program.kubernetes)
        injected = sum(world.faults.injected.total() for world in worlds)
        FIGURES["faults injected"] += injected - self._injected
        self._injected = injected
        for world in worlds:
            world.faults.profile = None
        self.program.gitlab.rate_limits.throttle = None
        self.program.gitlab.receiver = accepts_everything


@pytest.mark.parametrize("version", VERSIONS)
def test_whatever_happens_gitlab_is_right_after_a_quiet_run_and_was_never_wrong_before(
    version: str, request: pytest.FixtureRequest, record_property: Callable[[str, object], None]
) -> None:
    steps = -(-request.config.getoption("--chaos-steps") // len(VERSIONS))
    FIGURES.clear()
    try:
        run_state_machine_as_test(
            seed(VERSIONS.index(version))(type("Chaos", (Chaos,), {"version": version})),
            settings=settings(
                # Some examples are shorter.
                max_examples=-(-steps // 20),
                stateful_step_count=30,
                deadline=None,
                database=None,
                phases=[Phase.generate, Phase.shrink],
                suppress_health_check=list(HealthCheck),
            ),
        )
    finally:
        for name, value in FIGURES.items():
            record_property(name, value)
    assert FIGURES["steps"] >= steps
    # What is rare comes in `make chaos` at the latest.
    rare = ("put back", "test pushes") if steps >= 500 else ()
    assert all(FIGURES[name] > 0 for name in ("quiet runs", *rare))

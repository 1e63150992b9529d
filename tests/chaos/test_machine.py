"""
Tenants come, go and rotate; people tamper; weathers come and go; runs are stopped and killed. After each quiet run
GitLab is as it should be, and at no moment was anything gone, doubled or touched that should not be.
"""

from __future__ import annotations

import contextlib
import signal
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from chaos.children import Ended, lease_expires, run_and_signal
from chaos.expectations import MARK, Platform, Tenant
from hurry import in_a_hurry
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from program import Program, a_program
from secrets_shown import secrets_of, shown

from cronjob.sandbox.forecast import WEATHERS
from cronjob.sandbox.samples import (
    CLUSTER,
    GROUP,
    MAINTAINER,
    NAMESPACE,
    add_objects,
    add_secret,
    flux_looks,
    remove_tenant,
    ssh_key,
)
from cronjob.sandbox.weathers import begin

FIGURES: Counter[str] = Counter()
VIOLATIONS = {"doubled": "there are now", "lost": "the wanted", "foreign touched": "the foreign"}
TAMPERING = ("delete", "unmark", "flags", "tls", "token", "filter", "double")
OPTIONS = ("--max-prune", "100%")
NAMES = st.sampled_from([f"tenant-{number}" for number in range(6)])
# A tenant that never leaves: without any left the guard would speak up, which has tests of its own.
ANCHOR = "anchor"
INSIDE = f"{GROUP}/{CLUSTER}"
# In the first the bot could write too, the second it cannot even see.
OUTSIDE = ("elsewhere", "hidden")


class Chaos(RuleBasedStateMachine):
    """Each rule is one step."""

    tenants = Bundle("tenants")

    def __init__(self) -> None:
        super().__init__()
        self._open = contextlib.ExitStack()
        self.program: Program = self._open.enter_context(a_program(0, samples=False))
        self._open.enter_context(in_a_hurry())
        self.platform = Platform(self.program)
        self.secrets: set[str] = set()
        self.serial = 0

    def teardown(self) -> None:
        self._count_weather()
        self._open.close()

    # tenants

    @initialize(target=tenants)
    def an_anchor(self) -> str:
        gitlab = self.program.gitlab
        bot = next(user for user in gitlab.users.values() if user.username == "flux-bot")
        open_to_bot, _ = (gitlab.add_group(place) for place in OUTSIDE)
        gitlab.add_member(open_to_bot, bot, MAINTAINER)
        return self._arrives(ANCHOR)

    @rule(target=tenants, name=NAMES)
    def a_tenant_comes(self, name: str) -> str:
        FIGURES["steps"] += 1
        return self._arrives(name)

    @rule(name=tenants)
    def a_tenant_goes(self, name: str) -> None:
        FIGURES["steps"] += 1
        tenant = self.platform.tenants[name]
        if tenant.is_there and name != ANCHOR:
            remove_tenant(self.program.sandbox, name)
            tenant.is_there = tenant.is_suspended = False

    @rule(name=tenants)
    def a_key_rotates(self, name: str) -> None:
        FIGURES["steps"] += 1
        self._new_key(self.platform.tenants[name])

    @rule(name=tenants, flux=st.booleans())
    def a_token_rotates(self, name: str, *, flux: bool) -> None:
        FIGURES["steps"] += 1
        self._new_token(self.platform.tenants[name])
        if flux:
            flux_looks(self.program.sandbox)

    @rule(name=tenants)
    def a_secret_is_lost(self, name: str) -> None:
        FIGURES["steps"] += 1
        tenant = self.platform.tenants[name]
        if tenant.has_secret:
            for kind in ("ssh", "webhook"):
                self.program.kubernetes.delete("Secret", NAMESPACE, f"{name}-{kind}")
            tenant.has_secret = False

    @rule(name=tenants)
    def a_receiver_is_suspended_or_resumed(self, name: str) -> None:
        FIGURES["steps"] += 1
        tenant = self.platform.tenants[name]
        receiver = self.program.kubernetes.get("Receiver", NAMESPACE, name)
        if receiver:
            tenant.is_suspended = not tenant.is_suspended
            self.program.kubernetes.apply(receiver | {"spec": receiver["spec"] | {"suspend": tenant.is_suspended}})
            # A new generation: not ready until Flux has seen it.
            flux_looks(self.program.sandbox)

    @rule(name=tenants, place=st.sampled_from([INSIDE, INSIDE, *OUTSIDE]))
    def a_project_is_moved(self, name: str, place: str) -> None:
        """Within the group, out of it, or back; the GitRepository still has the first path."""
        FIGURES["steps"] += 1
        tenant = self.platform.tenants[name]
        self.serial += 1
        self.program.gitlab.move_project(tenant.project, f"{place}/{name}-{self.serial}")
        tenant.is_inside = place == INSIDE

    @rule()
    def flux_looks(self) -> None:
        FIGURES["steps"] += 1
        flux_looks(self.program.sandbox)

    # people

    @rule(name=tenants, what=st.sampled_from(["delete", "retitle", "foreign"]))
    def somebody_tampers_with_keys(self, name: str, what: str) -> None:
        FIGURES["steps"] += 1
        gitlab, project = self.program.gitlab, self.platform.tenants[name].project
        if what == "foreign":
            self.serial += 1
            gitlab.add_deploy_key(project, ssh_key()["identity.pub"], title=f"laptop {self.serial}")
            return
        for key, _ in gitlab.keys_of(project):
            if key.title.startswith(MARK):
                if what == "delete":
                    gitlab.detach_key(project, key)
                else:
                    key.title = "mine now"
                return

    @rule(
        name=tenants, what=st.sampled_from(["delete", "unmark", "flags", "tls", "token", "double", "foreign", "filter"])
    )
    def somebody_tampers_with_webhooks(self, name: str, what: str) -> None:
        FIGURES["steps"] += 1
        gitlab, project = self.program.gitlab, self.platform.tenants[name].project
        ours = [hook for hook in gitlab.hooks_of(project) if (hook.description or "").startswith(MARK)]
        if what == "foreign":
            self.serial += 1
            gitlab.add_hook(project, f"https://ci.example.org/{self.serial}", token=f"a-strangers-token-{self.serial}")
        elif ours:
            _tamper(self.program, ours[0], what)

    # weather

    @rule(name=st.sampled_from(sorted(WEATHERS)), number=st.integers(1, 1_000_000))
    def the_weather_changes(self, name: str, number: int) -> None:
        FIGURES["steps"] += 1
        self._begin(name, number)

    @rule()
    def the_weather_clears_up(self) -> None:
        FIGURES["steps"] += 1
        self._clear_up()

    # runs

    @rule(name=st.sampled_from([None, *sorted(WEATHERS)]), number=st.integers(1, 1_000_000))
    def a_run(self, name: str | None, number: int) -> None:
        """In whatever weather there is, or in another one, which stays."""
        FIGURES["steps"] += 1
        if name:
            self._begin(name, number)
        self._watched(lambda: self.program.run(*OPTIONS), {0, 1})

    @rule()
    def a_dry_run(self) -> None:
        FIGURES["steps"] += 1
        before = self.platform.everything()
        done = self._watched(lambda: self.program.run("--dry-run", *OPTIONS), {0, 1})
        assert done.writes == []
        assert self.platform.everything() == before

    @rule(number=st.integers(0, 60), after=st.booleans())
    def a_run_is_killed(self, number: int, *, after: bool) -> None:
        FIGURES["steps"] += 1
        FIGURES["runs killed"] += 1
        self._signalled(signal.SIGKILL, number, after=after)
        lease_expires(self.program)

    @rule(number=st.integers(0, 60), which=st.sampled_from([signal.SIGTERM, signal.SIGINT]))
    def a_run_is_stopped(self, number: int, which: signal.Signals) -> None:
        FIGURES["steps"] += 1
        FIGURES["runs stopped"] += 1
        ended = self._signalled(which, number, after=False)
        assert ended.code in {0, 1, 128 + which}
        assert ended.report["result"] in {"in_sync", "applied", "incomplete", "failed"}

    @precondition(lambda self: self.platform.tenants)
    @rule()
    def a_quiet_run(self) -> None:
        FIGURES["steps"] += 1
        FIGURES["quiet runs"] += 1
        self._clear_up()
        before = self.platform.everything()
        done = self._watched(lambda: self.program.run(*OPTIONS), {0, 1})
        assert [change for change in done.report["changes"] if change["status"] != "applied"] == []
        assert list(self.platform.differences(before)) == []
        again = self.program.run(*OPTIONS)
        assert again.report["changes"] == []

    # how

    def _arrives(self, name: str) -> str:
        tenant = self.platform.tenants.get(name)
        if tenant is None:
            project = self.program.gitlab.add_project(f"{GROUP}/{CLUSTER}/{name}")
            tenant = self.platform.tenants[name] = Tenant(name, project)
            self._new_key(tenant)
            self._new_token(tenant)
        if not self.program.kubernetes.get("GitRepository", NAMESPACE, name):
            add_objects(self.program.sandbox, name)
            tenant.is_there = True
            flux_looks(self.program.sandbox)
        return name

    def _new_key(self, tenant: Tenant) -> None:
        pair = ssh_key()
        add_secret(self.program.sandbox, f"{tenant.name}-ssh", pair)
        tenant.key = " ".join(pair["identity.pub"].split()[:2])
        if not tenant.has_secret:
            self._new_token(tenant)

    def _new_token(self, tenant: Tenant) -> None:
        self.serial += 1
        tenant.token = f"a-hushed-token-{self.serial:06}"
        add_secret(self.program.sandbox, f"{tenant.name}-webhook", {"token": tenant.token})
        if not tenant.has_secret:
            tenant.has_secret = True
            self._new_key(tenant)

    def _begin(self, name: str, number: int) -> None:
        self._clear_up()
        begin(name, self.program.gitlab.weather, self.program.kubernetes.weather, seed=number)

    def _clear_up(self) -> None:
        self._count_weather()
        for weather in (self.program.gitlab.weather, self.program.kubernetes.weather):
            weather.climate = None
        self.program.gitlab.weather.throttle = None

    def _count_weather(self) -> None:
        injected = self.program.gitlab.weather.injected + self.program.kubernetes.weather.injected
        FIGURES["faults injected"] += injected.total() - getattr(self, "_counted", 0)
        self._counted = injected.total()

    def _watched(self, run: Callable[[], Any], codes: set[int]) -> Any:
        """Do a run under the eyes of the monitor, and hold its report against GitLab."""
        FIGURES["runs"] += 1
        requests = len(self.program.gitlab.requests) + len(self.program.kubernetes.requests)
        before, monitor = self.platform.everything(), self.platform.monitor()
        self.secrets |= secrets_of(self.program.sandbox)
        done = run()
        FIGURES["requests"] += len(self.program.gitlab.requests) + len(self.program.kubernetes.requests) - requests
        FIGURES["writes watched"] += monitor.writes
        found = shown(self.secrets, done.out, done.err)
        doubled = [text for text in monitor.violations if "there are now" in text]
        lost = [text for text in monitor.violations if "the wanted" in text]
        foreign = [text for text in monitor.violations if "the foreign" in text]
        for name, seen in (
            ("doubled", doubled),
            ("lost", lost),
            ("foreign touched", foreign),
            ("secrets shown", found),
        ):
            FIGURES[name] += len(seen)
        assert monitor.violations == []
        assert found == []
        if done.code != -signal.SIGKILL:
            assert done.code in codes, (done.code, done.err)
            assert "Traceback" not in done.err
            assert list(self.platform.untruths(done.report["changes"], before)) == []
        return done

    def _signalled(self, number: signal.Signals, request: int, *, after: bool) -> Ended:
        """A run that gets the signal at that request to GitLab, or ends before it comes to it."""
        faults = self.program.gitlab.faults

        def announce(call: Callable[[], None]) -> None:
            self.program.gitlab.fail(skip=request, call=call, drop=number == signal.SIGKILL, after=after)

        ended: Ended = self._watched(
            lambda: run_and_signal(self.program, number, announce, *OPTIONS), {0, 1, 128 + number}
        )
        FIGURES["faults injected"] += sum(fault.struck for fault in faults)
        faults.clear()
        return ended


def _tamper(program: Program, hook: Any, what: str) -> None:
    project = program.gitlab.projects[hook.project_id]
    match what:
        case "delete":
            program.gitlab.remove_hook(project, hook)
        case "unmark":
            hook.description = None
        case "flags":
            hook.push_events, hook.issues_events = False, True
        case "tls":
            hook.enable_ssl_verification = False
        case "token":
            hook.token = None
        case "filter":
            hook.push_events_branch_filter = "main"
        case "double":
            program.gitlab.add_hook(project, hook.url, token="a-wrong-one-from-a-person")


@pytest.mark.parametrize("number", range(4))
def test_whatever_happens_gitlab_is_right_after_a_quiet_run_and_was_never_wrong_before(
    number: int, request: pytest.FixtureRequest, record_property: Callable[[str, object], None]
) -> None:
    steps = request.config.getoption("--chaos-steps")
    FIGURES.clear()
    chaos = seed(number)(type(f"Chaos{number}", (Chaos,), {}))
    try:
        run_state_machine_as_test(
            chaos,
            settings=settings(
                # A few steps of each example are spent on beginning.
                max_examples=max(1, -(-steps // 4 // 40)),
                stateful_step_count=50,
                deadline=None,
                database=None,
                phases=[Phase.generate, Phase.shrink],
                suppress_health_check=list(HealthCheck),
            ),
        )
    finally:
        for name, value in FIGURES.items():
            record_property(name, value)
    assert FIGURES["quiet runs"] > 0

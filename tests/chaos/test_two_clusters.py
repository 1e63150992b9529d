"""
A state machine of several players: two clusters with the same tenants, whose runs happen at the same time, a hostile
tenant, and people who make webhooks for Receivers of other kinds. Nobody loses anything, and nothing is left over.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import wraps
from math import ceil
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from cronjob.sandbox.fake_kubernetes.app import kubeconfig, kubernetes_app
from cronjob.sandbox.fake_kubernetes.world import KubernetesWorld
from cronjob.sandbox.faults.named import start_faults
from cronjob.sandbox.samples import NAMESPACE, add_objects, add_secret, reconcile_flux, remove_tenant, ssh_key
from cronjob.sandbox.serving import serving
from tests.chaos import child_processes
from tests.chaos.clusters import HONEST, BothClusters, Cluster, first_cluster, second_cluster
from tests.chaos.hostile_tenant import HostileTenant
from tests.flow.harm.tenancies import two_namespaces
from tests.worlds.hurry import in_a_hurry

FIGURES: Counter[str] = Counter()
MOST_DELETES = ("--max-prune", "100%")
# The first ones have a key of their own in each cluster and may leave; the others share one key and stay.
OWN_KEYS = tuple(f"own-{number}" for number in range(4))
SHARED_KEYS = tuple(f"shared-{number}" for number in range(4))
CLUSTERS = st.integers(0, 1)
NUMBERS = st.integers(1, 1_000_000)
RANDOMS = st.randoms(use_true_random=True)


def step(**arguments: Any) -> Callable[[Callable[..., Any]], Any]:
    """A rule that counts its steps."""

    def counted(function: Callable[..., Any]) -> Any:
        @wraps(function)
        def counted_step(self: TwoClusters, **values: Any) -> Any:
            FIGURES["steps"] += 1
            self.steps_since_quiet += 1
            return function(self, **values)

        return rule(**arguments)(counted_step)

    return counted


class TwoClusters(RuleBasedStateMachine):
    """The state machine: GitLab, both clusters, and the program in each of them."""

    def __init__(self) -> None:
        super().__init__()
        self._open = contextlib.ExitStack()
        folder = Path(self._open.enter_context(TemporaryDirectory()))
        program = self._open.enter_context(two_namespaces(folder, tenants=0))
        self._open.enter_context(in_a_hurry())
        kubernetes = KubernetesWorld()
        kubernetes.add_namespace(NAMESPACE)
        address = self._open.enter_context(serving(kubernetes_app(kubernetes)))
        (folder / "second").write_text(kubeconfig(address, namespace=NAMESPACE))
        first = first_cluster(program)
        second = second_cluster(program, kubernetes, str(folder / "second"))
        # Each has its own settings: the hostile tenant's namespace is in the first one.
        del second.program.environment["SYNCER_CONFIG"]
        second.program.environment["SYNCER_NAMESPACE"] = NAMESPACE
        self.both = BothClusters((first, second), FIGURES)
        self.hostile = HostileTenant(self.both)
        self.gitlab = program.gitlab
        self.steps_since_quiet = 0
        self._serial = 0

    def teardown(self) -> None:
        self._stop_faults()
        self._open.close()

    @initialize()
    def the_first_tenants(self) -> None:
        for name in (*OWN_KEYS, SHARED_KEYS[0]):
            self._come(name)
        self._in_sync()

    # the platform teams

    @step(name=st.sampled_from([*OWN_KEYS, *SHARED_KEYS]))
    def a_tenant_comes_in_both(self, name: str) -> None:
        self._come(name)

    @step(name=st.sampled_from(OWN_KEYS[1:]), number=CLUSTERS)
    def a_tenant_leaves_one(self, name: str, number: int) -> None:
        self._leave(self.both.clusters[number], name)

    @step(name=st.sampled_from(OWN_KEYS), number=CLUSTERS)
    def a_key_rotates(self, name: str, number: int) -> None:
        add_secret(self.both.clusters[number].program.sandbox, f"{name}-ssh", ssh_key())

    @step(name=st.sampled_from(SHARED_KEYS))
    def a_shared_key_rotates(self, name: str) -> None:
        pair = ssh_key()
        for cluster in self.both.clusters:
            add_secret(cluster.program.sandbox, f"{name}-ssh", pair)

    @step(name=st.sampled_from([*OWN_KEYS, *SHARED_KEYS]), number=CLUSTERS)
    def a_token_rotates(self, name: str, number: int) -> None:
        sandbox = self.both.clusters[number].program.sandbox
        add_secret(sandbox, f"{name}-webhook", {"token": f"a-hushed-token-{self._next():06}"})
        reconcile_flux(sandbox)

    @step(
        number=CLUSTERS,
        name=st.sampled_from(["other-0", "other-1"]),
        type_=st.sampled_from(["gitlab", "generic", "github"]),
        kind=st.sampled_from(["ImageRepository", "OCIRepository", "Bucket", "HelmRepository"]),
    )
    def a_receiver_names_another_kind(self, number: int, name: str, type_: str, kind: str) -> None:
        sandbox = self.both.clusters[number].program.sandbox
        add_secret(sandbox, name, {"token": f"a-token-of-{name}"})
        spec = {"type": type_, "secretRef": {"name": name}, "resources": [{"kind": kind, "name": "app"}]}
        receiver = {"apiVersion": "notification.toolkit.fluxcd.io/v1", "kind": "Receiver", "spec": spec}
        sandbox.kubernetes.apply({**receiver, "metadata": {"name": name, "namespace": NAMESPACE}})
        reconcile_flux(sandbox)

    @step(number=CLUSTERS, name=st.sampled_from(["other-0", "other-1"]))
    def it_goes(self, number: int, name: str) -> None:
        kubernetes = self.both.clusters[number].program.kubernetes
        if kubernetes.get("Receiver", NAMESPACE, name):
            kubernetes.delete("Receiver", NAMESPACE, name)

    # people in GitLab

    @step(which=NUMBERS)
    def somebody_makes_a_webhook_for_it(self, which: int) -> None:
        urls = sorted(url for cluster in self.both.clusters for url in cluster.urls_in_use())
        if urls:
            projects = self.both.honest_projects()
            self.gitlab.add_hook(projects[which % len(projects)], urls[which % len(urls)], token="a-persons-token")

    @step(which=NUMBERS)
    def somebody_adds_their_own(self, which: int) -> None:
        projects, number = self.both.honest_projects(), self._next()
        project = projects[which % len(projects)]
        self.gitlab.add_deploy_key(project, ssh_key()["identity.pub"], title=f"laptop {number}")
        self.gitlab.add_hook(project, f"https://ci.example.org/{number}", token="a-strangers-token")

    @step(draw=RANDOMS)
    def the_hostile_tenant_tries_something(self, draw: Random) -> None:
        FIGURES["hostile acts"] += 1
        self.hostile.act(draw)

    # runs

    @step(faults=st.sampled_from([None, None, "rain", "storm", "ratelimit"]), number=NUMBERS, adopt=st.booleans())
    def both_run_at_the_same_time(self, faults: str | None, number: int, *, adopt: bool) -> None:
        if faults:
            start_faults(faults, self.gitlab, self.both.clusters[0].program.kubernetes, seed=number)
        self._run_together(*MOST_DELETES, *(["--adopt"] if adopt else []))
        self._stop_faults()

    @precondition(lambda self: self.steps_since_quiet > 2)
    @step()
    def they_run_until_all_is_quiet(self) -> None:
        FIGURES["quiet runs"] += 1
        self._run_together(*MOST_DELETES)
        self._in_sync()

    @step(name=st.sampled_from(OWN_KEYS[1:]), number=CLUSTERS, tries=st.lists(RANDOMS, min_size=1, max_size=3))
    def whatever_the_hostile_tenant_does_the_guard_lets_one_tenant_go(
        self, name: str, number: int, tries: list[Random]
    ) -> None:
        self._in_sync()
        cluster = self.both.clusters[number]
        for draw in tries:
            FIGURES["hostile acts"] += 1
            self.hostile.act(draw)
        self._leave(cluster, name)
        self._run(cluster)
        assert list(self.both.differences()) == []

    # the machine's own

    def _come(self, name: str) -> None:
        """The tenant comes, or comes back, in every cluster where it is not."""
        if f"{HONEST}/{name}" not in self.gitlab.projects_by_path:
            self.gitlab.add_project(f"{HONEST}/{name}")
            shared = ssh_key()
            for cluster in self.both.clusters:
                sandbox = cluster.program.sandbox
                add_secret(sandbox, f"{name}-ssh", shared if name in SHARED_KEYS else ssh_key())
                add_secret(sandbox, f"{name}-webhook", {"token": f"a-hushed-token-{self._next():06}"})
        for cluster in self.both.clusters:
            if not cluster.program.kubernetes.get("GitRepository", NAMESPACE, name):
                add_objects(cluster.program.sandbox, name)
            reconcile_flux(cluster.program.sandbox)

    def _leave(self, cluster: Cluster, name: str) -> None:
        if cluster.program.kubernetes.get("GitRepository", NAMESPACE, name):
            remove_tenant(cluster.program.sandbox, name)

    def _run_together(self, *options: str) -> None:
        monitor, in_use = self.both.monitor(), self.both.webhooks_in_use()
        with ThreadPoolExecutor(2) as threads:
            ended = list(
                threads.map(lambda cluster: child_processes.run(cluster.program, *options), self.both.clusters)
            )
        FIGURES["runs at the same time"] += len(ended)
        self.both.count(monitor, in_use)
        for done in ended:
            assert done.code in {0, 1, 4}, done.err
            assert "Traceback" not in done.err

    def _run(self, cluster: Cluster, *options: str) -> Any:
        """Run in one cluster; return the report. It keeps within the budget of requests."""
        monitor, in_use = self.both.monitor(), self.both.webhooks_in_use()
        done = cluster.program.run(*options)
        FIGURES["runs"] += 1
        self.both.count(monitor, in_use)
        assert done.code in {0, 1, 4}, done.err
        report = done.report
        written = [change for change in report["changes"] if change["status"] == "applied"]
        deletes = sum(change["action"] == "delete" for change in written)
        projects = len(self.gitlab.projects)
        unlisted = len(cluster.program.kubernetes.list("GitRepository"))
        changed = len({change["project_id"] for change in written})
        budget = 6 + ceil(projects / 100) + 2 * projects + unlisted + changed + len(done.writes) + deletes
        FIGURES["requests over budget"] += max(0, len(done.requests) - budget)
        assert len(done.requests) <= budget
        return report

    def _in_sync(self) -> None:
        """Run both, one after the other; nothing is missing or left over then, and another run changes nothing."""
        self._stop_faults()
        self.steps_since_quiet = 0
        for cluster in self.both.clusters:
            changes = self._run(cluster, *MOST_DELETES)["changes"]
            assert {change["project"] for change in changes if change["status"] != "applied"} <= {self.hostile.path}
        differences = list(self.both.differences())
        FIGURES["leaked"] += sum("leaked" in difference for difference in differences)
        assert differences == []
        for cluster in self.both.clusters:
            changes = self._run(cluster, *MOST_DELETES)["changes"]
            assert [change for change in changes if change["project"].startswith(HONEST)] == []

    def _stop_faults(self) -> None:
        self.gitlab.faults.profile = None
        self.gitlab.rate_limits.throttle = None
        for cluster in self.both.clusters:
            cluster.program.kubernetes.faults.profile = None

    def _next(self) -> int:
        self._serial += 1
        return self._serial


@pytest.mark.parametrize("number", [1, 2])
def test_two_clusters_and_a_hostile_tenant_take_nothing_from_anybody(
    number: int, request: pytest.FixtureRequest, record_property: Callable[[str, object], None]
) -> None:
    steps = -(-request.config.getoption("--chaos-steps") // 8)
    FIGURES.clear()
    try:
        run_state_machine_as_test(
            seed(number)(type("TwoClusters", (TwoClusters,), {})),
            settings=settings(
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
    assert FIGURES["runs at the same time"] > 0

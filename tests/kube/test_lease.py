"""The Lease: who gets it, who waits, how it is kept, lost and given back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from cronjob.concurrency.stop import StopControl
from cronjob.kube.client import KubeApi
from cronjob.kube.lease import Lease, hold_leases
from cronjob.kube.lease_claim import NAME, LeaseClaim, LeaseTimes, lease_claims_of
from cronjob.kube.lease_record import CLUSTER, Holder
from cronjob.output.logs import log_warning
from cronjob.sandbox.fake_kubernetes.world import KubernetesWorld
from reconcile.errors import ReadError, SettingsError
from reconcile.shares import ALL, Share
from tests.worlds.kube_builders import TENANTS

pytest_plugins = ["tests.worlds.kube_fixtures"]

Connect = Callable[..., KubeApi]
# Long enough for a busy machine to renew in time, and never waited for where nothing is wrong.
QUICK = LeaseTimes(duration=1, renew_interval=0.02, renew_deadline=20.0, poll_interval=0.02, request_timeout=2.0)
CLAIM = LeaseClaim(TENANTS, NAME, Holder("ours"), "prod", wait=0.0, times=QUICK)


@pytest.fixture
def stop_control() -> StopControl:
    return StopControl()


@pytest.fixture
def lease(connected: Connect, stop_control: StopControl) -> Callable[..., Lease]:
    """A function that makes a Lease of `ours`; keywords change the claim, or under `times` its times."""

    def make(*, times: dict[str, Any] | None = None, **claim: Any) -> Lease:
        whole = replace(CLAIM, **claim, times=replace(QUICK, **(times or {})))
        return Lease(connected(), whole, stop_control, log_warning)

    return make


Make = Callable[..., Lease]


def put(world: KubernetesWorld, holder: str = "", *, cluster: str | None = None, **spec: Any) -> None:
    """A Lease as somebody else left it."""
    annotations = {"annotations": {CLUSTER: cluster}} if cluster else {}
    world.apply(
        {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": NAME, "namespace": TENANTS, **annotations},
            "spec": {
                "holderIdentity": holder,
                "leaseDurationSeconds": 1,
                "acquireTime": "2026-01-01T00:00:00.000000Z",
                "renewTime": "2026-01-01T00:00:00.000000Z",
                "leaseTransitions": 7,
                **spec,
            },
        }
    )


def now(world: KubernetesWorld) -> dict[str, Any]:
    found = world.get("Lease", TENANTS, NAME)
    assert found is not None
    return found


def holder(world: KubernetesWorld) -> str:
    return str(now(world)["spec"]["holderIdentity"])


def wait_until(true: Callable[[], object]) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end
        time.sleep(0.005)


def refusal(lease: Lease) -> ReadError:
    with pytest.raises(ReadError) as caught, lease:
        raise AssertionError("it was taken")
    assert str(caught.value).endswith(".")
    return caught.value


class TestTaking:
    def test_an_absent_one_is_made(self, world: KubernetesWorld, lease: Make) -> None:
        with lease():
            made = now(world)

        assert made["metadata"]["annotations"] == {CLUSTER: "prod"}
        assert made["spec"]["holderIdentity"] == "ours"
        assert made["spec"]["leaseDurationSeconds"] == 1
        assert made["spec"]["renewTime"].endswith("Z")
        assert len(made["spec"]["renewTime"]) == len("2026-01-01T00:00:00.000000Z")

    def test_a_free_one_is_taken_and_keeps_what_else_is_on_it(self, world: KubernetesWorld, lease: Make) -> None:
        put(world)
        labelled = now(world)
        labelled["metadata"] |= {"labels": {"a": "b"}, "annotations": {"c": "d"}}
        world.apply(labelled)

        with lease():
            taken = now(world)

        assert taken["metadata"]["labels"] == {"a": "b"}
        assert taken["metadata"]["annotations"] == {"c": "d", CLUSTER: "prod"}
        assert taken["spec"]["leaseTransitions"] == 8

    @pytest.mark.parametrize("spec", [None, {}, {"holderIdentity": None}, {"leaseTransitions": None}])
    def test_an_odd_one_is_free(self, world: KubernetesWorld, lease: Make, spec: Any) -> None:
        put(world)
        world.apply(now(world) | {"spec": spec})

        with lease():
            assert holder(world) == "ours"

    def test_one_that_lives_is_not(self, world: KubernetesWorld, lease: Make) -> None:
        put(world, "theirs")

        error = refusal(lease())

        assert error.code == "LeaseHeld"
        assert f"Another run holds the Lease {TENANTS}/{NAME}: theirs" in str(error)
        assert "--lease-wait" in str(error)
        assert holder(world) == "theirs"

    @pytest.mark.parametrize("year", ["1999", "2026", "2099"])
    def test_one_whose_holder_is_dead_is_taken_whatever_its_clock_said(
        self, world: KubernetesWorld, lease: Make, year: str
    ) -> None:
        put(world, "dead", renewTime=f"{year}-01-01T00:00:00.000000Z")
        began = time.monotonic()

        with lease(wait=15.0):
            assert time.monotonic() - began >= 1
            assert holder(world) == "ours"

    @pytest.mark.parametrize("year", ["1999", "2099"])
    def test_one_that_is_renewed_meanwhile_is_not_whatever_its_clock_says(
        self, world: KubernetesWorld, lease: Make, year: str
    ) -> None:
        put(world, "theirs", renewTime=f"{year}-01-01T00:00:00.000000Z")
        over = threading.Event()

        def renew() -> None:
            number = 0
            while not over.wait(0.05):
                number += 1
                put(world, "theirs", renewTime=f"{year}-01-01T00:00:00.{number:06}Z")

        renewer = threading.Thread(target=renew)
        renewer.start()
        try:
            assert refusal(lease(wait=2.0)).code == "LeaseHeld"
        finally:
            over.set()
            renewer.join()
        assert holder(world) == "theirs"

    def test_one_whose_labels_change_is_dead_all_the_same(self, world: KubernetesWorld, lease: Make) -> None:
        put(world, "dead")
        over = threading.Event()

        def label() -> None:
            number = 0
            while not over.wait(0.3):
                number += 1
                found = now(world)
                if found["spec"]["holderIdentity"] == "dead":
                    world.apply(found | {"metadata": found["metadata"] | {"labels": {"n": str(number)}}})

        labeller = threading.Thread(target=label)
        labeller.start()
        try:
            with lease(wait=15.0):
                assert holder(world) == "ours"
        finally:
            over.set()
            labeller.join()

    def test_one_that_is_released_meanwhile_is_taken(self, world: KubernetesWorld, lease: Make) -> None:
        put(world, "theirs", leaseDurationSeconds=3000)
        threading.Timer(0.2, put, (world,)).start()

        with lease(wait=15.0):
            assert holder(world) == "ours"

    def test_of_many_that_race_for_it_one_has_it_at_a_time(self, connected: Connect) -> None:
        inside, most, taken = [0], [0], []
        lock = threading.Lock()

        def one(number: int, api: KubeApi) -> None:
            holder, times = Holder(f"run-{number}"), replace(QUICK, duration=20)
            with Lease(api, replace(CLAIM, holder=holder, wait=15.0, times=times), StopControl(), log_warning):
                with lock:
                    inside[0] += 1
                    most[0] = max(most[0], inside[0])
                    taken.append(number)
                time.sleep(0.02)
                with lock:
                    inside[0] -= 1

        threads = [threading.Thread(target=one, args=(number, connected())) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert (most[0], sorted(taken)) == (1, list(range(6)))

    def test_a_write_that_was_made_and_not_answered_is_found_to_be_ours(
        self, world: KubernetesWorld, lease: Make
    ) -> None:
        world.fail(method="POST", after=True, drop=True)

        with lease(wait=15.0):
            assert holder(world) == "ours"

    @pytest.mark.parametrize("body", ["<html>", "null", "[]", {}, {"spec": {"holderIdentity": "theirs"}}])
    def test_an_answer_that_does_not_say_so_does_not_make_us_the_holder(
        self, world: KubernetesWorld, lease: Make, body: Any
    ) -> None:
        world.fail(method="POST", status=201, body=body)

        assert refusal(lease()).code == "LeaseUnavailable"
        world.fail(method="POST", status=201, body=body)
        with lease(wait=15.0):
            assert holder(world) == "ours"

    def test_if_nobody_looks_again_it_is_given_back(self, world: KubernetesWorld, lease: Make) -> None:
        world.fail(method="POST", after=True, drop=True)

        assert refusal(lease()).code == "LeaseUnavailable"
        assert holder(world) == ""

    def test_a_signal_ends_the_waiting(self, world: KubernetesWorld, lease: Make, stop_control: StopControl) -> None:
        put(world, "theirs", leaseDurationSeconds=3000)
        threading.Timer(0.2, stop_control.stop.set).start()

        error = refusal(lease(wait=600.0))

        assert error.code == "Stopped"
        assert "a signal stopped the run" in str(error)


class TestTheCluster:
    def test_another_ones_is_never_taken(self, world: KubernetesWorld, lease: Make) -> None:
        put(world, cluster="staging")
        before = now(world)

        with pytest.raises(SettingsError, match="belongs to cluster 'staging', and this run is for 'prod'"), lease():
            raise AssertionError("it was taken")

        assert now(world) == before

    def test_ours_is(self, world: KubernetesWorld, lease: Make) -> None:
        put(world, cluster="prod")

        with lease():
            assert holder(world) == "ours"

    def test_after_a_rename_it_gets_the_new_name(self, world: KubernetesWorld, lease: Make) -> None:
        put(world, cluster="production")

        with lease(former_clusters=("production",)):
            assert now(world)["metadata"]["annotations"][CLUSTER] == "prod"


class TestKeeping:
    def test_it_is_renewed_for_as_long_as_it_takes(self, world: KubernetesWorld, lease: Make) -> None:
        with lease() as held:
            first = now(world)["spec"]
            wait_until(lambda: now(world)["spec"]["renewTime"] > first["renewTime"])
            later = now(world)["spec"]

            assert held.lost_reason() == ""
            assert later["acquireTime"] == first["acquireTime"]
            assert later["leaseTransitions"] == first["leaseTransitions"]

    def test_labels_that_change_do_not_cost_it(self, world: KubernetesWorld, lease: Make) -> None:
        with lease() as held:
            for number in range(5):
                found = now(world)
                world.apply(found | {"metadata": found["metadata"] | {"labels": {"n": str(number)}}})
                renewed = now(world)["spec"]["renewTime"]
                wait_until(lambda renewed=renewed: now(world)["spec"]["renewTime"] > renewed)

            assert held.lost_reason() == ""
            assert now(world)["metadata"]["labels"] == {"n": "4"}

    def test_whoever_takes_it_ends_the_run_and_keeps_it(
        self, world: KubernetesWorld, lease: Make, stop_control: StopControl
    ) -> None:
        with lease() as held:
            assert stop_control.reason() == ""
            put(world, "theirs")
            wait_until(held.lost_reason)

            assert stop_control.reason() == f"the Lease {TENANTS}/{NAME} was taken over by theirs"

        assert holder(world) == "theirs"

    def test_whoever_deletes_it_ends_the_run(
        self, world: KubernetesWorld, lease: Make, stop_control: StopControl
    ) -> None:
        with lease() as held:
            world.delete("Lease", TENANTS, NAME)
            wait_until(held.lost_reason)

            assert stop_control.reason() == f"the Lease {TENANTS}/{NAME} was deleted"

    @pytest.mark.parametrize(
        ("failure", "reason"),
        [
            ({"status": 500}, "Kubernetes answered 500 Internal Server Error"),
            ({"status": 403}, "Kubernetes answered 403 Forbidden"),
            ({"drop": True}, "the connection broke off"),
            ({"delay": 30}, "it does not answer in time"),
        ],
    )
    def test_what_cannot_be_renewed_ends_the_run_in_time(
        self, world: KubernetesWorld, lease: Make, stop_control: StopControl, failure: dict[str, Any], reason: str
    ) -> None:
        with lease(times={"renew_deadline": 1.0, "request_timeout": 0.3}) as held:
            world.fail(method="PUT", times=None, **failure)
            wait_until(held.lost_reason)
            world.faults.planned.clear()

            assert f"could not be renewed for 1 s ({reason})" in stop_control.reason()
            assert held.lost_reason() == held.lost_reason()

    def test_a_run_that_wakes_up_late_stops_though_nobody_took_it(
        self, world: KubernetesWorld, lease: Make, stop_control: StopControl
    ) -> None:
        slept = 0.0
        with lease(times={"renew_interval": 60.0, "clock": lambda: time.monotonic() + slept}):
            assert stop_control.reason() == ""

            slept = 21.0

            assert "could not be renewed for 20 s (it was not renewed)" in stop_control.reason()
            assert holder(world) == "ours"

    def test_what_fails_once_does_not(self, world: KubernetesWorld, lease: Make) -> None:
        with lease() as held:
            renewed = now(world)["spec"]["renewTime"]
            world.fail(method="PUT", status=503, times=2)
            world.fail(method="PUT", after=True, drop=True)
            wait_until(lambda: now(world)["spec"]["renewTime"] > renewed)
            wait_until(lambda: all(fault.is_used_up for fault in world.faults.planned))

            assert held.lost_reason() == ""


class TestGivingBack:
    def test_it_is_free_afterwards_and_still_the_clusters(self, world: KubernetesWorld, lease: Make) -> None:
        with lease():
            pass

        assert holder(world) == ""
        assert now(world)["metadata"]["annotations"] == {CLUSTER: "prod"}

    @pytest.mark.parametrize(
        "failure",
        [
            {"status": 503},
            {"drop": True},
            {"drop": True, "after": True},
            {"status": 404, "body": "<html>"},
            {"status": 200, "body": "<html>"},
            {"status": 200, "body": "null"},
        ],
    )
    @pytest.mark.parametrize("method", ["GET", "PUT"])
    def test_what_fails_once_is_tried_again(
        self, world: KubernetesWorld, lease: Make, method: str, failure: dict[str, Any]
    ) -> None:
        with lease(times={"renew_interval": 60}):
            world.fail(method=method, **failure)

        assert holder(world) == ""

    def test_others_that_write_at_the_same_moment_are_not_waited_for(
        self, world: KubernetesWorld, lease: Make, caplog: pytest.LogCaptureFixture
    ) -> None:
        with lease(times={"renew_interval": 60, "poll_interval": 60, "request_timeout": 0.9}):
            world.fail(method="PUT", status=409, times=3)

        assert (holder(world), caplog.messages) == ("", [])

    def test_one_that_was_deleted_meanwhile_needs_no_release(
        self, world: KubernetesWorld, lease: Make, caplog: pytest.LogCaptureFixture
    ) -> None:
        with lease(times={"renew_interval": 60}):
            world.delete("Lease", TENANTS, NAME)

        assert caplog.messages == []
        assert world.get("Lease", TENANTS, NAME) is None

    def test_also_when_the_run_fails(self, world: KubernetesWorld, lease: Make) -> None:
        with pytest.raises(ZeroDivisionError), lease():
            raise ZeroDivisionError

        assert holder(world) == ""

    def test_where_that_fails_the_run_is_none_the_worse(
        self, world: KubernetesWorld, lease: Make, caplog: pytest.LogCaptureFixture
    ) -> None:
        with lease(times={"renew_interval": 60, "request_timeout": 0.2}):
            world.fail(status=500, times=None)

        assert holder(world) == "ours"
        assert caplog.messages == [f"the Lease {TENANTS}/{NAME} was not released"]


class TestRefusals:
    @pytest.mark.parametrize("exists", [True, False])
    @pytest.mark.parametrize("verb", ["get", "update", "create"])
    def test_a_missing_right_is_named(self, world: KubernetesWorld, lease: Make, verb: str, *, exists: bool) -> None:
        if exists:
            put(world)
        world.deny(verb=verb, resource="leases")
        if verb == ("create" if exists else "update"):
            with lease(times={"renew_interval": 60}):
                assert holder(world) == "ours"
            return

        error = refusal(lease(wait=600.0))

        assert error.code == "LeaseUnavailable"
        assert f"refuses to {verb} it (403 Forbidden)" in str(error)
        assert f"`{verb}` on leases.coordination.k8s.io {NAME}" in str(error)
        assert "--no-lease" in str(error)

    def test_a_missing_namespace_is_named(self, world: KubernetesWorld, lease: Make) -> None:
        world.delete("Namespace", None, TENANTS)

        assert f"See that namespace {TENANTS} exists" in str(refusal(lease(wait=600.0)))

    def test_a_refused_token_is_named(self, world: KubernetesWorld, connected: Connect) -> None:
        world.token = "another"
        claim = replace(CLAIM, wait=600.0)

        error = refusal(Lease(connected(token="expired"), claim, StopControl(), log_warning))

        assert "Renew the job's token" in str(error)

    def test_where_nobody_is_logged_in_no_permission_is_missing(self, world: KubernetesWorld, lease: Make) -> None:
        world.token = "another"

        error = refusal(lease(wait=600.0))

        assert "Nobody is logged in" in str(error)
        assert "--no-lease" not in str(error)

    @pytest.mark.parametrize("failure", [{"status": 503}, {"status": 429}, {"drop": True}])
    def test_what_may_pass_is_waited_for(self, world: KubernetesWorld, lease: Make, failure: dict[str, Any]) -> None:
        world.fail(times=4, **failure)

        with lease(wait=15.0):
            assert holder(world) == "ours"

    @pytest.mark.parametrize("failure", [{"status": 503}, {"status": 429}, {"drop": True}])
    def test_and_for_no_longer_than_was_said(
        self, world: KubernetesWorld, lease: Make, failure: dict[str, Any]
    ) -> None:
        world.fail(times=None, **failure)

        assert refusal(lease(wait=0.2)).code == "LeaseUnavailable"


def shard(index: int, of: int, run: str = "") -> dict[str, Any]:
    """What turns a run's claim into that of a shard, on the Lease that shards hold together."""
    [*_, shared] = lease_claims_of(Share(index, of), replace(CLAIM, holder=Holder(run or f"pod-{index}")))
    return {"holder": shared.holder}


def parts(world: KubernetesWorld) -> dict[str, str]:
    """Which shards are at work, by the Lease that they hold together."""
    prefix = "flux-gitlab-syncer/shard-"
    notes = now(world)["metadata"]["annotations"].items()
    return {key.removeprefix(prefix): value for key, value in notes if key.startswith(prefix)}


class TestSharing:
    """Shards of one number hold one Lease together, on top of each one's own; nobody else has it meanwhile."""

    def test_a_shard_takes_its_own_first_and_then_the_one_of_all(self) -> None:
        own, shared = lease_claims_of(Share(2, 4), CLAIM)

        assert [own.name, shared.name] == ["flux-gitlab-syncer-2", "flux-gitlab-syncer"]
        assert [own.holder, shared.holder] == [Holder("ours"), Holder("shards-of-4", "2", "ours")]
        assert lease_claims_of(ALL, CLAIM) == (CLAIM,)

    def test_what_the_first_was_waited_for_is_not_waited_for_the_second(
        self, world: KubernetesWorld, connected: Connect
    ) -> None:
        api, waits = connected(), []

        def make(claim: LeaseClaim) -> Lease:
            waits.append(claim.wait)
            return Lease(api, claim, StopControl(), log_warning)

        with hold_leases(lease_claims_of(Share(1, 2), replace(CLAIM, wait=15.0)), make):
            assert holder(world) == "shards-of-2"
        assert holder(world) == ""
        assert 15.0 >= waits[0] > waits[1] > 0

    def test_shards_of_the_same_number_hold_it_together_and_the_last_gives_it_back(
        self, world: KubernetesWorld, lease: Make
    ) -> None:
        put(world)
        with lease(**shard(0, 4)):
            with lease(**shard(3, 4)):
                assert holder(world) == "shards-of-4"
                assert parts(world) == {"0": "pod-0", "3": "pod-3"}

            assert (holder(world), parts(world)) == ("shards-of-4", {"0": "pod-0"})
            assert refusal(lease()).code == "LeaseHeld"

        assert (holder(world), parts(world)) == ("", {})
        assert now(world)["metadata"]["annotations"] == {CLUSTER: "prod"}
        with lease():
            assert (holder(world), parts(world)) == ("ours", {})

    @pytest.mark.parametrize(
        ("first", "second"), [((0, 1), (0, 4)), ((0, 4), (0, 1)), ((3, 4), (0, 2)), ((0, 2), (0, 4))]
    )
    def test_runs_that_divide_the_projects_otherwise_have_it_one_after_the_other(
        self, world: KubernetesWorld, lease: Make, first: tuple[int, int], second: tuple[int, int]
    ) -> None:
        one, other = ({} if of == 1 else shard(index, of) for index, of in (first, second))
        with lease(**one):
            before = holder(world)
            error = refusal(lease(**(other or {"holder": Holder("another")})))

            assert error.code == "LeaseHeld"
            assert f"Another run holds the Lease {TENANTS}/{NAME}: {before}." in str(error)
            assert holder(world) == before

        with lease(**other):
            assert holder(world) not in {"", before}

    def test_they_are_renewed_beside_each_other(self, world: KubernetesWorld, lease: Make) -> None:
        with lease(**shard(0, 3)) as one, lease(**shard(1, 3)) as other, lease(**shard(2, 3)) as third:
            for _ in range(20):
                renewed = now(world)["spec"]["renewTime"]
                wait_until(lambda renewed=renewed: now(world)["spec"]["renewTime"] > renewed)

            assert [held.lost_reason() for held in (one, other, third)] == ["", "", ""]
            assert parts(world) == {"0": "pod-0", "1": "pod-1", "2": "pod-2"}

    def test_many_that_begin_at_once_all_get_it_without_waiting(
        self, world: KubernetesWorld, connected: Connect
    ) -> None:
        start, all_in = threading.Barrier(8), threading.Barrier(8)
        seen: list[dict[str, str]] = []

        def one(index: int, api: KubeApi) -> None:
            claim = replace(CLAIM, **shard(index, 8), times=replace(QUICK, request_timeout=20.0))
            start.wait(20)
            with Lease(api, claim, StopControl(), log_warning):
                all_in.wait(20)
                seen.append(parts(world))
                all_in.wait(20)

        threads = [threading.Thread(target=one, args=(index, connected())) for index in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert seen == [{str(index): f"pod-{index}" for index in range(8)}] * 8
        assert (holder(world), parts(world)) == ("", {})

    def test_of_many_that_race_for_it_only_those_of_one_number_have_it_at_a_time(
        self, world: KubernetesWorld, connected: Connect
    ) -> None:
        shares = [ALL, Share(0, 2), Share(1, 2), Share(0, 4), Share(3, 4), ALL]
        inside: list[Share] = []
        seen: list[set[int]] = []
        lock = threading.Lock()

        def one(number: int, share: Share, api: KubeApi) -> None:
            times = replace(QUICK, duration=20)
            claim = replace(CLAIM, holder=Holder(f"run-{number}"), wait=15.0, times=times)
            with hold_leases(lease_claims_of(share, claim), lambda one: Lease(api, one, StopControl(), log_warning)):
                with lock:
                    inside.append(share)
                    seen.append({one.of for one in inside})
                time.sleep(0.02)
                with lock:
                    inside.remove(share)

        threads = [threading.Thread(target=one, args=(*pair, connected())) for pair in enumerate(shares)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert sorted(map(len, seen)) == [1] * len(shares)
        assert (holder(world), parts(world)) == ("", {})

    def test_one_that_died_is_waited_for_by_others_and_not_by_its_like(
        self, world: KubernetesWorld, lease: Make
    ) -> None:
        put(world, "shards-of-4")
        found = now(world)
        found["metadata"]["annotations"] = {"flux-gitlab-syncer/shard-1": "dead", CLUSTER: "prod"}
        world.apply(found)

        with lease(**shard(0, 4)):
            assert parts(world) == {"0": "pod-0", "1": "dead"}
        assert (holder(world), parts(world)) == ("shards-of-4", {"1": "dead"})
        assert refusal(lease()).code == "LeaseHeld"
        with lease(wait=15.0):
            assert (holder(world), parts(world)) == ("ours", {})

    def test_who_comes_in_the_place_of_one_that_died_gives_it_back_for_both(
        self, world: KubernetesWorld, lease: Make
    ) -> None:
        dead = lease(**shard(1, 4, "dead"))
        dead.__enter__()
        with lease(**shard(1, 4, "next")):
            assert parts(world) == {"1": "next"}

            dead.__exit__()
            assert (holder(world), parts(world)) == ("shards-of-4", {"1": "next"})
        assert (holder(world), parts(world)) == ("", {})

    def test_whoever_takes_it_over_ends_them_all(
        self, world: KubernetesWorld, lease: Make, stop_control: StopControl
    ) -> None:
        with lease(**shard(0, 4)) as one, lease(**shard(1, 4)) as other:
            put(world, "theirs")
            wait_until(one.lost_reason)
            wait_until(other.lost_reason)

            assert stop_control.reason() == f"the Lease {TENANTS}/{NAME} was taken over by theirs"

        assert holder(world) == "theirs"

    def test_an_answer_that_does_not_name_the_shard_does_not_let_it_in(
        self, world: KubernetesWorld, lease: Make
    ) -> None:
        body = {"metadata": {"name": NAME}, "spec": {"holderIdentity": "shards-of-4"}}
        world.fail(method="POST", status=201, body=body)

        assert refusal(lease(**shard(0, 4))).code == "LeaseUnavailable"
        with lease(**shard(0, 4)):
            assert parts(world) == {"0": "pod-0"}

    def test_one_that_was_let_in_and_not_told_so_goes_out_again(self, world: KubernetesWorld, lease: Make) -> None:
        with lease(**shard(0, 4), times={"renew_interval": 60}):
            world.fail(method="PUT", after=True, drop=True)

            assert refusal(lease(**shard(1, 4))).code == "LeaseUnavailable"
            assert (holder(world), parts(world)) == ("shards-of-4", {"0": "pod-0"})

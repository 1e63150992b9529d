"""What the embedded Flux says of Kustomizations."""

from __future__ import annotations

from typing import Any

from cronjob.sandbox.fake_flux.kustomize_controller import reconcile_kustomizations
from cronjob.sandbox.fake_kubernetes.world import KubernetesWorld

REVISION = "main@sha1:0123"


def a_world(*, namespace: str = "tenants", **spec: object) -> KubernetesWorld:
    """A GitRepository that was fetched, and a Kustomization in *namespace* that names it."""
    world = KubernetesWorld()
    world.apply(
        {
            "apiVersion": "source.toolkit.fluxcd.io/v1",
            "kind": "GitRepository",
            "metadata": {"name": "docs", "namespace": "tenants"},
            "spec": {"url": "ssh://git@gitlab.test/tenants/docs", "interval": "1m"},
            "status": {"artifact": {"revision": REVISION}},
        }
    )
    source = {"kind": "GitRepository", "name": "docs", "namespace": "tenants"}
    world.apply(
        {
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
            "kind": "Kustomization",
            "metadata": {"name": "docs", "namespace": namespace},
            "spec": {"interval": "1m", "prune": True, "sourceRef": source, **spec},
        }
    )
    return world


def status_in(world: KubernetesWorld, namespace: str = "tenants") -> dict[str, Any]:
    found = world.get("Kustomization", namespace, "docs")
    assert found is not None
    status: dict[str, Any] = found["status"]
    return status


def conditions_of(status: dict[str, Any]) -> dict[str, tuple[str, str, str]]:
    return {
        condition["type"]: (condition["status"], condition["reason"], condition["message"])
        for condition in status.get("conditions", [])
    }


def test_one_whose_source_was_fetched_is_ready_and_says_which_revision_it_applied() -> None:
    world = a_world()
    reconcile_kustomizations(world)

    status = status_in(world)
    assert conditions_of(status) == {"Ready": ("True", "ReconciliationSucceeded", f"Applied revision: {REVISION}")}
    assert (status["lastAppliedRevision"], status["observedGeneration"]) == (REVISION, 1)


def test_one_without_its_source_waits_for_it() -> None:
    world = a_world()
    world.delete("GitRepository", "tenants", "docs")
    reconcile_kustomizations(world)

    message = 'GitRepository.source.toolkit.fluxcd.io "docs" not found'
    assert conditions_of(status_in(world))["Ready"] == ("False", "ArtifactFailed", message)


def test_one_whose_source_was_not_fetched_yet_waits_for_it() -> None:
    world = a_world()
    world.set_status("GitRepository", "tenants", "docs", {})
    reconcile_kustomizations(world)

    message = "Source artifact not found, retrying in 30s"
    assert conditions_of(status_in(world))["Ready"] == ("False", "ArtifactFailed", message)


def test_a_source_in_another_namespace_is_refused_where_the_flag_says_so_and_only_there() -> None:
    world = a_world(namespace="docs")
    reconcile_kustomizations(world)
    assert conditions_of(status_in(world, "docs"))["Ready"][0] == "True"

    reconcile_kustomizations(world, cross_namespace_refs=False)
    assert conditions_of(status_in(world, "docs"))["Ready"][:2] == ("False", "AccessDenied")
    assert conditions_of(status_in(world, "docs"))["Stalled"][:2] == ("True", "AccessDenied")


def test_a_suspended_one_is_left_alone() -> None:
    world = a_world(suspend=True)
    reconcile_kustomizations(world)

    assert conditions_of(status_in(world)) == {}

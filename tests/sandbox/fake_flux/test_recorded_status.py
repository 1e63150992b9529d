"""The embedded controllers write the status that the real ones wrote (tests/real/test_recorded_status.py)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cronjob.sandbox.fake_flux.git_failures import GitFailure
from cronjob.sandbox.fake_flux.kustomize_controller import reconcile_kustomizations
from cronjob.sandbox.fake_flux.source_and_notification import reconcile_git_repositories, reconcile_receivers
from cronjob.sandbox.fake_kubernetes.world import KubernetesWorld
from tests.worlds.flux_cases import CASES, NAMESPACE, FluxCase, observed

FOLDER = Path(__file__).parents[1] / "recorded"
CONTROLLER_OF = {
    "GitRepository": "source-controller",
    "Receiver": "notification-controller",
    "Kustomization": "kustomize-controller",
}
URL = "ssh://git@gitlab.test/group/project{}.git"
# What the Git server makes of a case, which the embedded controller is told.
FAILURES = {
    "no-private-key": GitFailure.NO_KEY,
    "unknown-key": GitFailure.UNKNOWN_KEY,
    "key-of-another-project": GitFailure.NOT_FOUND,
    "no-commit": GitFailure.NO_COMMIT,
    "another-host-key": GitFailure.HOST_KEY,
    "unknown-host": GitFailure.UNKNOWN_HOST,
    "no-such-branch": GitFailure.NO_BRANCH,
}
RECORDED = {kind: json.loads((FOLDER / f"{name}.json").read_text())["status"] for kind, name in CONTROLLER_OF.items()}


def reconciled(case: FluxCase) -> dict[str, Any]:
    """The status of a case after the embedded controllers have seen it and the two that others refer to."""
    world = KubernetesWorld(flux="2.9")
    for each in {one.name: one for one in (*CASES[:1], BY_NAME["unknown-key"], case)}.values():
        if each.has_secret:
            usual = {"identity": each.name, "known_hosts": "any"} if each.kind == "GitRepository" else {"token": "any"}
            world.apply(each.secret_manifest(usual))
        world.apply(each.manifest(URL.format("")))

    def fetch(_url: str, identity: str) -> GitFailure | None:
        return FAILURES.get(case.name if identity not in BY_NAME else identity)

    reconcile_receivers(world)
    reconcile_git_repositories(world, fetch)
    reconcile_kustomizations(world)
    manifest = world.get(case.kind, NAMESPACE, case.name)
    assert manifest is not None
    return observed(manifest)


BY_NAME = {case.name: case for case in CASES}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_embedded_controller_says_what_the_real_one_said(case: FluxCase) -> None:
    assert reconciled(case) == RECORDED[case.kind][case.name]


def test_every_case_is_recorded() -> None:
    assert {kind: list(status) for kind, status in RECORDED.items()} == {
        kind: [case.name for case in CASES if case.kind == kind] for kind in CONTROLLER_OF
    }

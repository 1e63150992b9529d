"""The status that Flux's kustomize-controller would write into Kustomizations, written once when called."""

from __future__ import annotations

from typing import Any

from cronjob.sandbox.fake_flux.source_and_notification import active
from cronjob.sandbox.fake_flux.status import Conditions, Verdict, keep_status, status_after
from cronjob.sandbox.fake_kubernetes.kinds import BY_KIND, SOURCE
from cronjob.sandbox.fake_kubernetes.world import KubernetesWorld

Manifest = dict[str, Any]


def reconcile_kustomizations(world: KubernetesWorld, *, cross_namespace_refs: bool = True) -> None:
    """
    Let the kustomize-controller see every Kustomization once (kustomization_controller.go); nothing is built.

    *cross_namespace_refs* is False under its flag `--no-cross-namespace-refs`.

        source                                  Ready
        --------------------------------------  -------------------------------------
        in another namespace, if not allowed    False, AccessDenied, and Stalled
        does not exist                          False, ArtifactFailed
        has no artifact yet                     False, ArtifactFailed
        otherwise                               True, ReconciliationSucceeded
    """
    for kustomization in active(world, "Kustomization"):
        verdict, revision = _verdict(world, kustomization, cross_namespace_refs=cross_namespace_refs)
        status = status_after(kustomization, verdict, Conditions(), world.now())
        if revision:
            status |= {"lastAppliedRevision": revision, "lastAttemptedRevision": revision}
        keep_status(world, kustomization, status)


def _verdict(world: KubernetesWorld, kustomization: Manifest, *, cross_namespace_refs: bool) -> tuple[Verdict, str]:
    """The result, and the revision that was applied."""
    ref, own = kustomization["spec"]["sourceRef"], kustomization["metadata"]["namespace"]
    namespace = ref.get("namespace") or own
    if namespace != own and not cross_namespace_refs:
        message = (
            f"can't access '{ref['kind']}/{namespace}/{ref['name']}', cross-namespace references have been blocked"
        )
        return Verdict("AccessDenied", message, stalled=True), ""
    source = world.store.find(BY_KIND["GitRepository"], namespace, ref["name"])
    if ref["kind"] != "GitRepository" or source is None:
        return Verdict("ArtifactFailed", f'{ref["kind"]}.{SOURCE} "{ref["name"]}" not found'), ""
    artifact = (source.get("status") or {}).get("artifact")
    if not artifact:
        return Verdict("ArtifactFailed", "Source artifact not found, retrying in 30s"), ""
    return Verdict("ReconciliationSucceeded", f"Applied revision: {artifact['revision']}"), artifact["revision"]

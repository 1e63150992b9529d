"""List Kustomizations of all namespaces, as far as Kubernetes lets us."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from cronjob.flux.cluster import FluxCluster, Resource
from cronjob.flux.object_shapes import flux_object_from
from cronjob.kube.errors import NoAnswer
from cronjob.kube.pagination import ListFailed, list_all
from reconcile.chain.kustomizations import Kustomizations
from reconcile.errors import ReadError

KUSTOMIZATIONS = Resource(
    "kustomize.toolkit.fluxcd.io", "kustomizations", "Kustomization", "Flux's kustomize-controller"
)
# Each carries the list of all that it made.
_PAGE = 100


def read_kustomizations(flux: FluxCluster) -> Kustomizations:
    """List those of all namespaces, or, where that is not allowed, of the settings' namespaces. Never raises."""
    try:
        base = f"/apis/{KUSTOMIZATIONS.group}/{flux.version_of(KUSTOMIZATIONS)}"
    except ReadError as error:
        return Kustomizations(unread=str(error))
    try:
        return Kustomizations(tuple(_listed(flux, f"{base}/kustomizations")))
    except (ListFailed, NoAnswer) as error:
        everywhere = str(error)
    items: list[Mapping[str, Any]] = []
    for namespace in flux.namespaces:
        try:
            items += _listed(flux, f"{base}/namespaces/{quote(namespace, safe='')}/kustomizations")
        except (ListFailed, NoAnswer):
            continue
    return Kustomizations(
        tuple(items),
        f"Kubernetes does not list Kustomizations of all namespaces ({everywhere}): whoever runs this needs "
        f"`get,list` on {KUSTOMIZATIONS}.",
    )


def _listed(flux: FluxCluster, path: str) -> list[dict[str, Any]]:
    return list_all(lambda query, max_bytes: flux.api.get(path, query, max_bytes=max_bytes), flux_object_from, _PAGE)

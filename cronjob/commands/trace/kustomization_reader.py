"""List Kustomizations of all namespaces, as far as Kubernetes lets us."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from cronjob.flux.cluster import RESTARTS, FluxCluster, Resource
from cronjob.flux.object_shapes import shaped
from cronjob.kube.errors import NoAnswer
from reconcile.chain.kustomizations import Kustomizations
from reconcile.errors import ReadError, SyncerError

KUSTOMIZATIONS = Resource(
    "kustomize.toolkit.fluxcd.io", "kustomizations", "Kustomization", "Flux's kustomize-controller"
)
# Each carries the list of all that it made.
_PAGE = 100


class _Refused(SyncerError):
    """The list may not be read, or not whole."""


def read_kustomizations(flux: FluxCluster) -> Kustomizations:
    """List those of all namespaces, or, where that is not allowed, of the settings' namespaces. Never raises."""
    try:
        base = f"/apis/{KUSTOMIZATIONS.group}/{flux.version_of(KUSTOMIZATIONS)}"
    except ReadError as error:
        return Kustomizations(unread=str(error))
    try:
        return Kustomizations(tuple(_listed(flux, f"{base}/kustomizations")))
    except (_Refused, NoAnswer) as error:
        everywhere = str(error)
    items: list[Mapping[str, Any]] = []
    for namespace in flux.namespaces:
        try:
            items += _listed(flux, f"{base}/namespaces/{quote(namespace, safe='')}/kustomizations")
        except (_Refused, NoAnswer):
            continue
    return Kustomizations(
        tuple(items),
        f"Kubernetes does not list Kustomizations of all namespaces ({everywhere}): whoever runs this needs "
        f"`get,list` on {KUSTOMIZATIONS}.",
    )


def _listed(flux: FluxCluster, path: str) -> list[dict[str, Any]]:
    for _ in range(1 + RESTARTS):
        items = _pages(flux, path)
        if items is not None:
            return items
    raise _Refused("410 Gone, again and again")


def _pages(flux: FluxCluster, path: str) -> list[dict[str, Any]] | None:
    """Every page, or None where the list has expired and has to be read again."""
    items: list[dict[str, Any]] = []
    query = {"limit": str(_PAGE)}
    while True:
        answer = flux.api.get(path, query)
        if answer.status == 410:
            return None
        if answer.status != 200:
            raise _Refused(answer.title)
        match answer.parsed():
            case {"items": list(raw), "metadata": dict(metadata)}:
                items += [item for item in map(shaped, raw) if item]
            case _:
                raise _Refused("the answer cannot be read")
        token = metadata.get("continue")
        if not token:
            return items
        if not isinstance(token, str) or token == query.get("continue"):
            raise _Refused("the answer cannot be read")
        query = {"limit": str(_PAGE), "continue": token}

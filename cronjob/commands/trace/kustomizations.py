"""The last link: the Kustomizations that apply what a GitRepository brought, wherever they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from cronjob.commands.findings import Finding, Level
from cronjob.commands.trace.links import Link
from cronjob.commands.trace.said import condition, quoted, shell, text_of
from cronjob.flux.cluster import FluxCluster, Resource
from cronjob.flux.object_shapes import flux_object_from
from cronjob.kube.errors import NoAnswer
from cronjob.kube.pagination import ListFailed, list_all
from reconcile.desired.repositories import is_gone, ref_of
from reconcile.errors import ReadError
from reconcile.model import Ref

KUSTOMIZATIONS = Resource(
    "kustomize.toolkit.fluxcd.io", "kustomizations", "Kustomization", "Flux's kustomize-controller"
)
# Each carries the list of all that it made.
_PAGE = 100
REASONS = {
    "AccessDenied": "its source is in another namespace, which kustomize-controller's flag --no-cross-namespace-refs "
    "forbids",
    "ArtifactFailed": "its source was not fetched, or spec.path is not in it",
    "BuildFailed": "kustomize cannot build what is in spec.path",
    "DependencyNotReady": "it waits for what spec.dependsOn names",
    "HealthCheckFailed": "all is applied, and not all of that gets ready",
    "PruneFailed": "what is no longer in the repository cannot be removed",
    "ReconciliationFailed": "the API server refuses an object, or the service account may not make it",
}


@dataclass(frozen=True, slots=True)
class Applying:
    """The Kustomizations that could be read; *unread* says what could not, and which right that needs."""

    items: tuple[Mapping[str, Any], ...] = ()
    unread: str = ""


def read_kustomizations(flux: FluxCluster) -> Applying:
    """Those of all namespaces, or, where that is not allowed, of the namespaces of the settings. Never raises."""
    try:
        base = f"/apis/{KUSTOMIZATIONS.group}/{flux.version_of(KUSTOMIZATIONS)}"
    except ReadError as error:
        return Applying(unread=str(error))
    try:
        return Applying(tuple(_listed(flux, f"{base}/kustomizations")))
    except (ListFailed, NoAnswer) as error:
        everywhere = str(error)
    items: list[Mapping[str, Any]] = []
    for namespace in flux.namespaces:
        try:
            items += _listed(flux, f"{base}/namespaces/{quote(namespace, safe='')}/kustomizations")
        except (ListFailed, NoAnswer):
            continue
    return Applying(
        tuple(items),
        f"Kubernetes does not list Kustomizations of all namespaces ({everywhere}): whoever runs this needs "
        f"`get,list` on {KUSTOMIZATIONS}.",
    )


def _listed(flux: FluxCluster, path: str) -> list[dict[str, Any]]:
    return list_all(lambda query: flux.api.get(path, query), flux_object_from, _PAGE)


def look_at_kustomizations(applying: Applying, repository: Ref) -> Iterator[Finding]:
    """What applies this GitRepository, and whether it does."""
    mine = [one for one in applying.items if not is_gone(one) and _source(one) == repository]
    for item in mine:
        yield from _judged(item, repository)
    if applying.unread:
        more = "Others were not looked at: " if mine else "Not looked at: "
        command = shell("kubectl", "auth", "can-i", "list", str(KUSTOMIZATIONS), "--all-namespaces")
        yield Finding(Link.KUSTOMIZATION, Level.NOTE, more + applying.unread, command=command)
    elif not mine:
        message = "No Kustomization names it: Flux fetches it and applies nothing of it (a HelmRelease may use it)."
        yield Finding(Link.KUSTOMIZATION, Level.WARN, message)


def _source(item: Mapping[str, Any]) -> Ref | None:
    ref = (item.get("spec") or {}).get("sourceRef")
    if not isinstance(ref, dict) or ref.get("kind") != "GitRepository":
        return None
    namespace = text_of(ref.get("namespace")) or item["metadata"]["namespace"]
    return Ref("GitRepository", namespace, text_of(ref.get("name")))


def _judged(item: Mapping[str, Any], repository: Ref) -> Iterator[Finding]:
    ref, spec = ref_of(item, "Kustomization"), item.get("spec") or {}
    place = (ref.name, "--namespace", ref.namespace)
    if spec.get("suspend"):
        message = "It is suspended: nothing new is applied."
        yield Finding(
            Link.KUSTOMIZATION, Level.FAIL, message, str(ref), shell("flux", "resume", "kustomization", *place)
        )
        return
    again = shell("flux", "reconcile", "kustomization", *place, "--with-source")
    ready = condition(item)
    match ready.get("status"):
        case "True":
            message = f"is Ready: {quoted(text_of(ready.get('message'))) or 'applied'}{_from(ref, repository)}"
            yield Finding(Link.KUSTOMIZATION, Level.OK, f"{message}, {_as_whom(spec, ref)}", str(ref))
        case "False":
            # One without its source is tried again by itself, every 30 seconds.
            waits = ready.get("reason") == "ArtifactFailed"
            command = None if waits else again
            yield Finding(Link.KUSTOMIZATION, Level.FAIL, _why_not(ready), str(ref), command)
        case _:
            message = (
                "Flux has not said yet whether it could apply it; if that stays so, see kustomize-controller's log."
            )
            yield Finding(Link.KUSTOMIZATION, Level.WARN, message, str(ref), again)


def _why_not(ready: Mapping[str, Any]) -> str:
    reason, message = text_of(ready.get("reason")), quoted(text_of(ready.get("message")))
    meaning = REASONS.get(reason)
    said = f"Not Ready, {reason or 'without a reason'}{f': {meaning}' if meaning else ''}."
    return f"{said}{f' Flux says: {message}.' if message else ''}"


def _from(ref: Ref, repository: Ref) -> str:
    return "" if ref.namespace == repository.namespace else f"; from namespace {repository.namespace}"


def _as_whom(spec: Mapping[str, Any], ref: Ref) -> str:
    account = text_of(spec.get("serviceAccountName"))
    if account:
        return f"as service account {ref.namespace}/{account}"
    return "as no service account of its own: as kustomize-controller, or its --default-service-account"

"""The link `kustomization`: the Kustomizations that apply what a GitRepository brought, wherever they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reconcile.chain.flux_messages import cause_of
from reconcile.chain.flux_status import condition, not_ready, quoted, text_of
from reconcile.chain.kustomization_messages import CAUSES
from reconcile.chain.links import Link
from reconcile.chain.problem_findings import shell
from reconcile.desired.repositories import is_gone, ref_of
from reconcile.findings import Finding, Level
from reconcile.model import Ref

RESOURCE = "kustomizations.kustomize.toolkit.fluxcd.io"
# What the reasons of a Kustomization that is not Ready usually mean (kustomize-controller, api/v1/condition_types.go).
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


_RETRIED = {"ArtifactFailed", "DependencyNotReady"}


@dataclass(frozen=True, slots=True)
class Kustomizations:
    """The Kustomizations that could be read; *unread* says why others could not, and which right that needs."""

    items: tuple[Mapping[str, Any], ...] = ()
    unread: str = ""


def kustomization_findings(kustomizations: Kustomizations, repository: Ref) -> Iterator[Finding]:
    """Say what applies this GitRepository, and whether it does."""
    using = [item for item in kustomizations.items if not is_gone(item) and _source(item) == repository]
    for item in using:
        yield _finding_for(item, repository)
    if kustomizations.unread:
        more = "Others were not looked at: " if using else "Not looked at: "
        command = shell("kubectl", "auth", "can-i", "list", RESOURCE, "--all-namespaces")
        yield Finding(Link.KUSTOMIZATION, Level.SKIP, more + kustomizations.unread, command=command)
    elif not using:
        message = "No Kustomization names it: Flux fetches it and applies nothing of it (a HelmRelease may use it)."
        yield Finding(Link.KUSTOMIZATION, Level.WARN, message)


def _source(item: Mapping[str, Any]) -> Ref | None:
    ref = (item.get("spec") or {}).get("sourceRef")
    if not isinstance(ref, dict) or ref.get("kind") != "GitRepository":
        return None
    namespace = text_of(ref.get("namespace")) or item["metadata"]["namespace"]
    return Ref("GitRepository", namespace, text_of(ref.get("name")))


def _finding_for(item: Mapping[str, Any], repository: Ref) -> Finding:
    ref, spec = ref_of(item, "Kustomization"), item.get("spec") or {}
    target = (ref.name, "--namespace", ref.namespace)
    if spec.get("suspend"):
        command = shell("flux", "resume", "kustomization", *target)
        return Finding(Link.KUSTOMIZATION, Level.FAIL, "It is suspended: nothing new is applied.", str(ref), command)
    again = shell("flux", "reconcile", "kustomization", *target, "--with-source")
    ready = condition(item)
    match ready.get("status"):
        case "True":
            applied = quoted(text_of(ready.get("message"))) or "applied"
            message = f"is Ready: {applied}{_from(ref, repository)}, {_as_whom(spec, ref)}"
            return Finding(Link.KUSTOMIZATION, Level.OK, message, str(ref))
        case "False":
            cause = cause_of(text_of(ready.get("message")), CAUSES)
            # Flux itself tries again every 30 seconds where only the source or a dependency is missing.
            next_ = None if ready.get("reason") in _RETRIED else again
            return Finding(Link.KUSTOMIZATION, Level.FAIL, not_ready(ready, REASONS, cause), str(ref), next_)
    message = "Flux has not said yet whether it could apply it; if that stays so, see kustomize-controller's log."
    return Finding(Link.KUSTOMIZATION, Level.WARN, message, str(ref), again)


def _from(ref: Ref, repository: Ref) -> str:
    return "" if ref.namespace == repository.namespace else f"; from namespace {repository.namespace}"


def _as_whom(spec: Mapping[str, Any], ref: Ref) -> str:
    account = text_of(spec.get("serviceAccountName"))
    if account:
        return f"as service account {ref.namespace}/{account}"
    return "as no service account of its own: as kustomize-controller, or its --default-service-account"

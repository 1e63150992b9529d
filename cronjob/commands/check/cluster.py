"""Kubernetes and Flux, as a run would meet them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote

from cronjob.commands.check.rights import LEASES, Right, is_allowed
from cronjob.commands.findings import fail, ok, warn
from cronjob.flux.cluster import GIT_REPOSITORIES, RECEIVERS, FluxCluster, Resource
from cronjob.kube.errors import NoAnswer
from cronjob.kube.lease_claim import LeaseClaim
from cronjob.kube.lease_record import LeaseRecord
from reconcile.errors import ReadError, SettingsError
from reconcile.findings import Finding, has_failed

_RBAC = "add to the Role:"


@dataclass(frozen=True, slots=True)
class Wants:
    """What the run that is meant would do: hold one of *leases* while it writes, if any, and write Events."""

    leases: Sequence[LeaseClaim]
    events: bool


def look_at_cluster(flux: FluxCluster, wants: Wants) -> Iterator[Finding]:
    """One finding after the other; where the API server does not answer, that is the only one."""
    api = flux.api
    try:
        answer = api.get("/version")
        if answer.status != 200:
            yield fail("kubernetes", f"{api.server} answers {answer.title}: see the credentials of {api.source}.")
            return
        version = (answer.parsed() or {}).get("gitVersion", "of an unknown version")
        yield ok("kubernetes", f"Kubernetes {version} at {api.server} (from {api.source}), as {api.user}")
        yield from _of_flux(flux)
        yield from _of_rights(flux, wants)
        for claim in wants.leases:
            yield _of_lease(flux, claim)
    except NoAnswer as none:
        yield fail("kubernetes", f"{api.server} gives no answer ({none}): see --kubeconfig, and the network.")


def _of_flux(flux: FluxCluster) -> Iterator[Finding]:
    served = [_served(flux, resource) for resource in (GIT_REPOSITORIES, RECEIVERS)]
    yield from served
    if has_failed(served):
        return
    try:
        objects = flux.read_whole()
    except ReadError as error:
        yield fail("objects", str(error))
        return
    where = ", ".join(flux.namespaces)
    counts = f"{len(objects.git_repositories)} GitRepositories and {len(objects.receivers)} Receivers in {where}"
    if objects.git_repositories:
        yield ok("objects", counts)
    else:
        yield warn("objects", f"{counts}: a run has nothing to do there; is --namespace right?")


def _served(flux: FluxCluster, resource: Resource) -> Finding:
    try:
        version = flux.version_of(resource)
    except ReadError as error:
        return fail("flux", str(error))
    if version == "v1":
        return ok("flux", f"{resource} are served as v1")
    return warn("flux", f"{resource} are served as {version} at best, which newer releases of Flux lack: upgrade Flux.")


def _of_rights(flux: FluxCluster, wants: Wants) -> Iterator[Finding]:
    needed = [
        Right(verb, resource.group, resource.plural, namespace)
        for namespace in flux.namespaces
        for resource in (GIT_REPOSITORIES, RECEIVERS)
        for verb in ("get", "list")
    ]
    needed += [Right("get", "", "secrets", namespace) for namespace in flux.namespaces]
    needed += [Right(verb, *LEASES, one.namespace, one.name) for one in wants.leases for verb in ("get", "update")]
    missing = [right for right in needed if not is_allowed(flux.api, right)]
    yield from (fail("rights", f"may not {right}; {_RBAC} {right.rule}") for right in missing)
    if not missing:
        yield ok("rights", f"everything that a run needs is allowed in {', '.join(flux.namespaces)}")
    if wants.events:
        useful = [Right(verb, "", "events", namespace) for namespace in flux.namespaces for verb in ("create", "patch")]
        yield from (
            warn("rights", f"may not {right}, so no Events are written; {_RBAC} {right.rule}, or pass --no-events")
            for right in useful
            if not is_allowed(flux.api, right)
        )
    yield from _too_many(flux)


def _too_many(flux: FluxCluster) -> Iterator[Finding]:
    """What nobody should give the job: it would not use it, and whoever got hold of it could."""
    own = [
        Right(verb, "", "secrets", one) for one in flux.namespaces for verb in ("list", "create", "update", "delete")
    ]
    own += [
        Right(verb, resource.group, resource.plural, one)
        for one in flux.namespaces
        for resource in (GIT_REPOSITORIES, RECEIVERS)
        for verb in ("create", "update", "delete")
    ]
    elsewhere = [Right("get", "", "secrets", "kube-system"), Right("get", "", "secrets", "")]
    others = [right for right in elsewhere if right.namespace not in flux.namespaces]
    verbs: dict[Right, list[str]] = {}
    for right in (*own, *others):
        if is_allowed(flux.api, right):
            verbs.setdefault(replace(right, verb=""), []).append(right.verb)
    for right, found in verbs.items():
        yield warn("excess", f"may {replace(right, verb=', '.join(found))}, which no run needs: take it away")
    if not verbs:
        yield ok("excess", "nothing more is allowed: no other Secrets, and no write to Flux's objects")


def _of_lease(flux: FluxCluster, claim: LeaseClaim) -> Finding:
    namespace = claim.namespace
    path = f"/apis/coordination.k8s.io/v1/namespaces/{quote(namespace, safe='')}/leases/{claim.name}"
    answer = flux.api.get(path)
    match answer.status:
        case 200:
            try:
                claim.check_cluster(LeaseRecord.of(answer.parsed() or {}))
            except SettingsError as error:
                return fail("lease", str(error))
            return ok("lease", f"the {claim} is there")
        case 404 if is_allowed(flux.api, Right("create", *LEASES, namespace)):
            return ok("lease", f"there is no {claim} yet; the first run makes it")
        case 404:
            return fail(
                "lease",
                f"there is no {claim}, and it may not be made: create an empty one "
                "(cronjob/manifests/base/lease.yaml), or allow `create` on leases.",
            )
    # Which right is missing is said already.
    return fail("lease", f"the {claim} cannot be read ({answer.title})")

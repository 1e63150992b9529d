"""Check Kubernetes and Flux: the API server, Flux's kinds and objects, permissions and the Lease."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote

from cronjob.commands.check.permissions import LEASES, Permission, is_allowed
from cronjob.commands.findings import fail, ok, warn
from cronjob.flux.cluster import GIT_REPOSITORIES, RECEIVERS, FluxCluster, Resource
from cronjob.kube.errors import CredentialsError, NoAnswer
from cronjob.kube.lease_claim import LeaseClaim
from cronjob.kube.lease_record import LeaseRecord
from reconcile.errors import ReadError, SettingsError
from reconcile.findings import Finding, has_failed


@dataclass(frozen=True, slots=True)
class RunNeeds:
    """What the checked run needs besides Flux's objects: the *leases* that it or its shards hold, and Events."""

    leases: Sequence[LeaseClaim]
    events: bool


def check_cluster(flux: FluxCluster, needs: RunNeeds) -> Iterator[Finding]:
    """Yield the findings; where the API server does not answer, that is the only one."""
    api = flux.api
    try:
        answer = api.get("/version")
        if answer.status != 200:
            yield fail("kubernetes", f"{api.server} answers {answer.title}: see the credentials of {api.source}.")
            return
        version = (answer.parsed() or {}).get("gitVersion", "of an unknown version")
        yield ok("kubernetes", f"Kubernetes {version} at {api.server} (from {api.source}), as {api.user}")
        yield from _flux_findings(flux)
        yield from _permission_findings(flux, needs)
        yield from _excess_findings(flux)
        for claim in needs.leases:
            yield _lease_finding(flux, claim)
    except CredentialsError as error:
        yield fail("kubernetes", str(error))
    except NoAnswer as error:
        yield fail("kubernetes", f"{api.server} does not answer ({error}): see --kubeconfig, and the network.")


def _flux_findings(flux: FluxCluster) -> Iterator[Finding]:
    served = [_version_finding(flux, resource) for resource in (GIT_REPOSITORIES, RECEIVERS)]
    yield from served
    if has_failed(served):
        return
    try:
        objects = flux.read_whole()
    except ReadError as error:
        yield fail("objects", str(error))
        return
    namespaces = ", ".join(flux.namespaces)
    counts = f"{len(objects.git_repositories)} GitRepositories and {len(objects.receivers)} Receivers in {namespaces}"
    if objects.git_repositories:
        yield ok("objects", counts)
    else:
        yield warn("objects", f"{counts}: a run has nothing to do there; is --namespace right?")


def _version_finding(flux: FluxCluster, resource: Resource) -> Finding:
    try:
        version = flux.version_of(resource)
    except ReadError as error:
        return fail("flux", str(error))
    if version == "v1":
        return ok("flux", f"{resource} are served as v1")
    return warn("flux", f"{resource} are served as {version} at best, which newer releases of Flux drop: upgrade Flux.")


def _permission_findings(flux: FluxCluster, needs: RunNeeds) -> Iterator[Finding]:
    needed = [
        Permission(verb, resource.group, resource.plural, namespace)
        for namespace in flux.namespaces
        for resource in (GIT_REPOSITORIES, RECEIVERS)
        for verb in ("get", "list")
    ]
    needed += [Permission("get", "", "secrets", namespace) for namespace in flux.namespaces]
    needed += [
        Permission(verb, *LEASES, lease.namespace, lease.name) for lease in needs.leases for verb in ("get", "update")
    ]
    missing = [permission for permission in needed if not is_allowed(flux.api, permission)]
    yield from (fail("rights", f"may not {each}; add to the Role: {each.rule}") for each in missing)
    if not missing:
        yield ok("rights", f"everything that a run needs is allowed in {', '.join(flux.namespaces)}")
    if needs.events:
        verbs = ("create", "patch")
        optional = [Permission(verb, "", "events", namespace) for namespace in flux.namespaces for verb in verbs]
        yield from (
            warn(
                "rights", f"may not {each}, so no Events are written; add to the Role: {each.rule}, or pass --no-events"
            )
            for each in optional
            if not is_allowed(flux.api, each)
        )


def _excess_findings(flux: FluxCluster) -> Iterator[Finding]:
    """Warn of permissions that no run needs: whoever steals the job's credentials could use them."""
    own = [
        Permission(verb, "", "secrets", namespace)
        for namespace in flux.namespaces
        for verb in ("list", "create", "update", "delete")
    ]
    own += [
        Permission(verb, resource.group, resource.plural, namespace)
        for namespace in flux.namespaces
        for resource in (GIT_REPOSITORIES, RECEIVERS)
        for verb in ("create", "update", "delete")
    ]
    elsewhere = [Permission("get", "", "secrets", "kube-system"), Permission("get", "", "secrets", "")]
    others = [permission for permission in elsewhere if permission.namespace not in flux.namespaces]
    verbs_allowed: dict[Permission, list[str]] = {}
    for permission in (*own, *others):
        if is_allowed(flux.api, permission):
            verbs_allowed.setdefault(replace(permission, verb=""), []).append(permission.verb)
    for permission, verbs in verbs_allowed.items():
        yield warn("excess", f"may {replace(permission, verb=', '.join(verbs))}, which no run needs: remove it")
    if not verbs_allowed:
        yield ok("excess", "nothing more is allowed: no other Secrets, and no write to Flux's objects")


def _lease_finding(flux: FluxCluster, claim: LeaseClaim) -> Finding:
    namespace = claim.namespace
    path = f"/apis/coordination.k8s.io/v1/namespaces/{quote(namespace, safe='')}/leases/{claim.name}"
    answer = flux.api.get(path)
    match answer.status:
        case 200:
            try:
                claim.check_cluster(LeaseRecord.of(answer.parsed() or {}))
            except SettingsError as error:
                return fail("lease", str(error))
            return ok("lease", f"the {claim} exists")
        case 404 if is_allowed(flux.api, Permission("create", *LEASES, namespace)):
            return ok("lease", f"there is no {claim} yet; the first run creates it")
        case 404:
            return fail(
                "lease",
                f"there is no {claim}, and the job may not create it: create an empty one "
                "(cronjob/manifests/base/lease.yaml), or allow `create` on leases.",
            )
    # The findings of `rights` name the missing permission.
    return fail("lease", f"the {claim} cannot be read ({answer.title})")

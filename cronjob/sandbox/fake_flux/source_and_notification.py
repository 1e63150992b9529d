"""
The statuses that Flux's source-controller and notification-controller would write, each written once when called.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from typing import Any

from cronjob.sandbox.fake_flux.git_failures import GitFailure
from cronjob.sandbox.fake_flux.status import Conditions, Verdict, keep_status, status_after
from cronjob.sandbox.fake_kubernetes.kinds import BY_KIND, NOTIFICATION
from cronjob.sandbox.fake_kubernetes.world import KubernetesWorld

Manifest = dict[str, Any]

_AUTHORITY = re.compile(r"[a-z]+://([^/?#]*)")


_SOURCE_CONDITIONS = Conditions("ArtifactInStorage", "FetchFailed", "building artifact")
_RECEIVER_CONDITIONS = Conditions(progress="Reconciliation in progress")

# Why the repository at this URL cannot be fetched with this private key; None where it can.
Fetch = Callable[[str, str], GitFailure | None]


def webhook_path(token: bytes, name: str, namespace: str) -> str:
    """The path under which the notification-controller takes a Receiver's webhooks."""
    digest = hashlib.sha256(token + name.encode() + namespace.encode())
    return f"/hook/{digest.hexdigest()}"


def reconcile_receivers(world: KubernetesWorld) -> None:
    """
    Let the notification-controller see every Receiver once.

        Receiver                    status
        --------------------------  -----------------------------------------------------
        suspended                   left alone
        Secret or key token gone    no path (stale before Flux 0.38), Ready=False, TokenNotFound
        otherwise                   path of token, name and namespace, Ready=True
    """
    path_fields = _path_fields(world)
    for receiver in active(world, "Receiver") if path_fields else ():
        _reconcile_receiver(world, receiver, path_fields)


def reconcile_git_repositories(world: KubernetesWorld, fetch: Fetch) -> None:
    """
    Let the source-controller see every GitRepository once.

    *fetch* is asked with the URL and the Secret's `identity` ("" for http and https), and tells why that fails.
    Suspended GitRepositories and those of other providers are left alone.

        GitRepository                             Ready
        ----------------------------------------  ------------------------------
        port in the URL is not a number           False, URLInvalid, and Stalled
        ssh without Secret, identity, known_hosts False, AuthenticationFailed
        *fetch* fails                             False, GitOperationFailed or EmptyGitRepository
        otherwise                                 True, Succeeded
    """
    for repository in active(world, "GitRepository"):
        if repository["spec"].get("provider", "generic") == "generic":
            verdict = _git_verdict(world, repository, fetch)
            status = status_after(repository, verdict, _SOURCE_CONDITIONS, world.now())
            if verdict.succeeded:
                status["artifact"] = _artifact(repository, now=world.now())
            keep_status(world, repository, status)


def active(world: KubernetesWorld, kind: str) -> list[Manifest]:
    """The objects of a kind that a controller reconciles: neither suspended nor being deleted."""
    manifests = [manifest for _, manifest in world.store.rows(BY_KIND[kind], "")]
    return [
        manifest
        for manifest in manifests
        if not manifest["spec"].get("suspend") and "deletionTimestamp" not in manifest["metadata"]
    ]


def _path_fields(world: KubernetesWorld) -> tuple[str, ...]:
    """The status fields in which this Flux release stores the path, by its served versions."""
    versions = world.served.get(NOTIFICATION, [])
    if "v1" in versions:
        return ("webhookPath",)
    if "v1beta2" in versions:
        return ("webhookPath", "url")
    return ("url",) if versions else ()


def _reconcile_receiver(world: KubernetesWorld, receiver: Manifest, path_fields: tuple[str, ...]) -> None:
    token = _token(world, receiver)
    metadata = receiver["metadata"]
    if token is None:
        verdict = Verdict("TokenNotFound", _no_token(world, receiver))
    else:
        path = webhook_path(token, metadata["name"], metadata["namespace"])
        reason = "Initialized" if path_fields == ("url",) else "Succeeded"
        verdict = Verdict(reason, f"Receiver initialized for path: {path}")
    status = status_after(receiver, verdict, _RECEIVER_CONDITIONS, world.now())
    if token is not None:
        status |= dict.fromkeys(path_fields, path)
    elif "webhookPath" in path_fields:
        status = {name: value for name, value in status.items() if name not in path_fields}
    keep_status(world, receiver, status)


def _no_token(world: KubernetesWorld, receiver: Manifest) -> str:
    name = _secret_name(receiver)
    secret = f"{receiver['metadata']['namespace']}/{name}"
    if _secret(world, receiver) is None:
        return f"unable to read token from secret '{secret}' error: secrets \"{name}\" not found"
    return f"invalid '{secret}' secret data: required fields 'token'"


def _token(world: KubernetesWorld, receiver: Manifest) -> bytes | None:
    if receiver["spec"].get("type") == "generic-oidc":
        return b""
    return _secret_data(world, receiver).get("token")


def _git_verdict(world: KubernetesWorld, repository: Manifest, fetch: Fetch) -> Verdict:
    url = str(repository["spec"].get("url", ""))
    if port := _bad_port(url):
        message = f'failed to parse url \'{url}\': parse "{url}": invalid port ":{port}" after host'
        return Verdict("URLInvalid", message, stalled=True)
    if _secret_name(repository) and _secret(world, repository) is None:
        return Verdict("AuthenticationFailed", _no_secret(repository))
    data = _secret_data(world, repository)
    needed = ("identity", "known_hosts") if url.startswith("ssh://") else ()
    if missing := [key for key in needed if not data.get(key)]:
        message = f"failed to configure authentication options: invalid 'ssh' auth option: '{missing[0]}' is required"
        return Verdict("AuthenticationFailed", message)
    failure = fetch(url, data["identity"].decode(errors="replace") if needed else "")
    if failure:
        branch = (repository["spec"].get("ref") or {}).get("branch", "master")
        return Verdict(failure.reason, failure.message(url, branch))
    return Verdict("Succeeded", f"stored artifact for revision '{_artifact(repository, now=world.now())['revision']}'")


def _no_secret(repository: Manifest) -> str:
    name = _secret_name(repository)
    wrapped = f"failed to get secret '{repository['metadata']['namespace']}/{name}': "
    return f'{wrapped}{wrapped}secrets "{name}" not found'


def _bad_port(url: str) -> str:
    """A port that is not a number: the API server accepts `ssh://git@host:group/project`, Flux does not."""
    authority = _AUTHORITY.match(url)
    after_host = authority[1].rpartition("@")[2].rpartition("]")[2] if authority else ""
    port = after_host.rpartition(":")[2] if ":" in after_host else ""
    return "" if re.fullmatch("[0-9]*", port) else port


def _secret_name(manifest: Manifest) -> str:
    return str((manifest["spec"].get("secretRef") or {}).get("name", ""))


def _secret_data(world: KubernetesWorld, manifest: Manifest) -> dict[str, bytes]:
    """The data of the Secret that *manifest* refers to; empty without such a Secret."""
    secret = _secret(world, manifest) or {}
    return {key: base64.b64decode(text) for key, text in (secret.get("data") or {}).items()}


def _secret(world: KubernetesWorld, manifest: Manifest) -> Manifest | None:
    return world.store.find(BY_KIND["Secret"], manifest["metadata"]["namespace"], _secret_name(manifest))


def _artifact(repository: Manifest, *, now: str) -> Manifest:
    """The artifact; the stored one is kept while its revision does not change."""
    metadata, ref = repository["metadata"], repository["spec"].get("ref") or {}
    commit = hashlib.sha256(str(repository["spec"]["url"]).encode()).hexdigest()[:40]
    path = f"gitrepository/{metadata['namespace']}/{metadata['name']}/{commit}.tar.gz"
    revision = f"{ref.get('branch', 'master')}@sha1:{commit}"
    stored: Manifest = (repository.get("status") or {}).get("artifact") or {}
    if stored.get("revision") == revision:
        return stored
    return {
        "revision": revision,
        "path": path,
        "url": f"http://source-controller.flux-system.svc.cluster.local./{path}",
        "digest": f"sha256:{hashlib.sha256(commit.encode()).hexdigest()}",
        "lastUpdateTime": now,
        "size": 1024,
    }

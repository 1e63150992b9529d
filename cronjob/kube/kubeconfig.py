"""Which cluster the settings mean: that of a kubeconfig, of the pod, or of ~/.kube/config; kubectl's order."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from cronjob.kube.api_client import (
    KubeconfigContext,
    new_configuration,
    open_kubeconfig,
    pod_configuration,
    pod_namespace,
)
from cronjob.kube.errors import KubeconfigProblem
from cronjob.kube.target import ClusterTarget, KubeOptions
from reconcile.errors import SettingsError
from reconcile.model import shown_url

HOME_FILE = "~/.kube/config"
IN_CLUSTER = "in-cluster"
_PROXY_SCHEME = re.compile(r"(?:(https?)|socks(?:4a?|5h?))://[^/]", re.IGNORECASE)

# The target, and what logs in there: it gives a configuration of the kubernetes package, or raises CredentialsProblem.
FoundCluster = tuple[ClusterTarget, Callable[[], Any]]


def find_cluster(options: KubeOptions) -> FoundCluster:
    """The cluster of the settings; nothing is sent and nobody logs in yet. Raises SettingsError."""
    if options.kubeconfig:
        found = _from_files(options.kubeconfig, options)
        if found is None:
            raise SettingsError(
                f"The kubeconfig {options.kubeconfig} does not exist: correct --kubeconfig or KUBECONFIG."
            )
        return found
    reason = "a context was asked for"
    if not options.context:
        try:
            return _from_pod()
        except KubeconfigProblem as problem:
            reason = str(problem)
    found = _from_files(HOME_FILE, options)
    if found is None:
        raise SettingsError(
            f"There is no cluster to talk to: the pod's own cannot be used ({reason}) and {HOME_FILE} does not "
            "exist; give --kubeconfig."
        )
    return found


def _from_pod() -> FoundCluster:
    """The pod's service account. Raises KubeconfigProblem where this is no pod."""
    server = pod_configuration().host
    return ClusterTarget(server, IN_CLUSTER, "the pod's service account", pod_namespace()), pod_configuration


def _from_files(files: str, options: KubeOptions) -> FoundCluster | None:
    """The cluster of a kubeconfig's context; None where none of *files* exists."""
    context = _open(files, options)
    if context is None:
        return None
    if not re.match(r"https?://[^/]", context.server):
        raise SettingsError(
            f"The kubeconfig {files} names no `server` that can be used: write it as https://HOST:PORT."
        )
    _check_proxy(context)
    headers = context.user.impersonation
    target = ClusterTarget(
        context.server,
        files,
        dict(headers).get("Impersonate-User", context.user_name),
        context.namespace,
        headers,
        has_credentials=context.user.has_credentials,
    )

    def log_in() -> Any:
        # Read again: whoever logged in meanwhile has written new credentials.
        return (_open(files, options) or context).configuration(options)

    return target, log_in


def _open(files: str, options: KubeOptions) -> KubeconfigContext | None:
    try:
        return open_kubeconfig(files, options.context)
    except KubeconfigProblem as failure:
        problem = str(failure)
    raise SettingsError(f"The kubeconfig {files} {problem}: correct it, or give another --kubeconfig or --context.")


def _check_proxy(context: KubeconfigContext) -> None:
    proxy = context.cluster.get("proxy-url") or new_configuration(context.server).proxy
    scheme = _PROXY_SCHEME.match(str(proxy)) if proxy else None
    if proxy and (scheme is None or (not scheme[1] and find_spec("socks") is None)):
        raise SettingsError(
            f"The proxy on the way to {shown_url(context.server)} cannot be used: correct HTTPS_PROXY or proxy-url."
        )

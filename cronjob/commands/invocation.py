"""One invocation of the program, and the connection options that its settings give."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version

from cronjob.concurrency.signals import Signals
from cronjob.concurrency.stop import StopControl
from cronjob.gitlab.group import Scope
from cronjob.gitlab.session import GitLabConnection
from cronjob.kube.client import IN_CLUSTER, KubeApi
from cronjob.kube.target import KubeOptions
from cronjob.output.logs import log_warning
from cronjob.settings.settings import Settings
from reconcile.errors import SettingsError

VERSION = version("flux-gitlab-syncer")


@dataclass(frozen=True, slots=True)
class Invocation:
    """One invocation: settings, the command's argument as *query*, and what may stop it early."""

    settings: Settings
    environment: Mapping[str, str]
    signals: Signals
    stop_control: StopControl
    query: str = ""
    run_id: str = field(default_factory=lambda: uuid.uuid4().hex)


def kubernetes_of(call: Invocation) -> KubeOptions:
    """Return how to reach the cluster."""
    settings = call.settings
    return KubeOptions(
        settings.kubeconfig, settings.context, settings.timeout, VERSION, call.stop_control, warn=log_warning
    )


def namespaces_of(settings: Settings, api: KubeApi) -> tuple[str, ...]:
    """Return the namespaces of Flux's objects. Raises SettingsError where neither settings nor context name one."""
    namespaces = settings.namespaces or tuple(filter(None, [api.default_namespace]))
    if not namespaces:
        raise SettingsError("No namespace is known: give --namespace, or set one in the kubeconfig's context.")
    return namespaces


def lease_namespace_of(call: Invocation, api: KubeApi, namespaces: Iterable[str]) -> str:
    """
    Return the namespace of the Lease: `lease_namespace`, else the job's own, else the first in the alphabet.

    The order in which *namespaces* were given does not matter: the same run has the same Lease.
    """
    pods = api.default_namespace if api.source == IN_CLUSTER else None
    return call.settings.lease_namespace or call.environment.get("POD_NAMESPACE", "").strip() or pods or min(namespaces)


def gitlab_of(settings: Settings) -> tuple[GitLabConnection, Scope]:
    """Return how to reach GitLab, and which projects are the tenants'. A dry run's session cannot write."""
    connection = GitLabConnection(
        settings.gitlab_url,
        settings.token,
        allow_writes=not settings.dry_run,
        concurrency=settings.concurrency,
        timeout=settings.timeout,
        max_per_minute=settings.max_requests_per_minute,
        ca_file=str(settings.ca_file) if settings.ca_file else None,
        version=VERSION,
    )
    scope = Scope(
        groups=settings.groups,
        extra_projects=settings.extra_projects,
        hosts=frozenset({settings.gitlab_host, *settings.git_hosts}),
        user=settings.gitlab_user,
        writes=not settings.dry_run,
        concurrency=settings.concurrency,
        share=settings.share,
    )
    return connection, scope

"""Which GitRepositories a Receiver names (notification-controller, internal/server/receiver_handlers.go)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from reconcile.desired.receivers import ReceiverRequest, Resource
from reconcile.desired.repositories import RepositoryRequest
from reconcile.problems import Code
from reconcile.rules import Rules


class Repositories:
    """All claims, to be looked up by namespace and name."""

    def __init__(self, claims: Iterable[RepositoryRequest]) -> None:
        self._by_namespace: dict[str, dict[str, RepositoryRequest]] = defaultdict(dict)
        for claim in claims:
            self._by_namespace[claim.ref.namespace][claim.ref.name] = claim

    def named(self, namespace: str, name: str) -> RepositoryRequest | None:
        """The claim of that GitRepository, if there is one."""
        return self._by_namespace.get(namespace, {}).get(name)

    def labelled(self, namespace: str, labels: Mapping[str, str]) -> list[RepositoryRequest]:
        """The claims in *namespace* that carry all of *labels*."""
        candidates = self._by_namespace.get(namespace, {}).values()
        return [claim for claim in candidates if labels.items() <= claim.labels.items()]

    def similar(self, namespace: str, name: str) -> str:
        """A hint at the nearest existing name, or nothing."""
        near = get_close_matches(name, list(self._by_namespace.get(namespace, {})), n=1)
        return f" Did you mean {near[0]}?" if near else ""


def targets_of(
    listener: ReceiverRequest, repositories: Repositories, rules: Rules
) -> tuple[ReceiverRequest, tuple[RepositoryRequest, ...]]:
    """The listener with a problem for each target that cannot be followed, and the claims it names, each once."""
    named: dict[str, RepositoryRequest] = {}
    for resource in listener.resources:
        listener, claims = _followed(listener, resource, repositories, rules)
        named.update((str(claim.ref), claim) for claim in claims)
    return listener, tuple(named[key] for key in sorted(named))


def _followed(
    listener: ReceiverRequest, resource: Resource, repositories: Repositories, rules: Rules
) -> tuple[ReceiverRequest, list[RepositoryRequest]]:
    name, namespace = resource.name, resource.namespace or listener.ref.namespace
    if namespace != listener.ref.namespace:
        reaches = f"spec.resources reaches into namespace {namespace}, which"
        if not rules.cross_namespace_refs:
            message = (
                f"{reaches} cross_namespace_refs in the settings does not allow; "
                "name GitRepositories of its own namespace."
            )
            return listener.warned(Code.NOT_ALLOWED, message), []
        if namespace not in rules.identity.namespaces:
            message = f"{reaches} this run does not read; add it with --namespace, or correct the Receiver."
            return listener.keep(Code.RECEIVER_TARGET_NOT_FOUND, message), []
    if name == "*":
        return _selected(listener, namespace, resource.labels, repositories)
    claim = repositories.named(namespace, name)
    if claim is None:
        message = (
            f"spec.resources names GitRepository {name}, which does not exist in namespace {namespace}."
            f"{repositories.similar(namespace, name)} Correct the name in the Receiver, or create the GitRepository."
        )
        return listener.keep(Code.RECEIVER_TARGET_NOT_FOUND, message), []
    return listener, [claim]


def _selected(
    listener: ReceiverRequest, namespace: str, labels: Mapping[str, str], repositories: Repositories
) -> tuple[ReceiverRequest, list[RepositoryRequest]]:
    if not labels:
        message = "spec.resources has the name `*` without matchLabels, which Flux refuses; add matchLabels."
        return listener.keep(Code.RECEIVER_TARGET_NOT_FOUND, message), []
    return listener, repositories.labelled(namespace, labels)

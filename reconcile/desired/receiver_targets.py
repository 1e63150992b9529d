"""Which GitRepositories a Receiver names (notification-controller, internal/server/receiver_handlers.go)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from reconcile.desired.hints import Hints
from reconcile.desired.receivers import ReceiverRequest, Resource
from reconcile.desired.repositories import RepositoryRequest
from reconcile.problems import Code
from reconcile.rules import Rules


class RepositoryIndex:
    """All repositories, to be looked up by namespace and name."""

    def __init__(self, repositories: Iterable[RepositoryRequest], hints: Hints | None = None) -> None:
        self._hints = hints or Hints()
        self._by_namespace: dict[str, dict[str, RepositoryRequest]] = defaultdict(dict)
        self._by_label: dict[tuple[str, str, str], list[RepositoryRequest]] = defaultdict(list)
        self._selected: dict[tuple[str, frozenset[tuple[str, str]]], list[RepositoryRequest]] = {}
        for request in repositories:
            self._by_namespace[request.ref.namespace][request.ref.name] = request
            for label, value in request.labels.items():
                self._by_label[request.ref.namespace, label, value].append(request)

    def named(self, namespace: str, name: str) -> RepositoryRequest | None:
        """The request of that GitRepository, if there is one."""
        return self._by_namespace.get(namespace, {}).get(name)

    def labelled(self, namespace: str, labels: Mapping[str, str]) -> list[RepositoryRequest]:
        """The repositories in *namespace* that carry all of *labels*, of which there is at least one."""
        key = (namespace, frozenset(labels.items()))
        if key not in self._selected:
            carrying = (self._by_label.get((namespace, label, value), []) for label, value in labels.items())
            rarest = min(carrying, key=len)
            self._selected[key] = [request for request in rarest if labels.items() <= request.labels.items()]
        return self._selected[key]

    def similar(self, namespace: str, name: str) -> str:
        """A hint at the nearest existing name, or nothing."""
        return self._hints.nearest(name, self._by_namespace.get(namespace, {}))


def targets_of(
    receiver: ReceiverRequest, index: RepositoryIndex, rules: Rules
) -> tuple[ReceiverRequest, tuple[RepositoryRequest, ...]]:
    """The receiver with a problem for each target that cannot be followed, and the repositories it names, each once."""
    named: dict[str, RepositoryRequest] = {}
    for resource in _distinct(receiver.resources):
        receiver, repositories = _followed(receiver, resource, index, rules)
        named.update((str(request.ref), request) for request in repositories)
    return receiver, tuple(named[key] for key in sorted(named))


def _distinct(resources: Iterable[Resource]) -> Iterable[Resource]:
    return {(each.namespace, each.name, frozenset(each.labels.items())): each for each in resources}.values()


def _followed(
    receiver: ReceiverRequest, resource: Resource, index: RepositoryIndex, rules: Rules
) -> tuple[ReceiverRequest, list[RepositoryRequest]]:
    name, namespace = resource.name, resource.namespace or receiver.ref.namespace
    if namespace != receiver.ref.namespace:
        reaches = f"spec.resources reaches into namespace {namespace}, which"
        if not rules.cross_namespace_refs:
            message = (
                f"{reaches} cross_namespace_refs in the settings does not allow; "
                "name GitRepositories of its own namespace."
            )
            return receiver.warned(Code.NOT_ALLOWED, message), []
        if namespace not in rules.identity.namespaces:
            message = f"{reaches} this run does not read; add it with --namespace, or correct the Receiver."
            return receiver.keep(Code.RECEIVER_TARGET_NOT_FOUND, message), []
    if name == "*":
        return _selected(receiver, namespace, resource.labels, index)
    request = index.named(namespace, name)
    if request is None:
        message = (
            f"spec.resources names GitRepository {name}, which does not exist in namespace {namespace}."
            f"{index.similar(namespace, name)} Correct the name in the Receiver, or create the GitRepository."
        )
        return receiver.keep(Code.RECEIVER_TARGET_NOT_FOUND, message), []
    return receiver, [request]


def _selected(
    receiver: ReceiverRequest, namespace: str, labels: Mapping[str, str], index: RepositoryIndex
) -> tuple[ReceiverRequest, list[RepositoryRequest]]:
    if not labels:
        message = "spec.resources has the name `*` without matchLabels, which Flux refuses; add matchLabels."
        return receiver.keep(Code.RECEIVER_TARGET_NOT_FOUND, message), []
    return receiver, index.labelled(namespace, labels)


def with_unsupported_type(receiver: ReceiverRequest, named: Iterable[RepositoryRequest]) -> ReceiverRequest:
    """The receiver, with a notice where it names projects of this GitLab, which cannot feed its type."""
    projects = {request.project.path for request in named if request.project}
    if not projects:
        return receiver
    message = f"GitLab cannot feed a Receiver of type {receiver.type}; use the type gitlab or generic."
    return receiver.warned(Code.RECEIVER_TYPE_UNSUPPORTED, message).concerning(projects)

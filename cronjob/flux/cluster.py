"""
Flux's objects and Secrets, read from the Kubernetes API: the port `Flux` of a run.

A list that cannot be read whole is a ReadError whose one sentence names verb, resource and namespace.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote

from cronjob.flux.object_shapes import flux_object_from
from cronjob.flux.queries import Queries
from cronjob.flux.secrets import SecretReader
from cronjob.kube.client import KubeApi
from cronjob.kube.events import EventRecorder, EventTargets, ListedObject, events_for
from reconcile.errors import ReadError
from reconcile.model import Ref, SecretAnswer
from reconcile.ports import Claimed, Heard, Object
from reconcile.report import Report

Kept = TypeVar("Kept")
NAMESPACE_GONE = "NamespaceGone"
VERSIONS = ("v1", "v1beta2", "v1beta1")


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of object, and the part of Flux that installs it."""

    group: str
    plural: str
    kind: str
    owner: str

    def __str__(self) -> str:
        return f"{self.plural}.{self.group}"


GIT_REPOSITORIES = Resource("source.toolkit.fluxcd.io", "gitrepositories", "GitRepository", "Flux (source-controller)")
RECEIVERS = Resource("notification.toolkit.fluxcd.io", "receivers", "Receiver", "Flux's notification-controller")


@dataclass(frozen=True, slots=True)
class FluxObjects:
    """All GitRepositories and Receivers of the namespaces that are read."""

    git_repositories: Sequence[Object]
    receivers: Sequence[Object]


class FluxCluster:
    """
    The Flux objects of one cluster, in the given namespaces. Safe to share between threads.

    *for_events*: Events will be written about the objects, so their uids are remembered.
    """

    def __init__(self, api: KubeApi, namespaces: Sequence[str], *, for_events: bool = False) -> None:
        self.api = api
        self.for_events = for_events
        self.namespaces = tuple(dict.fromkeys(namespaces))
        self.listed = FluxObjects([], [])
        self._queries = Queries(api)
        self._secrets = SecretReader(api)
        self._versions: dict[Resource, str] = {}
        self._listed_for_events: dict[Ref, ListedObject] = {}

    def read_objects(
        self, repository: Callable[[Object], Claimed], receiver: Callable[[Object], Heard]
    ) -> tuple[list[Claimed], list[Heard]]:
        """
        List both kinds in every namespace, and keep what the function for its kind makes of each. Raises ReadError.

        The functions get the object as `flux_object_from` checked it.
        """
        for namespace in self.namespaces:
            self._check_namespace(namespace)
        self._listed_for_events = {}
        return self._read_all(GIT_REPOSITORIES, repository), self._read_all(RECEIVERS, receiver)

    def read_whole(self) -> FluxObjects:
        """Both lists as `flux_object_from` gives their objects; also kept in *listed*. Raises ReadError."""
        self.listed = FluxObjects(*self.read_objects(_unchanged, _unchanged))
        return self.listed

    def record_events(self, report: Report) -> str:
        """Write Events about the objects read last; why that was given up, as a clause, else an empty text."""
        targets = EventTargets.of(self._listed_for_events.values())
        return EventRecorder(self.api).record(events_for(report, targets))

    def close(self) -> None:
        """Cancel the Secrets that are still being fetched."""
        self._secrets.close()

    def expect_secrets(self, keys: Iterable[Ref], tokens: Iterable[Ref]) -> None:
        """Start to fetch what the next `read_secrets` will ask for, while something else is done."""
        self._secrets.prefetch(frozenset(keys), frozenset(tokens))

    def read_secrets(self, keys: Iterable[Ref], tokens: Iterable[Ref]) -> Mapping[Ref, SecretAnswer]:
        """Read each Secret once, several at a time: *keys* for their private key, *tokens* for their token."""
        return self._secrets.read(frozenset(keys), frozenset(tokens))

    def version_of(self, resource: Resource) -> str:
        """The newest version in which the server has *resource*; asked once. Raises ReadError."""
        if resource not in self._versions:
            self._versions[resource] = self._discover(resource)
        return self._versions[resource]

    def _check_namespace(self, name: str) -> None:
        """Raise ReadError where the namespace is gone: a list in it would answer 200 and be empty."""
        action = f"get namespaces, for namespace {name}"
        answer = self._queries.ask(f"/api/v1/namespaces/{quote(name, safe='')}", action)
        match answer.status:
            case 403:
                return
            case 404:
                raise ReadError(
                    f"Namespace {name} does not exist, so a list of its gitrepositories and receivers would only "
                    "look empty: correct --namespace, or create it.",
                    code=NAMESPACE_GONE,
                )
        match self._queries.require_200(answer, action, "`get` on namespaces"):
            case {"status": {"phase": "Terminating"}} | {"metadata": {"deletionTimestamp": str()}}:
                raise ReadError(
                    f"Namespace {name} is being deleted, so a list of what it holds means nothing: "
                    "take it out of --namespace, or create it again.",
                    code=NAMESPACE_GONE,
                )
            case {"metadata": {"name": str()}}:
                return
        raise self._queries.malformed(action)

    def _read_all(self, resource: Resource, convert: Callable[[Object], Kept]) -> list[Kept]:
        version = f"{resource.group}/{self.version_of(resource)}"

        def converted(raw: object) -> Kept:
            item = flux_object_from(raw)
            if self.for_events:
                listed = ListedObject.of(item, resource.kind, version)
                self._listed_for_events[listed.ref] = listed
            return convert(item)

        found: list[Kept] = []
        for namespace in self.namespaces:
            path = f"/apis/{version}/namespaces/{quote(namespace, safe='')}/{resource.plural}"
            found += self._queries.list_all(path, f"list {resource} in namespace {namespace}", converted)
        return found

    def _discover(self, resource: Resource) -> str:
        scope = f"in namespace {', '.join(self.namespaces)}"
        action = f"get /apis/{resource.group}, needed to list {resource} {scope}"
        answer = self._queries.ask(f"/apis/{resource.group}", action)
        if answer.status == 404:
            raise ReadError(
                f"{resource.owner} is not installed at {self.api.server}: Kubernetes has no API group to list "
                f"{resource} {scope}; install it, or correct --kubeconfig and --context."
            )
        listed = self._queries.require_200(answer, action).get("versions")
        served = [entry.get("version") for entry in _dicts_in(listed)]
        for version in VERSIONS:
            if version in served and self._serves(resource, version, action):
                return version
        raise ReadError(
            f"Kubernetes serves none of {', '.join(VERSIONS)} to list {resource} {scope}: "
            f"see which version of {resource.owner} is installed there."
        )

    def _serves(self, resource: Resource, version: str, action: str) -> bool:
        """Whether *resource* is there in *version*: a group's versions need not all have the same kinds."""
        answer = self._queries.ask(f"/apis/{resource.group}/{version}", action)
        resources = self._queries.require_200(answer, action).get("resources")
        return any(entry.get("name") == resource.plural for entry in _dicts_in(resources))


def _unchanged(item: Object) -> Object:
    return item


def _dicts_in(raw: object) -> list[dict[str, Any]]:
    return [entry for entry in raw if isinstance(entry, dict)] if isinstance(raw, list) else []

"""
Flux's objects and Secrets, as the Kubernetes API shows them: the port `Flux` of a run.

A list that cannot be read whole is a ReadError whose one sentence names verb, resource and namespace.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote

from cronjob.flux.object_shapes import shaped, share_names
from cronjob.flux.queries import Questions
from cronjob.flux.secrets import SecretReader
from cronjob.kube.client import KubeApi
from cronjob.kube.events import Named, Objects, Recorder, events_of
from reconcile.errors import ReadError
from reconcile.model import Ref, SecretAnswer
from reconcile.ports import Claimed, Heard, Object
from reconcile.report import Report

Kept = TypeVar("Kept")
NAMESPACE_GONE = "NamespaceGone"
VERSIONS = ("v1", "v1beta2", "v1beta1")
# Their JSON is what is largest in the whole run.
PAGE = 250
RESTARTS = 3


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of object of Flux, and the part of Flux that brings it."""

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
    """All GitRepositories and Receivers of the namespaces read."""

    git_repositories: Sequence[Object]
    receivers: Sequence[Object]


class FluxCluster:
    """
    The Flux of one cluster, in the given namespaces.

    Safe to share between threads. *for_events*: what was read is to be told of, so it is remembered how it is named.
    """

    def __init__(self, api: KubeApi, namespaces: Sequence[str], *, for_events: bool = False) -> None:
        self.api = api
        self.for_events = for_events
        self.namespaces = tuple(dict.fromkeys(namespaces))
        self._questions = Questions(api)
        self._secrets = SecretReader(api)
        self._versions: dict[Resource, str] = {}
        self._named: list[Named] = []
        self.listed = FluxObjects([], [])

    def read_objects(
        self, repository: Callable[[Object], Claimed], receiver: Callable[[Object], Heard]
    ) -> tuple[list[Claimed], list[Heard]]:
        """
        List both kinds in every namespace, in the shape that `shaped` gives them. Raises ReadError.

        What the functions make of an object is kept of it, and nothing else: whole objects of thousands of tenants are
        many times as large.
        """
        for namespace in self.namespaces:
            self._check_namespace(namespace)
        self._named = []
        names: dict[str, str] = {}
        return self._read_all(GIT_REPOSITORIES, repository, names), self._read_all(RECEIVERS, receiver, names)

    def read_whole(self) -> FluxObjects:
        """Both lists with all that `shaped` leaves of the objects; also in *listed*. Raises ReadError."""
        self.listed = FluxObjects(*self.read_objects(_whole, _whole))
        return self.listed

    def tell(self, report: Report) -> str:
        """Put what the report says of the objects read last into Events; why that was given up, else nothing."""
        return Recorder(self.api).record(events_of(report, Objects.of(self._named)))

    def close(self) -> None:
        """Give up Secrets that were begun and never read."""
        self._secrets.close()

    def expect_secrets(self, keys: Iterable[Ref], tokens: Iterable[Ref]) -> None:
        """Begin to fetch what the next `read_secrets` will ask for, while something else is done."""
        self._secrets.begin(frozenset(keys), frozenset(tokens))

    def read_secrets(self, keys: Iterable[Ref], tokens: Iterable[Ref]) -> Mapping[Ref, SecretAnswer]:
        """Read each Secret once, several at a time: *keys* for their private key, *tokens* for their token."""
        return self._secrets.read(frozenset(keys), frozenset(tokens))

    def _check_namespace(self, name: str) -> None:
        """A list in a namespace that does not exist answers 200 and is empty, so this is asked first."""
        question = f"get namespaces, for namespace {name}"
        answer = self._questions.ask(f"/api/v1/namespaces/{quote(name, safe='')}", question)
        match answer.status:
            case 403:
                return
            case 404:
                raise ReadError(
                    f"Namespace {name} does not exist, so a list of its gitrepositories and receivers would only "
                    "look empty: correct --namespace, or create it.",
                    code=NAMESPACE_GONE,
                )
            case 200:
                self._check_life(name, self._questions.parsed(answer, question), question)
            case _:
                raise self._questions.refused(answer, question, "`get` on namespaces")

    def _check_life(self, name: str, namespace: dict[str, Any], question: str) -> None:
        match namespace:
            case {"status": {"phase": "Terminating"}} | {"metadata": {"deletionTimestamp": str()}}:
                raise ReadError(
                    f"Namespace {name} is being deleted, so a list of what it holds means nothing: "
                    "take it out of --namespace, or create it again.",
                    code=NAMESPACE_GONE,
                )
            case {"metadata": {"name": str()}}:
                return
        raise self._questions.unreadable(question)

    def _read_all(self, resource: Resource, keep: Callable[[Object], Kept], names: dict[str, str]) -> list[Kept]:
        version = f"{resource.group}/{self.version_of(resource)}"
        found: list[Kept] = []
        for namespace in self.namespaces:
            # A list that begins anew names its objects anew.
            named: dict[Ref, Named] = {}

            def kept(item: Object, named: dict[Ref, Named] = named) -> Kept:
                share_names(item, names)
                if self.for_events:
                    one = Named.of(item, resource.kind, version)
                    named[one.ref] = one
                return keep(item)

            found += self._read_list(resource, version, namespace, kept)
            self._named += named.values()
        return found

    def version_of(self, resource: Resource) -> str:
        """The newest version in which the server has *resource*; asked once. Raises ReadError."""
        if resource not in self._versions:
            self._versions[resource] = self._discover(resource)
        return self._versions[resource]

    def _discover(self, resource: Resource) -> str:
        where = f"in namespace {', '.join(self.namespaces)}"
        question = f"get /apis/{resource.group}, needed to list {resource} {where}"
        answer = self._questions.ask(f"/apis/{resource.group}", question)
        if answer.status == 404:
            raise ReadError(
                f"{resource.owner} is not installed at {self.api.server}: Kubernetes has no API group to list "
                f"{resource} {where}; install it, or correct --kubeconfig and --context."
            )
        listed = self._questions.wanted(answer, question).get("versions")
        served = [entry.get("version") for entry in _dicts(listed)]
        for version in VERSIONS:
            if version in served and self._serves(resource, version, question):
                return version
        raise ReadError(
            f"Kubernetes serves none of {', '.join(VERSIONS)} to list {resource} {where}: "
            f"see which version of {resource.owner} is installed there."
        )

    def _serves(self, resource: Resource, version: str, question: str) -> bool:
        """Whether *resource* is there in *version*: a group's versions need not all have the same kinds."""
        body = self._questions.wanted(self._questions.ask(f"/apis/{resource.group}/{version}", question), question)
        return any(entry.get("name") == resource.plural for entry in _dicts(body.get("resources")))

    def _read_list(
        self, resource: Resource, version: str, namespace: str, keep: Callable[[Object], Kept]
    ) -> list[Kept]:
        """The whole list; where its continue token expires it begins again, so that it is of one moment."""
        question = f"list {resource} in namespace {namespace}"
        path = f"/apis/{version}/namespaces/{quote(namespace, safe='')}/{resource.plural}"
        for _ in range(1 + RESTARTS):
            items = self._read_pages(path, question, keep)
            if items is not None:
                return items
        raise ReadError(
            f"Kubernetes could not {question} to its end (410 Gone, {1 + RESTARTS} times): the list took longer than "
            "its continue token lives; see whether the API server is overloaded."
        )

    def _read_pages(self, path: str, question: str, keep: Callable[[Object], Kept]) -> list[Kept] | None:
        """What is kept of all pages, or None where the server no longer knows the moment they are of."""
        items: list[Kept] = []
        query = {"limit": str(PAGE)}
        while True:
            answer = self._questions.ask(path, question, query)
            if answer.status == 410:
                return None
            page = self._questions.wanted(answer, question, "`get,list` on it")
            raw, metadata = page.get("items"), page.get("metadata")
            made = [shaped(item) for item in raw] if isinstance(raw, list) else [None]
            if None in made or not isinstance(metadata, dict):
                raise self._questions.unreadable(question)
            items += [keep(item) for item in made if item]
            token = metadata.get("continue")
            if not token:
                return items
            if not isinstance(token, str) or token == query.get("continue"):
                raise self._questions.unreadable(question)
            query = {"limit": str(PAGE), "continue": token}


def _whole(item: Object) -> Object:
    return item


def _dicts(raw: object) -> list[dict[str, Any]]:
    return [entry for entry in raw if isinstance(entry, dict)] if isinstance(raw, list) else []

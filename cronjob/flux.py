"""
Flux's objects and Secrets, as the Kubernetes API shows them: the port `Flux` of a run.

A list that cannot be read whole is a ReadError whose one sentence names verb, resource and namespace.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from cronjob.answers import Answer
from cronjob.flux_secrets import SecretReader
from cronjob.flux_shapes import shaped
from cronjob.halt import go_on
from cronjob.kube_access import KubeApi
from cronjob.kube_answers import NoAnswer
from cronjob.kube_events import Objects, Recorder, events_of
from reconcile.errors import ReadError
from reconcile.model import Ref, SecretAnswer
from reconcile.ports import FluxObjects
from reconcile.report import Report

NAMESPACE_GONE = "NamespaceGone"
VERSIONS = ("v1", "v1beta2", "v1beta1")
PAGE = 500
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


class FluxCluster:
    """
    The Flux of one cluster, in the given namespaces; *listed* is what was read last.

    Safe to share between threads.
    """

    def __init__(self, api: KubeApi, namespaces: Sequence[str]) -> None:
        self.api = api
        self.namespaces = tuple(dict.fromkeys(namespaces))
        self._secrets = SecretReader(api)
        self._versions: dict[Resource, str] = {}
        self.listed = FluxObjects((), ())

    def read_objects(self) -> FluxObjects:
        """List both kinds in every namespace, as far as this program needs them. Raises ReadError."""
        for namespace in self.namespaces:
            self._check_namespace(namespace)
        self.listed = FluxObjects(self._read_all(GIT_REPOSITORIES), self._read_all(RECEIVERS))
        return self.listed

    def tell(self, report: Report) -> str:
        """Put what the report says of the objects read last into Events; why that was given up, else nothing."""
        versions = {resource.kind: f"{resource.group}/{version}" for resource, version in self._versions.items()}
        return Recorder(self.api).record(events_of(report, Objects.of(self.listed, versions)))

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
        answer = self._ask(f"/api/v1/namespaces/{quote(name, safe='')}", question)
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
                self._check_life(name, self._parsed(answer, question), question)
            case _:
                raise self._refused(answer, question, "`get` on namespaces")

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
        raise self._unreadable(question)

    def _read_all(self, resource: Resource) -> list[dict[str, Any]]:
        version = self.version_of(resource)
        return [item for namespace in self.namespaces for item in self._read_list(resource, version, namespace)]

    def version_of(self, resource: Resource) -> str:
        """The newest version in which the server has *resource*; asked once. Raises ReadError."""
        if resource not in self._versions:
            self._versions[resource] = self._discover(resource)
        return self._versions[resource]

    def _discover(self, resource: Resource) -> str:
        where = f"in namespace {', '.join(self.namespaces)}"
        question = f"get /apis/{resource.group}, needed to list {resource} {where}"
        answer = self._ask(f"/apis/{resource.group}", question)
        if answer.status == 404:
            raise ReadError(
                f"{resource.owner} is not installed at {self.api.server}: Kubernetes has no API group to list "
                f"{resource} {where}; install it, or correct --kubeconfig and --context."
            )
        listed = self._wanted(answer, question).get("versions")
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
        body = self._wanted(self._ask(f"/apis/{resource.group}/{version}", question), question)
        return any(entry.get("name") == resource.plural for entry in _dicts(body.get("resources")))

    def _read_list(self, resource: Resource, version: str, namespace: str) -> list[dict[str, Any]]:
        """The whole list; where its continue token expires it begins again, so that it is of one moment."""
        question = f"list {resource} in namespace {namespace}"
        path = f"/apis/{resource.group}/{version}/namespaces/{quote(namespace, safe='')}/{resource.plural}"
        for _ in range(1 + RESTARTS):
            items = self._read_pages(path, question)
            if items is not None:
                return items
        raise ReadError(
            f"Kubernetes could not {question} to its end (410 Gone, {1 + RESTARTS} times): the list took longer than "
            "its continue token lives; see whether the API server is overloaded."
        )

    def _read_pages(self, path: str, question: str) -> list[dict[str, Any]] | None:
        """All pages, or None where the server no longer knows the moment they are of."""
        items: list[dict[str, Any]] = []
        query = {"limit": str(PAGE)}
        while True:
            answer = self._ask(path, question, query)
            if answer.status == 410:
                return None
            page = self._wanted(answer, question, "`get,list` on it")
            raw, metadata = page.get("items"), page.get("metadata")
            made = [shaped(item) for item in raw] if isinstance(raw, list) else [None]
            if None in made or not isinstance(metadata, dict):
                raise self._unreadable(question)
            items += [item for item in made if item]
            token = metadata.get("continue")
            if not token:
                return items
            if not isinstance(token, str) or token == query.get("continue"):
                raise self._unreadable(question)
            query = {"limit": str(PAGE), "continue": token}

    def _ask(self, path: str, question: str, query: Mapping[str, str] | None = None) -> Answer:
        go_on(self.api.halt)
        try:
            return self.api.get(path, query)
        except NoAnswer as none:
            raise ReadError(
                f"Kubernetes at {self.api.server} gave no answer when asked to {question}: {none}; "
                "check the address, the network and the API server."
            ) from None

    def _wanted(self, answer: Answer, question: str, right: str = "the ClusterRole system:discovery") -> dict[str, Any]:
        """The body of a 200."""
        if answer.status != 200:
            raise self._refused(answer, question, right)
        return self._parsed(answer, question)

    def _parsed(self, answer: Answer, question: str) -> dict[str, Any]:
        body = answer.parsed()
        if body is None:
            raise self._unreadable(question)
        return body

    def _refused(self, answer: Answer, question: str, right: str) -> ReadError:
        match answer.status:
            case 401:
                return ReadError(
                    f"Kubernetes does not know who asks to {question} ({answer.title}): "
                    f"renew the token or certificate of {self.api.source}."
                )
            case 403:
                return ReadError(
                    f"Kubernetes refuses to {question} ({answer.title}): give the service account {right}."
                )
            case 404:
                return ReadError(
                    f"Kubernetes has no way to {question} ({answer.title}), though discovery shows it: "
                    "see whether Flux is being upgraded."
                )
        return ReadError(
            f"Kubernetes at {self.api.server} failed to {question} ({answer.title}): the next run tries again; "
            "see the API server's health if this goes on."
        )

    def _unreadable(self, question: str) -> ReadError:
        return ReadError(
            f"{self.api.server} gave an answer that makes no sense when asked to {question}: "
            "check that this is the address of a Kubernetes API server."
        )


def _dicts(raw: object) -> list[dict[str, Any]]:
    return [entry for entry in raw if isinstance(entry, dict)] if isinstance(raw, list) else []

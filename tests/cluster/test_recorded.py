"""Requests and the answers that a real API server gave, recorded; the embedded one gives the same."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.api_servers import ApiServer, Real
from tests.cluster.objects import collection_of, created, said
from tests.cluster.scene import a_namespace

FILE = Path(__file__).parents[1] / "sandbox" / "recorded" / "kube-apiserver.json"
GIT = {
    "apiVersion": "source.toolkit.fluxcd.io/v1",
    "kind": "GitRepository",
    "spec": {"interval": "1m", "url": "ssh://git@gitlab.test/group/project.git"},
}
RECEIVER = {
    "apiVersion": "notification.toolkit.fluxcd.io/v1",
    "kind": "Receiver",
    "spec": {"type": "gitlab", "secretRef": {"name": "any"}, "resources": [{"kind": "GitRepository", "name": "any"}]},
}
KUSTOMIZATION = {
    "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
    "kind": "Kustomization",
    "spec": {"interval": "1m", "prune": True, "sourceRef": {"kind": "GitRepository", "name": "any"}},
}
# An object that exists, and what is sent of it; a field of the spec that is None is left out.
SPECS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a repository without url": (GIT, {"url": None}),
    "a repository without interval": (GIT, {"interval": None}),
    "a repository with another scheme": (GIT, {"url": "git://gitlab.test/group/project.git"}),
    "a repository of an unknown provider": (GIT, {"provider": "gitlab"}),
    "a repository with an interval of days": (GIT, {"interval": "1d"}),
    "a receiver of an unknown type": (RECEIVER, {"type": "gitea"}),
    "a receiver without secret": (RECEIVER, {"secretRef": None}),
    "a receiver without resources": (RECEIVER, {"resources": None}),
    "a receiver of an unknown kind": (RECEIVER, {"resources": [{"kind": "Deployment", "name": "any"}]}),
    "a receiver with an interval of days": (RECEIVER, {"interval": "1d"}),
    "a kustomization without prune": (KUSTOMIZATION, {"prune": None}),
    "a kustomization with no target namespace": (KUSTOMIZATION, {"targetNamespace": ""}),
    "a kustomization of an unknown source": (KUSTOMIZATION, {"sourceRef": {"kind": "Secret", "name": "any"}}),
}


@dataclass(frozen=True)
class Sender:
    """Requests in a namespace of their own; answers without what is different each time."""

    server: ApiServer
    namespace: str

    def create(self, manifest: Mapping[str, Any], **changes: object) -> dict[str, Any]:
        """The answer to an object with these changes of its spec."""
        spec = {name: value for name, value in {**manifest["spec"], **changes}.items() if value is not None}
        body = {**manifest, "metadata": {"name": "sent", "namespace": self.namespace}, "spec": spec}
        return self.send("POST", collection_of(body), body=body, query={"dryRun": "All"})

    def send(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        """The status code, and of a refusal its reason and message."""
        answer = self.server.api.send(method, path, **request)
        body = answer.parsed() or {}
        found: dict[str, Any] = {"code": answer.status}
        if body.get("kind") == "Status" and answer.status >= 400:
            found |= {"reason": body.get("reason"), "message": body["message"].replace(self.namespace, "NAMESPACE")}
        return found


@pytest.fixture
def sender(server: ApiServer) -> Iterator[Sender]:
    with a_namespace(server) as namespace:
        yield Sender(server, namespace)


def answers(sender: Sender) -> dict[str, Any]:
    """All answers by what was asked."""
    found = {name: sender.create(manifest, **changes) for name, (manifest, changes) in SPECS.items()}
    secrets = f"/api/v1/namespaces/{sender.namespace}/secrets"
    repositories = f"/apis/{GIT['apiVersion']}/namespaces/{sender.namespace}/gitrepositories"
    lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "held"}, "spec": {}}
    leases = f"/apis/coordination.k8s.io/v1/namespaces/{sender.namespace}/leases"
    made = said(sender.server.api.send("POST", leases, body=lease), 201)
    metadata = {"name": "kept", "namespace": sender.namespace}
    created(sender.server.api, {**GIT, "metadata": metadata})
    condition = {"type": "Ready", "status": "True", "reason": "Succeeded", "message": "stored"}
    stale = {**made, "metadata": {**made["metadata"], "resourceVersion": "1"}}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "sent"}}
    found |= {
        "a secret that is not there": sender.send("GET", f"{secrets}/missing"),
        "a repository that is not there": sender.send("GET", f"{repositories}/missing"),
        "deleting what is not there": sender.send("DELETE", f"{secrets}/missing"),
        "creating what is there": sender.send("POST", repositories, body={**GIT, "metadata": metadata}),
        "a lease of an older version": sender.send("PUT", f"{leases}/held", body=stale),
        "a secret that is no base64": sender.send("POST", secrets, body={**secret, "data": {"token": "%"}}),
        "a secret with an upper-case name": sender.send("POST", secrets, body={**secret, "metadata": {"name": "Sent"}}),
        "a condition without time": sender.send(
            "PATCH", f"{repositories}/kept/status", body={"status": {"conditions": [condition]}}
        ),
        "a limit that is no number": sender.send("GET", repositories, query={"limit": "many"}),
        "a version that Flux does not serve any more": sender.send("GET", repositories.replace("/v1/", "/v1beta2/")),
    }
    return found


def test_an_api_server_answers_as_it_was_recorded(sender: Sender, request: pytest.FixtureRequest) -> None:
    found = answers(sender)
    if request.config.getoption("--rewrite-golden") and isinstance(sender.server, Real):
        version = said(sender.server.api.get("/version"), 200)["gitVersion"]
        document = {"program": "kube-apiserver", "version": version, "answers": found}
        FILE.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")

    assert found == json.loads(FILE.read_text(encoding="utf-8"))["answers"]

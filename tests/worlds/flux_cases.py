"""Flux objects in the states that tenants bring them into, the same for real and for embedded controllers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

Manifest = dict[str, Any]

NAMESPACE = "recorded"
# Stands for the name and port of the Git server in what is put into `known_hosts`.
HOST = "HOST"
_HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIImIrwV2uvJO9fJd6SGcHclJXgaz5VsdYpP5VClloXzq"
_VERSIONS = {
    "GitRepository": "source.toolkit.fluxcd.io/v1",
    "Receiver": "notification.toolkit.fluxcd.io/v1",
    "Kustomization": "kustomize.toolkit.fluxcd.io/v1",
}
_VOLATILE = ((r"\b[0-9a-f]{64}\b", "DIGEST"), (r"\b[0-9a-f]{40}\b", "COMMIT"))


class Access(Enum):
    """What GitLab knows of a case's key."""

    GRANTED = "the key is on the project"
    ELSEWHERE = "the key is on another project"
    UNKNOWN = "GitLab does not have the key"
    EMPTY = "the key is on a project without commits"


@dataclass(frozen=True)
class FluxCase:
    """
    One object and its Secret, both named *name*. *spec* changes the usual spec, and *secret* the usual data of the
    Secret: None takes a field away. With *has_secret* false there is no Secret.
    """

    kind: str
    name: str
    spec: Mapping[str, Any] = field(default_factory=dict)
    secret: Mapping[str, str | None] = field(default_factory=dict)
    has_secret: bool = True
    access: Access = Access.GRANTED

    def manifest(self, url: str) -> Manifest:
        """The object; *url* is that of a project with one commit on the branch `main`."""
        usual: dict[str, Any] = {
            "GitRepository": {
                "interval": "1h",
                "url": url,
                "ref": {"branch": "main"},
                "secretRef": {"name": self.name},
            },
            "Receiver": {
                "type": "gitlab",
                "secretRef": {"name": self.name},
                "resources": [{"kind": "GitRepository", "name": "fetched"}],
            },
            "Kustomization": {
                "interval": "1h",
                "prune": True,
                "path": "./",
                "serviceAccountName": "flux",
                "targetNamespace": NAMESPACE,
                "sourceRef": {"kind": "GitRepository", "name": "fetched"},
            },
        }
        metadata = {"name": self.name, "namespace": NAMESPACE}
        spec = _changed(usual[self.kind], self.spec)
        return {"apiVersion": _VERSIONS[self.kind], "kind": self.kind, "metadata": metadata, "spec": spec}

    def secret_manifest(self, usual: Mapping[str, str], host: str = "") -> Manifest:
        """The Secret; *usual* has what makes everything right, and *host* is the Git server's in `known_hosts`."""
        metadata = {"name": self.name, "namespace": NAMESPACE}
        data = {name: text.replace(HOST, host) for name, text in _changed(usual, self.secret).items()}
        return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data}


def _changed(usual: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**usual, **changes}.items() if value is not None}


_GIT, _RECEIVER, _KUSTOMIZATION = _VERSIONS
CASES = (
    FluxCase(_GIT, "fetched"),
    FluxCase(_GIT, "no-secret", has_secret=False),
    FluxCase(_GIT, "no-secret-ref", {"secretRef": None}, has_secret=False),
    FluxCase(_GIT, "no-identity", secret={"identity": None}),
    FluxCase(_GIT, "no-known-hosts", secret={"known_hosts": None}),
    FluxCase(_GIT, "no-private-key", secret={"identity": "this is no key\n"}),
    FluxCase(_GIT, "unknown-key", access=Access.UNKNOWN),
    FluxCase(_GIT, "key-of-another-project", access=Access.ELSEWHERE),
    FluxCase(_GIT, "no-commit", access=Access.EMPTY),
    FluxCase(_GIT, "another-host-key", secret={"known_hosts": f"{HOST} {_HOST_KEY}"}),
    FluxCase(_GIT, "unknown-host", secret={"known_hosts": f"another.test {_HOST_KEY}"}),
    FluxCase(_GIT, "no-such-branch", {"ref": {"branch": "missing"}}),
    FluxCase(_GIT, "colon-for-slash", {"url": "ssh://git@gitlab.test:group/project.git"}),
    FluxCase(_GIT, "suspended", {"suspend": True}),
    FluxCase(_RECEIVER, "accepts"),
    FluxCase(_RECEIVER, "no-token-secret", has_secret=False),
    FluxCase(_RECEIVER, "no-token", secret={"token": None, "other": "value"}),
    FluxCase(_RECEIVER, "empty-token", secret={"token": ""}),
    FluxCase(_RECEIVER, "switched-off", {"suspend": True}),
    FluxCase(_KUSTOMIZATION, "applied"),
    FluxCase(_KUSTOMIZATION, "no-source", {"sourceRef": {"kind": "GitRepository", "name": "missing"}}),
    FluxCase(_KUSTOMIZATION, "no-artifact", {"sourceRef": {"kind": "GitRepository", "name": "unknown-key"}}),
)


def observed(manifest: Manifest) -> dict[str, Any]:
    """What a controller wrote into the status, without what differs from one time to the next."""
    status = manifest.get("status") or {}
    conditions = [
        {
            "type": condition["type"],
            "status": condition["status"],
            "reason": condition["reason"],
            "message": _constant(condition["message"]),
        }
        for condition in sorted(status.get("conditions") or [], key=lambda condition: str(condition["type"]))
    ]
    found: dict[str, Any] = {"conditions": conditions}
    found["observedGeneration"] = status.get("observedGeneration")
    for name in ("webhookPath", "lastAppliedRevision", "lastAttemptedRevision"):
        if name in status:
            found[name] = _constant(status[name])
    if "artifact" in status:
        found["artifact"] = {
            "revision": _constant(status["artifact"]["revision"]),
            "fields": sorted(status["artifact"]),
        }
    return found


def _constant(text: str) -> str:
    for pattern, name in _VOLATILE:
        text = re.sub(pattern, name, text)
    return text

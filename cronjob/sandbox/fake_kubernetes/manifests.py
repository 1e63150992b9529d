"""
Manifests: reading YAML, and the fields that the API server fills in.
"""

from __future__ import annotations

import base64
import json
import uuid
from typing import Any

import yaml

from cronjob.sandbox.fake_kubernetes.kinds import FLUX_GROUPS, Kind
from cronjob.sandbox.fake_kubernetes.schema import defaults

Manifest = dict[str, Any]
Fields = dict[str, Any]

NOT_SPEC = ("apiVersion", "kind", "metadata", "status")
BOOKKEEPING = ("resourceVersion", "managedFields")


class _Loader(yaml.SafeLoader):
    """A YAML loader like Kubernetes': timestamps are strings, as in JSON."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def manifests_from(text: str) -> list[Manifest]:
    """The objects in a YAML stream; empty documents are skipped, a List is unpacked."""
    manifests: list[Manifest] = []
    for document in yaml.load_all(text, Loader=_Loader):
        if document:
            manifests += document["items"] if document.get("kind") == "List" else [document]
    return manifests


def copy_of(manifest: Manifest) -> Manifest:
    """A deep copy, several times as fast as `copy.deepcopy`."""
    copied: Manifest = json.loads(json.dumps(manifest))
    return copied


def completed(kind: Kind, manifest: Manifest, old: Manifest | None, *, now: str) -> Manifest:
    """*manifest* with the fields that the server fills in, except for resourceVersion and managedFields."""
    new = copy_of(manifest)
    if kind.kind == "Secret":
        _complete_secret(new)
    if kind.kind == "Namespace":
        _complete_namespace(new)
    if kind.kind == "Lease":
        new["spec"] = new.get("spec") or {}
    if kind.is_custom:
        new["spec"] = defaults(kind, new) | (new.get("spec") or {})
        if kind.group in FLUX_GROUPS:
            new.setdefault("status", old["status"] if old else {"observedGeneration": -1})
        elif old and "status" in old:
            new.setdefault("status", old["status"])
    new["metadata"] = _metadata(kind, new, old)
    new["metadata"].setdefault("creationTimestamp", now)
    return new


def is_same(new: Manifest, old: Manifest) -> bool:
    """Whether two objects are equal except for bookkeeping; such a write changes nothing."""
    return _essence(new) == _essence(old)


def stamped(manifest: Manifest, resource_version: int, managed_fields: list[Fields]) -> Manifest:
    """*manifest* with its new resourceVersion and *managed_fields*."""
    metadata = manifest["metadata"] | {"resourceVersion": str(resource_version), "managedFields": managed_fields}
    return manifest | {"metadata": metadata}


def _essence(manifest: Manifest) -> Manifest:
    metadata = {name: value for name, value in manifest["metadata"].items() if name not in BOOKKEEPING}
    return manifest | {"metadata": metadata, "apiVersion": ""}


def _complete_secret(secret: Manifest) -> None:
    data = secret.get("data") or {}
    for key, text in (secret.pop("stringData", None) or {}).items():
        data[key] = base64.b64encode(str(text).encode()).decode()
    # A Secret without contents has no `data`.
    secret.pop("data", None)
    if data:
        secret["data"] = data
    secret.setdefault("type", "Opaque")


def _complete_namespace(namespace: Manifest) -> None:
    metadata = namespace["metadata"]
    metadata["labels"] = (metadata.get("labels") or {}) | {"kubernetes.io/metadata.name": metadata["name"]}
    namespace.setdefault("spec", {"finalizers": ["kubernetes"]})
    namespace.setdefault("status", {"phase": "Active"})


def _metadata(kind: Kind, new: Manifest, old: Manifest | None) -> Fields:
    metadata: Fields = {name: value for name, value in new["metadata"].items() if value is not None}
    known = old["metadata"] if old else {}
    metadata["uid"] = known.get("uid") or metadata.get("uid") or str(uuid.uuid4())
    if "creationTimestamp" in known:
        metadata["creationTimestamp"] = known["creationTimestamp"]
    if kind.is_custom:
        metadata["generation"] = _generation(new, old)
    if not kind.namespaced:
        metadata.pop("namespace", None)
    return metadata


def _generation(new: Manifest, old: Manifest | None) -> int:
    """The generation, which counts changes of the spec; status, labels and annotations do not count."""
    if old is None:
        return 1
    generation: int = old["metadata"]["generation"]
    return generation + (_spec_of(new) != _spec_of(old))


def _spec_of(manifest: Manifest) -> Fields:
    return {name: value for name, value in manifest.items() if name not in NOT_SPEC}

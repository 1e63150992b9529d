"""
Tables: the server decides which columns `kubectl get` shows.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from cronjob.sandbox.fake_kubernetes.kinds import Kind

Manifest = dict[str, Any]
Cell = Callable[[Manifest], object]


def wants_table(accept: str) -> bool:
    """Whether the first choice of an Accept header is a table."""
    return "as=Table" in accept.split(",", maxsplit=1)[0]


def table(kind: Kind, version: str, manifests: list[Manifest], *, metadata: Manifest) -> Manifest:
    """*manifests* as a Table: one row each, with the metadata for the columns that kubectl adds."""
    columns = _columns(kind, version)
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": [_definition(name) for name in columns],
        "rows": [_row(manifest, columns) for manifest in manifests],
    }


def _definition(name: str) -> Manifest:
    form = "name" if name == "Name" else ""
    return {"name": name, "type": "string", "format": form, "description": "", "priority": 0}


def _row(manifest: Manifest, columns: dict[str, Cell]) -> Manifest:
    partial = {
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": manifest["metadata"],
    }
    return {"cells": [cell(manifest) for cell in columns.values()], "object": partial}


def _columns(kind: Kind, version: str) -> dict[str, Cell]:
    columns: dict[str, Cell] = {"Name": lambda manifest: manifest["metadata"]["name"]}
    columns |= COLUMNS[kind.kind]
    # The oldest versions of Flux's sources name the age last.
    if version == "v1beta1" and kind.kind != "Receiver":
        columns["Age"] = columns.pop("Age", age)
    return columns


def _field_at(*path: str) -> Cell:
    def cell(manifest: Manifest) -> object:
        value: Any = manifest
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        return value

    return cell


def _ready(field: str) -> Cell:
    def cell(manifest: Manifest) -> object:
        conditions = (manifest.get("status") or {}).get("conditions") or []
        return next((each.get(field) for each in conditions if each.get("type") == "Ready"), None)

    return cell


def age(manifest: Manifest) -> str:
    """The age of the object in kubectl's format: 45s, 12m, 5h, 30d."""
    created = datetime.fromisoformat(manifest["metadata"]["creationTimestamp"])
    seconds = max(0, int((datetime.now(UTC) - created).total_seconds()))
    for unit, length, until in (("s", 1, 120), ("m", 60, 180), ("h", 3600, 48)):
        if seconds < length * until:
            return f"{seconds // length}{unit}"
    return f"{seconds // 86400}d"


def _involved(event: Manifest) -> str:
    involved = event.get("involvedObject") or {}
    return f"{str(involved.get('kind', '')).lower()}/{involved.get('name', '')}"


CONDITION: dict[str, Cell] = {"Age": age, "Ready": _ready("status"), "Status": _ready("message")}

COLUMNS: dict[str, dict[str, Cell]] = {
    "Namespace": {"Status": _field_at("status", "phase"), "Age": age},
    "Secret": {"Type": _field_at("type"), "Data": lambda secret: len(secret.get("data") or {}), "Age": age},
    "Lease": {"Holder": _field_at("spec", "holderIdentity"), "Age": age},
    "Event": {
        "Last Seen": age,
        "Type": _field_at("type"),
        "Reason": _field_at("reason"),
        "Object": _involved,
        "Message": _field_at("message"),
    },
    "GitRepository": {"URL": _field_at("spec", "url")} | CONDITION,
    "Receiver": CONDITION,
    "Kustomization": CONDITION,
    "ResourceSetInputProvider": CONDITION,
}

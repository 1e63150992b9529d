"""
`metadata.managedFields`: which manager set which fields, and when, as the API server records it.

The rules are those of k8s.io/apimachinery's managedfields for updates (Kubernetes 1.22 and newer):

- The fields that a write adds or changes belong to its manager from then on, and to no other.
- Removed fields belong to nobody.
- The time of a manager's entry is that of its last write that added or changed a field.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cronjob.sandbox.fake_kubernetes.kinds import BY_KIND, Kind

Manifest = dict[str, Any]
Path = tuple[str, ...]

# The server sets these fields itself.
_UNMANAGED = {
    *(("metadata", name) for name in ("name", "namespace", "uid", "resourceVersion", "generation")),
    ("metadata", "creationTimestamp"),
    ("metadata", "generateName"),
    ("metadata", "managedFields"),
    ("apiVersion",),
    ("kind",),
}
_MISSING = object()


@dataclass(frozen=True)
class Writer:
    """The field manager of a write, and the subresource that it goes through."""

    manager: str = "kubectl-client-side-apply"
    subresource: str = ""


# Writes the status that a test gives together with an object.
CONTROLLER = Writer("gotk-controller", "status")


def managed_fields(new: Manifest, old: Manifest | None, *, writer: Writer, time: str) -> list[Manifest]:
    """The managedFields of *new*, which *writer* writes at *time* in place of *old*."""
    kind = BY_KIND[new["kind"]]
    before, after = dict(_leaves(kind, old or {})), dict(_leaves(kind, new))
    changed = {path for path, value in after.items() if before.get(path, _MISSING) != value}
    if old is None and new.get("status") == {"observedGeneration": -1}:
        # The default of the CRD, which no manager has set.
        changed = {path for path in changed if path[0] != "status"}
    status = {path for path in changed if path[0] == "status"} if kind.is_custom else set()
    entries = _decoded(old)
    for entry in entries.values():
        entry.paths -= changed | (before.keys() - after.keys())
    api_version = str(new.get("apiVersion", "v1"))
    for manager, paths in ((writer, changed - status), (writer if writer.subresource else CONTROLLER, status)):
        if paths:
            entry = entries.setdefault((manager, api_version, "Update"), _Entry(set(), time))
            entry.paths |= paths
            entry.time = time
    return [_encoded(key, entry) for key, entry in entries.items() if entry.paths]


@dataclass
class _Entry:
    paths: set[Path]
    time: str


_Key = tuple[Writer, str, str]


def _decoded(manifest: Manifest | None) -> dict[_Key, _Entry]:
    entries = manifest["metadata"].get("managedFields") or [] if manifest else []
    return {
        (Writer(entry["manager"], entry.get("subresource", "")), entry["apiVersion"], entry["operation"]): _Entry(
            set(_paths_in(entry["fieldsV1"])), entry["time"]
        )
        for entry in entries
    }


def _encoded(key: _Key, entry: _Entry) -> Manifest:
    writer, api_version, operation = key
    encoded = {
        "manager": writer.manager,
        "operation": operation,
        "apiVersion": api_version,
        "time": entry.time,
        "fieldsType": "FieldsV1",
        "fieldsV1": _field_set(entry.paths),
    }
    return encoded | {"subresource": writer.subresource} if writer.subresource else encoded


def _leaves(kind: Kind, manifest: Manifest) -> Iterator[tuple[Path, object]]:
    """The managed fields of an object with their values. Lists are atomic; a map has an entry `.` for itself."""
    for name, value in manifest.items():
        if (name,) not in _UNMANAGED:
            yield from _leaves_of(kind, (name,), value)


def _leaves_of(kind: Kind, path: Path, value: object) -> Iterator[tuple[Path, object]]:
    if path in _UNMANAGED:
        return
    if not isinstance(value, dict) or not value:
        yield path, value
        return
    # The metadata of every kind is a struct, and so are spec and status of a built-in kind: they have no entry.
    if path != ("metadata",) and (kind.is_custom or path not in {("spec",), ("status",)}):
        yield (*path, "."), True
    for name, inner in value.items():
        yield from _leaves_of(kind, (*path, name), inner)


def _field_set(paths: set[Path]) -> Manifest:
    fields: Manifest = {}
    for path in sorted(paths):
        node = fields
        for name in path:
            node = node.setdefault("." if name == "." else f"f:{name}", {})
    return fields


def _paths_in(fields: Manifest, above: Path = ()) -> Iterator[Path]:
    for name, inner in fields.items():
        path = (*above, name.removeprefix("f:"))
        if inner:
            yield from _paths_in(inner, path)
        else:
            yield path

"""
The object store of the embedded Kubernetes, in the role of etcd.

Stored objects are never changed, only replaced, so lists and snapshots may share them.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from cronjob.sandbox.fake_kubernetes.kinds import BY_KIND, Kind
from cronjob.sandbox.fake_kubernetes.managed_fields import Writer, managed_fields
from cronjob.sandbox.fake_kubernetes.manifests import completed, is_same, stamped
from cronjob.sandbox.fake_kubernetes.pagination import Row, Snapshots

Manifest = dict[str, Any]
Key = tuple[str, str]


class KubernetesStore:
    """Objects by kind, namespace and name; hold the lock to read and then write."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.clock: Callable[[], float] = time.time
        self.resource_version = 1000
        self.snapshots = Snapshots()
        self._objects: dict[str, dict[Key, Manifest]] = defaultdict(dict)

    def now(self) -> str:
        """The current time in the API's format."""
        return datetime.fromtimestamp(self.clock(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def find(self, kind: Kind, namespace: str, name: str) -> Manifest | None:
        """The stored object itself, which must not be changed."""
        return self._objects[kind.kind].get(_key(kind, namespace, name))

    def rows(self, kind: Kind, namespace: str) -> list[Row]:
        """The stored objects of one *namespace*, or of all (""), in the order of namespace and name."""
        with self.lock:
            objects = self._objects[kind.kind]
            keys = sorted(key for key in objects if not namespace or key[0] == namespace)
            return [(key, objects[key]) for key in keys]

    def put(self, kind: Kind, manifest: Manifest, *, writer: Writer, dry_run: bool = False) -> Manifest:
        """Store *manifest*, which *writer* writes; without a change the old object and its resourceVersion stay."""
        key = _key(kind, manifest["metadata"].get("namespace", ""), manifest["metadata"]["name"])
        with self.lock:
            old = self._objects[kind.kind].get(key)
            new = completed(kind, manifest, old, now=self.now())
            if old is not None and is_same(new, old):
                return old
            fields = managed_fields(new, old, writer=writer, time=self.now())
            new = stamped(new, self.resource_version + 1, fields)
            if not dry_run:
                self.resource_version += 1
                self._objects[kind.kind][key] = new
            return new

    def set_managed_fields(self, kind: Kind, manifest: Manifest, fields: list[Manifest]) -> None:
        """Replace the managedFields of a stored object."""
        with self.lock:
            self.resource_version += 1
            metadata = manifest["metadata"]
            key = _key(kind, metadata.get("namespace", ""), metadata["name"])
            self._objects[kind.kind][key] = stamped(manifest, self.resource_version, fields)

    def remove(self, kind: Kind, namespace: str, name: str) -> Manifest | None:
        """Remove the object and return it; a namespace is removed with its objects."""
        with self.lock:
            gone = self._objects[kind.kind].pop(_key(kind, namespace, name), None)
            self.resource_version += gone is not None
            if gone is not None and kind.kind == "Namespace":
                self._empty(name)
            return gone

    def _empty(self, namespace: str) -> None:
        for kind in BY_KIND.values():
            for key in [key for key in self._objects[kind.kind] if key[0] == namespace]:
                del self._objects[kind.kind][key]


def _key(kind: Kind, namespace: str, name: str) -> Key:
    return (namespace if kind.namespaced else "", name)

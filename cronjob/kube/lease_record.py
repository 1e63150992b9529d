"""The record of a Lease in Kubernetes, with the fields of client-go's leader election, so that other tools read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cronjob.reports.timestamps import utc_text

CLUSTER = "flux-gitlab-syncer/cluster"
# The shard's index follows: each shard of those that hold a Lease together has such an annotation.
_SHARD_PREFIX = "flux-gitlab-syncer/shard-"
# In seconds. Nobody waits longer for a dead holder, whatever the object says.
_MAX_DURATION = 3600


@dataclass(frozen=True, slots=True)
class Holder:
    """
    The holder of a Lease: one run under its own name, or several shards together under *name*.

    A shard gives its index as *shard* and its own name as *run*. Of two runs with the same index the later one counts:
    it has waited for the earlier one at the Lease of that index.
    """

    name: str
    shard: str = ""
    run: str = ""

    @property
    def shards(self) -> dict[str, str]:
        """The shard's annotation; empty for a run that holds the Lease alone."""
        return {_SHARD_PREFIX + self.shard: self.run} if self.shard else {}


@dataclass(frozen=True, slots=True)
class LeaseRecord:
    """
    The content of one Lease; fields with a wrong type count as missing.

    *duration* is in seconds, None where the holder gives none.
    """

    metadata: Mapping[str, Any] = field(default_factory=dict, repr=False)
    spec: Mapping[str, Any] = field(default_factory=dict, repr=False)
    holder: str = ""
    duration: int | None = None
    acquired: str = ""
    renewed: str = ""
    transitions: int = 0

    @classmethod
    def of(cls, manifest: Mapping[str, Any]) -> LeaseRecord:
        """Read a Lease as the API server shows it."""
        metadata, spec = _mapping(manifest.get("metadata")), _mapping(manifest.get("spec"))
        duration = _number(spec.get("leaseDurationSeconds"))
        return cls(
            metadata,
            spec,
            _text(spec.get("holderIdentity")),
            min(duration, _MAX_DURATION) if duration else None,
            _text(spec.get("acquireTime")),
            _text(spec.get("renewTime")),
            _number(spec.get("leaseTransitions")),
        )

    @property
    def cluster(self) -> str:
        """The cluster's name as the first holder wrote it; empty where there is none."""
        return _text(_mapping(self.metadata.get("annotations")).get(CLUSTER))

    @property
    def liveness(self) -> tuple[str, str, int]:
        """The fields that change while the holder is alive; labels and annotations may change for other reasons."""
        return self.holder, self.renewed, self.transitions

    @property
    def shards(self) -> dict[str, str]:
        """The annotations of the shards that hold the Lease together."""
        annotations = _mapping(self.metadata.get("annotations"))
        return {key: _text(run) for key, run in annotations.items() if key.startswith(_SHARD_PREFIX)}

    def is_held_by(self, holder: Holder) -> bool:
        """Whether *holder* holds the Lease, alone or with other shards."""
        return self.holder == holder.name and holder.shards.items() <= self.shards.items()

    def successor_of(self, holder: Holder) -> str:
        """The name of the run that has replaced *holder*; empty where that still holds the Lease."""
        if self.holder != holder.name:
            return self.holder or "nobody"
        return next((run for key, run in holder.shards.items() if self.shards.get(key, run) != run), "")

    def manifest_for(self, holder: Holder, cluster: str, duration: int) -> dict[str, Any]:
        """The manifest in which *holder* holds the Lease from now on, alone or beside other shards."""
        now = _now()
        is_same = holder.name == self.holder
        return self._manifest(
            {CLUSTER: cluster, **(self.shards if is_same else {}), **holder.shards},
            {
                "holderIdentity": holder.name,
                "leaseDurationSeconds": duration,
                "acquireTime": (self.acquired or now) if is_same else now,
                "renewTime": now,
                "leaseTransitions": self.transitions + (not is_same),
            },
        )

    def manifest_without(self, holder: Holder) -> dict[str, Any]:
        """The manifest in which the other shards hold the Lease, or nobody where there are none."""
        others = {key: run for key, run in self.shards.items() if key not in holder.shards}
        annotations = {CLUSTER: self.cluster, **others}
        if others:
            return self._manifest(annotations, dict(self.spec))
        now = _now()
        times = {"acquireTime": now, "renewTime": now}
        transitions = {"leaseTransitions": self.transitions}
        return self._manifest(annotations, {"holderIdentity": "", "leaseDurationSeconds": 1, **times, **transitions})

    def _manifest(self, ours: dict[str, str], spec: dict[str, Any]) -> dict[str, Any]:
        annotations = _mapping(self.metadata.get("annotations"))
        foreign = {key: text for key, text in annotations.items() if not key.startswith(_SHARD_PREFIX)}
        metadata = {**self.metadata, "annotations": {**foreign, **ours}}
        # The server's own; some versions refuse a write that sends it back.
        metadata.pop("managedFields", None)
        return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}


def _now() -> str:
    """The time of now as Kubernetes' type MicroTime."""
    return utc_text(datetime.now(UTC), "microseconds")


def _mapping(raw: object) -> dict[str, Any]:
    return dict(raw) if isinstance(raw, Mapping) else {}


def _text(raw: object) -> str:
    return raw if isinstance(raw, str) else ""


def _number(raw: object) -> int:
    return raw if type(raw) is int and 0 < raw < 2**31 else 0

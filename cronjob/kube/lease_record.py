"""A Lease as it lies in Kubernetes, in the words of client-go's leader election, so that other tools understand it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cronjob.reports.timestamps import utc_text

CLUSTER = "flux-gitlab-syncer/cluster"
# And the shard's index: several runs that hold a Lease together have such an annotation each.
_PART = "flux-gitlab-syncer/shard-"
# Longer than this nobody is waited for, whatever stands in the object.
_LONGEST = 3600


@dataclass(frozen=True, slots=True)
class Holder:
    """
    Who holds a Lease: one run by its own name; or several together as *name*, of which this one is *run*, shard *part*.

    Of two runs with the same part the later one counts: it has waited for the earlier one elsewhere.
    """

    name: str
    part: str = ""
    run: str = ""

    @property
    def parts(self) -> dict[str, str]:
        """Its annotation, if it has one."""
        return {_PART + self.part: self.run} if self.part else {}


@dataclass(frozen=True, slots=True)
class Record:
    """
    What one Lease says; what is odd in it counts as missing.

    *duration* is in seconds, None where the holder does not say. *cluster* is whose Lease it is, "" where nobody said.
    """

    metadata: Mapping[str, Any] = field(default_factory=dict, repr=False)
    spec: Mapping[str, Any] = field(default_factory=dict, repr=False)
    holder: str = ""
    duration: int | None = None
    acquired: str = ""
    renewed: str = ""
    transitions: int = 0

    @classmethod
    def of(cls, manifest: Mapping[str, Any]) -> Record:
        """Read a Lease as the API server shows it."""
        metadata, spec = _mapping(manifest.get("metadata")), _mapping(manifest.get("spec"))
        duration = _number(spec.get("leaseDurationSeconds"))
        return cls(
            metadata,
            spec,
            _text(spec.get("holderIdentity")),
            min(duration, _LONGEST) if duration else None,
            _text(spec.get("acquireTime")),
            _text(spec.get("renewTime")),
            _number(spec.get("leaseTransitions")),
        )

    @property
    def cluster(self) -> str:
        """The cluster's name that the first holder wrote down."""
        return _text(_mapping(self.metadata.get("annotations")).get(CLUSTER))

    @property
    def pulse(self) -> tuple[str, str, int]:
        """What changes while its holder lives; labels and annotations may change for other reasons."""
        return self.holder, self.renewed, self.transitions

    @property
    def parts(self) -> dict[str, str]:
        """The annotations of those that hold it together."""
        notes = _mapping(self.metadata.get("annotations"))
        return {key: _text(run) for key, run in notes.items() if key.startswith(_PART)}

    def is_of(self, holder: Holder) -> bool:
        """Whether *holder* has it, alone or with others."""
        return self.holder == holder.name and holder.parts.items() <= self.parts.items()

    def successor_of(self, holder: Holder) -> str:
        """Who has it in the place of *holder*, which had it; empty where that has it still."""
        if self.holder != holder.name:
            return self.holder or "nobody"
        return next((run for key, run in holder.parts.items() if self.parts.get(key, run) != run), "")

    def held_by(self, holder: Holder, cluster: str, duration: int) -> dict[str, Any]:
        """The manifest that makes *holder* the holder from now on, keeps it that, or adds it to its like."""
        now = _now()
        same = holder.name == self.holder
        return self._manifest(
            {CLUSTER: cluster, **(self.parts if same else {}), **holder.parts},
            {
                "holderIdentity": holder.name,
                "leaseDurationSeconds": duration,
                "acquireTime": (self.acquired or now) if same else now,
                "renewTime": now,
                "leaseTransitions": self.transitions + (not same),
            },
        )

    def released_by(self, holder: Holder) -> dict[str, Any]:
        """The manifest that leaves those who hold it together with *holder*, and where there are none, nobody."""
        others = {key: run for key, run in self.parts.items() if key not in holder.parts}
        notes = {CLUSTER: self.cluster, **others}
        if others:
            return self._manifest(notes, dict(self.spec))
        now = _now()
        times = {"acquireTime": now, "renewTime": now}
        kept = {"leaseTransitions": self.transitions}
        return self._manifest(notes, {"holderIdentity": "", "leaseDurationSeconds": 1, **times, **kept})

    def _manifest(self, ours: dict[str, str], spec: dict[str, Any]) -> dict[str, Any]:
        notes = _mapping(self.metadata.get("annotations"))
        foreign = {key: note for key, note in notes.items() if not key.startswith(_PART)}
        metadata = {**self.metadata, "annotations": {**foreign, **ours}}
        # What the server keeps for itself, and takes offence at in some versions.
        metadata.pop("managedFields", None)
        return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}


def _now() -> str:
    """A MicroTime."""
    return utc_text(datetime.now(UTC), "microseconds")


def _mapping(raw: object) -> dict[str, Any]:
    return dict(raw) if isinstance(raw, Mapping) else {}


def _text(raw: object) -> str:
    return raw if isinstance(raw, str) else ""


def _number(raw: object) -> int:
    return raw if type(raw) is int and 0 < raw < 2**31 else 0

"""A Lease as it lies in Kubernetes, in the words of client-go's leader election, so that other tools understand it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

CLUSTER = "flux-gitlab-syncer/cluster"
# Longer than this nobody is waited for, whatever stands in the object.
_LONGEST = 3600


@dataclass(frozen=True, slots=True)
class Record:
    """
    What one Lease says; what is odd in it counts as missing.

    *duration* is in seconds, None where the holder does not say. *cluster* is whose Lease it is, "" where nobody said.
    """

    metadata: Mapping[str, Any] = field(default_factory=dict, repr=False)
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

    def held_by(self, holder: str, cluster: str, duration: int) -> dict[str, Any]:
        """The manifest that makes, or keeps, *holder* the holder from now on."""
        now = _now()
        same = holder == self.holder
        return self._manifest(
            cluster,
            {
                "holderIdentity": holder,
                "leaseDurationSeconds": duration,
                "acquireTime": (self.acquired or now) if same else now,
                "renewTime": now,
                "leaseTransitions": self.transitions + (not same),
            },
        )

    def released(self) -> dict[str, Any]:
        """The manifest that leaves nobody as the holder."""
        now = _now()
        times = {"acquireTime": now, "renewTime": now}
        kept = {"leaseTransitions": self.transitions}
        return self._manifest(self.cluster, {"holderIdentity": "", "leaseDurationSeconds": 1, **times, **kept})

    def _manifest(self, cluster: str, spec: dict[str, Any]) -> dict[str, Any]:
        annotations = {**_mapping(self.metadata.get("annotations")), CLUSTER: cluster}
        metadata = {**self.metadata, "annotations": annotations}
        # What the server keeps for itself, and takes offence at in some versions.
        metadata.pop("managedFields", None)
        return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}


def _now() -> str:
    """A MicroTime."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _mapping(raw: object) -> dict[str, Any]:
    return dict(raw) if isinstance(raw, Mapping) else {}


def _text(raw: object) -> str:
    return raw if isinstance(raw, str) else ""


def _number(raw: object) -> int:
    return raw if type(raw) is int and 0 < raw < 2**31 else 0

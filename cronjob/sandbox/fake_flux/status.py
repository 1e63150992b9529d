"""The status that Flux's controllers write after a reconciliation: conditions and observedGeneration."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cronjob.sandbox.fake_kubernetes.world import KubernetesWorld

Manifest = dict[str, Any]

PROGRESSING = "ProgressingWithRetry"


@dataclass(frozen=True)
class Verdict:
    """The result of a reconciliation; *stalled*: it is not retried before the spec changes."""

    reason: str
    message: str
    stalled: bool = False

    @property
    def succeeded(self) -> bool:
        """Whether the object is ready."""
        return self.reason in {"Succeeded", "Initialized", "ReconciliationSucceeded"}


@dataclass(frozen=True)
class Conditions:
    """
    What a controller sets beside Ready: the types of its own after *success* and *failure* ("" for none), and the
    message of Reconciling while it tries again ("" where it sets no Reconciling).
    """

    success: str = ""
    failure: str = ""
    progress: str = ""


def status_after(manifest: Manifest, verdict: Verdict, kinds: Conditions, now: str) -> Manifest:
    """
    The object's status after this *verdict*, at the time *now*; other fields do not change.

    observedGeneration is updated only if the controller will not retry.
    """
    status: Manifest = dict(manifest.get("status") or {})
    generation = manifest["metadata"]["generation"]
    if verdict.succeeded or verdict.stalled:
        status["observedGeneration"] = generation
    old = {each["type"]: each for each in status.get("conditions") or []}
    status["conditions"] = [
        _condition(old.get(condition["type"]), condition | {"observedGeneration": generation}, now)
        for condition in _conditions(verdict, kinds)
    ]
    return status


def _conditions(verdict: Verdict, kinds: Conditions) -> Iterator[Manifest]:
    same = {"status": "True", "reason": verdict.reason, "message": verdict.message}
    yield same | {"type": "Ready", "status": "True" if verdict.succeeded else "False"}
    if verdict.stalled:
        yield same | {"type": "Stalled"}
    elif not verdict.succeeded and kinds.progress:
        yield {"type": "Reconciling", "status": "True", "reason": PROGRESSING, "message": kinds.progress}
    if kind := kinds.success if verdict.succeeded else kinds.failure:
        yield same | {"type": kind}


def _condition(old: Manifest | None, new: Manifest, now: str) -> Manifest:
    """*new* with the time of its last transition, which does not change while its status does not."""
    if old is None or old["status"] != new["status"]:
        return new | {"lastTransitionTime": now}
    return new | {"lastTransitionTime": old.get("lastTransitionTime", now)}


def keep_status(world: KubernetesWorld, manifest: Manifest, status: Manifest) -> None:
    """Store the status."""
    metadata = manifest["metadata"]
    world.set_status(manifest["kind"], metadata["namespace"], metadata["name"], status)

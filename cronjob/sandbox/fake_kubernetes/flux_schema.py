"""
Validation of Flux's objects by the schemas of its CRDs; only the rules that an object of a user or a test can break.

Source: the CRDs of Flux 0.41, 2.6, 2.8 and 2.9; a release between them is treated like the next lower one. The
messages are those of a real API server (tests/sandbox/recorded).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cronjob.sandbox.fake_kubernetes.kinds import Kind

Manifest = dict[str, Any]
# Field and message.
Cause = tuple[str, str]
Release = tuple[int, int]

RESOURCE_KINDS = (
    *("Bucket", "GitRepository", "Kustomization", "HelmRelease", "HelmChart", "HelmRepository"),
    *("ImageRepository", "ImagePolicy", "ImageUpdateAutomation", "OCIRepository"),
)
RECEIVER_TYPES = (
    *("github", "gitlab", "bitbucket", "harbor", "dockerhub"),
    *("quay", "gcr", "nexus", "acr"),
)
CONDITION_FIELDS = ("lastTransitionTime", "message", "reason", "status", "type")
CONDITION_STATUSES = ["True", "False", "Unknown"]

# The Flux release from which on the schema of v1 has CEL rules.
RULES_SINCE: dict[str, Release] = {"GitRepository": (2, 8), "Kustomization": (2, 8), "Receiver": (2, 9)}

_URL = r"^(http|https|ssh)://.*$"
_DURATION = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$"
_REASON = r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$"

# The server does not evaluate the CEL rules of an object whose shape is wrong, and says so.
_INCOMPLETE = (
    "<nil>",
    (
        "Invalid value: null: some validation rules were not checked because the object was invalid; "
        "correct the existing errors to complete validation"
    ),
)


@dataclass(frozen=True)
class FluxSchema:
    """The CRDs of a cluster: those of a Flux release, and with *flux_operator* as Flux Operator installs them."""

    release: Release
    flux_operator: bool = False

    def causes(self, kind: Kind, version: str, manifest: Manifest, *, subresource: str) -> list[Cause]:
        """The errors of an object in the API *version*. Its status counts only in a write through /status."""
        if not kind.is_custom:
            return []
        fields = manifest.get("spec")
        spec = fields if isinstance(fields, dict) else {}
        conditions = _condition_causes(manifest.get("status")) if subresource == "status" else ()
        causes = [*self._spec_causes(kind, version, spec), *conditions]
        if version != "v1" or self.release < RULES_SINCE.get(kind.kind, (99, 0)):
            return causes
        if any(message.startswith(("Required", "Unsupported")) for _, message in causes):
            return [*causes, _INCOMPLETE]
        return causes or (list(_receiver_rules(spec)) if kind.kind == "Receiver" else [])

    def _spec_causes(self, kind: Kind, version: str, spec: Manifest) -> Iterator[Cause]:
        match kind.kind:
            case "GitRepository":
                yield from self._git_repository(version, spec)
            case "Receiver":
                yield from self._receiver(version, spec)
            case "Kustomization":
                yield from self._kustomization(version, spec)
            case "ResourceSetInputProvider":
                yield from _required(spec, "type")

    def _git_repository(self, version: str, spec: Manifest) -> Iterator[Cause]:
        yield from _required(spec, "interval", "url")
        yield from _matching(spec, "url", _URL)
        yield from _interval(version, spec)
        yield from _named(spec, "secretRef")
        if version == "v1":
            aws = ["aws"] if self.release >= (2, 9) else []
            yield from _one_of("spec.provider", spec.get("provider"), ["generic", *aws, "azure", "github"])

    def _receiver(self, version: str, spec: Manifest) -> Iterator[Cause]:
        secret = ("secretRef",) if (2, 0) <= self.release < (2, 9) else ()
        yield from _required(spec, "resources", *secret, "type")
        oidc = ["generic-oidc"] if self.release >= (2, 9) else []
        cdevents = ["cdevents"] if version == "v1" else []
        yield from _one_of(
            "spec.type", spec.get("type"), ["generic", "generic-hmac", *oidc, *RECEIVER_TYPES, *cdevents]
        )
        yield from _interval(version, spec)
        yield from _named(spec, "secretRef")
        for index, resource in _objects(spec.get("resources")):
            yield from self._resource(f"spec.resources[{index}]", resource)

    def _resource(self, path: str, resource: Manifest) -> Iterator[Cause]:
        artifacts = ["ArtifactGenerator", "ExternalArtifact"] if self.release >= (2, 8) else []
        providers = ["ResourceSetInputProvider"] if self.flux_operator else []
        yield from _required(resource, "kind", "name", path=path)
        yield from _one_of(f"{path}.kind", resource.get("kind"), [*RESOURCE_KINDS, *artifacts, *providers])
        for name in ("name", "namespace"):
            yield from _length(f"{path}.{name}", resource.get(name), 253)

    def _kustomization(self, version: str, spec: Manifest) -> Iterator[Cause]:
        yield from _required(spec, "interval", "prune", "sourceRef")
        yield from _interval(version, spec)
        yield from _length("spec.targetNamespace", spec.get("targetNamespace"), 63)
        source = spec.get("sourceRef")
        if isinstance(source, dict):
            oci = ["OCIRepository"] if version != "v1beta1" else []
            external = ["ExternalArtifact"] if self.release >= (2, 8) and version == "v1" else []
            yield from _required(source, "kind", "name", path="spec.sourceRef")
            yield from _one_of("spec.sourceRef.kind", source.get("kind"), [*oci, "GitRepository", "Bucket", *external])


def _condition_causes(status: object) -> Iterator[Cause]:
    """The errors in the conditions of a status: lastTransitionTime, message, reason, status and type are required."""
    conditions = status.get("conditions") if isinstance(status, dict) else None
    for index, condition in _objects(conditions):
        path = f"status.conditions[{index}]"
        yield from _required(condition, *CONDITION_FIELDS, path=path)
        yield from _one_of(f"{path}.status", condition.get("status"), CONDITION_STATUSES)
        yield from _matching(condition, "reason", _REASON, path=path)


def _receiver_rules(spec: Manifest) -> Iterator[Cause]:
    """The CEL rules of Receivers: those of type generic-oidc have providers instead of a Secret."""
    is_oidc, providers, has_secret = spec.get("type") == "generic-oidc", spec.get("oidcProviders"), "secretRef" in spec
    rules = {
        "generic-oidc receivers must define at least one oidcProvider": not is_oidc or providers,
        "oidcProviders can only be set when type is generic-oidc": is_oidc or not providers,
        "secretRef cannot be set when type is generic-oidc": not is_oidc or not has_secret,
        "secretRef is required when type is not generic-oidc": is_oidc or has_secret,
    }
    yield from (("spec", f"Invalid value: {message}") for message, holds in rules.items() if not holds)


def _objects(items: object) -> Iterator[tuple[int, Manifest]]:
    """The objects in a list, with their places. Values of other types are not checked here."""
    for index, item in enumerate(items if isinstance(items, list) else ()):
        if isinstance(item, dict):
            yield index, item


def _required(fields: Manifest, *names: str, path: str = "spec") -> Iterator[Cause]:
    yield from ((f"{path}.{name}", "Required value") for name in names if name not in fields)


def _interval(version: str, spec: Manifest) -> Iterator[Cause]:
    # The schemas of v1beta1 have no pattern for a duration.
    if version != "v1beta1":
        yield from _matching(spec, "interval", _DURATION)


def _named(spec: Manifest, name: str) -> Iterator[Cause]:
    """A reference to a Secret needs its name."""
    if isinstance(spec.get(name), dict):
        yield from _required(spec[name], "name", path=f"spec.{name}")


def _matching(fields: Manifest, name: str, pattern: str, *, path: str = "spec") -> Iterator[Cause]:
    value = fields.get(name)
    if isinstance(value, str) and not re.search(pattern, value):
        yield f"{path}.{name}", f"Invalid value: \"{value}\": {path}.{name} in body should match '{pattern}'"


def _one_of(path: str, value: object, allowed: list[str]) -> Iterator[Cause]:
    if value is not None and value not in allowed:
        values = ", ".join(f'"{each}"' for each in allowed)
        yield path, f'Unsupported value: "{value}": supported values: {values}'


def _length(path: str, value: object, longest: int) -> Iterator[Cause]:
    if isinstance(value, str) and not value:
        yield path, f'Invalid value: "": {path} in body should be at least 1 chars long'
    if isinstance(value, str) and len(value) > longest:
        yield path, f"Too long: may not be more than {longest} bytes"

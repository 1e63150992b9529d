"""What Flux's CustomResourceDefinitions refuse, in the words of the API server (tests/sandbox/recorded; Flux 2.9)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

Manifest = dict[str, Any]
# Pairs of field and complaint.
Causes = list[tuple[str, str]]

_REQUIRED = {
    "GitRepository": ("interval", "url"),
    "Receiver": ("resources", "type"),
    "Kustomization": ("interval", "prune", "sourceRef"),
}
_CONDITION = ("lastTransitionTime", "message", "reason", "status", "type")
_DURATION = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$"
_PATTERNS = {
    "GitRepository": {"url": "^(http|https|ssh)://.*$", "interval": _DURATION},
    "Receiver": {"interval": _DURATION},
    "Kustomization": {"interval": _DURATION},
}
_NOT_EMPTY = {"Kustomization": ("targetNamespace",)}
# The enumerations of v1; older versions of a kind know fewer values.
_PROVIDERS = ("generic", "aws", "azure", "github")
_RECEIVER_TYPES = (
    *("generic", "generic-hmac", "generic-oidc", "github", "gitlab", "bitbucket", "harbor"),
    *("dockerhub", "quay", "gcr", "nexus", "acr", "cdevents"),
)
_RESOURCES = (
    *("Bucket", "GitRepository", "Kustomization", "HelmRelease", "HelmChart", "HelmRepository", "ImageRepository"),
    *("ImagePolicy", "ImageUpdateAutomation", "OCIRepository", "ArtifactGenerator", "ExternalArtifact"),
)
_SOURCES = ("OCIRepository", "GitRepository", "Bucket", "ExternalArtifact")
# The server does not evaluate the CEL rules of an object whose shape is wrong, and says so.
_UNCHECKED = (
    "Invalid value: null: some validation rules were not checked because the object was invalid; "
    "correct the existing errors to complete validation"
)
_INCOMPLETE = ("<nil>", _UNCHECKED)


def spec_causes(kind: str, version: str, spec: object) -> Causes:
    """What is wrong with the *spec* of one of Flux's kinds."""
    fields = spec if isinstance(spec, dict) else {}
    missing = [(f"spec.{name}", "Required value") for name in _REQUIRED.get(kind, ()) if name not in fields]
    values = [*_pattern_causes(kind, fields), *_empty_causes(kind, fields)]
    if version != "v1":
        return missing + values
    wrong_shape = [*missing, *_enumeration_causes(kind, fields)]
    if wrong_shape:
        return [*wrong_shape, *values, _INCOMPLETE]
    return values or _rule_causes(kind, fields)


def condition_causes(status: object) -> Causes:
    """What is wrong with the conditions of a *status*."""
    conditions = (status.get("conditions") if isinstance(status, dict) else None) or []
    causes = [
        (f"status.conditions[{index}].{name}", "Required value")
        for index, condition in enumerate(conditions)
        for name in _CONDITION
        if name not in condition
    ]
    return [*causes, _INCOMPLETE] if causes else []


def _pattern_causes(kind: str, fields: Manifest) -> Iterator[tuple[str, str]]:
    for name, pattern in _PATTERNS.get(kind, {}).items():
        if name in fields and not re.match(pattern, str(fields[name])):
            wanted = f"spec.{name} in body should match '{pattern}'"
            yield f"spec.{name}", f'Invalid value: "{fields[name]}": {wanted}'


def _empty_causes(kind: str, fields: Manifest) -> Iterator[tuple[str, str]]:
    for name in _NOT_EMPTY.get(kind, ()):
        if fields.get(name) == "":
            yield f"spec.{name}", f'Invalid value: "": spec.{name} in body should be at least 1 chars long'


def _enumeration_causes(kind: str, fields: Manifest) -> Iterator[tuple[str, str]]:
    for path, value, allowed in _enumerated(kind, fields):
        if value is not None and value not in allowed:
            listed = ", ".join(f'"{one}"' for one in allowed)
            yield path, f'Unsupported value: "{value}": supported values: {listed}'


def _enumerated(kind: str, fields: Manifest) -> Iterator[tuple[str, object, tuple[str, ...]]]:
    """The path, the value and the allowed values of each enumerated field."""
    if kind == "GitRepository":
        yield "spec.provider", fields.get("provider"), _PROVIDERS
    elif kind == "Receiver":
        yield "spec.type", fields.get("type"), _RECEIVER_TYPES
        for index, resource in enumerate(fields.get("resources") or []):
            yield f"spec.resources[{index}].kind", resource.get("kind"), _RESOURCES
    elif kind == "Kustomization":
        yield "spec.sourceRef.kind", (fields.get("sourceRef") or {}).get("kind"), _SOURCES


def _rule_causes(kind: str, fields: Manifest) -> Causes:
    """The CEL rule of Receivers; the other rules are about providers that are not GitLab."""
    if kind != "Receiver" or fields["type"] == "generic-oidc" or "secretRef" in fields:
        return []
    return [("spec", "Invalid value: secretRef is required when type is not generic-oidc")]

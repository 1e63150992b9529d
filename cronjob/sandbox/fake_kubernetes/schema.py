"""
Schemas of the served versions: conversion of a stored object, and validation of a written one.
"""

from __future__ import annotations

from typing import Any

from cronjob.sandbox.fake_kubernetes.flux_schema import FluxSchema
from cronjob.sandbox.fake_kubernetes.kinds import Kind
from cronjob.sandbox.fake_kubernetes.paths import Target
from cronjob.sandbox.fake_kubernetes.status import StatusError, bad_request, invalid
from cronjob.sandbox.fake_kubernetes.validation import built_in_causes, name_causes

Manifest = dict[str, Any]

# The fields that a version lacks. Fields that no version has are not checked.
LACKS = {
    ("GitRepository", "v1"): ("spec.gitImplementation", "spec.accessFrom", "status.url"),
    ("GitRepository", "v1beta2"): ("spec.provider", "spec.proxySecretRef", "spec.sparseCheckout"),
    ("GitRepository", "v1beta1"): ("spec.provider", "spec.proxySecretRef", "spec.sparseCheckout"),
    ("Receiver", "v1"): ("status.url",),
    ("Receiver", "v1beta2"): ("spec.resourceFilter",),
    ("Receiver", "v1beta1"): ("spec.resourceFilter", "spec.interval", "status.webhookPath"),
}

DEFAULTS = {
    ("GitRepository", "v1"): {"timeout": "60s"},
    ("GitRepository", "v1beta2"): {"timeout": "60s", "gitImplementation": "go-git"},
    ("GitRepository", "v1beta1"): {"timeout": "60s", "gitImplementation": "go-git"},
    ("Receiver", "v1"): {"interval": "10m"},
}


def api_version(group: str, version: str) -> str:
    """The `apiVersion` of an object."""
    return f"{group}/{version}" if group else version


def defaults(kind: Kind, manifest: Manifest) -> dict[str, str]:
    """The defaults of the spec in the schema of *manifest*'s version."""
    version = str(manifest.get("apiVersion", "")).rpartition("/")[2]
    return DEFAULTS.get((kind.kind, version), {})


def shown(kind: Kind, version: str, manifest: Manifest) -> Manifest:
    """*manifest* converted to *version*; the stored object is not changed."""
    answer: Manifest = manifest | {"apiVersion": api_version(kind.group, version), "kind": kind.kind}
    if preset := DEFAULTS.get((kind.kind, version)):
        answer["spec"] = preset | (answer.get("spec") or {})
    for path in LACKS.get((kind.kind, version), ()):
        section, name = path.split(".")
        if name in (answer.get(section) or {}):
            answer[section] = {key: value for key, value in answer[section].items() if key != name}
    return answer


def checked(target: Target, manifest: object, flux: FluxSchema) -> Manifest:
    """*manifest*, if the API server would accept it; otherwise an error that names every invalid field."""
    kind, version = target.kind, target.version
    if not isinstance(manifest, dict) or not isinstance(manifest.get("metadata", {}), dict):
        raise bad_request("the body of the request is not an object")
    expected = (api_version(kind.group, version), kind.kind)
    if (manifest.get("apiVersion", expected[0]), manifest.get("kind", expected[1])) != expected:
        raise _wrong_version(expected, manifest)
    manifest |= {"apiVersion": expected[0], "kind": expected[1]}
    name = str(manifest.setdefault("metadata", {}).get("name", ""))
    built_in = built_in_causes(kind, manifest, target.namespace)
    custom = flux.causes(kind, version, manifest, subresource=target.subresource)
    if causes := [*name_causes(kind, name), *custom, *built_in]:
        raise invalid(kind, name, causes)
    return manifest


def _wrong_version(expected: tuple[str, str], manifest: Manifest) -> StatusError:
    given = f"{manifest.get('apiVersion')}, Kind={manifest.get('kind')}"
    wanted = f"{expected[0]}, Kind={expected[1]}"
    return bad_request(f"the object provided is unrecognized: {given} does not match {wanted}")

"""
Validation of names, Leases and Events, with the messages of Kubernetes 1.20; only the rules that matter here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from cronjob.sandbox.fake_kubernetes.kinds import Kind
from cronjob.sandbox.fake_kubernetes.status import bad_request

Manifest = dict[str, Any]
# Pairs of field and complaint.
Causes = list[tuple[str, str]]

_LABEL = "[a-z0-9]([a-z0-9-]*[a-z0-9])?"
_NAME = re.compile(rf"{_LABEL}(\.{_LABEL})*")
_SUBDOMAIN = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    r"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}")
# A MicroTime has exactly six digits after the second.
_MICRO_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)")


def name_causes(kind: Kind, name: str) -> Causes:
    """The errors of an object's name. Events may have any name."""
    if not name:
        return [("metadata.name", "Required value: name or generateName is required")]
    if kind.kind != "Event" and not _NAME.fullmatch(name):
        return [("metadata.name", f'Invalid value: "{name}": {_SUBDOMAIN}')]
    return []


def built_in_causes(kind: Kind, manifest: Manifest, namespace: str) -> Causes:
    """The errors of a Secret, Lease or Event in *namespace*; a value of another type is refused with 400."""
    if kind.kind == "Secret":
        _check_base64(manifest.get("data") or {})
    if kind.kind == "Event":
        return _event_causes(manifest, namespace)
    if kind.kind == "Lease":
        return _lease_causes(manifest.get("spec") or {})
    return []


def _event_causes(event: Manifest, namespace: str) -> Causes:
    """The errors of an Event: it must be in the namespace of the object that it is about."""
    involved = (event.get("involvedObject") or {}).get("namespace", "")
    if involved == namespace:
        return []
    return [("involvedObject.namespace", f'Invalid value: "{involved}": does not match event.namespace')]


def _lease_causes(spec: Manifest) -> Causes:
    for name in ("acquireTime", "renewTime"):
        _check_type(spec, name, lambda value: isinstance(value, str) and _MICRO_TIME.fullmatch(value))
    for name in ("leaseDurationSeconds", "leaseTransitions"):
        _check_type(spec, name, lambda value: type(value) is int)
    duration, transitions = spec.get("leaseDurationSeconds"), spec.get("leaseTransitions")
    causes = []
    if duration is not None and duration <= 0:
        causes.append(("spec.leaseDurationSeconds", f"Invalid value: {duration}: must be greater than 0"))
    if transitions is not None and transitions < 0:
        causes.append(("spec.leaseTransitions", f"Invalid value: {transitions}: must not be less than 0"))
    return causes


def _check_base64(data: Manifest) -> None:
    for value in data.values():
        good = _BASE64.match(value or "")
        end = good.end() if good else 0
        if value and (end < len(value) or len(value) % 4):
            what = f"illegal base64 data at input byte {end}"
            raise bad_request(f'Secret in version "v1" cannot be handled as a Secret: {what}')


def _check_type(spec: Manifest, name: str, fits: Callable[[Any], object]) -> None:
    if spec.get(name) is not None and not fits(spec[name]):
        raise bad_request(f'Lease in version "v1" cannot be handled as a Lease: {name} is {spec[name]!r}')

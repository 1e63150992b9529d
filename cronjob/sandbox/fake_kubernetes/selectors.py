"""
Label and field selectors, as `?labelSelector=` and `?fieldSelector=` write them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from cronjob.sandbox.fake_kubernetes.status import bad_request

Test = Callable[[dict[str, Any]], bool]

_KEY = r"[A-Za-z0-9]([A-Za-z0-9._/-]*[A-Za-z0-9])?"
_SET = re.compile(rf"(?P<key>{_KEY})\s+(?P<not>not)?in\s*\((?P<values>[^()]*)\)")
_EQUALITY = re.compile(rf"(?P<key>{_KEY})\s*(?P<operator>==|=|!=)\s*(?P<value>[A-Za-z0-9._-]*)")
_EXISTS = re.compile(rf"(?P<not>!)?\s*(?P<key>{_KEY})")
_COMMA_OUTSIDE_PARENTHESES = re.compile(r",(?![^(]*\))")

FIELDS = ("metadata.name", "metadata.namespace")

# The selectable fields of built-in kinds besides name and namespace.
FIELDS_OF_KIND = {
    "Event": (
        "involvedObject.kind",
        "involvedObject.name",
        "involvedObject.namespace",
        "involvedObject.uid",
        "reason",
    ),
    "Namespace": ("status.phase",),
    "Secret": ("type",),
}


def label_selector(text: str) -> Test:
    """A test of an object's labels; every requirement of *text* must hold."""
    tests = [_requirement(part.strip()) for part in _COMMA_OUTSIDE_PARENTHESES.split(text) if part.strip()]

    def holds(manifest: dict[str, Any]) -> bool:
        labels = manifest["metadata"].get("labels") or {}
        return all(test(labels) for test in tests)

    return holds


def field_selector(text: str, kind: str) -> Test:
    """A test of an object's fields; each *kind* has a few selectable fields, never those of a spec."""
    known = FIELDS + FIELDS_OF_KIND.get(kind, ())
    wanted: list[tuple[str, str, bool]] = []
    for part in filter(None, text.split(",")):
        match = re.fullmatch(r"([A-Za-z.]+)(==|=|!=)(.*)", part)
        if match is None:
            raise bad_request(f"invalid field selector: {part!r}")
        if match[1] not in known:
            raise bad_request(f"field label not supported: {match[1]}")
        wanted.append((match[1], match[3], match[2] != "!="))

    def holds(manifest: dict[str, Any]) -> bool:
        return all((_field(manifest, path) == value) is equal for path, value, equal in wanted)

    return holds


def _field(manifest: dict[str, Any], path: str) -> str:
    value: object = manifest
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return str(value or "")


def _requirement(part: str) -> Test:
    if match := _SET.fullmatch(part):
        values = {value.strip() for value in match["values"].split(",")}
        return _among(match["key"], values, wanted=match["not"] is None)
    if match := _EQUALITY.fullmatch(part):
        return _among(match["key"], {match["value"]}, wanted=match["operator"] != "!=")
    if match := _EXISTS.fullmatch(part):
        key, wanted = match["key"], match["not"] is None
        return lambda labels: (key in labels) is wanted
    raise bad_request(f"unable to parse requirement: {part!r}")


def _among(key: str, values: set[str], *, wanted: bool) -> Test:
    """`!=` and `notin` hold for objects without the label, too."""
    return lambda labels: (labels.get(key) in values) is wanted

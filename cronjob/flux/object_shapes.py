"""
Validation of Flux's objects: the decision may rely on the types of all fields that have a rule here.

A field of a wrong type is left out or replaced, and the object says so under `broken`. The object itself is never
dropped, since its deploy keys and webhooks would then look unwanted. An annotation or event that is not a string is
converted with `str()`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from reconcile.errors import MalformedAnswer

# kubectl keeps a copy of the whole object in this annotation.
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
# Half of a UTF-16 pair: JSON can spell it, and no encoding can write it.
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
# Not `?`, after which a URL would end.
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

# Takes a value, its place (the path of the object that holds it, and the field), and the complaints so far. None leaves
# the value out. The place becomes one text only for a complaint.
_Rule = Callable[[Any, str, str, list[str]], Any]


def flux_object_from(item: object) -> dict[str, Any]:
    """One object of Flux with checked fields. Raises MalformedAnswer where it has no name or no namespace."""
    metadata = item.get("metadata") if isinstance(item, dict) else None
    if not isinstance(item, dict) or not isinstance(metadata, dict):
        raise MalformedAnswer("an item of the list is not an object of Kubernetes")
    if not all(isinstance(metadata.get(key), str) and metadata[key] for key in ("name", "namespace")):
        raise MalformedAnswer("an item of the list has no name or no namespace")
    broken: list[str] = []
    checked: dict[str, Any] = {"metadata": _checked_fields(metadata, _METADATA, "metadata", broken)}
    for part, rules in (("spec", _SPEC), ("status", _STATUS)):
        raw = _object(item.get(part), part, "", broken)
        others = {key: value for key, value in raw.items() if key not in rules}
        checked[part] = others | _checked_fields(raw, rules, part, broken)
    return checked | ({"broken": broken[0]} if broken else {})


def _checked_fields(
    raw: Mapping[str, Any], rules: Mapping[str, _Rule], parent: str, broken: list[str]
) -> dict[str, Any]:
    """The fields that have a rule; null means absent, as it does to Kubernetes."""
    checked = {}
    for key, rule in rules.items():
        value = raw.get(key)
        if value is not None and (value := rule(value, parent, key, broken)) is not None:
            checked[key] = value
    return checked


def _path(parent: str, key: str) -> str:
    return f"{parent}.{key}" if key else parent


def _object(raw: Any, parent: str, key: str, broken: list[str]) -> dict[str, Any]:
    if raw is None or isinstance(raw, dict):
        return raw or {}
    broken.append(f"{_path(parent, key)} is no object")
    return {}


def _list(raw: Any, parent: str, key: str, broken: list[str]) -> list[Any]:
    if isinstance(raw, list):
        return raw
    broken.append(f"{_path(parent, key)} is no list")
    return []


def _encodable(text: str, parent: str, key: str, broken: list[str]) -> str:
    """The text without lone surrogates, which no encoding can write."""
    # Nearly every text is ASCII, which is quick to ask.
    if text.isascii() or not _LONE_SURROGATE.search(text):
        return text
    broken.append(f"{_path(parent, key)} holds half a character (a lone surrogate)")
    return _LONE_SURROGATE.sub(_REPLACEMENT, text)


def _text_or(default: str | None) -> _Rule:
    def rule(raw: Any, parent: str, key: str, broken: list[str]) -> str | None:
        if isinstance(raw, str):
            return _encodable(raw, parent, key, broken)
        broken.append(f"{_path(parent, key)} is no text")
        return default

    return rule


def _number(raw: Any, parent: str, key: str, broken: list[str]) -> int | None:
    if isinstance(raw, int) and not isinstance(raw, bool):
        return raw
    broken.append(f"{_path(parent, key)} is no whole number")
    return None


def _switch(raw: Any, parent: str, key: str, broken: list[str]) -> bool:
    """Anything but true and false counts as on where it is not empty."""
    if not isinstance(raw, bool):
        broken.append(f"{_path(parent, key)} is neither true nor false")
    return bool(raw)


def _as_text(raw: Any, parent: str, key: str, broken: list[str]) -> str:
    try:
        text = str(raw)
    except (RecursionError, ValueError):
        broken.append(f"{_path(parent, key)} holds a value that is nested too deeply or too long")
        return ""
    return _encodable(text, parent, key, broken)


def _labels(raw: Any, parent: str, key: str, broken: list[str]) -> dict[str, str]:
    found = _object(raw, parent, key, broken)
    texts = {name: value for name, value in found.items() if isinstance(value, str)}
    if len(texts) < len(found):
        broken.append(f"a value in {_path(parent, key)} is no text")

    def encodable(text: str) -> str:
        return _encodable(text, parent, key, broken)

    return {encodable(name): encodable(value) for name, value in texts.items()}


def _annotations(raw: Any, parent: str, key: str, broken: list[str]) -> dict[str, str]:
    return {
        _encodable(name, parent, key, broken): _as_text(value, parent, key, broken)
        for name, value in _object(raw, parent, key, broken).items()
        if name != _LAST_APPLIED
    }


def _secret_ref(raw: Any, parent: str, key: str, broken: list[str]) -> dict[str, str] | None:
    """An empty name is a complaint: what the Secret was for must not look as if it were no longer wanted."""
    name = raw.get("name") if isinstance(raw, dict) else None
    if isinstance(name, str) and name:
        return {"name": _encodable(name, parent, f"{key}.name", broken)}
    broken.append(f"{_path(parent, key)} is no object with a name")
    return None


def _events(raw: Any, parent: str, key: str, broken: list[str]) -> list[str]:
    return [_as_text(event, parent, key, broken) for event in _list(raw, parent, key, broken)]


def _entries(rules: Mapping[str, _Rule]) -> _Rule:
    """The rule for a list of objects with the fields of *rules*; an entry with a wrong field is left out."""

    def rule(raw: Any, parent: str, key: str, broken: list[str]) -> list[dict[str, Any]]:
        kept = []
        for number, entry in enumerate(_list(raw, parent, key, broken)):
            path = f"{parent}.{key}[{number}]"
            if not isinstance(entry, dict):
                broken.append(f"{path} is no object")
                continue
            complaints: list[str] = []
            checked = _checked_fields(entry, rules, path, complaints)
            if complaints:
                broken.append(complaints[0])
            else:
                kept.append(checked)
        return kept

    return rule


def _managed_fields(raw: Any, _parent: str, _key: str, _broken: list[str]) -> list[dict[str, Any]]:
    """
    The times of the field managers, and whether the spec is theirs; the rest can be larger than the object itself.

    An entry that cannot be read is left out: it makes a time unknown, and the object is not malformed.
    """
    entries = [entry for entry in raw if isinstance(entry, dict)] if isinstance(raw, list) else []
    return [
        {
            "time": entry.get("time"),
            "subresource": entry.get("subresource"),
            "fieldsV1": {"f:spec": {}} if "f:spec" in _dict(entry.get("fieldsV1")) else {},
        }
        for entry in entries
    ]


def _dict(raw: Any) -> dict[str, Any]:
    return raw if isinstance(raw, dict) else {}


_TEXT = _text_or(None)
_METADATA: Mapping[str, _Rule] = {
    "name": _TEXT,
    "namespace": _TEXT,
    "uid": _TEXT,
    "labels": _labels,
    "annotations": _annotations,
    "deletionTimestamp": _TEXT,
    "generation": _number,
    "managedFields": _managed_fields,
}
# Of GitRepositories and of Receivers; where both have a field, it is the same one.
_SPEC: Mapping[str, _Rule] = {
    "secretRef": _secret_ref,
    "url": _text_or(""),
    "provider": _text_or("generic"),
    "type": _text_or(""),
    "suspend": _switch,
    "events": _events,
    "resources": _entries(
        {**dict.fromkeys(("apiVersion", "kind", "namespace", "name"), _TEXT), "matchLabels": _labels}
    ),
}
_STATUS: Mapping[str, _Rule] = {
    "conditions": _entries(dict.fromkeys(("type", "status", "reason", "message"), _TEXT)),
    "webhookPath": _TEXT,
    "url": _TEXT,
    "observedGeneration": _number,
}

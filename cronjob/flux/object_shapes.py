"""
The shapes on which the decision may rely, for objects that Kubernetes has not checked.

What does not fit is left out or replaced, and the object says so under `broken`. It is never dropped itself, since
what belongs to it would then look unwanted. An annotation or event that `str()` makes a text of is no damage.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from typing import Any

# kubectl keeps the whole object in here once more.
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
# Half of a UTF-16 pair: JSON can spell it, and no encoding can write it.
_LONE = re.compile("[\ud800-\udfff]")
# Not `?`, after which a URL would end.
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

# Takes a value, where it stands (the object and its field), and the complaints so far; None leaves the value out. Where
# that is becomes one text only for a complaint.
_Rule = Callable[[Any, str, str, list[str]], Any]


def shaped(item: object) -> dict[str, Any] | None:
    """What a run needs of an object, or None where it is none of Kubernetes: without a name or a namespace."""
    metadata = item.get("metadata") if isinstance(item, dict) else None
    if not isinstance(item, dict) or not isinstance(metadata, dict):
        return None
    if not all(isinstance(metadata.get(key), str) and metadata[key] for key in ("name", "namespace")):
        return None
    broken: list[str] = []
    made: dict[str, Any] = {"metadata": _ruled(metadata, _METADATA, "metadata", broken)}
    for part, rules in (("spec", _SPEC), ("status", _STATUS)):
        raw = _object(item.get(part), part, "", broken)
        others = {key: value for key, value in raw.items() if key not in rules}
        made[part] = others | _ruled(raw, rules, part, broken)
    return made | ({"broken": broken[0]} if broken else {})


def share_names(item: Mapping[str, Any], names: dict[str, str]) -> None:
    """Let an object that is `shaped` have each name that another one had as the same text; *names* are all so far."""
    spec = item["spec"]
    for holder in (item["metadata"], spec.get("secretRef") or {}, *spec.get("resources", ())):
        if name := holder.get("name"):
            holder["name"] = names.setdefault(name, name)


def _ruled(raw: Mapping[str, Any], rules: Mapping[str, _Rule], where: str, broken: list[str]) -> dict[str, Any]:
    """The fields that have a rule; null means absent, as it does to Kubernetes."""
    made = {}
    for key, rule in rules.items():
        value = raw.get(key)
        if value is not None and (value := rule(value, where, key, broken)) is not None:
            made[key] = value
    return made


def _at(where: str, key: str) -> str:
    return f"{where}.{key}" if key else where


def _object(raw: Any, where: str, key: str, broken: list[str]) -> dict[str, Any]:
    if raw is None or isinstance(raw, dict):
        return raw or {}
    broken.append(f"{_at(where, key)} is no object")
    return {}


def _list(raw: Any, where: str, key: str, broken: list[str]) -> list[Any]:
    if isinstance(raw, list):
        return raw
    broken.append(f"{_at(where, key)} is no list")
    return []


def _whole(text: str, where: str, key: str, broken: list[str]) -> str:
    """The text as any encoding can write it."""
    # Nearly every text is ASCII, which a str knows of itself.
    if text.isascii() or not _LONE.search(text):
        return text
    broken.append(f"{_at(where, key)} holds half a character (a lone surrogate)")
    return _LONE.sub(_REPLACEMENT, text)


def _text_or(default: str | None) -> _Rule:
    def rule(raw: Any, where: str, key: str, broken: list[str]) -> str | None:
        if isinstance(raw, str):
            return _whole(raw, where, key, broken)
        broken.append(f"{_at(where, key)} is no text")
        return default

    return rule


def _number(raw: Any, where: str, key: str, broken: list[str]) -> int | None:
    if isinstance(raw, int) and not isinstance(raw, bool):
        return raw
    broken.append(f"{_at(where, key)} is no whole number")
    return None


def _switch(raw: Any, where: str, key: str, broken: list[str]) -> bool:
    """Anything but true and false counts as on where it is not empty."""
    if not isinstance(raw, bool):
        broken.append(f"{_at(where, key)} is neither true nor false")
    return bool(raw)


def _as_text(raw: Any, where: str, key: str, broken: list[str]) -> str:
    try:
        text = str(raw)
    except (RecursionError, ValueError):
        broken.append(f"{_at(where, key)} holds a value beyond all measure")
        return ""
    return _whole(text, where, key, broken)


def _labels(raw: Any, where: str, key: str, broken: list[str]) -> dict[str, str]:
    found = _object(raw, where, key, broken)
    texts = {name: value for name, value in found.items() if isinstance(value, str)}
    if len(texts) < len(found):
        broken.append(f"a value in {_at(where, key)} is no text")
    return {_whole(name, where, key, broken): _whole(value, where, key, broken) for name, value in texts.items()}


def _annotations(raw: Any, where: str, key: str, broken: list[str]) -> dict[str, str]:
    found = {name: value for name, value in _object(raw, where, key, broken).items() if name != _LAST_APPLIED}
    return {_whole(name, where, key, broken): _as_text(value, where, key, broken) for name, value in found.items()}


def _secret_ref(raw: Any, where: str, key: str, broken: list[str]) -> dict[str, str] | None:
    """An empty name is none: what the Secret was for must not look as if it were no longer wanted."""
    name = raw.get("name") if isinstance(raw, dict) else None
    if isinstance(name, str) and name:
        return {"name": _whole(name, where, f"{key}.name", broken)}
    broken.append(f"{_at(where, key)} is no object with a name")
    return None


def _events(raw: Any, where: str, key: str, broken: list[str]) -> list[str]:
    return [_as_text(event, where, key, broken) for event in _list(raw, where, key, broken)]


def _entries(rules: Mapping[str, _Rule]) -> _Rule:
    """A list of objects with the fields of *rules*; an entry with an odd one is left out."""

    def rule(raw: Any, where: str, key: str, broken: list[str]) -> list[dict[str, Any]]:
        kept = []
        for number, entry in enumerate(_list(raw, where, key, broken)):
            place = f"{where}.{key}[{number}]"
            odd: list[str] = []
            made = _ruled(entry, rules, place, odd) if isinstance(entry, dict) else None
            if made is None:
                broken.append(f"{place} is no object")
            elif odd:
                broken.append(odd[0])
            else:
                kept.append(made)
        return kept

    return rule


_TEXT = _text_or(None)


def _common(raw: Any, where: str, key: str, broken: list[str]) -> str | None:
    """A text that thousands of objects share, once for all of them."""
    text: str | None = _TEXT(raw, where, key, broken)
    return text and sys.intern(text)


_METADATA: Mapping[str, _Rule] = {
    "name": _TEXT,
    "namespace": _common,
    "uid": _TEXT,
    "labels": _labels,
    "annotations": _annotations,
    "deletionTimestamp": _TEXT,
    "generation": _number,
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
        {**dict.fromkeys(("apiVersion", "kind", "namespace"), _common), "name": _TEXT, "matchLabels": _labels}
    ),
}
_STATUS: Mapping[str, _Rule] = {
    "conditions": _entries(dict.fromkeys(("type", "status", "reason", "message"), _TEXT)),
    "webhookPath": _TEXT,
    "url": _TEXT,
    "observedGeneration": _number,
}

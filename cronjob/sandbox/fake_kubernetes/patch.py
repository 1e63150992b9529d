"""
The patches that PATCH takes: merge patches and JSON patches.
"""

from __future__ import annotations

from typing import Any

from cronjob.sandbox.fake_kubernetes.manifests import copy_of
from cronjob.sandbox.fake_kubernetes.status import StatusError, bad_request

JSON_PATCH = "application/json-patch+json"
# Custom resources accept no strategic merge patches; here they are handled as merge patches.
MERGING = ("application/merge-patch+json", "application/strategic-merge-patch+json")

Manifest = dict[str, Any]
# Inside of a document: a dict with its string keys, or a list with its numbers.
Node = Any
Key = Any


def patched(old: Manifest, patch: object, *, content_type: str) -> object:
    """A copy of *old* with *patch* applied, by the rules of its *content_type*."""
    if content_type in MERGING:
        return merged(old, patch)
    if content_type != JSON_PATCH:
        accepted = ", ".join((JSON_PATCH, *MERGING))
        raise StatusError(415, f"the body of the request was in an unknown format - accepted: {accepted}")
    if not isinstance(patch, list):
        raise bad_request("a JSON patch is a list of operations")
    new = copy_of(old)
    for operation in patch:
        _operate(new, operation)
    return new


def merged(old: object, patch: object) -> object:
    """
    *old* with a JSON merge patch applied (RFC 7396).

    Of a strategic patch, lists are replaced and directives (`$patch` ...) ignored.
    """
    if not isinstance(patch, dict):
        return patch
    result = dict(old) if isinstance(old, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        elif not key.startswith("$"):
            result[key] = merged(result.get(key), value)
    return result


def _operate(document: Manifest, operation: Manifest) -> None:
    """Apply one operation of a JSON patch (RFC 6902): add, remove, replace or test; move and copy are not supported."""
    try:
        *path, last = [part.replace("~1", "/").replace("~0", "~") for part in operation["path"].split("/")[1:]]
        parent: Node = document
        for part in path:
            parent = parent[_index(parent, part)]
        OPERATIONS[operation["op"]](parent, _index(parent, last), operation.get("value"))
    except (KeyError, IndexError, TypeError, ValueError, AttributeError):
        raise StatusError(422, f"the server rejected our request due to an error in {operation!r}") from None


def _index(parent: object, part: str) -> Key:
    if not isinstance(parent, list):
        return part
    return len(parent) if part == "-" else int(part)


def _add(parent: Node, key: Key, value: object) -> None:
    if isinstance(parent, list):
        parent.insert(key, value)
    else:
        parent[key] = value


def _remove(parent: Node, key: Key, _value: object) -> None:
    del parent[key]


def _replace(parent: Node, key: Key, value: object) -> None:
    parent[key]
    parent[key] = value


def _test(parent: Node, key: Key, value: object) -> None:
    if parent[key] != value:
        raise ValueError(value)


OPERATIONS = {"add": _add, "remove": _remove, "replace": _replace, "test": _test}

"""
Reads: GET of one object, of a list, or of a chunk of a list.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cronjob.sandbox.fake_kubernetes.pagination import Page, Row
from cronjob.sandbox.fake_kubernetes.paths import Target
from cronjob.sandbox.fake_kubernetes.schema import api_version, shown
from cronjob.sandbox.fake_kubernetes.selectors import field_selector, label_selector
from cronjob.sandbox.fake_kubernetes.status import StatusError, bad_request, not_found
from cronjob.sandbox.fake_kubernetes.table import table, wants_table
from cronjob.sandbox.fake_kubernetes.world import KubernetesWorld

Answer = dict[str, Any]
Query = Mapping[str, str]


def read(world: KubernetesWorld, target: Target, query: Query, *, accept: str) -> Answer:
    """The object or list that *target* names, as a table where *accept* asks for one."""
    if target.name:
        return read_object(world, target, accept=accept)
    return read_list(world, target, query, accept=accept)


def read_object(world: KubernetesWorld, target: Target, *, accept: str) -> Answer:
    """One object in the requested version."""
    found = world.store.find(target.kind, target.namespace, target.name)
    if found is None:
        raise not_found(target.kind, target.name)
    answer = shown(target.kind, target.version, found)
    if wants_table(accept):
        return table(target.kind, target.version, [answer], metadata={})
    return answer


def read_list(world: KubernetesWorld, target: Target, query: Query, *, accept: str) -> Answer:
    """A list or one chunk of it. A namespace that does not exist has an empty list, as in a real cluster."""
    if query.get("watch") in {"true", "1"}:
        raise StatusError(405, "this server has no watches")
    page = _page(world, target, query)
    items = [shown(target.kind, target.version, manifest) for manifest in page.items]
    metadata = _list_metadata(page, selected="labelSelector" in query or "fieldSelector" in query)
    if target.kind.is_custom:
        # Custom resources have this field in the last chunk, too; built-in kinds do not.
        metadata.setdefault("continue", "")
    if wants_table(accept):
        return table(target.kind, target.version, items, metadata=metadata)
    if not target.kind.is_custom:
        items = [{key: item[key] for key in item if key not in {"apiVersion", "kind"}} for item in items]
    version = api_version(target.kind.group, target.version)
    return {"apiVersion": version, "items": items, "kind": f"{target.kind.kind}List", "metadata": metadata}


def _page(world: KubernetesWorld, target: Target, query: Query) -> Page:
    limit = _limit(query)
    with world.store.lock:
        if not query.get("continue"):
            return world.store.snapshots.first(
                _selected(world, target, query), world.store.resource_version, limit=limit
            )
        page = world.store.snapshots.following(query["continue"], limit=limit)
        if isinstance(page, Page):
            return page
        rest = [row for row in _selected(world, target, query) if row[0] >= page]
        return world.store.snapshots.first(rest, world.store.resource_version, limit=limit)


def _selected(world: KubernetesWorld, target: Target, query: Query) -> list[Row]:
    rows = world.store.rows(target.kind, target.namespace)
    if labels := query.get("labelSelector"):
        holds = label_selector(labels)
        rows = [row for row in rows if holds(row[1])]
    if fields := query.get("fieldSelector"):
        holds = field_selector(fields, target.kind.kind)
        rows = [row for row in rows if holds(row[1])]
    return rows


def _limit(query: Query) -> int:
    text = query.get("limit") or "0"
    if not text.isdecimal():
        raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax')
    return int(text)


def _list_metadata(page: Page, *, selected: bool) -> Answer:
    metadata: Answer = {"resourceVersion": str(page.resource_version)}
    if page.token:
        metadata["continue"] = page.token
        # The server does not count the rest of a list with a selector.
        if not selected:
            metadata["remainingItemCount"] = page.remaining
    return metadata

"""
Writes: POST, PUT, PATCH and DELETE.
"""

from __future__ import annotations

import json
import secrets
from typing import Any

from aiohttp import web

from cronjob.sandbox.fake_kubernetes.managed_fields import Writer
from cronjob.sandbox.fake_kubernetes.patch import patched
from cronjob.sandbox.fake_kubernetes.paths import Target
from cronjob.sandbox.fake_kubernetes.schema import checked, shown
from cronjob.sandbox.fake_kubernetes.status import (
    StatusError,
    already_exists,
    bad_request,
    conflict,
    forbidden,
    not_found,
    other_uid,
    success,
    without_version,
)
from cronjob.sandbox.fake_kubernetes.world import KubernetesWorld

Manifest = dict[str, Any]


def write(world: KubernetesWorld, target: Target, request: web.Request, body: str) -> tuple[int, Manifest]:
    """Carry out a write atomically and return the status and body of the answer."""
    dry_run = request.query.get("dryRun") == "All"
    with world.store.lock:
        if request.method == "DELETE":
            return 200, _delete(world, target, dry_run=dry_run)
        given = _parsed(body)
        if request.method == "POST":
            manifest = _new(world, target, given)
        elif request.method == "PUT":
            manifest = _replacement(world, target, given)
        else:
            manifest = _patched(world, target, given, content_type=request.content_type)
        writer = Writer(_field_manager(request), target.subresource)
        stored = world.store.put(target.kind, manifest, writer=writer, dry_run=dry_run)
        return 201 if request.method == "POST" else 200, shown(target.kind, target.version, stored)


def _field_manager(request: web.Request) -> str:
    """The field manager: as the request says, or the first part of its User-Agent."""
    return request.query.get("fieldManager") or request.headers.get("User-Agent", "").partition("/")[0] or "unknown"


def _parsed(body: str) -> object:
    try:
        return json.loads(body)
    except ValueError:
        raise bad_request("the body of the request is not JSON") from None


def _existing(world: KubernetesWorld, target: Target) -> Manifest:
    found = world.store.find(target.kind, target.namespace, target.name)
    if found is None:
        raise not_found(target.kind, target.name)
    return found


def _delete(world: KubernetesWorld, target: Target, *, dry_run: bool) -> Manifest:
    found = _existing(world, target)
    if not dry_run:
        world.store.remove(target.kind, target.namespace, target.name)
    return success(target.kind, found)


def _new(world: KubernetesWorld, target: Target, given: object) -> Manifest:
    if isinstance(given, dict) and isinstance(given.get("metadata"), dict):
        metadata = given["metadata"]
        if prefix := metadata.get("generateName"):
            metadata.setdefault("name", prefix + secrets.token_hex(3)[:5])
    manifest = _placed(target, checked(target, given, world.flux_schema))
    name = manifest["metadata"]["name"]
    if target.kind.namespaced:
        _check_namespace(world, target, name)
    if world.store.find(target.kind, target.namespace, name) is not None:
        raise already_exists(target.kind, name)
    if target.kind.has_status:
        manifest.pop("status", None)
    return manifest


def _check_namespace(world: KubernetesWorld, target: Target, name: str) -> None:
    namespace = world.get("Namespace", None, target.namespace)
    if namespace is None:
        raise StatusError(
            404,
            f'namespaces "{target.namespace}" not found',
            details={"name": target.namespace, "kind": "namespaces"},
        )
    if namespace["status"]["phase"] == "Terminating":
        why = f"unable to create new content in namespace {target.namespace} because it is being terminated"
        raise forbidden(target.kind, name, why)


def _replacement(world: KubernetesWorld, target: Target, given: object) -> Manifest:
    manifest = _named(target, _placed(target, checked(target, given, world.flux_schema)))
    metadata = manifest["metadata"]
    found = world.store.find(target.kind, target.namespace, target.name)
    uid = found["metadata"]["uid"] if found else ""
    if metadata.get("uid") not in {None, uid}:
        raise other_uid(target.kind, target.name, metadata["uid"], uid)
    old = _existing(world, target)
    if target.kind.is_guarded and not metadata.get("resourceVersion"):
        raise without_version(target.kind, target.name)
    return _next(target, old, manifest)


def _patched(world: KubernetesWorld, target: Target, given: object, *, content_type: str) -> Manifest:
    old = _existing(world, target)
    new = patched(shown(target.kind, target.version, old), given, content_type=content_type)
    manifest = _named(target, checked(target, new, world.flux_schema))
    return _next(target, old, manifest)


def _next(target: Target, old: Manifest, manifest: Manifest) -> Manifest:
    """The new object: through /status only the status changes, otherwise everything else."""
    metadata = manifest["metadata"]
    based_on = metadata.get("resourceVersion")
    if based_on and based_on != old["metadata"]["resourceVersion"]:
        raise conflict(target.kind, target.name)
    if target.subresource == "status":
        return old | {"status": manifest.get("status")}
    if target.kind.has_status:
        return manifest | ({"status": old["status"]} if "status" in old else {})
    return manifest


def _named(target: Target, manifest: Manifest) -> Manifest:
    """*manifest*, if its name is the one in the URL; otherwise 400."""
    name = manifest["metadata"]["name"]
    if name != target.name:
        raise bad_request(f"the name of the object ({name}) does not match the name on the URL ({target.name})")
    return manifest


def _placed(target: Target, manifest: Manifest) -> Manifest:
    """*manifest* with the namespace of the URL; another namespace in it is refused with 400."""
    metadata = manifest["metadata"]
    if not target.kind.namespaced:
        return manifest
    if metadata.setdefault("namespace", target.namespace) != target.namespace:
        raise bad_request(
            f"the namespace of the object ({metadata['namespace']}) does not match "
            f"the namespace on the request ({target.namespace})"
        )
    return manifest

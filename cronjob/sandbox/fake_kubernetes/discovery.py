"""
API discovery: groups, versions, resources, and the part of OpenAPI that kubectl needs.
"""

from __future__ import annotations

from typing import Any

from cronjob.sandbox.fake_kubernetes.kinds import KINDS, Kind
from cronjob.sandbox.fake_kubernetes.schema import api_version

Answer = dict[str, Any]
Served = dict[str, list[str]]

VERSION = {
    "major": "1",
    "minor": "32",
    "gitVersion": "v1.32.0+sandbox",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "2024-12-11T00:00:00Z",
    "goVersion": "",
    "compiler": "",
    "platform": "linux/amd64",
}
WRITING = ("post", "put", "patch")


def discovery(path: str, served: Served) -> Answer | None:
    """The answer to a discovery request; None if *path* is none."""
    match [part for part in path.split("/") if part]:
        case ["version"]:
            return VERSION
        case ["api", *rest]:
            return _core(rest, served)
        case ["apis", *rest]:
            return _groups(rest, served)
        case ["openapi", "v3", *rest]:
            return _openapi("/".join(rest), served)
    return None


def _core(rest: list[str], served: Served) -> Answer | None:
    match rest:
        case []:
            return {"kind": "APIVersions", "versions": served.get("", []), "serverAddressByClientCIDRs": []}
        case [version] if version in served.get("", ()):
            return _resources("", version)
    return None


def _groups(rest: list[str], served: Served) -> Answer | None:
    match rest:
        case []:
            groups = [_group(group, versions) for group, versions in served.items() if group and versions]
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
        case [group] if served.get(group):
            return {"kind": "APIGroup", "apiVersion": "v1"} | _group(group, served[group])
        case [group, version] if version in served.get(group, ()):
            return _resources(group, version)
    return None


def _group(group: str, versions: list[str]) -> Answer:
    listed = [{"groupVersion": f"{group}/{version}", "version": version} for version in versions]
    return {"name": group, "versions": listed, "preferredVersion": listed[0]}


def _resources(group: str, version: str) -> Answer:
    resources = [entry for kind in KINDS if kind.group == group for entry in _entries(kind)]
    listed = {"groupVersion": api_version(group, version), "resources": resources}
    return {"kind": "APIResourceList", "apiVersion": "v1"} | listed


def _entries(kind: Kind) -> list[Answer]:
    entry: Answer = {
        "name": kind.plural,
        "singularName": kind.singular,
        "namespaced": kind.namespaced,
        "kind": kind.kind,
        "verbs": list(kind.verbs),
    }
    if not kind.has_status:
        return [entry | _nicknames(kind)]
    status = entry | {
        "name": f"{kind.plural}/status",
        "singularName": "",
        "verbs": ["get", "patch", "update"],
    }
    return [entry | _nicknames(kind), status]


def _nicknames(kind: Kind) -> Answer:
    names = {"shortNames": list(kind.short_names), "categories": list(kind.categories)}
    return {key: value for key, value in names.items() if value}


def _openapi(name: str, served: Served) -> Answer | None:
    """
    The OpenAPI index, or the document of one group version.

    kubectl create and apply read here whether the server validates fields itself; without these pages they need
    `--validate=false`.
    """
    names = {_prefix(group, version): (group, version) for group in served for version in served[group]}
    if not name:
        return {"paths": {listed: {"serverRelativeURL": f"/openapi/v3/{listed}"} for listed in names}}
    if name not in names:
        return None
    group, version = names[name]
    paths = {f"/{name}/{kind.plural}/{{name}}": _operations(kind, version) for kind in KINDS if kind.group == group}
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": VERSION["gitVersion"]},
        "paths": paths,
    }


def _prefix(group: str, version: str) -> str:
    return f"apis/{group}/{version}" if group else f"api/{version}"


def _operations(kind: Kind, version: str) -> Answer:
    operation = {
        "x-kubernetes-group-version-kind": {"group": kind.group, "version": version, "kind": kind.kind},
        "parameters": [{"name": "fieldValidation", "in": "query"}, {"name": "dryRun", "in": "query"}],
        "responses": {},
    }
    return dict.fromkeys(WRITING, operation)

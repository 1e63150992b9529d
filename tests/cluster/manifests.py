"""The manifests as plain objects, and as kustomize builds them where a kubectl that can is at hand."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "cronjob" / "manifests"
COMPONENTS = sorted(path.name for path in (FOLDER / "components").iterdir())
Manifest = dict[str, Any]
# What a tenant's Kustomization must not say, since it could reach beyond its namespace, and what it is told.
BEYOND: list[tuple[dict[str, Any], str]] = [
    ({"serviceAccountName": None}, "spec.serviceAccountName is missing"),
    ({"serviceAccountName": ""}, "spec.serviceAccountName is missing"),
    ({"targetNamespace": None}, "spec.targetNamespace must be"),
    ({"targetNamespace": "kube-system"}, "spec.targetNamespace must be"),
    ({"targetNamespace": ""}, "spec.targetNamespace must be"),
    ({"kubeConfig": {"secretRef": {"name": "another"}}}, "spec.kubeConfig is not"),
]


def objects(folder: str) -> list[Manifest]:
    """Everything in the files of a folder that is meant for a cluster."""
    return [one for path in sorted((FOLDER / folder).glob("*.yaml")) for one in loaded(path) if is_object(one)]


def loaded(path: Path) -> list[Manifest]:
    """All documents of a file."""
    return [one for one in yaml.safe_load_all(path.read_text(encoding="utf-8")) if one]


def is_object(one: Manifest) -> bool:
    return not one["apiVersion"].startswith("kustomize.config.k8s.io/")


def of_kind(kind: str, *folders: str) -> dict[str, Manifest]:
    """The objects of one kind, by name; of all folders if none is named."""
    found = [one for folder in folders or FOLDERS for one in objects(folder) if one["kind"] == kind]
    return {one["metadata"]["name"]: one for one in found}


FOLDERS = [
    "base",
    *(f"components/{name}" for name in COMPONENTS),
    *(f"examples/{path.name}" for path in sorted((FOLDER / "examples").iterdir())),
]


def variables() -> Iterator[tuple[str, str, str]]:
    """Where a variable of the program's is set, its name and its value, patches included."""
    for path in sorted(FOLDER.rglob("*.yaml")):
        for one in loaded(path):
            for text in ([one], *_patches(one)):
                yield from ((f"{path.relative_to(FOLDER)}", name, value) for name, value in _set_in(text))


def _patches(one: Manifest) -> Iterator[Any]:
    for patch in [*one.get("patches", []), *(one.get("spec") or {}).get("patches", [])]:
        yield yaml.safe_load(patch["patch"])


def _set_in(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        if str(value.get("name", "")).startswith("SYNCER_") and "value" in value:
            yield value["name"], value["value"]
        if "/data/SYNCER_" in str(value.get("path", "")):
            yield value["path"].rpartition("/")[2], value["value"]
        for key, inner in value.items():
            if str(key).startswith("SYNCER_"):
                yield key, inner
            yield from _set_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _set_in(inner)


def can_build() -> bool:
    """Whether there is a kubectl whose kustomize knows components and `labels` (kubectl 1.27 or newer)."""
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        return False
    done = subprocess.run([kubectl, "version", "--client", "-o", "json"], capture_output=True, text=True, check=False)
    try:
        version = json.loads(done.stdout)["clientVersion"]
        return (int(version["major"]), int(version["minor"].rstrip("+"))) >= (1, 27)
    except (ValueError, KeyError):
        return False

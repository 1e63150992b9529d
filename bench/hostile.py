"""A namespace whose objects ask for as much work as they can, beside the honest tenants."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cronjob.sandbox.samples import CLUSTER, GROUP, NAMESPACE, Sandbox
from tests.worlds.key_samples import openssh, string

HOSTILE = "hostile"
_RECEIVERS, _NAMES = 20, 4000
_DEAR_KEYS = 200
_ABSENT = 1500
_LARGE, _BYTES = 250, 500_000
_TENANCY = [
    {"namespace": NAMESPACE, "projects": f"{GROUP}/{CLUSTER}/**"},
    {"namespace": HOSTILE, "projects": f"{GROUP}/{HOSTILE}/**"},
]


def settings_file(folder: Path) -> Path:
    """Write the settings of a run that reads both namespaces; JSON is YAML."""
    file = folder / "settings.yaml"
    file.write_text(json.dumps({"namespace": [NAMESPACE, HOSTILE], "tenancy": _TENANCY}), encoding="utf-8")
    return file


def add_hostile_namespace(sandbox: Sandbox) -> None:
    """Add Receivers with thousands of wrong names, costly keys, paths that do not exist, and large objects."""
    sandbox.kubernetes.add_namespace(HOSTILE)
    sandbox.gitlab.add_group(f"{GROUP}/{HOSTILE}")
    sandbox.gitlab.add_project(f"{GROUP}/{HOSTILE}/app")
    names = [{"kind": "GitRepository", "name": f"tenant-{number:05}-of-somebody"} for number in range(_NAMES)]
    for number in range(_RECEIVERS):
        spec = {"type": "gitlab", "secretRef": {"name": "missing"}, "resources": names}
        _apply(sandbox, "notification.toolkit.fluxcd.io/v1", "Receiver", f"loud-{number}", {"spec": spec})
    dear = openssh(string(b"ssh-ed25519") + string(bytes(32)), rounds=128).decode()
    for number in range(_DEAR_KEYS):
        _apply(sandbox, "v1", "Secret", f"dear-{number}", {"stringData": {"identity": dear, "password": "x"}})
        _add_repository(sandbox, f"dear-{number}", "app", {"secretRef": {"name": f"dear-{number}"}})
    for number in range(_ABSENT):
        _add_repository(sandbox, f"absent-{number}", f"absent-{number}", {})
    for number in range(_LARGE):
        _add_repository(sandbox, f"large-{number}", "app", {}, {"annotations": {"large": "x" * _BYTES}})


def _add_repository(
    sandbox: Sandbox, name: str, path: str, spec: Mapping[str, Any], metadata: Mapping[str, Any] | None = None
) -> None:
    url = f"ssh://git@code.vt.edu/{GROUP}/{HOSTILE}/{path}.git"
    parts = {"metadata": metadata or {}, "spec": {"interval": "5m", "url": url, **spec}}
    _apply(sandbox, "source.toolkit.fluxcd.io/v1", "GitRepository", name, parts)


def _apply(sandbox: Sandbox, version: str, kind: str, name: str, parts: Mapping[str, Any]) -> None:
    metadata = {"name": name, "namespace": HOSTILE, **parts.get("metadata", {})}
    sandbox.kubernetes.apply({**parts, "apiVersion": version, "kind": kind, "metadata": metadata})

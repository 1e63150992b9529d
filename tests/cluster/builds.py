"""What kustomize makes of the base and its components."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import yaml

from tests.cluster.manifests import FOLDER, Manifest

NAMESPACE = "tenant-config"
IMAGE = "registry.test/syncer@sha256:" + "0" * 64


def kubectl(*arguments: str, stdin: str = "") -> str:
    """What it prints; it must succeed."""
    done = subprocess.run(
        [shutil.which("kubectl") or "", *arguments], input=stdin, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def built(folder: Path, *components: str, namespace: str = NAMESPACE) -> dict[tuple[str, str], Manifest]:
    """The objects, by kind and name, as Flux would build them for a namespace."""
    manifests = os.path.relpath(FOLDER, folder)
    kustomization = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": namespace,
        "resources": [f"{manifests}/base"],
        "components": [f"{manifests}/components/{name}" for name in components],
        "images": [
            {"name": "flux-gitlab-syncer", "newName": IMAGE.partition("@")[0], "digest": IMAGE.partition("@")[2]}
        ],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    text = kubectl("kustomize", str(folder), "--load-restrictor", "LoadRestrictionsNone")
    return {(one["kind"], one["metadata"]["name"]): one for one in yaml.safe_load_all(text)}

"""Flux's kinds in a real API server: their real CustomResourceDefinitions where they are at hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import yaml

from cronjob.kube.client import KubeApi
from cronjob.sandbox.fake_kubernetes.kinds import BY_KIND, FLUX_GROUPS, Kind
from tests.cluster.manifests import Manifest
from tests.cluster.objects import existing, serves, wait_until

# What the manifests bring beside Flux's kinds.
_OTHERS = (Kind("monitoring.coreos.com", "PrometheusRule", "prometheusrules"),)
_CUSTOM = tuple(kind for kind in (*BY_KIND.values(), *_OTHERS) if kind.group in {*FLUX_GROUPS, "monitoring.coreos.com"})


@contextmanager
def flux_kinds(api: KubeApi, folder: Path | None) -> Iterator[None]:
    """
    Flux's kinds are served; those that were not are made, and taken away again.

    *folder* has their CustomResourceDefinitions; for those that are not there one is made that allows everything.
    """
    missing = [kind for kind in _CUSTOM if not serves(api, f"{kind.group}/v1", kind.plural)]
    with ExitStack() as stack:
        for kind in missing:
            stack.enter_context(existing(api, _real(kind, folder) or _lenient(kind)))
        for kind in missing:
            wait_until(partial(_is_up, api, kind))
        yield


def _is_up(api: KubeApi, kind: Kind) -> bool:
    listed = api.get(f"/apis/{kind.group}/v1/namespaces/default/{kind.plural}", {"limit": "1"})
    return listed.status == 200 and serves(api, f"{kind.group}/v1", kind.plural)


def _real(kind: Kind, folder: Path | None) -> Manifest | None:
    file = folder / f"{kind.group}_{kind.plural}.yaml" if folder else None
    return yaml.safe_load(file.read_text()) if file and file.is_file() else None


def _lenient(kind: Kind) -> Manifest:
    """As little of one of Flux's CustomResourceDefinitions as lets its objects in."""
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    spec = {"spec": anything, "status": anything | {"default": {"observedGeneration": -1}}}
    schema = {"openAPIV3Schema": {"type": "object", "properties": spec}}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema, "subresources": {"status": {}}}
    names = {"kind": kind.kind, "plural": kind.plural, "singular": kind.singular, "shortNames": [*kind.short_names]}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": kind.qualified},
        "spec": {"group": kind.group, "scope": "Namespaced", "names": names, "versions": [version]},
    }

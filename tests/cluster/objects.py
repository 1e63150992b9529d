"""Objects of an API server over HTTP: how tests make, find and await them."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from cronjob.kube.client import KubeApi
from cronjob.transport.answer import Answer
from tests.cluster.manifests import Manifest

CLUSTER_WIDE = (
    "Namespace",
    "ClusterRole",
    "ClusterRoleBinding",
    "CustomResourceDefinition",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
)


def said(answer: Answer, *statuses: int) -> dict[str, Any]:
    """The body of an answer that must have one of these statuses."""
    body = answer.parsed()
    assert answer.status in statuses, (answer.status, answer.body)
    return body or {}


def created(api: KubeApi, manifest: Manifest) -> dict[str, Any]:
    """POST the object."""
    return said(api.send("POST", collection_of(manifest), body=manifest), 201)


def collection_of(manifest: Manifest) -> str:
    """The path below which objects of that kind, and in that namespace, are."""
    group, _, version = manifest["apiVersion"].rpartition("/")
    plural = re.sub("ys$", "ies", f"{manifest['kind'].lower()}s")
    prefix = f"/apis/{group}/{version}" if group else f"/api/{version}"
    if manifest["kind"] in CLUSTER_WIDE:
        return f"{prefix}/{plural}"
    return f"{prefix}/namespaces/{manifest['metadata']['namespace']}/{plural}"


def serves(api: KubeApi, version: str, plural: str) -> bool:
    """Whether the server has objects of that name in *version* of an API group."""
    answer = api.get(f"/apis/{version}")
    resources = said(answer, 200)["resources"] if answer.status != 404 else []
    return any(one["name"] == plural for one in resources)


def minor_of(api: KubeApi) -> int:
    """N of Kubernetes 1.N."""
    return int(said(api.get("/version"), 200)["minor"].rstrip("+"))


@contextmanager
def existing(api: KubeApi, manifest: Manifest) -> Iterator[None]:
    """The object is there, and afterwards it is not."""
    created(api, manifest)
    try:
        yield
    finally:
        api.send("DELETE", f"{collection_of(manifest)}/{manifest['metadata']['name']}")


def wait_until(is_so: Callable[[], object]) -> None:
    """What a server does after it has answered."""
    end = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.05)

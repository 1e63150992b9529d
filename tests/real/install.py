"""Starts the world of real programs, and installs Flux's kinds and the shipped manifests in it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.api_servers import Real
from tests.cluster.manifests import FOLDER, Manifest, of_kind
from tests.cluster.objects import said
from tests.cluster.real_server import a_real_server
from tests.real import flux_controllers
from tests.real.forge import Forge
from tests.real.programs import CONTROLLERS, assets
from tests.real.world import GROUP, JOB, NAMESPACE, RealWorld

_AGGREGATES_TO = re.compile(r"rbac\.authorization\.k8s\.io/aggregate-to-(view|edit|admin)")
_ROLES = "/apis/rbac.authorization.k8s.io/v1/clusterroles"


@contextmanager
def a_real_world(cluster: str, forge: Forge, folder: Path) -> Iterator[RealWorld]:
    """All programs of a cluster, up, with the shipped manifests applied and the job's token in its Secret."""
    with ExitStack() as stack:
        ours = stack.enter_context(a_real_server(assets(), folder))
        server = Real(ours.kubeconfig, folder, ours)
        stack.enter_context(server.api)
        _aggregate_roles(server)
        world = RealWorld(cluster, server, forge, "", folder)
        for controller in CONTROLLERS:
            world.kubectl("apply", "--server-side", "-f", str(controller.crds))
        world.kubectl("create", "namespace", flux_controllers.NAMESPACE)
        url = stack.enter_context(flux_controllers.flux_controllers(ours.kubeconfig, folder))
        world = RealWorld(cluster, server, forge, url, folder)
        _install(world)
        yield world


def _aggregate_roles(server: Real) -> None:
    """Give `view`, `edit` and `admin` their rules, as the controller-manager does that is not here."""
    roles: list[Manifest] = said(server.api.get(_ROLES), 200)["items"]
    rules: dict[str, list[Any]] = {"view": [], "edit": [], "admin": []}
    for role in roles:
        for label in role["metadata"].get("labels", {}):
            if found := _AGGREGATES_TO.fullmatch(label):
                rules[found[1]] += role["rules"] or []
    rules["edit"] += rules["view"]
    rules["admin"] += rules["edit"]
    for name, found_rules in rules.items():
        said(server.api.send("PATCH", f"{_ROLES}/{name}", body={"rules": found_rules}), 200)


def _install(world: RealWorld) -> None:
    """The subsystem's folder with its policy enforced, the base with an operator's settings, and the token."""
    world.kubectl("apply", "-k", str(FOLDER / "examples" / "subsystem"))
    binding = of_kind("ValidatingAdmissionPolicyBinding", "examples/subsystem")["tenant-kustomizations"]
    world.apply({**binding, "spec": {**binding["spec"], "validationActions": ["Deny"]}})
    token = f"--from-literal=gitlab-token={world.forge.token}"
    world.kubectl("create", "secret", "generic", f"{JOB}-token", "-n", NAMESPACE, token)
    world.kubectl("apply", "-k", str(_overlay(world)))


def _overlay(world: RealWorld) -> Path:
    """What users without Flux write: the base, and one patch for the settings; the folder of it."""
    settings = {
        "SYNCER_CLUSTER": world.cluster,
        "SYNCER_GITLAB_URL": world.forge.url,
        "SYNCER_GROUP": GROUP,
        "SYNCER_RECEIVER_URL": world.receiver_url,
        "SYNCER_DRY_RUN": "false",
    }
    patch = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": JOB}, "data": settings}
    folder = world.folder / "overlay"
    folder.mkdir()
    kustomization = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": NAMESPACE,
        "resources": [os.path.relpath(FOLDER / "base", folder)],
        "patches": [{"patch": yaml.safe_dump(patch)}],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    return folder

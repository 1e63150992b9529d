"""What Flux's controllers write into the status of each case, recorded for the embedded ones to be compared with."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cronjob.sandbox.fake_gitlab.records import Project
from cronjob.sandbox.samples import ssh_key
from tests.real.programs import CONTROLLERS
from tests.real.world import GROUP, RealWorld, wait_for
from tests.worlds.flux_cases import CASES, NAMESPACE, Access, FluxCase, Manifest, observed
from tests.worlds.golden import Golden

FOLDER = Path(__file__).parents[1] / "sandbox" / "recorded"
CONTROLLER_OF = {"GitRepository": "source", "Receiver": "notification", "Kustomization": "kustomize"}
ACCOUNT = [
    {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "flux", "namespace": NAMESPACE}},
    {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "flux", "namespace": NAMESPACE},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "admin"},
        "subjects": [{"kind": "ServiceAccount", "name": "flux", "namespace": NAMESPACE}],
    },
]


@pytest.fixture(scope="module")
def project(world: RealWorld) -> Project:
    """A project with one commit, in a namespace with an account that may apply it."""
    world.kubectl("create", "namespace", NAMESPACE)
    world.apply(*ACCOUNT)
    made = world.forge.create(f"{GROUP}/{NAMESPACE}")
    text = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "greeting"}, "data": {"text": "hello"}}
    world.forge.push(made, {"greeting.json": json.dumps(text), "kustomization.yaml": "resources: [greeting.json]\n"})
    for access in (Access.ELSEWHERE, Access.EMPTY):
        world.forge.create(f"{GROUP}/{NAMESPACE}-{access.name.lower()}")
    return made


@pytest.fixture(scope="module")
def recorded(world: RealWorld, project: Project) -> Mapping[str, Mapping[str, Any]]:
    """What was observed of each case, by kind and name."""
    for case in CASES:
        _bring(world, project, case)
    found: dict[str, dict[str, Any]] = {kind: {} for kind in CONTROLLER_OF}
    for case in CASES:
        found[case.kind][case.name] = _observed(world, case)
    return found


def _bring(world: RealWorld, project: Project, case: FluxCase) -> None:
    ssh, gitlab = world.forge.ssh, world.forge.gitlab
    pair = ssh_key() | {"known_hosts": ssh.known_hosts}
    usual = pair if case.kind == "GitRepository" else {"token": secrets.token_hex(20)}
    if case.has_secret:
        world.apply(case.secret_manifest(usual, ssh.known_hosts.split()[0]))
    other = gitlab.projects_by_path.get(f"{GROUP}/{NAMESPACE}-{case.access.name.lower()}", project)
    if case.kind == "GitRepository" and case.access is not Access.UNKNOWN:
        gitlab.add_deploy_key(other, pair["identity.pub"], title=case.name)
    asked = other if case.access is Access.EMPTY else project
    world.apply(case.manifest(ssh.url(asked.path_with_namespace)))


def _observed(world: RealWorld, case: FluxCase) -> dict[str, Any]:
    manifest = case.manifest("")
    read = partial(world.get, case.kind, manifest["apiVersion"], case.name, NAMESPACE)
    if not case.spec.get("suspend"):
        wait_for(read, _is_decided)
    text = json.dumps(read())
    server = world.forge.ssh
    for ours, theirs in (
        (f"{server.user}@127.0.0.1:{server.port}/{GROUP}/{NAMESPACE}", "git@gitlab.test/group/project"),
        (f"[127.0.0.1]:{server.port}", "gitlab.test"),
        (f"127.0.0.1:{server.port}", "gitlab.test"),
    ):
        text = text.replace(ours, theirs)
    return observed(json.loads(text))


def _is_decided(manifest: Manifest) -> bool:
    """Whether the controller has come to a Ready that is not its first guess."""
    conditions = {each["type"]: each for each in (manifest.get("status") or {}).get("conditions", [])}
    ready = conditions.get("Ready", {"status": "Unknown"})
    return ready["status"] != "Unknown" and ready["reason"] not in {"Progressing", "DependencyNotReady"}


@pytest.mark.parametrize("kind", CONTROLLER_OF)
def test_the_controllers_say_what_was_recorded(
    request: pytest.FixtureRequest, recorded: Mapping[str, Mapping[str, Any]], kind: str
) -> None:
    [program] = [each for each in CONTROLLERS if each.name == f"{CONTROLLER_OF[kind]}-controller"]
    document = {"program": program.name, "version": program.version, "status": recorded[kind]}
    golden = Golden(FOLDER, rewrite=bool(request.config.getoption("--rewrite-golden")))

    golden.check(f"{program.name}.json", json.dumps(document, indent=2) + "\n")

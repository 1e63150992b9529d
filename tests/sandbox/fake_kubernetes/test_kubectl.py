"""The embedded Kubernetes as kubectl sees it."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cronjob.sandbox.fake_kubernetes.app import kubeconfig, kubernetes_app
from cronjob.sandbox.fake_kubernetes.world import KubernetesWorld
from cronjob.sandbox.serving import serving

KUBECTL = shutil.which("kubectl")

pytestmark = pytest.mark.skipif(KUBECTL is None, reason="kubectl is not installed here")

Kubectl = Callable[..., subprocess.CompletedProcess[str]]

MANIFEST = """
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: fresh}
spec: {url: ssh://git@gitlab.test/tenants/fresh, interval: 1m}
"""


@pytest.fixture
def world() -> KubernetesWorld:
    made = KubernetesWorld()
    made.apply_yaml("""
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: docs, namespace: tenants, labels: {tenant: docs}}
spec: {url: ssh://git@gitlab.test/tenants/docs, interval: 1m}
status: {conditions: [{type: Ready, status: "False", message: no access}]}
---
apiVersion: notification.toolkit.fluxcd.io/v1
kind: Receiver
metadata: {name: docs-hook, namespace: tenants}
spec: {type: gitlab, resources: []}
status: {conditions: [{type: Ready, status: "True", message: initialized}]}
---
apiVersion: v1
kind: Secret
metadata: {name: docs-token, namespace: tenants}
stringData: {token: geheim}
""")
    return made


@pytest.fixture
def kubectl(world: KubernetesWorld, tmp_path: Path) -> Iterator[Kubectl]:
    with serving(kubernetes_app(world)) as url:
        (tmp_path / "config").write_text(kubeconfig(url, namespace="tenants", token="right"))
        # Its own HOME: kubectl caches discovery there, by server address.
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "KUBECONFIG": str(tmp_path / "config")}

        def run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
            command = [str(KUBECTL), *arguments]
            return subprocess.run(
                command, input=stdin, env=environment, capture_output=True, text=True, timeout=60, check=False
            )

        yield run


def rows(result: subprocess.CompletedProcess[str]) -> list[list[str]]:
    assert result.returncode == 0, result.stderr
    return [line.split() for line in result.stdout.splitlines()]


def test_kubectl_shows_repositories_and_receivers_of_all_namespaces(kubectl: Kubectl) -> None:
    table = rows(kubectl("get", "gitrepositories,receivers", "-A"))

    repository, hook = (
        "gitrepository.source.toolkit.fluxcd.io/docs",
        "receiver.notification.toolkit.fluxcd.io/docs-hook",
    )
    assert table[0] == ["NAMESPACE", "NAME", "URL", "AGE", "READY", "STATUS"]
    assert table[1][:3] == ["tenants", repository, "ssh://git@gitlab.test/tenants/docs"]
    assert table[1][4:] == ["False", "no", "access"]
    assert table[3] == ["NAMESPACE", "NAME", "AGE", "READY", "STATUS"]
    assert table[4][:2] == ["tenants", hook]
    assert table[4][3:] == ["True", "initialized"]


@pytest.mark.parametrize(
    ("resource", "columns", "row"),
    [
        ("secrets", ["NAME", "TYPE", "DATA", "AGE"], ["docs-token", "Opaque", "1"]),
        ("ns", ["NAME", "STATUS", "AGE"], ["default", "Active"]),
        ("leases", ["NAME", "HOLDER", "AGE"], ["syncer", "one"]),
        ("gitrepo", ["NAME", "URL", "AGE", "READY", "STATUS"], ["docs", "ssh://git@gitlab.test/tenants/docs"]),
    ],
)
def test_kubectl_shows_a_table(
    world: KubernetesWorld, kubectl: Kubectl, resource: str, columns: list[str], row: list[str]
) -> None:
    lease = {"metadata": {"name": "syncer", "namespace": "tenants"}, "spec": {"holderIdentity": "one"}}
    world.apply({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease"} | lease)

    table = rows(kubectl("get", resource))

    assert table[0] == columns
    assert table[1][: len(row)] == row


def test_kubectl_shows_the_columns_of_an_old_version(kubectl: Kubectl) -> None:
    result = kubectl("get", "gitrepositories.v1beta1.source.toolkit.fluxcd.io")

    assert rows(result)[0] == ["NAME", "URL", "READY", "STATUS", "AGE"]
    assert "v1beta1 GitRepository is deprecated, upgrade to v1" in result.stderr


def test_kubectl_shows_one_object_whole(kubectl: Kubectl) -> None:
    result = kubectl("get", "gitrepo", "docs", "-o", "jsonpath={.apiVersion} {.spec.url}")

    assert result.stdout == "source.toolkit.fluxcd.io/v1 ssh://git@gitlab.test/tenants/docs"


def test_kubectl_reads_in_chunks(world: KubernetesWorld, kubectl: Kubectl) -> None:
    for name in ("a", "b"):
        world.apply_yaml(MANIFEST.replace("name: fresh", f"name: {name}, namespace: tenants"))

    result = kubectl("get", "gitrepo", "--chunk-size=1", "-o", "jsonpath={.items[*].metadata.name}")

    assert result.stdout == "a b docs"


def test_kubectl_selects_by_label(world: KubernetesWorld, kubectl: Kubectl) -> None:
    world.apply_yaml(MANIFEST.replace("name: fresh", "name: fresh, namespace: tenants"))

    assert kubectl("get", "gitrepo", "-o", "name", "-l", "tenant=docs").stdout.split("/")[-1] == "docs\n"
    assert kubectl("get", "gitrepo", "-o", "name", "-l", "!tenant").stdout.split("/")[-1] == "fresh\n"


def test_kubectl_applies_changes_and_deletes(world: KubernetesWorld, kubectl: Kubectl) -> None:
    assert kubectl("apply", "-f", "-", stdin=MANIFEST).stdout.endswith("/fresh created\n")
    assert kubectl("apply", "-f", "-", stdin=MANIFEST).stdout.endswith("/fresh unchanged\n")
    assert kubectl("apply", "-f", "-", stdin=MANIFEST.replace("1m", "5m")).stdout.endswith("/fresh configured\n")

    stored = world.get("GitRepository", "tenants", "fresh")
    assert stored is not None
    assert (stored["spec"]["interval"], stored["metadata"]["generation"]) == ("5m", 2)

    assert kubectl("delete", "gitrepo", "fresh").returncode == 0
    assert world.get("GitRepository", "tenants", "fresh") is None


def test_kubectl_applies_a_secret(world: KubernetesWorld, kubectl: Kubectl) -> None:
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: key}\nstringData: {token: one}\n"
    assert kubectl("apply", "-f", "-", stdin=secret).stdout == "secret/key created\n"
    assert kubectl("apply", "-f", "-", stdin=secret.replace("one", "two")).stdout == "secret/key configured\n"

    stored = world.get("Secret", "tenants", "key")
    assert stored is not None
    assert stored["data"] == {"token": "dHdv"}


def test_kubectl_says_that_a_name_is_taken(kubectl: Kubectl) -> None:
    assert kubectl("create", "-f", "-", stdin=MANIFEST).returncode == 0

    again = kubectl("create", "-f", "-", stdin=MANIFEST)

    assert again.returncode == 1
    assert "(AlreadyExists)" in again.stderr


def test_kubectl_suspends_annotates_and_patches(world: KubernetesWorld, kubectl: Kubectl) -> None:
    assert kubectl("patch", "gitrepo", "docs", "--type=merge", "-p", '{"spec": {"suspend": true}}').returncode == 0
    assert kubectl("annotate", "gitrepo", "docs", "flux-gitlab-syncer/reconcile=disabled").returncode == 0
    replace = '[{"op": "replace", "path": "/spec/interval", "value": "9m"}]'
    assert kubectl("patch", "gitrepo", "docs", "--type=json", "-p", replace).returncode == 0

    stored = world.get("GitRepository", "tenants", "docs")
    assert stored is not None
    assert (stored["spec"]["suspend"], stored["spec"]["interval"]) == (True, "9m")
    assert stored["metadata"]["annotations"] == {"flux-gitlab-syncer/reconcile": "disabled"}


def test_kubectl_says_what_is_forbidden(world: KubernetesWorld, kubectl: Kubectl) -> None:
    world.deny(verb="get", resource="secrets", namespace="tenants")

    result = kubectl("get", "secret", "docs-token")

    assert result.returncode == 1
    assert result.stderr.startswith('Error from server (Forbidden): secrets "docs-token" is forbidden: User "')


def test_kubectl_sends_no_token_over_plain_http(world: KubernetesWorld, kubectl: Kubectl) -> None:
    assert kubectl("get", "ns").returncode == 0

    world.token = "right"

    result = kubectl("get", "ns")
    assert result.returncode == 1
    assert "You must be logged in to the server" in result.stderr

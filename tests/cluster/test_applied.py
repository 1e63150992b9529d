"""The base and its components as a real API server takes them, and as kubectl shows what became of them."""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from tests.cluster.api_servers import ApiServer
from tests.cluster.builds import built
from tests.cluster.manifests import COMPONENTS, Manifest, can_build
from tests.cluster.objects import CLUSTER_WIDE, minor_of, said, serves
from tests.cluster.scene import JOB, Scene, a_namespace, a_scene

pytestmark = pytest.mark.skipif(not can_build(), reason="there is no kubectl 1.27 or newer here")

Kubectl = Callable[..., subprocess.CompletedProcess[str]]
Built = dict[tuple[str, str], Manifest]
# From this one on a server has, without being asked to, every field of ours that a CronJob and its Job may have.
WHOLE_CRON_JOBS = 29
# What older ones lack, of its spec and of its Job's.
NEWER = ("timeZone",)
NEWER_IN_JOBS = ("podFailurePolicy", "backoffLimitPerIndex", "completionMode")


@pytest.fixture
def kubectl(real: ApiServer, tmp_path: Path) -> Kubectl:
    """As the administrator of the real server."""
    fixed = [f"--kubeconfig={real.kubeconfig}", f"--cache-dir={tmp_path / 'cache'}"]

    def run(*arguments: str, objects: Iterable[Manifest] = ()) -> subprocess.CompletedProcess[str]:
        stdin = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
        command = [shutil.which("kubectl") or "", *fixed, *arguments]
        return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=120, check=False)

    return run


@pytest.fixture
def namespace(real: ApiServer) -> Iterator[str]:
    with a_namespace(real) as name:
        yield name


def apply(kubectl: Kubectl, objects: Iterable[Manifest]) -> subprocess.CompletedProcess[str]:
    """Server-side and by force, as Flux does it; what is not in the schema is an error."""
    how = ("--server-side", "--force-conflicts", "--validate=strict")
    return kubectl("apply", *how, "-f", "-", "-o", "name", objects=objects)


def of_their_own(objects: Built) -> list[Manifest]:
    """Under names that nobody has, where they are the whole cluster's; without CronJobs."""
    suffix = secrets.token_hex(4)
    found = []
    for (kind, name), one in objects.items():
        own = {"name": f"{name}-{suffix}"}
        if kind in CLUSTER_WIDE:
            role = {"roleRef": {**one["roleRef"], **own}} if "roleRef" in one else {}
            found.append({**one, "metadata": {**one["metadata"], **own}, **role})
        elif kind != "CronJob":
            found.append(one)
    return found


def cron_jobs(folder: Path, namespace: str, *components: str) -> list[Manifest]:
    return [one for (kind, _), one in built(folder, *components, namespace=namespace).items() if kind == "CronJob"]


@pytest.mark.parametrize("components", [(), *((name,) for name in COMPONENTS), COMPONENTS], ids="+".join)
def test_everything_but_the_cron_jobs_is_admitted(
    kubectl: Kubectl, namespace: str, tmp_path: Path, components: tuple[str, ...]
) -> None:
    objects = of_their_own(built(tmp_path, *components, namespace=namespace))
    try:
        done = apply(kubectl, objects)
        assert (done.returncode, done.stderr) == (0, "")
        assert len(done.stdout.splitlines()) == len(objects)
        # Once more, as Flux does it every few minutes.
        assert apply(kubectl, objects).returncode == 0
    finally:
        for one in objects:
            if one["kind"] in CLUSTER_WIDE:
                kubectl("delete", one["kind"], one["metadata"]["name"])


def test_a_field_that_there_is_not_is_refused(kubectl: Kubectl, namespace: str, tmp_path: Path) -> None:
    role = built(tmp_path, namespace=namespace)["Role", JOB]
    rules = [{**one, "resourceName": ["misspelt"]} for one in role["rules"]]

    done = apply(kubectl, [{**role, "rules": rules}])

    assert done.returncode == 1
    assert "unknown field" in done.stderr
    assert "resourceName" in done.stderr


@pytest.mark.parametrize("components", [(), ("audit", "daylight", "multi-namespace"), COMPONENTS], ids="+".join)
def test_the_cron_jobs_are_admitted(
    real: ApiServer, kubectl: Kubectl, namespace: str, tmp_path: Path, components: tuple[str, ...]
) -> None:
    if minor_of(real.api) < WHOLE_CRON_JOBS:
        pytest.skip(f"this server lacks batch/v1 CronJobs, or fields of them (Kubernetes 1.{WHOLE_CRON_JOBS})")
    jobs = cron_jobs(tmp_path, namespace, *components)
    assert jobs

    done = apply(kubectl, jobs)

    assert (done.returncode, done.stderr) == (0, "")
    for job in jobs:
        path = f"/apis/batch/v1/namespaces/{namespace}/cronjobs/{job['metadata']['name']}"
        kept = said(real.api.get(path), 200)["spec"]
        # Nothing was dropped on the way in.
        assert kept["timeZone"] == "Etc/UTC"
        assert kept["jobTemplate"]["spec"]["podFailurePolicy"]["rules"][0]["action"] == "Ignore"


@pytest.mark.parametrize("components", [(), COMPONENTS], ids="+".join)
def test_an_old_server_admits_what_it_knows_of_the_cron_jobs(
    real: ApiServer, kubectl: Kubectl, namespace: str, tmp_path: Path, components: tuple[str, ...]
) -> None:
    if minor_of(real.api) >= WHOLE_CRON_JOBS:
        pytest.skip("this server knows all of them, and that is tested")
    version = "batch/v1" if serves(real.api, "batch/v1", "cronjobs") else "batch/v1beta1"
    jobs = [_as_of_old(job, version) for job in cron_jobs(tmp_path, namespace, *components)]

    done = apply(kubectl, jobs)

    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == len(jobs) > 0


def _as_of_old(job: Manifest, version: str) -> Manifest:
    inner = {name: value for name, value in job["spec"]["jobTemplate"]["spec"].items() if name not in NEWER_IN_JOBS}
    spec = {name: value for name, value in job["spec"].items() if name not in NEWER} | {"jobTemplate": {"spec": inner}}
    return {**job, "apiVersion": version, "spec": spec}


def test_the_job_runs_with_what_was_applied_and_is_not_disturbed_by_applying_it_again(
    real: ApiServer, kubectl: Kubectl, tmp_path: Path
) -> None:
    with a_scene(real) as scene:
        objects = of_their_own(built(tmp_path, "audit", namespace=scene.namespace))
        assert apply(kubectl, objects).returncode == 0
        assert scene.program.run("--events").report["result"] == "applied"
        before = scene.lease()

        assert apply(kubectl, objects).returncode == 0

        assert scene.lease()["spec"] == before["spec"]
        assert scene.lease()["metadata"]["annotations"] == before["metadata"]["annotations"]
        assert scene.program.run("--events").report["result"] == "in_sync"


def test_kubectl_describes_an_object_with_what_was_done_for_it(scene: Scene, tmp_path: Path) -> None:
    scene.program.run("--events")

    for kind, reason in (("receivers", "WebhookAdded"), ("gitrepositories", "DeployKeyAdded")):
        command = [
            shutil.which("kubectl") or "",
            f"--kubeconfig={scene.server.kubeconfig}",
            f"--cache-dir={tmp_path / 'cache'}",
            f"--namespace={scene.namespace}",
            *("describe", kind, "tenant-0001"),
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        _, _, events = done.stdout.partition("\nEvents:")
        [line] = [line.split() for line in events.splitlines() if JOB in line]
        assert (line[0], line[1], line[3]) == ("Normal", reason, JOB)

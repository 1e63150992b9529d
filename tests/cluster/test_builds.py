"""What kustomize makes of the base and its components, alone and together."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.cluster.builds import IMAGE, NAMESPACE, built, kubectl
from tests.cluster.manifests import COMPONENTS, FOLDER, Manifest, can_build, is_object

pytestmark = pytest.mark.skipif(not can_build(), reason="there is no kubectl 1.27 or newer here")


def settings(objects: dict[tuple[str, str], Manifest]) -> dict[str, str]:
    data: dict[str, str] = objects["ConfigMap", "flux-gitlab-syncer"]["data"]
    return data


def test_the_base_alone(tmp_path: Path) -> None:
    objects = built(tmp_path)

    kinds = {"ServiceAccount", "Role", "RoleBinding", "Lease", "ConfigMap", "CronJob", "NetworkPolicy"}
    assert {kind for kind, _ in objects} == kinds
    assert {name for _, name in objects} == {"flux-gitlab-syncer"}
    assert {one["metadata"]["namespace"] for one in objects.values()} == {NAMESPACE}


@pytest.mark.parametrize("components", [*((name,) for name in COMPONENTS), COMPONENTS], ids="+".join)
def test_each_component_and_all_together(tmp_path: Path, components: tuple[str, ...]) -> None:
    objects = built(tmp_path, *components)

    for (kind, _), one in objects.items():
        if kind != "PrometheusRule":
            kubernetes_validate.validate(one, "1.32", strict=True)
        if kind == "CronJob":
            spec = one["spec"]["jobTemplate"]["spec"]["template"]
            assert spec["metadata"]["labels"]["app.kubernetes.io/name"] == "flux-gitlab-syncer"
            assert spec["spec"]["containers"][0]["image"] == IMAGE
    # Whoever is bound to a role lives where everything else does.
    bindings = [one for (kind, _), one in objects.items() if kind.endswith("RoleBinding")]
    assert {subject.get("namespace", NAMESPACE) for one in bindings for subject in one["subjects"]} == {NAMESPACE}


def test_daylight_takes_pruning_from_the_main_job_and_gives_it_to_the_other(tmp_path: Path) -> None:
    objects = built(tmp_path, "daylight")

    pruner = objects["CronJob", "flux-gitlab-syncer-prune"]["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    own = {one["name"]: one.get("value") for one in pruner["containers"][0]["env"]}
    assert (settings(objects)["SYNCER_PRUNE"], own["SYNCER_PRUNE"]) == ("false", "true")
    assert "SYNCER_PRUNE" not in settings(built(tmp_path))


def test_the_network_policy_component_limits_where_the_job_may_go(tmp_path: Path) -> None:
    def policy(*components: str) -> dict[str, Any]:
        spec: dict[str, Any] = built(tmp_path, *components)["NetworkPolicy", "flux-gitlab-syncer"]["spec"]
        return spec

    assert policy()["policyTypes"] == ["Ingress"]
    limited = policy("network-policy")
    assert limited["policyTypes"] == ["Ingress", "Egress"]
    assert {port["port"] for rule in limited["egress"] for port in rule["ports"]} == {53, 443, 6443, 9091}


def test_many_namespaces_give_every_job_the_settings_file(tmp_path: Path) -> None:
    objects = built(tmp_path, "audit", "daylight", "multi-namespace")

    for (kind, _), one in objects.items():
        if kind == "CronJob":
            [container] = one["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
            assert {"name": "SYNCER_CONFIG", "value": "/etc/flux-gitlab-syncer/settings.yaml"} in container["env"]
    [subject] = objects["ClusterRoleBinding", "flux-gitlab-syncer"]["subjects"]
    assert subject["namespace"] == NAMESPACE


def test_sharded_makes_each_job_an_indexed_one_whose_pods_do_not_end_each_other(tmp_path: Path) -> None:
    objects = built(tmp_path, "audit", "daylight", "sharded")

    jobs = [one["spec"]["jobTemplate"]["spec"] for (kind, _), one in objects.items() if kind == "CronJob"]
    assert len(jobs) == 3
    for job in jobs:
        assert (job["completionMode"], job["completions"], job["backoffLimitPerIndex"]) == ("Indexed", 4, 0)
        assert "backoffLimit" not in job
    assert settings(objects)["SYNCER_SHARDS"] == "4"
    leases = {name for kind, name in objects if kind == "Lease"}
    allowed = [rule for rule in objects["Role", "flux-gitlab-syncer"]["rules"] if rule["resources"] == ["leases"]]
    assert {*allowed[0]["resourceNames"]} == leases
    assert "backoffLimit" in built(tmp_path)["CronJob", "flux-gitlab-syncer"]["spec"]["jobTemplate"]["spec"]


def test_monitoring_adds_the_gateway(tmp_path: Path) -> None:
    assert settings(built(tmp_path, "monitoring"))["SYNCER_PUSHGATEWAY"].startswith("http://")


@pytest.mark.parametrize("folder", ["flux", "subsystem", "tenant"])
def test_each_example_builds(folder: str) -> None:
    objects = list(yaml.safe_load_all(kubectl("kustomize", str(FOLDER / "examples" / folder))))

    assert len(objects) >= 2
    assert all(is_object(one) for one in objects)


def test_a_single_dry_run_is_made_from_the_job_as_the_runbook_says(tmp_path: Path) -> None:
    job = built(tmp_path)["CronJob", "flux-gitlab-syncer"]["spec"]["jobTemplate"]
    # What `kubectl create job now --from=cronjob/... --dry-run=client -o yaml` prints.
    now = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "now"}, "spec": job["spec"]}

    changed = json.loads(
        kubectl("set", "env", "--local", "-f", "-", "SYNCER_DRY_RUN=true", "-o", "json", stdin=yaml.safe_dump(now))
    )

    env = {one["name"]: one.get("value") for one in changed["spec"]["template"]["spec"]["containers"][0]["env"]}
    assert env["SYNCER_DRY_RUN"] == "true"
    assert env["SYNCER_GITLAB_TOKEN_FILE"] == "/var/run/secrets/gitlab/gitlab-token"
    kubernetes_validate.validate(changed, "1.32", strict=False)

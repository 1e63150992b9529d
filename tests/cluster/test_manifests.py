"""The manifests say what is meant, are valid, safe, and set only what the program knows."""

from __future__ import annotations

import json
import re
from typing import Any

import kubernetes_validate
import pytest
import yaml

from cronjob.kube.lease_claim import NAME, lease_names
from cronjob.output.metrics import METRICS, PREFIX
from cronjob.settings.option_table import OPTIONS
from cronjob.settings.resolve import resolve
from reconcile.shares import Share
from tests.cluster.manifests import COMPONENTS, FOLDER, FOLDERS, Manifest, loaded, objects, of_kind, variables
from tests.worlds.program import a_program

# The oldest in which everything here is stable, and the newest known.
KUBERNETES = ("1.31", "1.37")
# Kinds of others, which no schema of Kubernetes has.
OTHERS = ("toolkit.fluxcd.io/", "monitoring.coreos.com/")
READS = [
    ("source.toolkit.fluxcd.io", "gitrepositories", ["get", "list"]),
    ("notification.toolkit.fluxcd.io", "receivers", ["get", "list"]),
]
SECRETS = ("", "secrets", ["get"])
EVENTS = ("", "events", ["create", "patch"])


def rules(role: Manifest) -> list[tuple[str, str, list[str]]]:
    """Group, resource and verbs of each rule."""
    return [
        (group, resource, rule["verbs"])
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    ]


def jobs() -> list[Manifest]:
    return list(of_kind("CronJob").values())


def pod(job: Manifest) -> dict[str, Any]:
    spec: dict[str, Any] = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    return spec


class TestValidity:
    @pytest.mark.parametrize("version", KUBERNETES)
    @pytest.mark.parametrize("folder", FOLDERS)
    def test_each_object_is_what_kubernetes_schema_says(self, folder: str, version: str) -> None:
        own = [one for one in objects(folder) if not any(other in one["apiVersion"] for other in OTHERS)]
        for one in own:
            kubernetes_validate.validate(one, version, strict=True)
        assert own or folder in {"components/network-policy", "examples/flux"}

    def test_the_check_finds_a_field_that_does_not_exist(self) -> None:
        job = jobs()[0]
        pod(job)["restartpolicy"] = "Never"
        with pytest.raises(kubernetes_validate.ValidationError):
            kubernetes_validate.validate(job, KUBERNETES[0], strict=True)

    @pytest.mark.parametrize("folder", FOLDERS)
    def test_a_kustomization_lists_each_file_or_says_why_not(self, folder: str) -> None:
        [listing] = loaded(FOLDER / folder / "kustomization.yaml")
        others = {path.name for path in (FOLDER / folder).glob("*.yaml")} - {"kustomization.yaml"}
        text = (FOLDER / folder / "kustomization.yaml").read_text(encoding="utf-8")

        assert set(listing.get("resources", [])) <= others
        assert [name for name in others - set(listing.get("resources", [])) if name not in text] == []

    def test_no_token_and_no_key_is_anywhere(self) -> None:
        texts = [path.read_text(encoding="utf-8") for path in FOLDER.rglob("*.yaml")]

        assert [text for text in texts if re.search(r"glpat-|PRIVATE KEY|^kind: Secret$", text, re.MULTILINE)] == []


class TestRights:
    def test_the_jobs_role_is_exactly_what_it_needs(self) -> None:
        lease = ("coordination.k8s.io", "leases", ["get", "update"])
        role = of_kind("Role", "base")["flux-gitlab-syncer"]

        assert rules(role) == [*READS, SECRETS, lease, EVENTS]
        assert [rule.get("resourceNames") for rule in role["rules"]] == [None, None, None, ["flux-gitlab-syncer"], None]
        assert list(of_kind("Lease", "base")) == ["flux-gitlab-syncer"]

    def test_each_shard_has_a_lease_and_its_right_to_it_and_to_the_one_of_all(self) -> None:
        [listing] = loaded(FOLDER / "components/sharded/kustomization.yaml")
        patches = {one["target"]["kind"]: yaml.safe_load(one["patch"]) for one in listing["patches"]}
        values = {patch["path"].rpartition("/")[2]: patch["value"] for patch in patches["CronJob"] if "value" in patch}
        shards = int(patches["ConfigMap"][0]["value"])
        names = [lease_names(Share(index, shards))[0] for index in range(shards)]

        assert (values["completions"], values["parallelism"], values["completionMode"]) == (shards, shards, "Indexed")
        assert list(of_kind("Lease", "components/sharded")) == names
        assert patches["Role"][-1]["value"] == [NAME, *names]

    def test_the_audits_role_reads_the_same_and_has_no_other_verb(self) -> None:
        [role] = of_kind("Role", "components/audit").values()

        assert rules(role) == [*READS, SECRETS]

    def test_nothing_reads_secrets_everywhere_nor_lists_them_anywhere(self) -> None:
        [everywhere] = of_kind("ClusterRole").values()
        roles = [one for folder in FOLDERS for one in objects(folder) if one["kind"] == "Role"]

        assert rules(everywhere) == READS
        assert {tuple(verbs) for role in roles for _, name, verbs in rules(role) if name == "secrets"} == {("get",)}

    def test_each_binding_is_for_an_account_that_is_there(self) -> None:
        accounts = of_kind("ServiceAccount")
        bindings = [one for kind in ("RoleBinding", "ClusterRoleBinding") for one in of_kind(kind).values()]

        assert {subject["name"] for one in bindings for subject in one["subjects"]} == set(accounts)
        assert {pod(job)["serviceAccountName"] for job in jobs()} <= set(accounts)

    def test_the_audit_has_an_account_and_a_token_of_its_own(self) -> None:
        main, audit = (pod(of_kind("CronJob")[name]) for name in ("flux-gitlab-syncer", "flux-gitlab-syncer-audit"))

        for field in ("serviceAccountName", "volumes"):
            assert main[field] != audit[field]


class TestPods:
    @pytest.mark.parametrize("job", jobs(), ids=lambda job: str(job["metadata"]["name"]))
    def test_each_is_as_the_restricted_standard_wants_it(self, job: Manifest) -> None:
        spec = pod(job)
        [container] = spec["containers"]

        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsUser"] >= 10_000
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers"} & spec.keys()
        assert {next(iter(volume.keys() - {"name"})) for volume in spec["volumes"]} <= {
            "secret",
            "persistentVolumeClaim",
        }
        assert spec["enableServiceLinks"] is False

    @pytest.mark.parametrize("job", jobs(), ids=lambda job: str(job["metadata"]["name"]))
    def test_each_runs_once_at_a_time_and_is_not_repeated(self, job: Manifest) -> None:
        template = job["spec"]["jobTemplate"]["spec"]

        assert (job["spec"]["concurrencyPolicy"], template["backoffLimit"]) == ("Forbid", 0)
        assert pod(job)["restartPolicy"] == "Never"
        assert "suspend" not in job["spec"]
        assert {"startingDeadlineSeconds", "timeZone", "successfulJobsHistoryLimit"} <= job["spec"].keys()
        assert pod(job)["containers"][0]["resources"]["limits"].keys() == {"memory"}

    def test_each_run_ends_by_itself_before_it_is_ended(self) -> None:
        deadline = settings()["SYNCER_DEADLINE"]

        assert deadline.endswith("m")
        for job in jobs():
            assert int(deadline[:-1]) * 60 < job["spec"]["jobTemplate"]["spec"]["activeDeadlineSeconds"]
            assert pod(job)["terminationGracePeriodSeconds"] == 90

    def test_all_pods_carry_the_label_that_the_network_policy_selects(self) -> None:
        label = {"app.kubernetes.io/name": "flux-gitlab-syncer"}
        [policy] = of_kind("NetworkPolicy").values()
        [listing] = loaded(FOLDER / "base/kustomization.yaml")
        templates = [job["spec"]["jobTemplate"]["spec"]["template"].get("metadata", {}) for job in jobs()]

        assert policy["spec"]["podSelector"]["matchLabels"] == label
        assert listing["labels"] == [{"pairs": label, "includeTemplates": True}]
        assert [one.get("labels", label) for one in templates] == [label] * 3


def settings() -> dict[str, str]:
    """The base's settings, as environment."""
    data: dict[str, str] = of_kind("ConfigMap", "base")["flux-gitlab-syncer"]["data"]
    return data


class TestSettings:
    def test_every_variable_is_one_of_the_programs_with_a_value_that_it_takes(self) -> None:
        known = {option.env for option in OPTIONS}
        complete = {
            "SYNCER_CLUSTER": "a",
            "SYNCER_GROUP": "a",
            "SYNCER_GITLAB_URL": "https://a.test",
            "SYNCER_RECEIVER_URL": "https://b.test",
            "GITLAB_TOKEN": "made-up",
            # Kubernetes sets it in each pod of an Indexed Job.
            "JOB_COMPLETION_INDEX": "0",
        }
        seen = list(variables())

        assert {name for _, name, _ in seen} >= {"SYNCER_PRUNE", "SYNCER_DRIFT_EXIT_CODE", "SYNCER_PUSHGATEWAY"}
        for place, name, value in seen:
            assert name in known, place
            assert isinstance(value, str), place
            # These name files of a pod.
            if name not in {"SYNCER_GITLAB_TOKEN_FILE", "SYNCER_CONFIG", "SYNCER_REPORT"}:
                assert resolve("run", {}, {**complete, name: value}).complaints == (), place

    def test_the_settings_file_of_many_namespaces_is_one_that_can_be_used(self, tmp_path: Any) -> None:
        file = tmp_path / "settings.yaml"
        file.write_text(
            of_kind("ConfigMap", "components/multi-namespace")["flux-gitlab-syncer-file"]["data"][file.name]
        )
        environment = {
            "SYNCER_CONFIG": str(file),
            "SYNCER_CLUSTER": "a",
            "SYNCER_GROUP": "a",
            "GITLAB_TOKEN": "made-up",
        }
        resolved = resolve("run", {}, {**settings(), **environment, "SYNCER_GITLAB_URL": "https://a.test"})

        assert resolved.complaints == ()
        assert resolved.values["namespace"] == ("tenant-config", "team-red")

    def test_as_it_is_the_base_ends_with_what_it_lacks_and_asks_nobody(self) -> None:
        with a_program(1, samples=False) as program:
            done = program(
                "run", **dict.fromkeys(["SYNCER_CLUSTER", "SYNCER_GROUP", "SYNCER_GITLAB_URL"], ""), **settings()
            )

        assert (done.code, done.out, done.requests) == (2, "", [])
        assert [name for name in ("--cluster", "--group", "--gitlab-url") if name not in done.err] == []

    def test_with_these_it_shows_what_it_would_do_and_writes_nothing(self) -> None:
        with a_program(1, samples=False) as program:
            done = program("run", **settings())

            assert (done.code, done.out, done.writes) == (0, "", [])
            assert json.loads(done.err.splitlines()[-1])["msg"].startswith("Drift: 2 to create")
            done = program("run", **{**settings(), "SYNCER_DRY_RUN": "false"})
            assert len(done.writes) == 2


class TestMonitoring:
    def test_rules_and_dashboard_use_metrics_and_labels_that_there_are(self) -> None:
        [rule] = of_kind("PrometheusRule").values()
        [dashboard] = of_kind("ConfigMap", "components/monitoring").values()
        panels = json.loads(dashboard["data"]["flux-gitlab-syncer.json"])["panels"]
        queries = [one["expr"] for group in rule["spec"]["groups"] for one in group["rules"]]
        queries += [target["expr"] for panel in panels for target in panel["targets"]]

        assert len(queries) == 8 + 10
        for query in queries:
            for name, selector in re.findall(rf"{PREFIX}(\w+)(?:\{{([^}}]*)\}})?", query):
                used = set(re.findall(r"(\w+)=", selector)) | set(
                    re.findall(r"(\w+)", "".join(re.findall(r"by \(([^)]*)\)", query)))
                )
                assert used <= {"job", "cluster", *METRICS[name][0]}, query

    def test_everything_that_must_be_seen_has_an_alert(self) -> None:
        [rule] = of_kind("PrometheusRule").values()
        text = yaml.safe_dump(rule)

        for name in ("last_success_timestamp_seconds", "problems", "objections", "token_expiry_timestamp_seconds"):
            assert PREFIX + name in text


class TestTheExampleForFlux:
    def test_its_paths_lead_somewhere(self) -> None:
        [flux] = of_kind("Kustomization", "examples/flux").values()
        text = (FOLDER / "examples/flux/syncer.yaml").read_text(encoding="utf-8")
        named = set(re.findall(r"- \.\./components/([a-z-]+)", text))

        assert (FOLDER.parent.parent / flux["spec"]["path"] / "kustomization.yaml").exists()
        assert named == set(COMPONENTS)

    def test_its_settings_are_those_that_the_base_lacks(self) -> None:
        [flux] = of_kind("Kustomization", "examples/flux").values()
        [patch] = flux["spec"]["patches"]

        environment = settings() | yaml.safe_load(patch["patch"])["data"]
        assert resolve("run", {}, {**environment, "GITLAB_TOKEN": "made-up"}).complaints == ()

    def test_the_image_that_it_replaces_is_the_bases(self) -> None:
        [flux] = of_kind("Kustomization", "examples/flux").values()

        assert {pod(job)["containers"][0]["image"] for job in jobs()} == {one["name"] for one in flux["spec"]["images"]}

"""What a current API server enforces for us: the admission policy for tenants, and the restricted profile of pods."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from cronjob.transport.answer import Answer
from tests.cluster.api_servers import ApiServer
from tests.cluster.manifests import BEYOND, Manifest, of_kind
from tests.cluster.objects import created, existing, minor_of, serves, wait_until
from tests.cluster.scene import a_namespace, in_namespace

DRY = {"dryRun": "All"}
ADMISSION = "admissionregistration.k8s.io/v1"
SELECTS = "kubernetes.io/metadata.name"
POLICY = of_kind("ValidatingAdmissionPolicy", "examples/subsystem")["tenant-kustomizations"]
BINDING = of_kind("ValidatingAdmissionPolicyBinding", "examples/subsystem")["tenant-kustomizations"]
[GOOD] = of_kind("Kustomization", "examples/tenant").values()
JOBS = of_kind("CronJob")


class TestTheAdmissionPolicy:
    @pytest.fixture(autouse=True)
    def needed(self, real: ApiServer) -> None:
        if not serves(real.api, ADMISSION, "validatingadmissionpolicies"):
            pytest.skip(f"this server has no ValidatingAdmissionPolicy of {ADMISSION} (Kubernetes 1.30)")

    @pytest.fixture
    def namespace(self, real: ApiServer) -> Iterator[str]:
        with a_namespace(real) as name:
            yield name

    @pytest.mark.parametrize(("spec", "says"), BEYOND)
    def test_bound_with_deny_it_refuses_what_could_reach_beyond_and_nothing_else(
        self, real: ApiServer, namespace: str, spec: dict[str, Any], says: str
    ) -> None:
        with a_namespace(real) as exempt, bound(real, ["Deny"], namespace, exempt=exempt):
            wait_until(lambda: tried(real, namespace, serviceAccountName=None).status != 201)

            assert tried(real, namespace).status == 201
            answer = tried(real, namespace, **spec)
            if tried(real, exempt, **spec).status == 422:
                # The real schema of Flux refuses it already, whoever asks.
                assert (spec, answer.status) == ({"targetNamespace": ""}, 422)
            else:
                assert (answer.status, (answer.parsed() or {})["reason"]) == (403, "Forbidden")
                assert f"denied request: {says}" in (answer.parsed() or {})["message"]
                assert tried(real, exempt, **spec).status == 201

    def test_as_it_is_shipped_it_only_warns(self, real: ApiServer, namespace: str) -> None:
        with bound(real, BINDING["spec"]["validationActions"], namespace):
            wait_until(lambda: "Policy" in warning(tried(real, namespace, serviceAccountName=None)))

            answer = tried(real, namespace, serviceAccountName=None)
            assert answer.status == 201
            assert "Validation failed for ValidatingAdmissionPolicy" in warning(answer)
            assert "spec.serviceAccountName is missing" in warning(answer)
            assert "ValidatingAdmissionPolicy" not in warning(tried(real, namespace))


@contextmanager
def bound(server: ApiServer, actions: list[str], namespace: str, *, exempt: str = "") -> Iterator[None]:
    """The policy and its binding under names of their own, for that namespace; *exempt* is on its list of such."""
    name = f"syncer-test-{secrets.token_hex(4)}"
    [expression] = BINDING["spec"]["matchResources"]["namespaceSelector"]["matchExpressions"]
    assert (expression["key"], expression["operator"]) == (SELECTS, "NotIn")
    shipped = {**expression, "values": [*expression["values"], *filter(None, [exempt])]}
    ours = {"key": SELECTS, "operator": "In", "values": [namespace, *filter(None, [exempt])]}
    selector = {"namespaceSelector": {"matchExpressions": [shipped, ours]}}
    binding = {
        **BINDING,
        "metadata": {"name": name},
        "spec": {"policyName": name, "validationActions": actions, "matchResources": selector},
    }
    with existing(server.api, {**POLICY, "metadata": {"name": name}}), existing(server.api, binding):
        yield


def tried(server: ApiServer, namespace: str, **spec: Any) -> Answer:
    """The answer to the example's Kustomization with these fields; None takes one away. Nothing is kept of it."""
    changed = {**GOOD["spec"], "targetNamespace": namespace, **spec}
    kept = {name: value for name, value in changed.items() if value is not None}
    path = f"/apis/{GOOD['apiVersion']}/namespaces/{namespace}/kustomizations"
    return server.api.send("POST", path, query=DRY, body=in_namespace({**GOOD, "spec": kept}, namespace))


def warning(answer: Answer) -> str:
    return answer.headers.get("Warning") or ""


class TestPodSecurity:
    @pytest.fixture
    def namespace(self, real: ApiServer) -> Iterator[str]:
        """One like that of examples/subsystem, with the accounts of all jobs."""
        if minor_of(real.api) < 25:
            pytest.skip("this server enforces no Pod Security (Kubernetes 1.25)")
        shipped = of_kind("Namespace", "examples/subsystem")["tenant-config"]
        with a_namespace(real, **shipped["metadata"]["labels"]) as name:
            for account in of_kind("ServiceAccount", "base", "components/audit").values():
                created(real.api, in_namespace(account, name))
            yield name

    @pytest.mark.parametrize("job", JOBS)
    def test_the_restricted_profile_admits_each_pod(self, real: ApiServer, namespace: str, job: str) -> None:
        answer = started(real, namespace, JOBS[job])

        assert answer.status == 201, answer.body

    @pytest.mark.parametrize(
        "context", [{"allowPrivilegeEscalation": True}, {"capabilities": {}}, {"runAsNonRoot": False}]
    )
    def test_it_would_refuse_one_that_may_more(self, real: ApiServer, namespace: str, context: dict[str, Any]) -> None:
        answer = started(real, namespace, JOBS["flux-gitlab-syncer"], **context)

        assert answer.status == 403
        assert 'violates PodSecurity "restricted:' in (answer.parsed() or {})["message"]


def started(server: ApiServer, namespace: str, job: Manifest, **context: Any) -> Answer:
    """The answer to a pod of the job; *context* changes its container's security context. Nothing is kept of it."""
    spec = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    [container] = spec["containers"]
    changed = {**container, "securityContext": {**container["securityContext"], **context}}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "one", "namespace": namespace},
        "spec": {**spec, "containers": [changed]},
    }
    return server.api.send("POST", f"/api/v1/namespaces/{namespace}/pods", query=DRY, body=pod)

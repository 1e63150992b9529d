"""
Objects that the CRDs of Flux refuse, over HTTP.

Source: the schemas in the CRDs of Flux 0.41, 2.6, 2.8 and 2.9; messages of a real API server (tests/sandbox/recorded).
"""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from cronjob.sandbox.fake_kubernetes.app import kubernetes_app
from cronjob.sandbox.fake_kubernetes.world import KubernetesWorld
from cronjob.sandbox.serving import serving

FLUX = {"GitRepository": "source", "Receiver": "notification", "Kustomization": "kustomize"}
PLURAL = {"GitRepository": "gitrepositories", "Receiver": "receivers", "Kustomization": "kustomizations"}
GOOD: dict[str, dict[str, Any]] = {
    "GitRepository": {"interval": "5m", "url": "ssh://git@gitlab.test/a/b", "secretRef": {"name": "key"}},
    "Receiver": {
        "type": "gitlab",
        "secretRef": {"name": "token"},
        "resources": [{"kind": "GitRepository", "name": "docs"}],
    },
    "Kustomization": {"interval": "10m", "prune": True, "sourceRef": {"kind": "GitRepository", "name": "docs"}},
}
A_CONDITION = {
    "type": "Ready",
    "status": "True",
    "reason": "Succeeded",
    "message": "",
    "lastTransitionTime": "2026-11-30T12:00:00Z",
}


def served(flux: str, *, operator: bool = False) -> KubernetesWorld:
    world = KubernetesWorld(flux=flux)
    world.add_namespace("tenants")
    if operator:
        world.install_flux_operator()
    return world


@pytest.fixture
def url() -> Iterator[str]:
    with serving(kubernetes_app(served("2.9"))) as address:
        yield address


def create(url: str, kind: str, spec: dict[str, Any], version: str = "v1") -> requests.Response:
    path = f"{url}/apis/{FLUX[kind]}.toolkit.fluxcd.io/{version}/namespaces/tenants/{PLURAL[kind]}"
    return requests.post(path, json={"metadata": {"name": "docs"}, "spec": spec}, timeout=10)


def causes(answer: requests.Response) -> list[tuple[str, str]]:
    assert answer.status_code == 422, answer.text
    found = [(cause["field"], cause["message"]) for cause in answer.json()["details"]["causes"]]
    return [cause for cause in found if cause[0] != "<nil>"]


@pytest.mark.parametrize("kind", GOOD)
def test_a_good_object_is_accepted(url: str, kind: str) -> None:
    assert create(url, kind, GOOD[kind]).status_code == 201


@pytest.mark.parametrize(
    ("kind", "changes", "field", "message"),
    [
        ("GitRepository", {"provider": "gitlab"}, "spec.provider", 'Unsupported value: "gitlab": supported values: '),
        ("GitRepository", {"interval": "five"}, "spec.interval", 'Invalid value: "five": spec.interval in body should'),
        ("GitRepository", {"secretRef": {}}, "spec.secretRef.name", "Required value"),
        ("Receiver", {"type": "gitea"}, "spec.type", 'Unsupported value: "gitea": supported values: "generic", '),
        (
            "Receiver",
            {"resources": [{"kind": "ConfigMap", "name": "a"}]},
            "spec.resources[0].kind",
            'Unsupported value: "ConfigMap": supported values: "Bucket", ',
        ),
        ("Receiver", {"resources": [{"kind": "Bucket"}]}, "spec.resources[0].name", "Required value"),
        (
            "Receiver",
            {"resources": [{"kind": "Bucket", "name": ""}]},
            "spec.resources[0].name",
            'Invalid value: "": spec.resources[0].name in body should be at least 1 chars long',
        ),
        (
            "Kustomization",
            {"targetNamespace": ""},
            "spec.targetNamespace",
            'Invalid value: "": spec.targetNamespace in body should be at least 1 chars long',
        ),
        (
            "Kustomization",
            {"targetNamespace": "n" * 64},
            "spec.targetNamespace",
            "Too long: may not be more than 63 bytes",
        ),
        (
            "Kustomization",
            {"sourceRef": {"kind": "HelmRepository", "name": "a"}},
            "spec.sourceRef.kind",
            'Unsupported value: "HelmRepository": supported values: "OCIRepository", ',
        ),
        ("Kustomization", {"sourceRef": {"kind": "Bucket"}}, "spec.sourceRef.name", "Required value"),
    ],
)
def test_a_wrong_field_is_refused(url: str, kind: str, changes: dict[str, Any], field: str, message: str) -> None:
    [(found, text)] = causes(create(url, kind, GOOD[kind] | changes))
    assert (found, text[: len(message)]) == (field, message)


@pytest.mark.parametrize("missing", ["lastTransitionTime", "message", "reason", "status", "type"])
def test_a_condition_without_a_required_field_is_refused(url: str, missing: str) -> None:
    create(url, "Receiver", GOOD["Receiver"])
    path = f"{url}/apis/notification.toolkit.fluxcd.io/v1/namespaces/tenants/receivers/docs/status"
    condition = {name: value for name, value in A_CONDITION.items() if name != missing}
    headers = {"Content-Type": "application/merge-patch+json"}
    answer = requests.patch(path, json={"status": {"conditions": [condition]}}, headers=headers, timeout=10)
    assert causes(answer) == [(f"status.conditions[0].{missing}", "Required value")]
    answer = requests.patch(path, json={"status": {"conditions": [A_CONDITION]}}, headers=headers, timeout=10)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("flux", "version", "kind", "changes", "status"),
    [
        ("2.9", "v1", "GitRepository", {"provider": "aws"}, 201),
        ("2.8", "v1", "GitRepository", {"provider": "aws"}, 422),
        ("2.8", "v1", "Receiver", {"resources": [{"kind": "ExternalArtifact", "name": "a"}]}, 201),
        ("2.6", "v1", "Receiver", {"resources": [{"kind": "ExternalArtifact", "name": "a"}]}, 422),
        ("2.8", "v1", "Kustomization", {"sourceRef": {"kind": "ExternalArtifact", "name": "a"}}, 201),
        ("2.6", "v1", "Kustomization", {"sourceRef": {"kind": "ExternalArtifact", "name": "a"}}, 422),
        ("0.41", "v1beta1", "GitRepository", {"interval": "five"}, 201),
        ("0.41", "v1beta2", "GitRepository", {"interval": "five"}, 422),
        ("2.8", "v1beta2", "Receiver", {"type": "cdevents"}, 422),
        ("2.8", "v1", "Receiver", {"type": "cdevents"}, 201),
    ],
)
def test_each_release_and_version_has_its_own_schema(
    flux: str, version: str, kind: str, changes: dict[str, Any], status: int
) -> None:
    with serving(kubernetes_app(served(flux))) as url:
        assert create(url, kind, GOOD[kind] | changes, version).status_code == status


PROVIDERS = {"oidcProviders": [{"issuerURL": "https://gitlab.test", "validations": [{"expression": "true"}]}]}


@pytest.mark.parametrize(
    ("flux", "fields", "expected"),
    [
        ("2.8", {"type": "gitlab"}, ("spec.secretRef", "Required value")),
        ("2.9", {"type": "gitlab"}, ("spec", "secretRef is required when type is not generic-oidc")),
        ("2.9", {"type": "generic-oidc"}, ("spec", "generic-oidc receivers must define at least one oidcProvider")),
        ("2.9", {"type": "generic-oidc", **PROVIDERS}, None),
        (
            "2.8",
            {"type": "generic-oidc", "secretRef": {"name": "a"}},
            ("spec.type", 'Unsupported value: "generic-oidc"'),
        ),
    ],
)
def test_a_receiver_needs_a_secret_unless_it_is_generic_oidc(
    flux: str, fields: dict[str, Any], expected: tuple[str, str] | None
) -> None:
    with serving(kubernetes_app(served(flux))) as url:
        answer = create(url, "Receiver", {"resources": GOOD["Receiver"]["resources"], **fields})
        if expected is None:
            assert answer.status_code == 201
        else:
            [(field, message)] = causes(answer)
            assert (field, expected[1] in message) == (expected[0], True)


def test_flux_operator_serves_input_providers_and_receivers_may_name_them() -> None:
    """Source: docs/api/v1/resourcesetinputprovider.md of Flux Operator."""
    spec = GOOD["Receiver"] | {"resources": [{"kind": "ResourceSetInputProvider", "name": "merge-requests"}]}
    provider = {
        "metadata": {"name": "merge-requests"},
        "spec": {"type": "GitLabMergeRequest", "url": "https://gitlab.test/tenants/docs"},
    }
    path = "/apis/fluxcd.controlplane.io/v1/namespaces/tenants/resourcesetinputproviders"
    with serving(kubernetes_app(served("2.9", operator=True))) as url:
        assert requests.post(url + path, json=provider, timeout=10).status_code == 201
        [listed] = requests.get(url + path, timeout=10).json()["items"]
        assert (listed["spec"], "status" in listed) == (provider["spec"], False)
        resources = requests.get(f"{url}/apis/fluxcd.controlplane.io/v1", timeout=10).json()["resources"]
        assert [each["name"] for each in resources] == [
            "resourcesetinputproviders",
            "resourcesetinputproviders/status",
        ]
        assert create(url, "Receiver", spec).status_code == 201
        assert causes(requests.post(url + path, json={"metadata": {"name": "a"}}, timeout=10)) == [
            ("spec.type", "Required value")
        ]


def test_without_flux_operator_there_are_no_input_providers(url: str) -> None:
    path = "/apis/fluxcd.controlplane.io/v1/namespaces/tenants/resourcesetinputproviders"
    assert requests.get(url + path, timeout=10).status_code == 404
    spec = GOOD["Receiver"] | {"resources": [{"kind": "ResourceSetInputProvider", "name": "a"}]}
    assert [field for field, _ in causes(create(url, "Receiver", spec))] == ["spec.resources[0].kind"]

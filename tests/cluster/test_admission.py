"""The admission policy for tenants' Kustomizations, evaluated as the API server does it."""

from __future__ import annotations

from typing import Any

import celpy
import pytest

from tests.cluster.manifests import BEYOND, of_kind

POLICY = of_kind("ValidatingAdmissionPolicy", "examples/subsystem")["tenant-kustomizations"]
BINDING = of_kind("ValidatingAdmissionPolicyBinding", "examples/subsystem")["tenant-kustomizations"]
[GOOD] = of_kind("Kustomization", "examples/tenant").values()


def refusals(**spec: Any) -> list[str]:
    """What the policy says of the example's Kustomization with these fields; None takes one away."""
    changed = {name: value for name, value in {**GOOD["spec"], **spec}.items() if value is not None}
    activation = {"object": celpy.json_to_cel({**GOOD, "spec": changed})}
    environment = celpy.Environment()
    return [
        rule["message"]
        for rule in POLICY["spec"]["validations"]
        if not environment.program(environment.compile(rule["expression"])).evaluate(activation)
    ]


def is_bound(namespace: str) -> bool:
    """Whether the binding's selector takes a namespace of that name in."""
    [expression] = BINDING["spec"]["matchResources"]["namespaceSelector"]["matchExpressions"]
    assert (expression["key"], expression["operator"]) == ("kubernetes.io/metadata.name", "NotIn")
    return namespace not in expression["values"]


def test_the_example_of_a_tenant_is_admitted() -> None:
    assert refusals() == []
    assert is_bound(GOOD["metadata"]["namespace"])


@pytest.mark.parametrize(("spec", "says"), BEYOND)
def test_one_that_could_reach_beyond_its_namespace_is_refused(spec: dict[str, Any], says: str) -> None:
    [message] = refusals(**spec)
    assert message.startswith(says)


def test_the_platforms_own_namespaces_are_exempt() -> None:
    assert [name for name in ("flux-system", "tenant-config", "kube-system") if is_bound(name)] == []


def test_at_first_it_only_warns() -> None:
    assert BINDING["spec"]["validationActions"] == ["Warn", "Audit"]
    assert BINDING["spec"]["policyName"] == POLICY["metadata"]["name"]
    assert POLICY["spec"]["failurePolicy"] == "Fail"

import json

import pytest

from cronjob.sandbox.fake_kubernetes.world import KubernetesWorld
from tests.worlds.objects import an_applied_repository


def test_an_applied_object_gets_what_a_server_fills_in() -> None:
    stored = KubernetesWorld().apply(an_applied_repository())

    metadata = stored["metadata"]
    assert metadata["uid"]
    assert metadata["creationTimestamp"].endswith("Z")
    assert metadata["generation"] == 1
    assert metadata["managedFields"][0]["fieldsV1"]["f:spec"]["f:url"] == {}
    assert stored["spec"]["timeout"] == "60s"
    assert stored["status"] == {"observedGeneration": -1}


def test_a_changed_spec_counts_a_generation_and_keeps_the_identity() -> None:
    world = KubernetesWorld()
    before = world.apply(an_applied_repository())

    after = world.apply(an_applied_repository(suspend=True))

    assert after["metadata"]["generation"] == 2
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert int(after["metadata"]["resourceVersion"]) > int(before["metadata"]["resourceVersion"])


def test_a_changed_label_or_status_counts_no_generation() -> None:
    world = KubernetesWorld()
    world.apply(an_applied_repository())

    labelled = an_applied_repository()
    labelled["metadata"]["labels"] = {"tenant": "docs"}
    world.apply(labelled)
    world.set_status("GitRepository", "tenants", "docs", {"observedGeneration": 1})

    after = world.get("GitRepository", "tenants", "docs")
    assert after is not None
    assert after["metadata"]["generation"] == 1
    assert after["metadata"]["labels"] == {"tenant": "docs"}
    assert after["status"] == {"observedGeneration": 1}


def test_applying_the_same_again_is_no_write() -> None:
    world = KubernetesWorld()

    assert world.apply(an_applied_repository()) == world.apply(an_applied_repository())


def test_a_status_outlives_an_apply_without_one() -> None:
    world = KubernetesWorld()
    world.apply(an_applied_repository() | {"status": {"observedGeneration": 1}})

    assert world.apply(an_applied_repository(suspend=True))["status"] == {"observedGeneration": 1}


def test_string_data_of_a_secret_becomes_data() -> None:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "token", "namespace": "tenants"},
        "stringData": {"token": "geheim"},
    }

    stored = KubernetesWorld().apply(secret)

    assert stored["data"] == {"token": "Z2VoZWlt"}
    assert stored["type"] == "Opaque"
    assert "stringData" not in stored


def test_a_namespaced_object_brings_its_namespace() -> None:
    world = KubernetesWorld()
    assert world.get("Namespace", None, "tenants") is None

    world.apply(an_applied_repository())

    namespace = world.get("Namespace", None, "tenants")
    assert namespace is not None
    assert namespace["status"] == {"phase": "Active"}
    assert namespace["metadata"]["labels"] == {"kubernetes.io/metadata.name": "tenants"}


def test_an_object_without_a_namespace_goes_to_the_default_one() -> None:
    secret = KubernetesWorld().apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}})

    assert secret["metadata"]["namespace"] == "default"


def test_a_namespace_need_not_be_there_when_told_so() -> None:
    world = KubernetesWorld()

    world.apply(an_applied_repository(), create_namespace=False)

    assert world.get("Namespace", None, "tenants") is None
    assert world.get("GitRepository", "tenants", "docs") is not None


def test_a_namespace_can_be_terminating() -> None:
    world = KubernetesWorld()
    world.apply(an_applied_repository())

    world.add_namespace("tenants", phase="Terminating")

    namespace = world.get("Namespace", None, "tenants")
    assert namespace is not None
    assert namespace["status"] == {"phase": "Terminating"}


def test_an_object_can_be_on_its_way_out() -> None:
    leaving = an_applied_repository()
    leaving["metadata"] |= {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["finalizers.fluxcd.io"]}

    stored = KubernetesWorld().apply(leaving)

    assert stored["metadata"]["deletionTimestamp"] == "2026-01-01T00:00:00Z"


def test_what_is_handed_out_is_a_copy() -> None:
    world = KubernetesWorld()
    world.apply(an_applied_repository())["spec"]["url"] = "changed"
    world.list("GitRepository")[0]["spec"]["url"] = "changed"

    found = world.get("GitRepository", "tenants", "docs")

    assert found is not None
    assert found["spec"]["url"] == "ssh://git@gitlab.test/tenants/docs"


def test_yaml_is_applied_document_by_document() -> None:
    world = KubernetesWorld()
    text = """
apiVersion: v1
kind: Namespace
metadata:
  name: tenants
  creationTimestamp: 2020-01-01T00:00:00Z
---
---
apiVersion: v1
kind: List
items: [{apiVersion: v1, kind: Secret, metadata: {name: a, namespace: tenants}}]
"""

    applied = world.apply_yaml(text)

    assert [each["kind"] for each in applied] == ["Namespace", "Secret"]
    assert applied[0]["metadata"]["creationTimestamp"] == "2020-01-01T00:00:00Z"
    assert json.dumps(applied)


def test_lists_are_in_the_order_of_namespace_and_name() -> None:
    world = KubernetesWorld()
    for namespace, name in (("b", "y"), ("a", "z"), ("b", "x")):
        world.apply(an_applied_repository(name, namespace=namespace))

    assert [each["metadata"]["name"] for each in world.list("GitRepository")] == ["z", "x", "y"]
    assert [each["metadata"]["name"] for each in world.list("GitRepository", "b")] == ["x", "y"]


def test_a_deleted_object_is_gone() -> None:
    world = KubernetesWorld()
    world.apply(an_applied_repository())

    world.delete("GitRepository", "tenants", "docs")

    assert world.get("GitRepository", "tenants", "docs") is None
    with pytest.raises(KeyError, match="GitRepository tenants/docs"):
        world.delete("GitRepository", "tenants", "docs")


def test_a_namespace_goes_with_all_that_is_in_it_and_nothing_else() -> None:
    world = KubernetesWorld()
    world.apply(an_applied_repository())
    world.apply(an_applied_repository(namespace="others"))

    world.delete("Namespace", None, "tenants")

    assert [each["metadata"]["namespace"] for each in world.list("GitRepository")] == ["others"]


def test_a_status_needs_its_object() -> None:
    with pytest.raises(KeyError, match="Receiver tenants/docs"):
        KubernetesWorld().set_status("Receiver", "tenants", "docs", {})


@pytest.mark.parametrize(
    ("flux", "git_repository", "receiver"),
    [
        ("0.37", ["v1beta2", "v1beta1"], ["v1beta1"]),
        ("0.41", ["v1beta2", "v1beta1"], ["v1beta2", "v1beta1"]),
        ("2.6", ["v1", "v1beta2", "v1beta1"], ["v1", "v1beta2", "v1beta1"]),
        ("2.7", ["v1", "v1beta2"], ["v1", "v1beta2"]),
        ("2.8", ["v1"], ["v1", "v1beta2"]),
        ("2.9", ["v1"], ["v1"]),
        ("", None, None),
    ],
)
def test_a_release_of_flux_serves_its_versions(flux: str, git_repository: list[str], receiver: list[str]) -> None:
    served = KubernetesWorld(flux=flux).served

    assert served.get("source.toolkit.fluxcd.io") == git_repository
    assert served.get("notification.toolkit.fluxcd.io") == receiver


def test_an_unknown_release_of_flux_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"unknown Flux release '3.0'; known: 0.37, 0.41"):
        KubernetesWorld(flux="3.0")

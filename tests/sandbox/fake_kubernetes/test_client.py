"""The embedded Kubernetes as the official Python client sees it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from kubernetes import client, config

from cronjob.sandbox.fake_kubernetes.app import kubeconfig, kubernetes_app
from cronjob.sandbox.fake_kubernetes.world import KubernetesWorld
from cronjob.sandbox.serving import serving
from tests.worlds.objects import an_applied_repository

SOURCE = {"group": "source.toolkit.fluxcd.io", "version": "v1"}
REPOSITORIES = SOURCE | {"plural": "gitrepositories"}
HERE = REPOSITORIES | {"namespace": "tenants"}


@pytest.fixture
def world() -> KubernetesWorld:
    made = KubernetesWorld()
    made.token = "right"
    made.add_namespace("tenants")
    return made


@pytest.fixture
def api(world: KubernetesWorld, tmp_path: Path) -> Iterator[client.ApiClient]:
    with serving(kubernetes_app(world)) as url:
        file = tmp_path / "kubeconfig"
        file.write_text(kubeconfig(url, namespace="tenants", token="right"))
        with config.new_client_from_config(str(file), context="sandbox") as made:
            made.configuration.retries = False
            yield made


@pytest.fixture
def custom(api: client.ApiClient) -> client.CustomObjectsApi:
    return client.CustomObjectsApi(api)


@pytest.fixture
def core(api: client.ApiClient) -> client.CoreV1Api:
    return client.CoreV1Api(api)


def test_the_client_lists_custom_objects(world: KubernetesWorld, custom: client.CustomObjectsApi) -> None:
    world.apply(an_applied_repository())

    listed = custom.list_cluster_custom_object(**REPOSITORIES)

    assert [item["metadata"]["name"] for item in listed["items"]] == ["docs"]


def test_the_client_lists_in_chunks(world: KubernetesWorld, custom: client.CustomObjectsApi) -> None:
    for name in ("a", "b", "c"):
        world.apply(an_applied_repository(name))

    first = custom.list_namespaced_custom_object(**HERE, limit=2)
    second = custom.list_namespaced_custom_object(**HERE, limit=2, _continue=first["metadata"]["continue"])

    assert [item["metadata"]["name"] for item in first["items"] + second["items"]] == ["a", "b", "c"]


def test_the_client_sees_an_expired_token(world: KubernetesWorld, custom: client.CustomObjectsApi) -> None:
    for name in ("a", "b", "c"):
        world.apply(an_applied_repository(name))
    token = custom.list_namespaced_custom_object(**HERE, limit=2)["metadata"]["continue"]
    world.expire_continue_tokens()

    with pytest.raises(client.ApiException) as gone:
        custom.list_namespaced_custom_object(**HERE, limit=2, _continue=token)

    assert gone.value.status == 410
    rest = json.loads(gone.value.body)["metadata"]["continue"]
    listed = custom.list_namespaced_custom_object(**HERE, limit=2, _continue=rest)
    assert [item["metadata"]["name"] for item in listed["items"]] == ["c"]


def test_the_client_reads_a_secret(world: KubernetesWorld, core: client.CoreV1Api) -> None:
    world.apply_yaml("{apiVersion: v1, kind: Secret, metadata: {name: a, namespace: tenants}, stringData: {k: v}}")

    secret = core.read_namespaced_secret("a", "tenants")

    assert (secret.data, secret.type) == ({"k": "dg=="}, "Opaque")


def test_the_client_sees_what_is_missing(core: client.CoreV1Api) -> None:
    with pytest.raises(client.ApiException) as missing:
        core.read_namespaced_secret("a", "tenants")

    assert missing.value.status == 404
    assert json.loads(missing.value.body)["message"] == 'secrets "a" not found'


def test_the_client_sees_what_is_forbidden(world: KubernetesWorld, core: client.CoreV1Api) -> None:
    world.deny(verb="get", resource="secrets", namespace="tenants")

    with pytest.raises(client.ApiException) as refused:
        core.read_namespaced_secret("a", "tenants")

    assert refused.value.status == 403
    assert "cannot get resource" in json.loads(refused.value.body)["message"]


def test_the_client_sees_that_its_token_is_wrong(world: KubernetesWorld, core: client.CoreV1Api) -> None:
    assert core.list_namespace().items

    world.token = "changed"

    with pytest.raises(client.ApiException) as refused:
        core.list_namespace()
    assert refused.value.status == 401


def test_the_client_finds_the_versions(api: client.ApiClient) -> None:
    groups = {group.name: group for group in client.ApisApi(api).get_api_versions().groups}

    assert groups["source.toolkit.fluxcd.io"].preferred_version.version == "v1"
    assert client.VersionApi(api).get_code().git_version == "v1.32.0+sandbox"


def test_the_client_reads_raw_bytes(world: KubernetesWorld, api: client.ApiClient) -> None:
    world.apply(an_applied_repository())
    path = "/apis/source.toolkit.fluxcd.io/v1/gitrepositories"
    request = api.param_serialize("GET", path, query_params=[("limit", 5)], auth_settings=["BearerToken"])

    response = api.call_api(*request)
    body = json.loads(response.read())

    assert response.status == 200
    assert body["items"][0]["metadata"]["name"] == "docs"


def test_the_client_writes_custom_objects(world: KubernetesWorld, custom: client.CustomObjectsApi) -> None:
    made = custom.create_namespaced_custom_object(**HERE, body=an_applied_repository())
    custom.patch_namespaced_custom_object(**HERE, name="docs", body={"spec": {"suspend": True}})
    read = custom.get_namespaced_custom_object(**HERE, name="docs")
    assert read["metadata"]["uid"] == made["metadata"]["uid"]
    assert read["spec"]["suspend"] is True

    with pytest.raises(client.ApiException) as stale:
        custom.replace_namespaced_custom_object(**HERE, name="docs", body=made)
    assert stale.value.status == 409

    assert custom.delete_namespaced_custom_object(**HERE, name="docs")["status"] == "Success"
    assert world.list("GitRepository") == []


def test_the_client_holds_a_lease(world: KubernetesWorld, api: client.ApiClient) -> None:
    leases = client.CoordinationV1Api(api)
    lease = client.V1Lease(metadata=client.V1ObjectMeta(name="syncer"), spec=client.V1LeaseSpec(holder_identity="one"))
    held = leases.create_namespaced_lease("tenants", lease)

    held.spec.holder_identity = "two"
    renewed = leases.replace_namespaced_lease("syncer", "tenants", held)
    assert renewed.spec.holder_identity == "two"

    with pytest.raises(client.ApiException) as stale:
        leases.replace_namespaced_lease("syncer", "tenants", held)
    assert stale.value.status == 409
    assert world.list("Lease")[0]["spec"] == {"holderIdentity": "two"}


def test_the_client_records_an_event(world: KubernetesWorld, core: client.CoreV1Api) -> None:
    event = client.CoreV1Event(
        metadata=client.V1ObjectMeta(generate_name="docs."),
        involved_object=client.V1ObjectReference(kind="GitRepository", name="docs", namespace="tenants"),
        reason="DeployKeyCreated",
        type="Normal",
    )

    core.create_namespaced_event("tenants", event)

    selected = core.list_namespaced_event("tenants", field_selector="involvedObject.name=docs,reason=DeployKeyCreated")
    assert len(selected.items) == 1
    assert core.list_namespaced_event("tenants", field_selector="involvedObject.name=other").items == []
    assert world.list("Event")[0]["reason"] == "DeployKeyCreated"


def test_the_client_asks_what_it_may_do_and_who_it_is(world: KubernetesWorld, api: client.ApiClient) -> None:
    world.deny(verb="get", resource="secrets")

    def allowed(verb: str) -> bool:
        attributes = client.V1ResourceAttributes(verb=verb, resource="secrets", namespace="tenants")
        spec = client.V1SelfSubjectAccessReviewSpec(resource_attributes=attributes)
        review = client.V1SelfSubjectAccessReview(spec=spec)
        return client.AuthorizationV1Api(api).create_self_subject_access_review(review).status.allowed

    assert not allowed("get")
    assert allowed("list")
    me = client.AuthenticationV1Api(api).create_self_subject_review(client.V1SelfSubjectReview())
    assert me.status.user_info.username == world.user

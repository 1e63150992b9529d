from collections.abc import Iterator

import pytest
import requests

from cronjob.sandbox.fake_kubernetes.app import kubernetes_app
from cronjob.sandbox.fake_kubernetes.world import KubernetesWorld
from cronjob.sandbox.serving import serving
from tests.worlds.objects import an_applied_repository

LEASES = "/apis/coordination.k8s.io/v1/namespaces/tenants/leases"
REPOSITORIES = "/apis/source.toolkit.fluxcd.io/v1/namespaces/tenants/gitrepositories"
MERGE = "application/merge-patch+json"


@pytest.fixture
def world() -> KubernetesWorld:
    made = KubernetesWorld()
    made.add_namespace("tenants")
    return made


@pytest.fixture
def url(world: KubernetesWorld) -> Iterator[str]:
    with serving(kubernetes_app(world)) as address:
        yield address


def a_lease(holder: str = "one", **metadata: str) -> dict:
    return {"metadata": {"name": "syncer", **metadata}, "spec": {"holderIdentity": holder}}


def post(url: str, body: object) -> requests.Response:
    return requests.post(url, json=body, timeout=10)


def put(url: str, body: object) -> requests.Response:
    return requests.put(url, json=body, timeout=10)


def patch(url: str, body: object) -> requests.Response:
    return requests.patch(url, json=body, headers={"Content-Type": MERGE}, timeout=10)


def stored(world: KubernetesWorld) -> dict:
    found = world.get("GitRepository", "tenants", "docs")
    assert found is not None
    return found


def test_a_posted_object_is_created(world: KubernetesWorld, url: str) -> None:
    answer = post(url + LEASES, a_lease())

    assert answer.status_code == 201
    assert answer.json()["kind"] == "Lease"
    assert answer.json()["metadata"]["namespace"] == "tenants"
    assert world.list("Lease")[0]["spec"] == {"holderIdentity": "one"}


def test_a_taken_name_already_exists(world: KubernetesWorld, url: str) -> None:
    post(url + LEASES, a_lease())

    answer = post(url + LEASES, a_lease("two"))

    assert answer.status_code == 409
    assert answer.json()["reason"] == "AlreadyExists"
    assert answer.json()["message"] == 'leases.coordination.k8s.io "syncer" already exists'
    assert world.list("Lease")[0]["spec"] == {"holderIdentity": "one"}


def test_a_name_can_be_made_up_by_the_server(url: str) -> None:
    events = f"{url}/api/v1/namespaces/tenants/events"

    event = {"reason": "Synced", "involvedObject": {"namespace": "tenants"}}
    first = post(events, event | {"metadata": {"generateName": "docs."}}).json()
    second = post(events, event | {"metadata": {"generateName": "docs."}}).json()

    assert first["metadata"]["name"].startswith("docs.")
    assert first["metadata"]["name"] != second["metadata"]["name"]


def test_nothing_is_created_in_a_namespace_that_does_not_exist(world: KubernetesWorld, url: str) -> None:
    answer = post(f"{url}/api/v1/namespaces/nowhere/secrets", {"metadata": {"name": "a"}})

    assert answer.status_code == 404
    assert answer.json()["message"] == 'namespaces "nowhere" not found'
    assert world.list("Secret") == []


def test_nothing_is_created_in_a_terminating_namespace(world: KubernetesWorld, url: str) -> None:
    world.add_namespace("tenants", phase="Terminating")

    answer = post(url + LEASES, a_lease())

    assert answer.status_code == 403
    assert "because it is being terminated" in answer.json()["message"]
    assert world.list("Lease") == []


def test_a_put_replaces_what_it_was_based_on(url: str) -> None:
    made = post(url + LEASES, a_lease()).json()
    made["spec"]["holderIdentity"] = "two"

    answer = put(f"{url}{LEASES}/syncer", made)

    assert answer.status_code == 200
    assert answer.json()["spec"] == {"holderIdentity": "two"}
    assert answer.json()["metadata"]["uid"] == made["metadata"]["uid"]


def test_a_put_that_is_based_on_the_past_conflicts(world: KubernetesWorld, url: str) -> None:
    made = post(url + LEASES, a_lease()).json()
    put(f"{url}{LEASES}/syncer", made | {"spec": {"holderIdentity": "two"}})

    answer = put(f"{url}{LEASES}/syncer", made)

    assert answer.status_code == 409
    assert answer.json()["reason"] == "Conflict"
    assert answer.json()["message"] == (
        'Operation cannot be fulfilled on leases.coordination.k8s.io "syncer": the object has been modified; '
        "please apply your changes to the latest version and try again"
    )
    assert world.list("Lease")[0]["spec"] == {"holderIdentity": "two"}


def test_a_put_needs_its_object(url: str) -> None:
    assert put(f"{url}{LEASES}/syncer", a_lease()).status_code == 404


def test_status_is_written_through_its_subresource_only(world: KubernetesWorld, url: str) -> None:
    made = post(url + REPOSITORIES, an_applied_repository() | {"status": {"observedGeneration": 1}}).json()
    assert made["status"] == {"observedGeneration": -1}

    changed = made | {"spec": made["spec"] | {"suspend": True}, "status": {"observedGeneration": 7}}
    put(f"{url}{REPOSITORIES}/docs", changed)
    assert stored(world)["status"] == {"observedGeneration": -1}
    assert stored(world)["spec"]["suspend"] is True

    status = {"spec": {"suspend": False}, "status": {"observedGeneration": 2}}
    assert patch(f"{url}{REPOSITORIES}/docs/status", status).status_code == 200
    assert stored(world)["status"] == {"observedGeneration": 2}
    assert stored(world)["spec"]["suspend"] is True


def test_a_deleted_object_is_gone_and_named(world: KubernetesWorld, url: str) -> None:
    made = post(url + LEASES, a_lease()).json()

    answer = requests.delete(f"{url}{LEASES}/syncer", timeout=10)

    assert answer.status_code == 200
    assert answer.json()["status"] == "Success"
    assert answer.json()["details"] == {
        "name": "syncer",
        "group": "coordination.k8s.io",
        "kind": "leases",
        "uid": made["metadata"]["uid"],
    }
    assert world.list("Lease") == []
    assert requests.delete(f"{url}{LEASES}/syncer", timeout=10).status_code == 404


def test_a_server_side_dry_run_answers_and_stores_nothing(world: KubernetesWorld, url: str) -> None:
    assert post(f"{url}{LEASES}?dryRun=All", a_lease()).status_code == 201
    assert world.list("Lease") == []

    made = post(url + LEASES, a_lease()).json()
    changed = made | {"spec": {"holderIdentity": "two"}}
    assert put(f"{url}{LEASES}/syncer?dryRun=All", changed).json()["spec"] == {"holderIdentity": "two"}
    assert requests.delete(f"{url}{LEASES}/syncer?dryRun=All", timeout=10).status_code == 200
    assert world.list("Lease")[0]["spec"] == {"holderIdentity": "one"}


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (an_applied_repository(url="git@gitlab.test:tenants/docs"), "spec.url: Invalid value"),
        ({"metadata": {"name": "docs"}, "spec": {}}, "[spec.interval: Required value, spec.url: Required value]"),
        (an_applied_repository() | {"metadata": {"name": "Docs_"}}, "metadata.name: Invalid value"),
        (an_applied_repository() | {"metadata": {}}, "metadata.name: Required value"),
    ],
)
def test_what_the_schema_forbids_is_invalid(url: str, body: dict, complaint: str) -> None:
    answer = post(url + REPOSITORIES, body)

    assert answer.status_code == 422
    assert answer.json()["reason"] == "Invalid"
    assert complaint in answer.json()["message"]


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (a_lease(namespace="others"), "does not match the namespace"),
        (a_lease() | {"apiVersion": "v1"}, "is unrecognized"),
        (a_lease() | {"metadata": "x"}, "is not an object"),
        ([], "is not an object"),
    ],
)
def test_a_body_that_contradicts_its_url_is_a_bad_request(url: str, body: object, complaint: str) -> None:
    answer = post(url + LEASES, body)

    assert answer.status_code == 400
    assert complaint in answer.json()["message"]


def test_a_put_cannot_rename(url: str) -> None:
    post(url + LEASES, a_lease())

    answer = put(f"{url}{LEASES}/syncer", a_lease() | {"metadata": {"name": "other"}})

    assert answer.status_code == 400
    assert "does not match the name on the URL" in answer.json()["message"]


def test_a_body_that_is_not_json_is_a_bad_request(url: str) -> None:
    answer = requests.post(url + LEASES, data=b"nonsense", timeout=10)

    assert answer.status_code == 400
    assert answer.json()["message"] == "the body of the request is not JSON"


def test_a_body_in_protobuf_is_an_unsupported_media_type(url: str) -> None:
    headers = {"Content-Type": "application/vnd.kubernetes.protobuf"}

    answer = requests.post(url + LEASES, data=b"k8s\x00\xff", headers=headers, timeout=10)

    assert answer.status_code == 415
    assert "JSON only" in answer.json()["message"]


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", LEASES + "/syncer"), ("PUT", LEASES), ("PATCH", LEASES), ("DELETE", LEASES), ("OPTIONS", LEASES)],
)
def test_a_method_that_a_path_does_not_take_is_not_allowed(url: str, method: str, path: str) -> None:
    answer = requests.request(method, url + path, json=a_lease(), timeout=10)

    assert answer.status_code == 405


def test_a_namespace_is_created_and_goes_with_its_content(world: KubernetesWorld, url: str) -> None:
    assert post(f"{url}/api/v1/namespaces", {"metadata": {"name": "fresh"}}).status_code == 201
    assert post(f"{url}/api/v1/namespaces/fresh/secrets", {"metadata": {"name": "a"}}).status_code == 201
    assert len(world.list("Secret")) == 1

    assert requests.delete(f"{url}/api/v1/namespaces/fresh", timeout=10).status_code == 200

    assert world.get("Namespace", None, "fresh") is None
    assert world.list("Secret") == []

"""What the embedded Kubernetes turns down because a real one does: each was seen of a kube-apiserver 1.20."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from cronjob.sandbox.fake_kubernetes.app import kubernetes_app
from cronjob.sandbox.fake_kubernetes.world import KubernetesWorld
from cronjob.sandbox.serving import serving
from tests.worlds.objects import an_applied_repository

LEASES = "/apis/coordination.k8s.io/v1/namespaces/tenants/leases"
REPOSITORIES = "/apis/source.toolkit.fluxcd.io/v1/namespaces/tenants/gitrepositories"
EVENTS = "/api/v1/namespaces/tenants/events"
SECRETS = "/api/v1/namespaces/tenants/secrets"
TIME = "2026-01-01T00:00:00.000000Z"


@pytest.fixture
def url() -> Iterator[str]:
    world = KubernetesWorld()
    world.add_namespace("tenants")
    with serving(kubernetes_app(world)) as address:
        yield address


def post(url: str, body: object) -> requests.Response:
    return requests.post(url, json=body, timeout=10)


def put(url: str, body: object) -> requests.Response:
    return requests.put(url, json=body, timeout=10)


def a_lease(**spec: object) -> dict[str, Any]:
    return {"metadata": {"name": "syncer"}, "spec": spec}


def an_event(name: str = "a", **involved: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "involvedObject": {"kind": "Receiver", "name": "a", **involved}, "reason": "R"}


class TestUpdates:
    @pytest.mark.parametrize(("path", "body"), [(LEASES, a_lease()), (REPOSITORIES, an_applied_repository())])
    def test_one_of_a_lease_or_custom_resource_must_say_what_it_is_based_on(
        self, url: str, path: str, body: dict[str, Any]
    ) -> None:
        post(url + path, body)

        answer = put(f"{url}{path}/{body['metadata']['name']}", body)

        assert answer.status_code == 422
        assert answer.json()["message"].endswith(
            " is invalid: metadata.resourceVersion: Invalid value: 0x0: must be specified for an update"
        )
        assert answer.json()["details"]["kind"] == path.rpartition("/")[2]

    def test_one_of_a_secret_need_not(self, url: str) -> None:
        secret = {"metadata": {"name": "a"}, "stringData": {"a": "b"}}
        post(url + SECRETS, secret)

        assert put(f"{url}{SECRETS}/a", secret).status_code == 200

    def test_one_that_is_meant_for_another_object_of_that_name_conflicts(self, url: str) -> None:
        made = post(url + LEASES, a_lease()).json()
        old = made | {"metadata": made["metadata"] | {"uid": "the-former"}}

        answer = put(f"{url}{LEASES}/syncer", old)

        assert (answer.status_code, answer.json()["reason"]) == (409, "Conflict")
        assert answer.json()["message"].endswith(
            f"Precondition failed: UID in precondition: the-former, UID in object meta: {made['metadata']['uid']}"
        )
        assert put(f"{url}{LEASES}/syncer", made).status_code == 200

    def test_so_does_one_of_an_object_that_is_gone(self, url: str) -> None:
        made = post(url + LEASES, a_lease()).json()
        requests.delete(f"{url}{LEASES}/syncer", timeout=10)

        assert put(f"{url}{LEASES}/syncer", made).status_code == 409
        assert requests.get(f"{url}{LEASES}/syncer", timeout=10).status_code == 404


class TestLeases:
    def test_what_they_are_for_is_let_in(self, url: str) -> None:
        times = {"acquireTime": TIME, "renewTime": "2026-01-01T01:00:00.000000+01:00"}
        spec = times | {"holderIdentity": "", "leaseDurationSeconds": 1, "leaseTransitions": 0}

        assert post(url + LEASES, a_lease(**spec)).json()["spec"] == spec

    def test_one_without_anything_has_an_empty_spec(self, url: str) -> None:
        assert post(url + LEASES, {"metadata": {"name": "syncer"}}).json()["spec"] == {}

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("renewTime", "2026-01-01T00:00:00Z"),
            ("acquireTime", "now"),
            ("renewTime", 0),
            ("leaseDurationSeconds", "30"),
            ("leaseTransitions", True),
        ],
    )
    def test_a_value_of_another_type_is_no_lease(self, url: str, name: str, value: object) -> None:
        answer = post(url + LEASES, a_lease(**{name: value}))

        assert answer.status_code == 400
        assert answer.json()["message"].startswith('Lease in version "v1" cannot be handled as a Lease: ')

    @pytest.mark.parametrize(
        ("name", "value", "complaint"),
        [
            ("leaseDurationSeconds", 0, "Invalid value: 0: must be greater than 0"),
            ("leaseTransitions", -1, "Invalid value: -1: must not be less than 0"),
        ],
    )
    def test_numbers_have_their_limits(self, url: str, name: str, value: int, complaint: str) -> None:
        answer = post(url + LEASES, a_lease(**{name: value}))

        assert answer.status_code == 422
        assert answer.json()["details"]["causes"] == [
            {"reason": "FieldValueInvalid", "message": complaint, "field": f"spec.{name}"}
        ]


class TestEvents:
    def test_each_lies_beside_its_object(self, url: str) -> None:
        assert post(url + EVENTS, an_event(namespace="tenants")).status_code == 201

    @pytest.mark.parametrize("involved", [{"namespace": "others"}, {}])
    def test_elsewhere_it_is_invalid(self, url: str, involved: dict[str, str]) -> None:
        answer = post(url + EVENTS, an_event(**involved))

        assert answer.status_code == 422
        assert answer.json()["message"] == (
            f'Event "a" is invalid: involvedObject.namespace: Invalid value: "{involved.get("namespace", "")}": '
            "does not match event.namespace"
        )

    @pytest.mark.parametrize("name", ["docs-.1", "docs..1", "Docs"])
    def test_it_may_be_called_anything(self, url: str, name: str) -> None:
        assert post(url + EVENTS, an_event(name, namespace="tenants")).status_code == 201


class TestNames:
    @pytest.mark.parametrize("name", ["docs", "docs.1-a", "0"])
    def test_each_part_begins_and_ends_with_a_letter_or_digit(self, url: str, name: str) -> None:
        assert post(url + REPOSITORIES, an_applied_repository(name)).status_code == 201

    @pytest.mark.parametrize("name", ["docs..1", "docs-.1", "docs.-1", "docs.", "Docs"])
    def test_all_else_is_no_name(self, url: str, name: str) -> None:
        answer = post(url + REPOSITORIES, an_applied_repository(name))

        assert answer.status_code == 422
        assert answer.json()["details"]["causes"][0]["field"] == "metadata.name"

    def test_a_refusal_leaves_out_what_there_is_not(self, url: str) -> None:
        answer = post(url + SECRETS, {"metadata": {}})

        assert answer.json()["details"] == {
            "kind": "Secret",
            "causes": [
                {
                    "reason": "FieldValueRequired",
                    "message": "Required value: name or generateName is required",
                    "field": "metadata.name",
                }
            ],
        }

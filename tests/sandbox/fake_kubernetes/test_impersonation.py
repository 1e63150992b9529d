"""
User impersonation over HTTP, with its permissions.

Source: "User impersonation" in the documentation of authentication (Kubernetes 1.32);
k8s.io/apiserver/pkg/endpoints/filters/impersonation.go.
"""

from collections.abc import Iterator

import pytest
import requests

from cronjob.sandbox.fake_kubernetes.app import kubernetes_app
from cronjob.sandbox.fake_kubernetes.world import KubernetesWorld
from cronjob.sandbox.serving import serving

USER = "system:serviceaccount:platform-flux-tenant-config:flux-gitlab-syncer"
OTHER = "system:serviceaccount:tenants:flux"
SECRETS = "/api/v1/namespaces/tenants/secrets"


@pytest.fixture
def world() -> KubernetesWorld:
    made = KubernetesWorld()
    made.add_namespace("tenants")
    return made


@pytest.fixture
def url(world: KubernetesWorld) -> Iterator[str]:
    with serving(kubernetes_app(world)) as address:
        yield address


def get(url: str, headers: dict[str, str]) -> requests.Response:
    return requests.get(url + SECRETS, headers=headers, timeout=10)


def who_am_i(url: str, headers: dict[str, str]) -> dict[str, object]:
    path = f"{url}/apis/authentication.k8s.io/v1/selfsubjectreviews"
    return requests.post(path, json={}, headers=headers, timeout=10).json()["status"]["userInfo"]


def test_without_headers_a_request_is_the_users_own(url: str) -> None:
    assert who_am_i(url, {}) == {
        "username": USER,
        "groups": [
            "system:serviceaccounts",
            "system:serviceaccounts:platform-flux-tenant-config",
            "system:authenticated",
        ],
    }


def test_the_permissions_are_those_of_the_impersonated_user(world: KubernetesWorld, url: str) -> None:
    world.deny(verb="list", resource="secrets", user="jane")
    answer = get(url, {"Impersonate-User": "jane"})
    assert answer.status_code == 403
    assert 'User "jane" cannot list resource "secrets"' in answer.json()["message"]
    assert get(url, {}).status_code == 200


def test_a_permission_of_the_real_user_is_not_lent(world: KubernetesWorld, url: str) -> None:
    world.deny(verb="list", resource="secrets", user=USER)
    assert get(url, {}).status_code == 403
    assert get(url, {"Impersonate-User": "jane"}).status_code == 200


def test_a_review_answers_for_the_impersonated_user(world: KubernetesWorld, url: str) -> None:
    world.deny(verb="get", resource="secrets", user="jane")
    path = f"{url}/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    body = {"spec": {"resourceAttributes": {"verb": "get", "resource": "secrets", "namespace": "tenants"}}}
    reviews = [
        requests.post(path, json=body, headers=headers, timeout=10).json()["status"]["allowed"]
        for headers in ({}, {"Impersonate-User": "jane"})
    ]
    assert reviews == [True, False]


def test_groups_uid_and_extra_are_shown(url: str) -> None:
    headers = {
        "Impersonate-User": "jane",
        "Impersonate-Group": "developers",
        "Impersonate-Uid": "06f6ce97",
        "Impersonate-Extra-Scopes": "view",
        "Impersonate-Extra-acme.com%2Fproject": "docs",
    }
    assert who_am_i(url, headers) == {
        "username": "jane",
        "groups": ["developers", "system:authenticated"],
        "uid": "06f6ce97",
        "extra": {"scopes": ["view"], "acme.com/project": ["docs"]},
    }


def test_a_service_account_has_the_groups_of_its_namespace(url: str) -> None:
    assert who_am_i(url, {"Impersonate-User": OTHER})["groups"] == [
        "system:serviceaccounts",
        "system:serviceaccounts:tenants",
        "system:authenticated",
    ]


@pytest.mark.parametrize(
    ("resource", "headers", "message"),
    [
        ("users", {}, 'users "jane" is forbidden: User "USER" cannot impersonate resource "users" in API group "" at'),
        ("groups", {"Impersonate-Group": "dev"}, 'groups "dev" is forbidden: User "USER" cannot impersonate resource'),
        ("uids", {"Impersonate-Uid": "7"}, 'uids.authentication.k8s.io "7" is forbidden: User "USER" cannot'),
        (
            "userextras/scopes",
            {"Impersonate-Extra-Scopes": "view"},
            'userextras.authentication.k8s.io "view" is forbidden: User "USER" cannot impersonate resource "userextras',
        ),
    ],
)
def test_each_header_needs_the_verb_impersonate(
    world: KubernetesWorld, url: str, resource: str, headers: dict[str, str], message: str
) -> None:
    world.deny(verb="impersonate", resource=resource)
    answer = get(url, {"Impersonate-User": "jane", **headers})
    assert answer.status_code == 403
    assert answer.json()["message"].startswith(message.replace("USER", USER))


def test_a_service_account_is_impersonated_in_its_namespace(world: KubernetesWorld, url: str) -> None:
    world.deny(verb="impersonate", resource="serviceaccounts", namespace="tenants", name="flux")
    answer = get(url, {"Impersonate-User": OTHER})
    assert (answer.status_code, 'in the namespace "tenants"' in answer.json()["message"]) == (403, True)
    assert get(url, {"Impersonate-User": "system:serviceaccount:other:flux"}).status_code == 200


def test_other_headers_without_a_user_are_refused(url: str) -> None:
    answer = get(url, {"Impersonate-Group": "system:masters"})
    assert answer.status_code == 500
    assert answer.json()["message"].endswith("without impersonating a user")

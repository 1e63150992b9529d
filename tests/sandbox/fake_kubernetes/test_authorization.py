from collections.abc import Iterator

import pytest
import requests

from cronjob.sandbox.fake_kubernetes.app import kubernetes_app
from cronjob.sandbox.fake_kubernetes.world import KubernetesWorld
from cronjob.sandbox.serving import serving

USER = "system:serviceaccount:platform-flux-tenant-config:flux-gitlab-syncer"
SECRET = "/api/v1/namespaces/tenants/secrets/key"
REPOSITORIES = "/apis/source.toolkit.fluxcd.io/v1"


@pytest.fixture
def world() -> KubernetesWorld:
    made = KubernetesWorld()
    made.apply_yaml("{apiVersion: v1, kind: Secret, metadata: {name: key, namespace: tenants}}")
    made.apply_yaml("{apiVersion: v1, kind: Secret, metadata: {name: other, namespace: tenants}}")
    return made


@pytest.fixture
def url(world: KubernetesWorld) -> Iterator[str]:
    with serving(kubernetes_app(world)) as address:
        yield address


def get(url: str, **headers: str) -> requests.Response:
    return requests.get(url, headers=headers, timeout=10)


def review(url: str, **attributes: str) -> dict:
    body = {"spec": {"resourceAttributes": attributes}}
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    answer = requests.post(url + path, json=body, timeout=10)
    assert answer.status_code == 201
    return answer.json()["status"]


def test_without_a_rule_everything_is_allowed(url: str) -> None:
    assert get(url + SECRET).status_code == 200


def test_a_denied_object_says_who_cannot_do_what(world: KubernetesWorld, url: str) -> None:
    world.deny(verb="get", resource="secrets")

    answer = get(url + SECRET)

    assert answer.status_code == 403
    assert answer.json() == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": f'secrets "key" is forbidden: User "{USER}" cannot get resource "secrets" in API group "" '
        'in the namespace "tenants"',
        "reason": "Forbidden",
        "details": {"name": "key", "kind": "secrets"},
        "code": 403,
    }


@pytest.mark.parametrize(
    ("path", "scope"),
    [
        ("/gitrepositories", "at the cluster scope"),
        ("/namespaces/tenants/gitrepositories", 'in the namespace "tenants"'),
    ],
)
def test_a_denied_list_says_where(world: KubernetesWorld, url: str, path: str, scope: str) -> None:
    world.deny(verb="list", resource="gitrepositories")

    assert get(url + REPOSITORIES + path).json()["message"] == (
        f'gitrepositories.source.toolkit.fluxcd.io is forbidden: User "{USER}" cannot list resource '
        f'"gitrepositories" in API group "source.toolkit.fluxcd.io" {scope}'
    )


def test_a_right_is_denied_before_the_object_is_looked_for(world: KubernetesWorld, url: str) -> None:
    missing = url + SECRET.replace("key", "missing")
    assert get(missing).status_code == 404

    world.deny(verb="get", resource="secrets")

    assert get(missing).status_code == 403


def test_a_rule_ends_at_its_verb(world: KubernetesWorld, url: str) -> None:
    world.deny(verb="list", resource="secrets")

    assert get(f"{url}/api/v1/namespaces/tenants/secrets").status_code == 403
    assert get(url + SECRET).status_code == 200


def test_a_rule_ends_at_its_name(world: KubernetesWorld, url: str) -> None:
    world.deny(verb="get", resource="secrets", namespace="tenants", name="key")

    assert get(url + SECRET).status_code == 403
    assert get(url + SECRET.replace("key", "other")).status_code == 200


def test_a_rule_ends_at_its_namespace_and_forbids_the_whole_cluster(world: KubernetesWorld, url: str) -> None:
    world.deny(verb="list", resource="gitrepositories.source.toolkit.fluxcd.io", namespace="tenants")

    assert get(f"{url}{REPOSITORIES}/namespaces/others/gitrepositories").status_code == 200
    assert get(f"{url}{REPOSITORIES}/namespaces/tenants/gitrepositories").status_code == 403
    assert get(f"{url}{REPOSITORIES}/gitrepositories").status_code == 403


def test_a_status_is_a_resource_of_its_own(world: KubernetesWorld, url: str) -> None:
    spec = {"url": "ssh://git@gitlab.test/a/b", "interval": "1m"}
    world.apply({"kind": "GitRepository", "metadata": {"name": "a", "namespace": "tenants"}, "spec": spec})
    world.deny(verb="patch", resource="gitrepositories/status")
    repository = f"{url}{REPOSITORIES}/namespaces/tenants/gitrepositories/a"
    headers = {"Content-Type": "application/merge-patch+json"}

    assert requests.patch(f"{repository}/status", json={}, headers=headers, timeout=10).status_code == 403
    assert requests.patch(repository, json={}, headers=headers, timeout=10).status_code == 200


def test_a_denied_creation_creates_nothing(world: KubernetesWorld, url: str) -> None:
    world.deny(verb="create", resource="leases")
    leases = f"{url}/apis/coordination.k8s.io/v1/namespaces/tenants/leases"

    answer = requests.post(leases, json={"metadata": {"name": "a"}}, timeout=10)

    assert answer.status_code == 403
    assert answer.json()["message"].startswith(f'leases.coordination.k8s.io is forbidden: User "{USER}" cannot create')
    assert world.list("Lease") == []
    world.denials.clear()
    assert requests.post(leases, json={"metadata": {"name": "a"}}, timeout=10).status_code == 201


def test_a_namespace_can_be_denied(world: KubernetesWorld, url: str) -> None:
    world.deny(verb="get", resource="namespaces", namespace="tenants")

    answer = get(f"{url}/api/v1/namespaces/tenants")

    assert answer.status_code == 403
    assert answer.json()["message"].endswith(
        'cannot get resource "namespaces" in API group "" in the namespace "tenants"'
    )
    assert get(f"{url}/api/v1/namespaces/default").status_code == 200


def test_with_a_token_set_it_has_to_be_sent(world: KubernetesWorld, url: str) -> None:
    world.token = "right"

    for headers in ({}, {"Authorization": "Bearer wrong"}):
        answer = get(url + SECRET, **headers)
        assert answer.status_code == 401
        assert answer.json()["reason"] == "Unauthorized"
        assert answer.json()["message"] == "Unauthorized"
    assert get(url + SECRET, Authorization="Bearer right").status_code == 200


def test_a_review_answers_by_the_rules(world: KubernetesWorld, url: str) -> None:
    world.deny(verb="get", resource="secrets", namespace="tenants")

    assert review(url, verb="get", resource="secrets", namespace="tenants") == {"allowed": False}
    assert review(url, verb="get", resource="secrets", namespace="others") == {"allowed": True}
    assert review(url, verb="list", resource="secrets", namespace="tenants") == {"allowed": True}


def test_a_review_knows_subresources_and_groups(world: KubernetesWorld, url: str) -> None:
    world.deny(verb="patch", resource="gitrepositories/status")
    source = "source.toolkit.fluxcd.io"

    status = review(url, verb="patch", group=source, resource="gitrepositories", subresource="status")

    assert status == {"allowed": False}
    assert review(url, verb="patch", group=source, resource="gitrepositories") == {"allowed": True}


def test_a_review_of_the_rules_leaves_out_what_is_denied(world: KubernetesWorld, url: str) -> None:
    world.deny(verb="*", resource="secrets")
    world.deny(verb="create", resource="leases")
    path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"

    answer = requests.post(url + path, json={"spec": {"namespace": "tenants"}}, timeout=10).json()

    rules = {rule["resources"][0]: rule["verbs"] for rule in answer["status"]["resourceRules"]}
    assert "secrets" not in rules
    assert "create" not in rules["leases"]
    assert "get" in rules["leases"]


def test_a_review_of_oneself_names_the_user_and_its_groups(world: KubernetesWorld, url: str) -> None:
    path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"

    def user() -> dict:
        return requests.post(url + path, json={}, timeout=10).json()["status"]["userInfo"]

    assert user()["username"] == USER
    assert "system:serviceaccounts:platform-flux-tenant-config" in user()["groups"]
    world.user = "jane"
    assert user() == {"username": "jane", "groups": ["system:authenticated"]}


def test_a_review_is_no_write(world: KubernetesWorld, url: str) -> None:
    review(url, verb="get", resource="secrets")
    assert world.writes == []

    requests.post(f"{url}/api/v1/namespaces", json={"metadata": {"name": "fresh"}}, timeout=10)

    assert [(write.method, write.path, write.status) for write in world.writes] == [("POST", "/api/v1/namespaces", 201)]


def test_a_review_without_a_body_is_a_bad_request(url: str) -> None:
    answer = requests.post(f"{url}/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", timeout=10)

    assert answer.status_code == 400


def test_paths_of_the_server_itself_are_allowed_to_everybody(url: str) -> None:
    body = {"spec": {"nonResourceAttributes": {"path": "/version", "verb": "get"}}}
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"

    assert requests.post(url + path, json=body, timeout=10).json()["status"] == {"allowed": True}

"""What the program hears of Kubernetes, word for word: the embedded API server says it as a real one does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from cronjob.flux import queries
from cronjob.flux.cluster import FluxCluster
from cronjob.kube.client import KubeApi, connect
from cronjob.kube.target import KubeOptions
from cronjob.transport.answer import Answer
from tests.cluster.api_servers import ApiServer
from tests.cluster.manifests import of_kind
from tests.cluster.objects import created, minor_of, said
from tests.cluster.scene import JOB, Scene, a_namespace, in_namespace
from tests.worlds.objects import an_applied_repository

LEASE = "coordination.k8s.io/v1"
SOURCE = "source.toolkit.fluxcd.io/v1"
NOWHERE = "/api/v1/namespaces/syncer-test-nowhere"


@pytest.fixture
def namespace(server: ApiServer) -> Iterator[str]:
    with a_namespace(server) as name:
        yield name


@pytest.fixture
def job(server: ApiServer, namespace: str) -> Iterator[KubeApi]:
    """Requests of the job's account in a namespace without tenants."""
    for kind in ("ServiceAccount", "Role", "RoleBinding"):
        server.make(in_namespace(of_kind(kind, "base")[JOB], namespace))
    created(server.api, in_namespace(of_kind("Lease", "base")[JOB], namespace))
    with connect(KubeOptions(kubeconfig=str(server.kubeconfig_of(namespace, JOB)))) as api:
        yield api


def refusal(answer: Answer) -> tuple[int, str, str]:
    """Code, reason and message of a Status."""
    body = answer.parsed() or {}
    assert (body["kind"], body["status"], body["code"]) == ("Status", "Failure", answer.status)
    return answer.status, body["reason"], body["message"]


def end_lists(server: ApiServer) -> None:
    """Let the tokens of all lists that are under way expire."""
    if not server.expire_lists():
        pytest.skip(
            "the lists of this server cannot be ended: it is not ours, or keeps them in memory (Kubernetes 1.34)"
        )


class TestRefusals:
    def test_a_missing_object_is_not_found(self, job: KubeApi, namespace: str) -> None:
        answer = job.get(f"/api/v1/namespaces/{namespace}/secrets/absent")

        assert refusal(answer) == (404, "NotFound", 'secrets "absent" not found')
        assert (answer.parsed() or {})["details"] == {"name": "absent", "kind": "secrets"}

    def test_what_the_role_does_not_allow_is_forbidden(self, job: KubeApi, namespace: str) -> None:
        user = f"system:serviceaccount:{namespace}:{JOB}"

        def cannot(verb: str, group: str, resource: str, where: str) -> str:
            return f'User "{user}" cannot {verb} resource "{resource}" in API group "{group}" {where}'

        here = f'in the namespace "{namespace}"'
        core = f"/api/v1/namespaces/{namespace}"
        leases = f"/apis/{LEASE}/namespaces/{namespace}/leases"
        for path, message in {
            f"{core}/secrets": f"secrets is forbidden: {cannot('list', '', 'secrets', here)}",
            "/api/v1/secrets": f"secrets is forbidden: {cannot('list', '', 'secrets', 'at the cluster scope')}",
            core: f'namespaces "{namespace}" is forbidden: {cannot("get", "", "namespaces", here)}',
            f"{leases}/other": 'leases.coordination.k8s.io "other" is forbidden: '
            f"{cannot('get', 'coordination.k8s.io', 'leases', here)}",
        }.items():
            assert refusal(job.get(path)) == (403, "Forbidden", message)

    def test_of_what_does_not_exist_in_this_api(self, server: ApiServer, job: KubeApi, namespace: str) -> None:
        for api, path in [
            (job, "/apis/nothing.example.org"),
            (server.api, f"/apis/nothing.example.org/v1/namespaces/{namespace}/things"),
            (job, "/apis/source.toolkit.fluxcd.io/v1beta9"),
            (server.api, f"/apis/{SOURCE}/namespaces/{namespace}/things"),
        ]:
            answer = api.get(path)
            assert (answer.status, answer.body, answer.parsed()) == (404, b"404 page not found\n", None)

    def test_of_a_namespace_that_does_not_exist(self, server: ApiServer) -> None:
        assert refusal(server.api.get(NOWHERE)) == (404, "NotFound", 'namespaces "syncer-test-nowhere" not found')
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}}
        answer = server.api.send("POST", f"{NOWHERE}/secrets", body=secret)
        assert refusal(answer) == (404, "NotFound", 'namespaces "syncer-test-nowhere" not found')
        # A list of what is in it only looks empty.
        assert (
            said(server.api.get(f"/apis/{SOURCE}/namespaces/syncer-test-nowhere/gitrepositories"), 200)["items"] == []
        )


class TestLeases:
    def test_writes_that_come_too_late_conflict(self, server: ApiServer, job: KubeApi, namespace: str) -> None:
        path = f"/apis/{LEASE}/namespaces/{namespace}/leases/{JOB}"
        first = said(job.get(path), 200)
        assert first["spec"] == {}
        spec = {
            "holderIdentity": "one",
            "leaseDurationSeconds": 30,
            "acquireTime": "2026-01-01T00:00:00.000000Z",
            "renewTime": "2026-01-01T00:00:00.000000Z",
            "leaseTransitions": 1,
        }
        second = said(job.send("PUT", path, body=first | {"spec": spec}), 200)
        assert second["spec"] == spec

        modified = (
            f'Operation cannot be fulfilled on leases.coordination.k8s.io "{JOB}": the object has been modified; '
            "please apply your changes to the latest version and try again"
        )
        late = first | {"spec": spec | {"holderIdentity": "two"}}
        assert refusal(job.send("PUT", path, body=late)) == (409, "Conflict", modified)
        # The same again is no change, so whoever read it before may still write.
        again = said(job.send("PUT", path, body=second), 200)
        assert again["metadata"]["resourceVersion"] == second["metadata"]["resourceVersion"]

        said(server.api.send("DELETE", path), 200)
        status, reason, message = refusal(job.send("PUT", path, body=second))
        assert (status, reason) == (409, "Conflict")
        assert f"UID in precondition: {first['metadata']['uid']}, UID in object meta: " in message
        assert refusal(job.get(path))[:2] == (404, "NotFound")

    @pytest.mark.parametrize(
        ("spec", "status", "reason"),
        [
            ({"leaseDurationSeconds": 0}, 422, "Invalid"),
            ({"leaseTransitions": -1}, 422, "Invalid"),
            ({"leaseDurationSeconds": "30"}, 400, "BadRequest"),
            ({"renewTime": "now"}, 400, "BadRequest"),
        ],
    )
    def test_odd_ones_are_not_let_in(
        self, job: KubeApi, namespace: str, spec: dict[str, object], status: int, reason: str
    ) -> None:
        path = f"/apis/{LEASE}/namespaces/{namespace}/leases/{JOB}"

        assert refusal(job.send("PUT", path, body=said(job.get(path), 200) | {"spec": spec}))[:2] == (status, reason)


class TestEvents:
    def test_they_lie_beside_their_object_and_are_counted(self, job: KubeApi, namespace: str) -> None:
        path = f"/api/v1/namespaces/{namespace}/events"
        event = {
            "metadata": {"name": "docs-.1"},
            "involvedObject": {"kind": "GitRepository", "namespace": namespace, "name": "docs"},
            "reason": "Tried",
            "count": 1,
        }
        assert refusal(job.send("PATCH", f"{path}/docs-.1", body={"count": 2})) == (
            404,
            "NotFound",
            'events "docs-.1" not found',
        )
        said(job.send("POST", path, body=event), 201)
        assert refusal(job.send("POST", path, body=event)) == (409, "AlreadyExists", 'events "docs-.1" already exists')
        now = "2026-01-01T00:00:00Z"
        assert said(job.send("PATCH", f"{path}/docs-.1", body={"count": 2, "lastTimestamp": now}), 200)["count"] == 2

        elsewhere = event | {"metadata": {"name": "other"}, "involvedObject": {"namespace": "elsewhere"}}
        wrong = 'involvedObject.namespace: Invalid value: "elsewhere": does not match event.namespace'
        assert refusal(job.send("POST", path, body=elsewhere)) == (422, "Invalid", f'Event "other" is invalid: {wrong}')


class TestLists:
    @pytest.fixture(autouse=True)
    def path(self, server: ApiServer, namespace: str) -> str:
        """That of five GitRepositories."""
        for name in "abcde":
            created(server.api, an_applied_repository(name, namespace=namespace))
        return f"/apis/{SOURCE}/namespaces/{namespace}/gitrepositories"

    def test_chunks_show_one_moment_and_say_how_much_is_left(
        self, server: ApiServer, job: KubeApi, namespace: str, path: str
    ) -> None:
        seen = [said(job.get(path, {"limit": "2"}), 200)]
        created(server.api, an_applied_repository("cc", namespace=namespace))
        while token := seen[-1]["metadata"].get("continue"):
            seen.append(said(job.get(path, {"limit": "2", "continue": token}), 200))

        assert [[item["metadata"]["name"] for item in one["items"]] for one in seen] == [["a", "b"], ["c", "d"], ["e"]]
        assert [one["metadata"].get("remainingItemCount") for one in seen] == [3, 1, None]
        assert len({one["metadata"]["resourceVersion"] for one in seen}) == 1
        assert {(one["kind"], one["items"][0]["kind"]) for one in seen} == {("GitRepositoryList", "GitRepository")}

    def test_a_token_that_has_expired_is_gone_and_brings_another(
        self, server: ApiServer, job: KubeApi, namespace: str, path: str
    ) -> None:
        first = said(job.get(path, {"limit": "3"}), 200)
        created(server.api, an_applied_repository("dd", namespace=namespace))
        end_lists(server)

        answer = job.get(path, {"limit": "3", "continue": first["metadata"]["continue"]})

        assert refusal(answer)[:2] == (410, "Expired")
        token = (answer.parsed() or {})["metadata"]["continue"]
        rest = said(job.get(path, {"limit": "5", "continue": token}), 200)
        assert [item["metadata"]["name"] for item in rest["items"]] == ["d", "dd", "e"]

    def test_the_program_reads_all_chunks_and_begins_anew_where_one_is_gone(
        self, server: ApiServer, job: KubeApi, namespace: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(queries, "PAGE_SIZE", 2)
        seen: list[str] = []

        def keep(item: Any) -> Any:
            seen.append(item["metadata"]["name"])
            # Between the second chunk and the third, once.
            if len(seen) == 4:
                created(server.api, an_applied_repository("dd", namespace=namespace))
                end_lists(server)
            return item

        found, _ = FluxCluster(job, [namespace]).read_objects(keep, lambda item: item)

        assert seen == ["a", "b", "c", "d", "a", "b", "c", "d", "dd", "e"]
        assert [item["metadata"]["name"] for item in found] == ["a", "b", "c", "d", "dd", "e"]

    def test_a_list_of_built_in_objects_names_its_kind_once(
        self, server: ApiServer, job: KubeApi, namespace: str
    ) -> None:
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a", "namespace": namespace}}
        created(server.api, secret)

        listed = said(server.api.get(f"/api/v1/namespaces/{namespace}/secrets"), 200)

        [item] = [item for item in listed["items"] if item["metadata"]["name"] == "a"]
        assert (listed["kind"], item.keys() & {"kind", "apiVersion", "data"}) == ("SecretList", set())
        assert "continue" not in listed["metadata"]
        assert "data" not in said(job.get(f"/api/v1/namespaces/{namespace}/secrets/a"), 200)


class TestReviews:
    def test_whoever_asks_without_a_version_is_answered(self, scene: Scene) -> None:
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        asked = {"verb": "get", "resource": "secrets", "namespace": scene.namespace}
        with scene.api_of(JOB) as api:
            for verb, allowed in (("get", True), ("list", False)):
                body = {"spec": {"resourceAttributes": asked | {"verb": verb}}}
                assert said(api.send("POST", path, body=body), 201)["status"]["allowed"] is allowed

    def test_the_server_says_who_asks_or_the_kubeconfig_does(self, scene: Scene) -> None:
        with scene.api_of(JOB) as api:
            names = {f"system:serviceaccount:{scene.namespace}:{JOB}", "test"}
            assert api.user in names
            # From 1.28 on it is the server's word.
            assert (api.user != "test") is (minor_of(api) >= 28)

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from cronjob.flux.cluster import FluxCluster
from cronjob.kube.client import KubeApi
from cronjob.sandbox.fake_kubernetes.app import kubernetes_app
from cronjob.sandbox.fake_kubernetes.world import KubernetesWorld
from cronjob.sandbox.serving import serving
from tests.worlds.kube_builders import GIT, HOOKS, TENANTS, asked, names, trouble
from tests.worlds.objects import a_git_repository

pytest_plugins = ["tests.worlds.kube_fixtures"]

Connect = Callable[..., KubeApi]
GIT_GROUP, HOOK_GROUP = "source.toolkit.fluxcd.io", "notification.toolkit.fluxcd.io"
LIST_GIT = rf"/namespaces/{TENANTS}/gitrepositories"


class TestListsThatFail:
    @pytest.mark.parametrize(("kind", "resource"), [("gitrepositories", GIT), ("receivers", HOOKS)])
    def test_a_missing_right_is_named(
        self, world: KubernetesWorld, flux: FluxCluster, kind: str, resource: str
    ) -> None:
        world.deny(verb="list", resource=kind)

        message = trouble(flux)

        assert message == (
            f"Kubernetes refuses to list {resource} in namespace {TENANTS} (403 Forbidden): "
            "the service account lacks `get,list` on it. "
            "Compare the job's Role with the one that this program ships, and that it is bound to the job's account."
        )

    def test_a_right_in_one_namespace_is_not_enough_for_another(
        self, world: KubernetesWorld, connected: Connect
    ) -> None:
        world.add_namespace("more")
        world.deny(verb="list", resource="receivers", namespace="more")

        trouble(FluxCluster(connected(), [TENANTS, "more"]), f"list {HOOKS} in namespace more", "403 Forbidden")
        assert FluxCluster(connected(), [TENANTS]).read_whole().receivers == []

    def test_a_wrong_token_is_named_and_not_shown(self, world: KubernetesWorld, connected: Connect) -> None:
        world.token = "right"
        assert FluxCluster(connected(token="right"), [TENANTS]).read_whole().receivers == []

        message = trouble(FluxCluster(connected(token="wrong-one"), [TENANTS]), "401 Unauthorized", "Renew the token")

        assert "kubeconfig-1" in message
        assert "wrong-one" not in message

    @pytest.mark.parametrize("status", [400, 404, 409, 429, 500, 503])
    def test_any_other_status_ends_the_run(self, world: KubernetesWorld, flux: FluxCluster, status: int) -> None:
        world.fail(path=LIST_GIT, status=status, times=None)

        trouble(flux, f"list {GIT} in namespace {TENANTS}", f"({status} ")

    @pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
    def test_what_may_pass_is_asked_again(self, world: KubernetesWorld, flux: FluxCluster, status: int) -> None:
        world.apply(a_git_repository("a"))
        world.fail(path=LIST_GIT, status=status, times=4)

        assert names(flux.read_whole().git_repositories) == ["a"]
        assert flux.api.requests == {"GET": len(world.requests)}

    def test_a_dropped_connection_is_tried_again(self, world: KubernetesWorld, flux: FluxCluster) -> None:
        world.apply(a_git_repository("a"))
        world.fail(path=LIST_GIT, drop=True, times=2)

        assert names(flux.read_whole().git_repositories) == ["a"]

    def test_connections_that_are_always_dropped_end_the_run(self, world: KubernetesWorld, flux: FluxCluster) -> None:
        world.fail(path=LIST_GIT, drop=True, times=None)

        trouble(flux, f"list {GIT} in namespace {TENANTS}", "the connection broke off", flux.api.server)

    def test_a_refused_connection_names_the_server(self, connected: Connect) -> None:
        with serving(kubernetes_app(KubernetesWorld())) as closed:
            pass

        trouble(FluxCluster(connected(server=closed), [TENANTS]), closed, "get namespaces", TENANTS, "was refused")

    def test_a_server_that_does_not_answer_in_time_is_named(self, world: KubernetesWorld, connected: Connect) -> None:
        world.fail(path=LIST_GIT, delay=1.0, times=None)
        flux = FluxCluster(connected(timeout=0.1), [TENANTS])

        trouble(flux, f"list {GIT} in namespace {TENANTS}", "does not answer in time", flux.api.server)

    def test_a_server_without_tls_is_named(self, url: str, connected: Connect) -> None:
        secure = url.replace("http://", "https://")

        trouble(FluxCluster(connected(server=secure), [TENANTS]), secure, "get namespaces", TENANTS, "TLS")

    @pytest.mark.parametrize(
        "body",
        [
            "<html>",
            "",
            "[]",
            "{}",
            {"items": None, "metadata": {}},
            {"items": {}, "metadata": {}},
            {"items": [], "metadata": []},
            {"items": []},
            {"metadata": {}, "items": ["a"]},
            {"metadata": {}, "items": [{}]},
            {"metadata": {}, "items": [{"metadata": {"name": "a"}}]},
            {"metadata": {}, "items": [{"metadata": {"name": 7, "namespace": "b"}}]},
            {"metadata": {}, "items": [{"metadata": {"name": "", "namespace": "b"}}]},
            {"metadata": {}, "items": [{"metadata": {"name": "a", "namespace": ""}}]},
            {"metadata": {"continue": [7]}, "items": []},
            "[" * 100_000,
            '{"items": ' + "7" * 10_000 + "}",
        ],
    )
    def test_an_answer_that_is_no_list_ends_the_run(
        self, world: KubernetesWorld, flux: FluxCluster, body: str | dict[str, Any]
    ) -> None:
        world.fail(path=LIST_GIT, status=200, body=body)

        trouble(flux, f"list {GIT} in namespace {TENANTS}", "makes no sense", flux.api.server)
        assert flux.read_whole().git_repositories == []

    def test_one_odd_object_is_marked_and_stops_no_other(self, world: KubernetesWorld, flux: FluxCluster) -> None:
        items = [a_git_repository("healthy"), a_git_repository("odd") | {"spec": ["url"]}]
        world.fail(path=LIST_GIT, status=200, body={"metadata": {}, "items": items})

        healthy, odd = flux.read_whole().git_repositories

        assert "broken" not in healthy
        assert (odd["spec"], odd["broken"]) == ({}, "spec is no object")

    def test_a_redirect_is_not_followed(self, world: KubernetesWorld, url: str, flux: FluxCluster) -> None:
        world.fail(path=LIST_GIT, status=302, headers={"Location": f"{url}/version"})

        trouble(flux, f"list {GIT} in namespace {TENANTS}", "302 Found")
        assert asked(world, "/version") == []


@contextmanager
def cutting_off(first: int) -> Iterator[str]:
    """A server that promises more than it sends, the *first* times; then it answers with an empty object."""
    left = [first]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            left[0] -= 1
            self.send_response(200)
            self.send_header("Content-Length", "99" if left[0] >= 0 else "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_an_answer_that_breaks_off_is_asked_for_again(connected: Connect) -> None:
    with cutting_off(2) as address:
        assert connected(server=address).get("/").parsed() == {}


def test_answers_that_always_break_off_end_the_run(connected: Connect) -> None:
    with cutting_off(100) as address:
        api = connected(server=address)
        trouble(FluxCluster(api, [TENANTS]), "get namespaces", TENANTS, "the connection broke off", address)

    assert api.requests == {"GET": 4}

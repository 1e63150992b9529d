import base64
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from cronjob.concurrency.stop import StopControl
from cronjob.kube.client import KubeApi, KubeOptions, connect
from cronjob.kube.errors import CredentialsError, NoAnswer
from cronjob.sandbox.fake_kubernetes.app import kubeconfig, kubernetes_app
from cronjob.sandbox.fake_kubernetes.world import KubernetesWorld
from cronjob.sandbox.serving import serving
from cronjob.transport.answer import Answer
from reconcile.causes import CauseCode
from tests.worlds.gitlab_builders import OK, RawServer, an_answer, an_authority, dripping, raw_server
from tests.worlds.kube_builders import TENANTS, asked

pytest_plugins = ["tests.worlds.kube_fixtures"]

Connect = Callable[..., KubeApi]


class TestUser:
    def test_it_is_whom_the_server_sees(self, world: KubernetesWorld, connected: Connect) -> None:
        api = connected()

        assert api.user == world.user
        assert api.user == world.user
        assert asked(world) == ["/apis/authentication.k8s.io/v1/selfsubjectreviews"]
        assert world.writes == []

    @pytest.mark.parametrize(
        "failure", [{"status": 404}, {"status": 500}, {"drop": True}, {"status": 201, "body": "<html>"}]
    )
    def test_it_is_the_kubeconfigs_where_the_server_does_not_say(
        self, world: KubernetesWorld, connected: Connect, failure: dict[str, Any]
    ) -> None:
        world.fail(method="POST", times=None, **failure)

        assert connected().user == "sandbox"

    def test_a_server_that_was_silent_is_not_asked_again(self, world: KubernetesWorld, connected: Connect) -> None:
        world.fail(drop=True, times=None)
        api = connected()
        with pytest.raises(NoAnswer, match="broke off"):
            api.get("/api")
        world.requests.clear()

        assert api.user == "sandbox"
        assert world.requests == []


class TestRedirects:
    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    @pytest.mark.parametrize("method", ["GET", "POST"])
    def test_they_are_not_followed_anywhere(
        self, world: KubernetesWorld, url: str, connected: Connect, method: str, status: int
    ) -> None:
        elsewhere = KubernetesWorld()
        with serving(kubernetes_app(elsewhere)) as other:
            for target in (f"{url}/version", f"{other}/version"):
                world.fail(status=status, headers={"Location": target})
                api = connected(token="a-token-to-keep")
                assert api.send(method, "/api", body=None if method == "GET" else {}).status == status

        assert len(world.requests) == 2
        assert elsewhere.requests == []


class TestAProxy:
    """The kubeconfig's proxy-url, and what a server and a proxy are each asked for."""

    @pytest.fixture
    def asked_by(self, tmp_path: Path) -> Callable[..., str]:
        def line(server: RawServer, *, address: str, **cluster: str) -> str:
            config = yaml.safe_load(kubeconfig(address))
            config["clusters"][0]["cluster"] |= cluster
            (tmp_path / "config").write_text(yaml.safe_dump(config))
            with connect(KubeOptions(str(tmp_path / "config"))) as api, suppress(NoAnswer):
                api.send("GET", "/version", query={"limit": "1"}, timeout=5)
            # Without the version of HTTP: it differs between Pythons.
            return server.requests[0].decode("latin-1").splitlines()[0].rpartition(" ")[0]

        return line

    def test_it_is_told_the_whole_address(self, asked_by: Callable[..., str]) -> None:
        with raw_server(OK) as proxy:
            line = asked_by(proxy, address="http://kubernetes.test/below", **{"proxy-url": proxy.url})

        assert line == "GET http://kubernetes.test/below/version?limit=1"

    def test_it_is_asked_for_a_tunnel_where_the_server_speaks_tls(self, asked_by: Callable[..., str]) -> None:
        with raw_server(an_answer("502 Bad Gateway", "")) as proxy:
            line = asked_by(proxy, address="https://kubernetes.test", **{"proxy-url": proxy.url})

        assert line == "CONNECT kubernetes.test:443"

    def test_a_server_is_told_the_path_alone(self, asked_by: Callable[..., str]) -> None:
        with raw_server(OK) as server:
            line = asked_by(server, address=f"{server.url}/below")

        assert line == "GET /below/version?limit=1"


class TestAnExpiredToken:
    @pytest.fixture
    def api(self, world: KubernetesWorld, url: str, tmp_path: Path) -> Iterator[KubeApi]:
        """Logged in with the token `first` from the file `token`, which the server no longer takes."""
        (tmp_path / "token").write_text("first")
        config = yaml.safe_load(kubeconfig(url))
        config["users"] = [{"name": "sandbox", "user": {"tokenFile": str(tmp_path / "token")}}]
        (tmp_path / "config").write_text(yaml.safe_dump(config))
        world.token = "first"
        with connect(KubeOptions(str(tmp_path / "config"))) as connected:
            assert connected.get("/version").status == 200
            world.token = "second"
            world.requests.clear()
            yield connected

    @pytest.mark.parametrize("method", ["GET", "POST"])
    def test_it_is_read_again(self, api: KubeApi, world: KubernetesWorld, tmp_path: Path, method: str) -> None:
        (tmp_path / "token").write_text("second")
        body = None if method == "GET" else {"kind": "SelfSubjectReview"}
        path = "/api" if method == "GET" else "/apis/authentication.k8s.io/v1/selfsubjectreviews"

        assert api.send(method, path, body=body).status in {200, 201}
        assert api.get("/api").status == 200
        assert world.requests[0].status == 401
        assert sum(request.status == 401 for request in world.requests) == 1

    def test_one_that_is_still_the_same_is_refused_for_good(self, api: KubeApi, world: KubernetesWorld) -> None:
        assert [api.get("/api").status for _ in range(3)] == [401, 401, 401]
        assert len(world.requests) == 3

    def test_a_file_that_is_gone_leaves_the_refusal(self, api: KubeApi, tmp_path: Path) -> None:
        (tmp_path / "config").unlink()

        assert api.get("/api").status == 401

    def test_many_threads_read_it_again_together(self, api: KubeApi, world: KubernetesWorld, tmp_path: Path) -> None:
        (tmp_path / "token").write_text("second")

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: api.get("/api").status, range(40)))

        assert answers == [200] * 40
        assert sum(request.status == 401 for request in world.requests) <= 8

    def test_without_any_token_nobody_is_logged_in(self, world: KubernetesWorld, connected: Connect) -> None:
        world.token = "second"

        with pytest.raises(CredentialsError, match="it has no credentials; add them, or log in"):
            connected().get("/api")
        assert len(world.requests) == 1


class TestStopping:
    @pytest.mark.parametrize("failure", [{"status": 503, "headers": {"Retry-After": "30"}}, {"drop": True}])
    def test_after_a_stop_nothing_is_repeated(
        self, world: KubernetesWorld, connected: Connect, failure: dict[str, Any]
    ) -> None:
        world.fail(times=None, **failure)
        stop_control = StopControl()
        api = connected(stop_control=stop_control)
        stop_control.stop.set()

        with suppress(NoAnswer):
            api.get("/api")

        assert len(world.requests) == 1

    def test_a_stop_ends_a_wait(self, world: KubernetesWorld, connected: Connect) -> None:
        world.fail(status=503, headers={"Retry-After": "60"}, times=None)
        stop_control = StopControl()
        threading.Timer(0.2, stop_control.stop.set).start()
        began = time.monotonic()

        assert connected(stop_control=stop_control).get("/api").status == 503
        assert time.monotonic() - began < 20


class TestTime:
    @pytest.mark.parametrize("begun", [b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n"])
    def test_an_answer_that_drips_is_given_up(self, connected: Connect, begun: bytes) -> None:
        with raw_server(dripping(begun)) as server:
            api = connected(server=server.url)

            with pytest.raises(NoAnswer, match="does not answer in time"):
                api.send("PUT", "/api", body={}, timeout=0.3)

    def test_one_that_comes_at_once_is_read(self, connected: Connect) -> None:
        with raw_server(an_answer("200 OK", "{}")) as server:
            assert connected(server=server.url).send("PUT", "/api", body={}, timeout=0.3).parsed() == {}


class TestRequests:
    def test_they_say_who_we_are_and_ask_for_no_compression(self, connected: Connect) -> None:
        with raw_server(an_answer("200 OK", "{}")) as server:
            assert connected(server=server.url, token="t").get("/api", {"limit": "1"}).status == 200

            line, *headers = server.requests[0].decode().split("\r\n")
        assert line == "GET /api?limit=1 HTTP/1.1"
        assert {"User-Agent: flux-gitlab-syncer/9.9", "authorization: Bearer t"} <= set(headers)
        assert "Accept-Encoding: identity" in headers

    def test_a_token_file_may_end_in_a_line_break(self, world: KubernetesWorld, url: str, tmp_path: Path) -> None:
        world.token = "from-file"
        (tmp_path / "token").write_text("from-file\n")
        config = yaml.safe_load(kubeconfig(url))
        config["users"] = [{"name": "sandbox", "user": {"tokenFile": str(tmp_path / "token")}}]
        (tmp_path / "config").write_text(yaml.safe_dump(config))

        with connect(KubeOptions(str(tmp_path / "config"))) as api:
            assert api.get("/api").status == 200

    def test_a_token_that_no_header_can_carry_is_not_shown(
        self, connected: Connect, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)

        with pytest.raises(NoAnswer, match="no header can carry") as caught:
            connected(token="two\nlines").get("/api")

        assert caught.value.__context__ is None
        assert "lines" not in caplog.text

    @pytest.mark.parametrize(
        ("certificate", "is_known", "code"),
        [
            ({}, False, CauseCode.TLS_FAILED),
            ({"expired": True}, True, CauseCode.CERTIFICATE_EXPIRED),
            ({"address": "192.0.2.7"}, True, CauseCode.CERTIFICATE_NAME_WRONG),
        ],
    )
    def test_a_certificate_is_refused_for_its_own_reason(
        self, tmp_path: Path, certificate: dict[str, Any], code: CauseCode, *, is_known: bool
    ) -> None:
        authority = an_authority(tmp_path)
        with raw_server(context=authority.server(**certificate)) as server:
            config = yaml.safe_load(kubeconfig(server.url))
            if is_known:
                config["clusters"][0]["cluster"]["certificate-authority"] = authority.file
            (file := tmp_path / "kubeconfig").write_text(yaml.safe_dump(config))
            with connect(KubeOptions(kubeconfig=str(file), timeout=5.0)) as api, pytest.raises(NoAnswer) as refused:
                api.get("/api")

        assert refused.value.cause.code is code

    def test_a_write_is_sent_once_with_its_type(self, world: KubernetesWorld, connected: Connect) -> None:
        world.fail(method="POST", status=503, times=None)
        api = connected()

        answer = api.send("POST", f"/api/v1/namespaces/{TENANTS}/secrets", body={"metadata": {"name": "a"}})

        assert (answer.status, answer.title) == (503, "503 Service Unavailable")
        assert api.requests == {"POST": 1}

    def test_a_patch_reaches_its_object(self, world: KubernetesWorld, connected: Connect) -> None:
        world.apply({"kind": "Secret", "metadata": {"name": "a", "namespace": TENANTS}, "data": {}})
        body = {"metadata": {"labels": {"b": "c"}}}
        path = f"/api/v1/namespaces/{TENANTS}/secrets/a"

        answer = connected().send("PATCH", path, body=body)

        assert answer.status == 200
        found = world.get("Secret", TENANTS, "a")
        assert found is not None
        assert found["metadata"]["labels"] == {"b": "c"}

    def test_a_body_is_not_in_the_answers_repr(self, world: KubernetesWorld, connected: Connect) -> None:
        data = {"token": base64.b64encode(b"secret").decode()}
        world.apply({"kind": "Secret", "metadata": {"name": "a", "namespace": TENANTS}, "data": data})

        answer = connected().get(f"/api/v1/namespaces/{TENANTS}/secrets/a")

        assert (answer.parsed() or {})["data"] == data
        assert repr(answer) == "Answer(status=200)"

    def test_an_unknown_status_is_its_number(self, world: KubernetesWorld, connected: Connect) -> None:
        world.fail(status=599)

        assert connected().get("/api").title == "599"


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"7", b"\xff", b"[" * 100_000, b'{"a":' * 100_000, b'{"a": ' + b"7" * 10_000 + b"}"]
)
def test_a_body_that_is_no_object_is_none(body: bytes) -> None:
    assert Answer(200, {}, body).parsed() is None


def test_the_typed_api_of_kubernetes_is_never_imported() -> None:
    code = "import sys, cronjob.flux.cluster; print([name for name in sys.modules if 'core_v1_api' in name])"

    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout

    assert told.strip() == "[]"


def test_kubernetes_is_imported_in_one_module_only() -> None:
    importing = [
        path.as_posix()
        for path in Path("cronjob").rglob("*.py")
        if "import kubernetes" in path.read_text() or "from kubernetes" in path.read_text()
    ]

    assert importing == ["cronjob/kube/api_client.py"]

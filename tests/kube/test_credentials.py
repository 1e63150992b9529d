"""A kubeconfig's user means what it means to kubectl, and credentials that come to nothing have their own sentence."""

import json
import stat
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from cronjob.concurrency.stop import StopControl
from cronjob.kube.client import KubeApi, connect
from cronjob.kube.errors import CredentialsError, NoAnswer
from cronjob.kube.target import KubeOptions
from cronjob.sandbox.fake_kubernetes.app import kubeconfig
from cronjob.sandbox.fake_kubernetes.world import KubernetesWorld
from reconcile.causes import CauseCode
from reconcile.errors import SettingsError
from tests.worlds.gitlab_builders import an_answer, an_authority, raw_server

pytest_plugins = ["tests.worlds.kube_fixtures"]

Opened = Callable[..., KubeApi]
VERSION = "client.authentication.k8s.io/v1"


@pytest.fixture
def opened(url: str, tmp_path: Path, request: pytest.FixtureRequest) -> Opened:
    """A function that connects with a kubeconfig: *user* and *cluster* are its fields, the rest are KubeOptions."""

    def api_of(user: dict[str, Any] | None = None, cluster: dict[str, Any] | None = None, **options: Any) -> KubeApi:
        config = yaml.safe_load(kubeconfig(url))
        config["users"][0]["user"] = user or {}
        config["clusters"][0]["cluster"] |= cluster or {}
        (tmp_path / "config").write_text(yaml.safe_dump(config))
        api = connect(KubeOptions(str(tmp_path / "config"), **{"timeout": 10.0, **options}))
        request.addfinalizer(api.close)
        return api

    return api_of


@pytest.fixture
def plugin(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """A function that writes an exec plugin in Python, and gives the user that logs in with it."""

    def user(code: str, **fields: Any) -> dict[str, Any]:
        file = tmp_path / "log-in"
        file.write_text(f"#!{sys.executable}\nimport json, os, sys, time\n{code}\n")
        file.chmod(file.stat().st_mode | stat.S_IXUSR)
        return {"exec": {"apiVersion": VERSION, "command": "./log-in", "interactiveMode": "Never", **fields}}

    return user


def printing(**status: Any) -> str:
    credential = {"apiVersion": VERSION, "kind": "ExecCredential", "status": status}
    return f"print({json.dumps(credential)!r})"


def problem_of(api: KubeApi) -> str:
    """The one sentence of the CredentialsError that a request ends in; it never advises about permissions."""
    with pytest.raises(CredentialsError) as caught:
        api.get("/api")
    message = str(caught.value)
    assert message.startswith(f"Nobody is logged in at {api.server}")
    assert message.endswith(".")
    assert "\n" not in message
    assert caught.value.cause
    assert caught.value.cause.code == CauseCode.CREDENTIALS_UNUSABLE
    for advice in ("Role", "service account", "--no-lease", "get,list"):
        assert advice not in message
    return message


class TestImpersonation:
    def test_it_is_on_every_request(self, world: KubernetesWorld, opened: Opened) -> None:
        api = opened(
            {
                "as": "jane",
                "as-uid": "7",
                "as-groups": ["dev", "ops"],
                "as-user-extra": {"acme.example/Scope": ["a", "b"]},
            }
        )
        api.get("/api")
        api.send("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", body={"kind": "SelfSubjectReview"})

        assert [request.impersonation for request in world.requests] == [
            {
                "impersonate-user": ["jane"],
                "impersonate-uid": ["7"],
                "impersonate-group": ["dev", "ops"],
                "impersonate-extra-acme.example%2fscope": ["a", "b"],
            }
        ] * 2

    def test_without_it_no_header_is_sent(self, world: KubernetesWorld, opened: Opened) -> None:
        opened().get("/api")

        assert [request.impersonation for request in world.requests] == [{}]

    @pytest.mark.parametrize("fields", [{"as-groups": ["a"]}, {"as-uid": "7"}, {"as-user-extra": {"a": ["b"]}}])
    def test_groups_without_a_user_are_refused_as_by_kubectl(self, opened: Opened, fields: dict[str, Any]) -> None:
        with pytest.raises(SettingsError, match="without `as`"):
            opened(fields)


class TestAnExecPlugin:
    def test_its_token_is_sent(self, world: KubernetesWorld, opened: Opened, plugin: Callable[..., Any]) -> None:
        world.token = "from-plugin"

        assert opened(plugin(printing(token="from-plugin"))).get("/api").status == 200

    def test_it_gets_its_arguments_its_environment_and_the_cluster(
        self, world: KubernetesWorld, opened: Opened, plugin: Callable[..., Any]
    ) -> None:
        code = """
info = json.loads(os.environ["KUBERNETES_EXEC_INFO"])
token = "-".join([*sys.argv[1:], os.environ["MORE"], info["spec"]["cluster"]["config"]["audience"]])
assert info["spec"]["cluster"]["server"].startswith("http://127.0.0.1:")
print(json.dumps({"apiVersion": info["apiVersion"], "kind": "ExecCredential", "status": {"token": token}}))
"""
        world.token = "a-b-c-d"
        extension = {"name": "client.authentication.k8s.io/exec", "extension": {"audience": "d"}}
        user = plugin(code, args=["a", "b"], env=[{"name": "MORE", "value": "c"}], provideClusterInfo=True)

        assert opened(user, {"extensions": [extension]}).get("/api").status == 200

    def test_it_is_not_asked_where_there_is_a_token(
        self, world: KubernetesWorld, opened: Opened, plugin: Callable[..., Any]
    ) -> None:
        world.token = "given"

        assert opened(plugin("sys.exit(1)") | {"token": "given"}).get("/api").status == 200

    def test_it_is_asked_once_and_again_when_its_token_has_expired(
        self, world: KubernetesWorld, opened: Opened, plugin: Callable[..., Any], tmp_path: Path
    ) -> None:
        (tmp_path / "token").write_text("first")
        code = f"""
open({str(tmp_path / "calls")!r}, "a").write("x")
token = open({str(tmp_path / "token")!r}).read()
print(json.dumps({{"apiVersion": {VERSION!r}, "kind": "ExecCredential", "status": {{"token": token}}}}))
"""
        world.token = "first"
        api = opened(plugin(code))
        assert [api.get("/api").status for _ in range(3)] == [200] * 3
        assert (tmp_path / "calls").read_text() == "x"
        world.token = "second"
        (tmp_path / "token").write_text("second")

        assert [api.get("/api").status for _ in range(3)] == [200] * 3
        assert (tmp_path / "calls").read_text() == "xx"

    @pytest.mark.parametrize(
        ("code", "clause"),
        [
            ("sys.exit('first\\n\\x1b[31mtoken has expired')", "failed (exit status 1, '[31mtoken has expired')"),
            ("sys.exit(3)", "failed (exit status 3); run it by hand, or log in again"),
            ("pass", "printed nothing"),
            ("print('{}')", "printed no credentials"),
            ("print('not json')", "printed no credentials"),
            ("print('[' * 100000)", "printed no credentials"),
            (printing(), "printed no credentials"),
            (printing(token=""), "printed no credentials"),
            (printing(clientCertificateData="x"), "printed no credentials"),
            (printing(token="t").replace("/v1", "/v1beta1"), "speaks client.authentication.k8s.io/v1beta1, and"),
        ],
    )
    def test_that_gives_no_credentials_ends_the_run(
        self, world: KubernetesWorld, opened: Opened, plugin: Callable[..., Any], code: str, clause: str
    ) -> None:
        message = problem_of(opened(plugin(code)))

        assert "user sandbox of the kubeconfig" in message
        assert f"the program log-in {clause}" in message
        assert world.requests == []

    def test_that_is_not_there_is_named(self, opened: Opened) -> None:
        message = problem_of(opened({"exec": {"apiVersion": VERSION, "command": "no-such-program"}}))

        assert "the program no-such-program is not installed" in message

    def test_that_cannot_be_run_is_named(self, opened: Opened, plugin: Callable[..., Any], tmp_path: Path) -> None:
        user = plugin("pass")
        (tmp_path / "log-in").write_text("no program")

        assert "the program log-in cannot be run (Exec format error)" in problem_of(opened(user))

    def test_that_needs_a_terminal_is_named(self, opened: Opened, plugin: Callable[..., Any]) -> None:
        user = plugin("pass", interactiveMode="Always")

        assert "only logs in at a terminal" in problem_of(opened(user))

    def test_that_hangs_is_ended_after_the_timeout_with_what_it_started(
        self, opened: Opened, plugin: Callable[..., Any], tmp_path: Path
    ) -> None:
        code = f"""
import subprocess
child = subprocess.Popen(["sleep", "600"])
open({str(tmp_path / "child")!r}, "w").write(str(child.pid))
child.wait()
"""
        message = problem_of(opened(plugin(code), timeout=1.0))

        assert "the program log-in did not end within 1 s" in message
        assert "--timeout" in message
        assert_gone(int((tmp_path / "child").read_text()))

    def test_that_hangs_past_the_deadline_is_ended(self, opened: Opened, plugin: Callable[..., Any]) -> None:
        api = opened(plugin("time.sleep(600)"), timeout=600.0, stop_control=StopControl(deadline=0.5))

        assert "the program log-in was still running: the run's --deadline had passed" in problem_of(api)

    def test_its_stderr_is_not_ours(
        self, world: KubernetesWorld, opened: Opened, plugin: Callable[..., Any], capfd: pytest.CaptureFixture[str]
    ) -> None:
        world.token = "t"

        assert opened(plugin("print('log in!', file=sys.stderr)\n" + printing(token="t"))).get("/api").status == 200

        assert capfd.readouterr() == ("", "")


def assert_gone(pid: int) -> None:
    """The process has ended, perhaps without its new parent having noticed."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return
        if state == "Z":
            return
        time.sleep(0.01)
    raise AssertionError(f"process {pid} is alive")


class TestFiles:
    def test_a_missing_token_file_is_named(self, opened: Opened, tmp_path: Path) -> None:
        message = problem_of(opened({"tokenFile": "missing"}))

        assert f"its token file {tmp_path / 'missing'} cannot be read (No such file or directory)" in message

    def test_an_empty_token_file_is_named(self, opened: Opened, tmp_path: Path) -> None:
        (tmp_path / "token").write_text("\n")

        assert "its token file" in problem_of(opened({"tokenFile": "token"}))

    def test_a_token_file_comes_before_a_token_which_is_for_want_of_it(
        self, world: KubernetesWorld, opened: Opened, tmp_path: Path
    ) -> None:
        world.token = "given"
        assert opened({"tokenFile": "token", "token": "given"}).get("/api").status == 200
        (tmp_path / "token").write_text("from-file\n")
        world.token = "from-file"

        assert opened({"tokenFile": "token", "token": "given"}).get("/api").status == 200

    @pytest.mark.parametrize(
        ("user", "problem"),
        [
            ({"client-certificate": "missing.pem", "client-key": "key.pem"}, "missing.pem does not exist"),
            ({"client-certificate": "127.0.0.1.pem", "client-key": "missing.pem"}, "missing.pem does not exist"),
            ({"client-certificate": "127.0.0.1.pem"}, "it has no `client-key`"),
            ({"client-key": "127.0.0.1.pem"}, "it has no `client-certificate`"),
            ({"client-certificate-data": "!", "client-key-data": "!"}, "its `client-certificate-data` is not base64"),
            ({"client-certificate": "127.0.0.1.pem", "client-key": "192.0.2.7.pem"}, "does not fit its client cert"),
            ({"client-certificate": "config", "client-key": "config"}, "is not readable PEM"),
        ],
    )
    def test_a_client_certificate_that_cannot_be_used_is_named(
        self, opened: Opened, tmp_path: Path, user: dict[str, str], problem: str
    ) -> None:
        authority = an_authority(tmp_path)
        context = authority.server()
        authority.server("192.0.2.7")
        with raw_server(an_answer("200 OK", "{}"), context=context) as server:
            api = opened(user, {"server": server.url, "certificate-authority": authority.file})

            assert problem in problem_of(api)
            assert server.requests == []

    def test_one_that_can_be_is_used(self, opened: Opened, tmp_path: Path) -> None:
        authority = an_authority(tmp_path)
        with raw_server(an_answer("200 OK", "{}"), context=authority.server()) as server:
            user = {"client-certificate": "127.0.0.1.pem", "client-key": "127.0.0.1.pem"}
            api = opened(user, {"server": server.url, "certificate-authority": Path(authority.file).name})

            assert api.get("/api").status == 200

    def test_a_missing_authority_is_a_file_that_is_missing(self, opened: Opened) -> None:
        api = opened({"token": "t"}, {"server": "https://127.0.0.1:1", "certificate-authority": "missing.pem"})

        assert "a file that it or its cluster names is missing or damaged" in problem_of(api)


class TestNobody:
    def test_without_credentials_a_401_says_that_nobody_is_logged_in(
        self, world: KubernetesWorld, opened: Opened
    ) -> None:
        world.token = "t"

        assert "(401 Unauthorized): user sandbox" in problem_of(opened())

    def test_a_403_of_the_anonymous_user_says_it_too(self, world: KubernetesWorld, opened: Opened) -> None:
        world.user = "system:anonymous"
        world.deny(verb="*", resource="*")
        for user, problem in (({}, "it has no credentials"), ({"token": "t"}, "do not reach the API server")):
            with pytest.raises(CredentialsError, match=problem):
                opened(user).get("/api/v1/namespaces/a/secrets/b")

    def test_a_403_of_anybody_else_is_an_answer(self, world: KubernetesWorld, opened: Opened) -> None:
        world.deny(verb="*", resource="*")

        assert opened().get("/api/v1/namespaces/a/secrets/b").status == 403

    def test_the_user_is_then_the_kubeconfigs(self, world: KubernetesWorld, opened: Opened) -> None:
        world.token = "t"

        assert opened().user == "sandbox"


class TestTheCluster:
    def test_a_certificate_is_checked_for_the_tls_server_name(self, opened: Opened, tmp_path: Path) -> None:
        authority = an_authority(tmp_path)
        with raw_server(an_answer("200 OK", "{}"), context=authority.server("192.0.2.7")) as server:
            cluster = {"server": server.url, "certificate-authority": authority.file}

            assert opened({}, cluster | {"tls-server-name": "192.0.2.7"}).get("/api").status == 200
            with pytest.raises(NoAnswer):
                opened({}, cluster).get("/api")

    def test_an_unverified_certificate_is_warned_about_once(self, opened: Opened, tmp_path: Path) -> None:
        warned: list[tuple[str, str]] = []
        with (
            raw_server(an_answer("200 OK", "{}"), context=an_authority(tmp_path).server()) as server,
            warnings.catch_warnings(record=True) as library_warnings,
        ):
            warnings.simplefilter("always")
            cluster = {"server": server.url, "insecure-skip-tls-verify": True}
            api = opened({}, cluster, warn=lambda *warning: warned.append(warning))
            assert [api.get("/api").status for _ in range(3)] == [200] * 3

        assert warned == [
            (f"The certificate of {server.url} is not verified", "the kubeconfig says insecure-skip-tls-verify")
        ]
        assert [str(warning.message) for warning in library_warnings if "HTTPS" in str(warning.message)] == []

    @pytest.mark.parametrize("is_in_environment", [True, False])
    def test_a_proxys_credentials_reach_the_proxy(
        self, opened: Opened, monkeypatch: pytest.MonkeyPatch, *, is_in_environment: bool
    ) -> None:
        with raw_server(an_answer("407 Proxy Authentication Required")) as proxy:
            address = proxy.url.replace("//", "//jane:a%40b@")
            cluster = {"server": "https://kubernetes.test"}
            if is_in_environment:
                monkeypatch.setenv("HTTPS_PROXY", address)
            else:
                cluster["proxy-url"] = address
            with pytest.raises(NoAnswer, match="407 Proxy Authentication Required") as refused:
                opened({}, cluster).send("GET", "/api", timeout=5)

        assert refused.value.cause.code == CauseCode.PROXY_FAILED
        assert "a%40b" not in str(refused.value)
        head = proxy.requests[0].decode()
        assert head.startswith("CONNECT kubernetes.test:443 ")
        assert "proxy-authorization: Basic amFuZTphQGI=" in head.replace("Proxy-Authorization", "proxy-authorization")

    def test_a_proxy_that_wants_credentials_over_plain_http_says_so(self, opened: Opened) -> None:
        with raw_server(an_answer("407 Proxy Authentication Required")) as proxy:
            api = opened({}, {"server": "http://kubernetes.test", "proxy-url": proxy.url})

            with pytest.raises(NoAnswer, match="407 Proxy Authentication Required"):
                api.send("GET", "/api", timeout=5)

    def test_compression_is_never_asked_for_so_it_need_not_be_disabled(self, opened: Opened) -> None:
        with raw_server(an_answer("200 OK", "{}")) as server:
            opened({}, {"server": server.url, "disable-compression": True}).get("/api")

        assert b"gzip" not in server.requests[0]

import os
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes.config import incluster_config

from cronjob.kube.client import KubeOptions, connect
from cronjob.sandbox.fake_kubernetes.app import kubeconfig
from cronjob.sandbox.samples import NAMESPACE
from reconcile.errors import SettingsError

SERVER = "https://kubernetes.test:6443"


@pytest.fixture
def files(tmp_path: Path) -> Callable[..., str]:
    """A function that writes a kubeconfig, and gives its path."""

    def write(text: object = None, *, name: str = "config", server: str = SERVER, **options: Any) -> str:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text if isinstance(text, str) else kubeconfig(server, **options))
        return str(file)

    return write


@pytest.fixture
def pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a pod's service account, in a process that takes itself for one in that pod."""
    folder = tmp_path / "serviceaccount"
    folder.mkdir()
    authorities = ssl.create_default_context().get_ca_certs(binary_form=True)
    (folder / "ca.crt").write_text("".join(map(ssl.DER_cert_to_PEM_cert, authorities[:1])) or "none")
    (folder / "token").write_text("pod-token")
    (folder / "namespace").write_text("pods-own\n")
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(folder / "token"))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(folder / "ca.crt"))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    return folder


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


def complaint(kubeconfig: str | None = None, context: str | None = None) -> str:
    """What stands in the SettingsError that connecting ends in: one sentence."""
    with pytest.raises(SettingsError) as caught:
        connect(KubeOptions(kubeconfig, context))
    assert caught.value.__context__ is caught.value.__cause__ is None
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def several(**changes: Any) -> str:
    """A kubeconfig with two contexts, `one` (the current one) and `two`."""
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "one",
        "clusters": [{"name": name, "cluster": {"server": f"https://{name}.test"}} for name in ("one", "two")],
        "users": [{"name": name, "user": {"token": f"token-{name}"}} for name in ("one", "two")],
        "contexts": [
            {"name": "one", "context": {"cluster": "one", "user": "one"}},
            {"name": "two", "context": {"cluster": "two", "user": "two", "namespace": "second"}},
        ],
    }
    return yaml.safe_dump(config | changes)


class TestOrder:
    @pytest.mark.usefixtures("pod")
    def test_a_kubeconfig_beats_the_pod_and_home(self, files: Callable[..., str]) -> None:
        files(server="https://home.test", name="home/.kube/config")
        given = files()

        with connect(KubeOptions(given)) as api:
            assert (api.server, api.source, api.default_namespace) == (SERVER, given, NAMESPACE)

    @pytest.mark.usefixtures("pod")
    def test_the_pod_beats_home(self, files: Callable[..., str]) -> None:
        files(name="home/.kube/config")

        with connect(KubeOptions()) as api:
            assert (api.server, api.source) == ("https://10.96.0.1:443", "in-cluster")
            assert api.default_namespace == "pods-own"

    def test_outside_of_a_pod_home_is_what_is_left(self, files: Callable[..., str]) -> None:
        files(name="home/.kube/config")

        with connect(KubeOptions()) as api:
            assert (api.server, api.source) == (SERVER, "~/.kube/config")

    @pytest.mark.usefixtures("pod")
    def test_a_context_is_looked_for_at_home_since_a_pod_has_none(self, files: Callable[..., str]) -> None:
        files(several(), name="home/.kube/config")

        with connect(KubeOptions(context="two")) as api:
            assert api.server == "https://two.test"

    def test_without_any_it_says_what_to_give(self) -> None:
        assert complaint() == (
            "There is no cluster to talk to: the pod's own cannot be used (Service host/port is not set) and "
            "~/.kube/config does not exist; give --kubeconfig."
        )

    def test_a_pod_without_a_token_is_named(self, pod: Path) -> None:
        (pod / "token").unlink()

        assert "Service token file does not exist" in complaint()

    def test_the_pods_namespace_may_be_unknown(self, pod: Path) -> None:
        (pod / "namespace").unlink()

        with connect(KubeOptions()) as api:
            assert api.default_namespace is None

    @pytest.mark.usefixtures("pod")
    def test_a_pods_token_is_sent(self) -> None:
        with connect(KubeOptions()) as api:
            assert api._connected().credentials[0] == "bearer pod-token"
            assert "pod-token" not in repr(api)


class TestKubeconfig:
    def test_the_current_context_is_taken(self, files: Callable[..., str]) -> None:
        with connect(KubeOptions(files(several()))) as api:
            assert (api.server, api.default_namespace) == ("https://one.test", None)

    def test_another_context_can_be_chosen(self, files: Callable[..., str]) -> None:
        with connect(KubeOptions(files(several()), "two")) as api:
            assert (api.server, api.default_namespace) == ("https://two.test", "second")

    def test_several_files_are_merged_and_missing_ones_passed_over(self, files: Callable[..., str]) -> None:
        first = files(several(contexts=[], users=[], clusters=[]), name="first")
        paths = os.pathsep.join([first, first + "-missing", files(several(), name="second")])

        with connect(KubeOptions(paths, "two")) as api:
            assert (api.server, api.source) == ("https://two.test", paths)

    def test_of_several_files_the_first_current_context_counts_as_for_kubectl(self, files: Callable[..., str]) -> None:
        first = files(several(**{"current-context": "two"}), name="first")

        with connect(KubeOptions(os.pathsep.join([first, files(several())]))) as api:
            assert api.server == "https://two.test"

    def test_nothing_is_written_back(self, files: Callable[..., str]) -> None:
        file = files(several())

        connect(KubeOptions(file)).close()

        assert Path(file).read_text() == several()

    def test_a_missing_file_is_named(self, tmp_path: Path) -> None:
        path = str(tmp_path / "missing")

        assert complaint(path) == f"The kubeconfig {path} does not exist: correct --kubeconfig or KUBECONFIG."

    @pytest.mark.parametrize("text", ["a: b: c", "\tx", "{", "users: [{name: one, user: {token: token-one}}"])
    def test_what_is_not_yaml_is_called_that(self, files: Callable[..., str], text: str) -> None:
        told = complaint(files(text))

        assert "is not YAML" in told
        assert "token-one" not in told

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "7",
            "[]",
            "{}",
            "just words",
            "clusters: 7",
            several(clusters=[]),
            several(contexts=None),
            several(contexts=[{"context": {}}]),
            several(contexts=[{"name": "one", "context": {"user": "one"}}]),
            several(users=[{"user": {"token": "token-one"}}]),
            several(users=[{"name": "one", "user": "token-one"}]),
            several(**{"current-context": None}),
        ],
    )
    def test_what_is_incomplete_is_called_that(self, files: Callable[..., str], text: str) -> None:
        told = complaint(files(text))

        assert "kubeconfig" in told
        assert "token-one" not in told

    def test_a_context_that_is_not_there_is_named(self, files: Callable[..., str]) -> None:
        assert "context three" in complaint(files(several()), "three")

    def test_a_folder_is_no_kubeconfig(self, tmp_path: Path) -> None:
        assert "cannot be read (Is a directory)" in complaint(str(tmp_path))

    @pytest.mark.parametrize("cluster", [{}, {"server": ""}, {"server": "kubernetes.test"}, {"server": "https://"}])
    def test_a_cluster_without_a_server_is_none(self, files: Callable[..., str], cluster: dict[str, str]) -> None:
        told = complaint(files(several(clusters=[{"name": "one", "cluster": cluster}])))

        assert "names no `server`" in told

    def test_a_proxy_that_cannot_be_used_is_named(self, files: Callable[..., str]) -> None:
        cluster = {"server": SERVER, "proxy-url": "gopher://proxy.test"}

        assert "proxy" in complaint(files(several(clusters=[{"name": "one", "cluster": cluster}])))

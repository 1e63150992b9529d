"""A real Kubernetes API server of our own: etcd and kube-apiserver on loopback, and nothing else of a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests
import yaml
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from cronjob.kube.client import connect
from cronjob.kube.errors import NoAnswer
from cronjob.kube.target import KubeOptions
from tests.worlds.processes import free_port, running, wait_until_up

_TOKEN = "made-up-for-the-administrator-of-a-test"


@dataclass(frozen=True)
class RealServer:
    """Where it is: *kubeconfig* is an administrator's; *etcd* the URL of what is behind it."""

    kubeconfig: Path
    etcd: str

    def compact(self) -> None:
        """Forget everything but how it is now, as a server does every five minutes: lists under way end with 410."""
        revision = self._asked("range", {"key": "AA=="})["header"]["revision"]
        self._asked("compaction", {"revision": revision, "physical": True})

    def _asked(self, what: str, body: object) -> dict[str, dict[str, str]]:
        answer = requests.post(f"{self.etcd}/v3/kv/{what}", json=body, timeout=30)
        answer.raise_for_status()
        found: dict[str, dict[str, str]] = answer.json()
        return found


@contextmanager
def a_real_server(assets: Path, folder: Path) -> Iterator[RealServer]:
    """Both programs, up; after the block they are gone, however it ended. What they keep is in *folder*."""
    store, peers, port = (f"http://127.0.0.1:{free_port()}" for _ in range(3))
    logs = [folder / "etcd.log", folder / "kube-apiserver.log"]
    with (
        running([assets / "etcd", *_for_etcd(folder, store, peers)], logs[0]) as etcd,
        running([assets / "kube-apiserver", *_for_the_server(folder, store, port)], logs[1]) as server,
    ):
        made = RealServer(_kubeconfig(folder, port.replace("http:", "https:")), store)
        wait_until_up(lambda: _is_ready(made), dict(zip(logs, (etcd, server), strict=True)))
        yield made


def _for_etcd(folder: Path, url: str, peers: str) -> list[str]:
    return [
        f"--data-dir={folder / 'etcd'}",
        *(f"--{name}-client-urls={url}" for name in ("listen", "advertise")),
        f"--listen-peer-urls={peers}",
        f"--initial-advertise-peer-urls={peers}",
        f"--initial-cluster=default={peers}",
    ]


def _for_the_server(folder: Path, store: str, url: str) -> list[str]:
    key = folder / "accounts.key"
    made = generate_private_key(65537, 2048)
    key.write_bytes(made.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()))
    tokens = folder / "tokens.csv"
    tokens.write_text(f'{_TOKEN},administrator,administrator,"system:masters"\n')
    return [
        f"--etcd-servers={store}",
        # It makes a certificate for itself there.
        f"--cert-dir={folder / 'certificates'}",
        f"--secure-port={url.rpartition(':')[2]}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        # Nobody looks for it in the `kubernetes` Service, whose endpoints may not be on loopback.
        "--endpoint-reconciler-type=none",
        "--service-cluster-ip-range=10.0.0.0/24",
        "--authorization-mode=RBAC",
        f"--token-auth-file={tokens}",
        f"--service-account-key-file={key}",
        f"--service-account-signing-key-file={key}",
        "--service-account-issuer=https://kubernetes.default.svc",
    ]


def _kubeconfig(folder: Path, url: str) -> Path:
    cluster = {"server": url, "certificate-authority": str(folder / "certificates" / "apiserver.crt")}
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(a_kubeconfig(cluster, _TOKEN)))
    return path


def a_kubeconfig(cluster: dict[str, str], token: str) -> dict[str, object]:
    """For whoever has *token* in a *cluster*, which is as a kubeconfig says where one is."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "clusters": [{"name": "test", "cluster": cluster}],
        "users": [{"name": "test", "user": {"token": token}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
    }


def _is_ready(server: RealServer) -> bool:
    certificate = yaml.safe_load(server.kubeconfig.read_text())["clusters"][0]["cluster"]["certificate-authority"]
    if not Path(certificate).is_file():
        return False
    with connect(KubeOptions(kubeconfig=str(server.kubeconfig))) as api:
        try:
            return api.send("GET", "/readyz", timeout=5).status == 200
        except NoAnswer:
            return False

"""A cluster of real programs, with the shipped manifests applied and a forge beside it, as tests use it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import yaml

from cronjob.kube.client import KubeApi
from tests.cluster.api_servers import Real
from tests.cluster.manifests import Manifest
from tests.cluster.objects import collection_of, said
from tests.real.forge import Forge
from tests.real.programs import KUBECTL
from tests.worlds.program import Done

# As examples/subsystem and docs/cluster.md have them.
NAMESPACE = "tenant-config"
JOB = "flux-gitlab-syncer"
GROUP = "platform/tenants"
# Seconds that a controller gets on a busy machine.
SECONDS = 60
T = TypeVar("T")


@dataclass(frozen=True)
class RealWorld:
    """A cluster: its name in GitLab, its API server, the address of its notification-controller, and the forge."""

    cluster: str
    server: Real
    forge: Forge
    receiver_url: str
    folder: Path

    @property
    def api(self) -> KubeApi:
        """Requests of an administrator's."""
        return self.server.api

    def kubectl(self, *arguments: str, stdin: str = "") -> str:
        """What kubectl prints as an administrator; it must succeed."""
        command = [str(KUBECTL.path), f"--kubeconfig={self.server.kubeconfig}", *arguments]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def apply(self, *manifests: Manifest) -> None:
        """Apply objects as their owner would."""
        self.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(manifests))

    def get(self, kind: str, version: str, name: str, namespace: str = NAMESPACE) -> Manifest:
        """One object."""
        where = collection_of({"apiVersion": version, "kind": kind, "metadata": {"namespace": namespace}})
        return said(self.api.get(f"{where}/{name}"), 200)

    def run(self, *options: str, **environment: str) -> Done:
        """The job as its pod runs it: its service account, and the settings of its ConfigMap."""
        names = {
            **self._settings(),
            "KUBECONFIG": str(self.server.kubeconfig_of(NAMESPACE, JOB)),
            "POD_NAMESPACE": NAMESPACE,
            "SYNCER_EVENTS": "true",
        }
        return self._program(["run", "--output", "json", *options], names | environment)

    def ask(self, *arguments: str) -> Done:
        """Another command of the program, as an administrator who reads JSON."""
        names = {**self._settings(), "KUBECONFIG": str(self.server.kubeconfig), "SYNCER_NAMESPACE": NAMESPACE}
        return self._program([*arguments, "--output", "json"], names)

    def _settings(self) -> dict[str, str]:
        """The ConfigMap of the job, and the token where its pod finds it."""
        token = self.folder / "gitlab-token"
        token.write_bytes(b64decode(self.get("Secret", "v1", f"{JOB}-token")["data"]["gitlab-token"]))
        settings: dict[str, str] = self.get("ConfigMap", "v1", JOB)["data"]
        return {**settings, "SYNCER_GITLAB_TOKEN_FILE": str(token)}

    def _program(self, arguments: list[str], environment: dict[str, str]) -> Done:
        before = len(self.forge.gitlab.requests)
        done = subprocess.run(
            [sys.executable, "-m", "cronjob", *arguments],
            env={"PATH": os.environ["PATH"], **environment},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr, self.forge.gitlab.requests[before:])


def wait_for(read: Callable[[], T], is_so: Callable[[T], object]) -> T:
    """What *read* returns once *is_so*; a failure shows the last of it."""
    end = time.monotonic() + SECONDS
    while not is_so(found := read()):
        assert time.monotonic() < end, f"this was still so: {found}"
        time.sleep(0.1)
    return found

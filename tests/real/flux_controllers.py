"""Flux's three controllers as processes, beside a real API server that has their CustomResourceDefinitions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import requests

from tests.real.programs import CONTROLLERS, RealProgram
from tests.worlds.processes import free_port, running, wait_until_up

NAMESPACE = "flux-system"


@contextmanager
def flux_controllers(kubeconfig: Path, folder: Path) -> Iterator[str]:
    """The controllers, ready; the URL of the webhook receiver. Their logs and artifacts are in *folder*."""
    receiver, storage = (f"127.0.0.1:{free_port()}" for _ in range(2))
    artifacts = folder / "artifacts"
    artifacts.mkdir()
    options = {
        "source-controller": [
            f"--storage-path={artifacts}",
            f"--storage-addr={storage}",
            f"--storage-adv-addr={storage}",
        ],
        "notification-controller": [f"--receiverAddr={receiver}", f"--events-addr=127.0.0.1:{free_port()}"],
        "kustomize-controller": [],
    }
    with ExitStack() as stack:
        for controller in CONTROLLERS:
            stack.enter_context(_controller(controller, options[controller.name], kubeconfig, folder))
        yield f"http://{receiver}"


@contextmanager
def _controller(program: RealProgram, options: list[str], kubeconfig: Path, folder: Path) -> Iterator[None]:
    health, log = f"127.0.0.1:{free_port()}", folder / f"{program.name}.log"
    command = [program.path, f"--health-addr={health}", f"--metrics-addr=127.0.0.1:{free_port()}", *options]
    # Each keeps what it works on in a folder for temporary files.
    scratch = folder / f"{program.name}-tmp"
    scratch.mkdir()
    environment = {"KUBECONFIG": str(kubeconfig), "RUNTIME_NAMESPACE": NAMESPACE, "TMPDIR": str(scratch)}
    with running(command, log, environment) as process:
        wait_until_up(lambda: _is_ready(f"http://{health}/readyz"), {log: process})
        yield


def _is_ready(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).status_code == 200
    except requests.RequestException:
        return False

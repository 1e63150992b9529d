"""
Exec plugins: the programs that a kubeconfig names to log in (client.authentication.k8s.io, ExecCredential).

The kubernetes package (37) runs them too, but without a time limit, and it only logs that one failed.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from cronjob.kube.errors import CredentialsProblem
from cronjob.kube.target import KubeOptions

# In seconds: how often a running plugin looks for the run's end.
_POLL = 0.1
_MAX_SHOWN = 200
# The extension of a cluster that is handed to plugins as their configuration.
_EXTENSION = "client.authentication.k8s.io/exec"


def exec_credential(
    plugin: Mapping[str, Any], folder: Path, cluster: Mapping[str, Any], options: KubeOptions
) -> dict[str, Any]:
    """
    The `status` of the ExecCredential that *plugin* (the `exec` of a kubeconfig's user) prints.

    *folder* is the kubeconfig's, for relative commands. Raises CredentialsProblem.
    """
    command = str(plugin.get("command") or "")
    name = Path(command).name
    if not command:
        raise CredentialsProblem("its `exec` names no command; correct the kubeconfig")
    if plugin.get("interactiveMode") == "Always":
        raise CredentialsProblem(f"the program {name} only logs in at a terminal; log in another way")
    if os.sep in command:
        command = str(folder / command)
    arguments = [command, *map(str, plugin.get("args") or ())]
    output = _output_of(arguments, _environment(plugin, cluster), name, options)
    return _status_in(output, plugin.get("apiVersion"), name)


def _environment(plugin: Mapping[str, Any], cluster: Mapping[str, Any]) -> dict[str, str]:
    spec: dict[str, Any] = {"interactive": False}
    if plugin.get("provideClusterInfo"):
        spec["cluster"] = _cluster_info(cluster)
    info = {"apiVersion": plugin.get("apiVersion"), "kind": "ExecCredential", "spec": spec}
    more = {str(entry["name"]): str(entry["value"]) for entry in plugin.get("env") or ()}
    return {**os.environ, **more, "KUBERNETES_EXEC_INFO": json.dumps(info)}


def _cluster_info(cluster: Mapping[str, Any]) -> dict[str, Any]:
    """The cluster as plugins get it: with the certificates themselves, and without the other extensions."""
    info = {key: value for key, value in cluster.items() if key not in {"extensions", "certificate-authority"}}
    authority = cluster.get("certificate-authority")
    if authority and not cluster.get("certificate-authority-data"):
        try:
            info["certificate-authority-data"] = base64.b64encode(Path(authority).read_bytes()).decode()
        except OSError as error:
            raise CredentialsProblem(f"{authority} cannot be read ({error.strerror})") from None
    configs = [entry["extension"] for entry in cluster.get("extensions") or () if entry.get("name") == _EXTENSION]
    return info | ({"config": configs[0]} if configs else {})


def _output_of(arguments: list[str], environment: dict[str, str], name: str, options: KubeOptions) -> bytes:
    """What the plugin prints. Its stderr is captured: it would stand between the lines of a JSON log."""
    try:
        # In a process group of its own, so that what it starts can be ended with it.
        process = subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            process_group=0,
        )
    except FileNotFoundError:
        raise CredentialsProblem(f"the program {name} is not installed; install it, or log in another way") from None
    except OSError as error:
        raise CredentialsProblem(f"the program {name} cannot be run ({error.strerror})") from None
    output, complaint = _communicate(process, name, options)
    if process.returncode:
        raise CredentialsProblem(
            f"the program {name} failed (exit status {process.returncode}{_last_line(complaint)}); "
            "run it by hand, or log in again"
        )
    return output


def _communicate(process: subprocess.Popen[bytes], name: str, options: KubeOptions) -> tuple[bytes, bytes]:
    end = time.monotonic() + options.timeout
    while True:
        try:
            return process.communicate(timeout=min(_POLL, max(end - time.monotonic(), 0.001)))
        except subprocess.TimeoutExpired:
            reason = options.stop_control.reason()
            if not reason and time.monotonic() < end:
                continue
        _kill(process)
        if reason:
            raise CredentialsProblem(f"the program {name} was still running: {reason}")
        raise CredentialsProblem(
            f"the program {name} did not end within {options.timeout:g} s; log in by hand first, or raise --timeout"
        )


def _kill(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for pipe in (process.stdout, process.stderr):
        if pipe:
            pipe.close()


def _last_line(complaint: bytes) -> str:
    lines = complaint.decode(errors="replace").split("\n")
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    shown = "".join(character for character in last if character.isprintable())[:_MAX_SHOWN]
    return f", {shown!r}" if shown else ""


def _status_in(output: bytes, version: object, name: str) -> dict[str, Any]:
    if not output.strip():
        raise CredentialsProblem(f"the program {name} printed nothing; run it by hand, or log in again")
    try:
        credential = json.loads(output)
    except (ValueError, RecursionError):
        credential = None
    match credential:
        case {"kind": "ExecCredential", "apiVersion": printed, "status": dict(status)} if printed == version:
            if status.get("token") or (status.get("clientCertificateData") and status.get("clientKeyData")):
                return status
        case {"kind": "ExecCredential", "apiVersion": printed} if printed != version:
            raise CredentialsProblem(f"the program {name} speaks {printed}, and the kubeconfig asks for {version}")
    raise CredentialsProblem(f"the program {name} printed no credentials (an ExecCredential with a token)")

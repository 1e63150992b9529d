"""
Build the real programs that are not in the cache yet: `python -m tests.real.build`.

Needs the go command and a Go module proxy. Exits with 1 if one of them could not be built. The last line of stdout is
a folder in which kube-apiserver, etcd and kubectl lie side by side, as KUBEBUILDER_ASSETS names one.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from tests.real.programs import CONTROLLERS, TOOLS, RealProgram, assets, missing

_CRDS = Path("config", "crd", "bases")


def main() -> int:
    """Build, and say what was built and what was not; the exit code."""
    go = shutil.which("go")
    failed = [program for program in missing() if not (go and _is_built(go, program))]
    for program in failed:
        _say(f"{program.name} {program.version} could not be built")
    if go is None and failed:
        _say("The go command is missing. Install Go; go.mod of each folder in tests/real/tools says which version.")
    if failed:
        return 1
    print(assets())  # noqa: T201
    return 0


def _is_built(go: str, program: RealProgram) -> bool:
    """Build *program* and copy its CustomResourceDefinitions; whether that succeeded."""
    _say(f"{program.name} {program.version}: building")
    began = time.monotonic()
    program.folder.mkdir(parents=True, exist_ok=True)
    draft = program.path.with_suffix(".part")
    command = [
        go,
        "build",
        "-mod=readonly",
        "-trimpath",
        "-ldflags",
        _flags(program),
        "-o",
        str(draft),
        program.package,
    ]
    environment = {**os.environ, "CGO_ENABLED": "0"}
    if subprocess.run(command, cwd=TOOLS / program.tool, env=environment, check=False).returncode:
        return False
    if program in CONTROLLERS:
        _copy_crds(go, program)
    draft.replace(program.path)
    _say(f"{program.name} {program.version}: built in {time.monotonic() - began:.0f} s")
    return True


def _flags(program: RealProgram) -> str:
    """Options of the linker. Kubernetes knows its version only from them; to the others they mean nothing."""
    major, minor, _ = program.version.removeprefix("v").split(".", 2)
    values = {"gitVersion": program.version, "gitMajor": major, "gitMinor": minor}
    return " ".join(["-s -w", *(f"-X k8s.io/component-base/version.{name}={text}" for name, text in values.items())])


def _copy_crds(go: str, program: RealProgram) -> None:
    """Copy the CustomResourceDefinitions out of the module cache, where the build has brought the whole module."""
    command = [go, "list", "-m", "-json", program.module]
    listed = subprocess.run(command, cwd=TOOLS / program.tool, capture_output=True, check=True)
    program.crds.mkdir(exist_ok=True)
    for file in (Path(json.loads(listed.stdout)["Dir"]) / _CRDS).glob("*.yaml"):
        shutil.copyfile(file, program.crds / file.name)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())

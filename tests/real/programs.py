"""The real programs that tests/real starts: which Go package each is, in which version, and where it is cached."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

TOOLS = Path(__file__).parent / "tools"
# Read before a test's clean environment takes HOME away.
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "flux-gitlab-syncer" / "real"


@dataclass(frozen=True, slots=True)
class RealProgram:
    """
    One program. *package* is its main package, *module* the Go module that holds it.

    *tool* is the folder below `tools/` whose go.mod has all versions.
    """

    name: str
    package: str
    module: str
    tool: str

    @property
    def version(self) -> str:
        """The version of the module, as go.mod has it."""
        found = re.search(rf"^\s*(?:require )?{re.escape(self.module)} (v\S+)", self._go_mod.read_text(), re.MULTILINE)
        assert found, f"{self._go_mod} does not require {self.module}"
        return found[1]

    @property
    def folder(self) -> Path:
        """Where it and its CustomResourceDefinitions are cached; go.mod and go.sum are the key."""
        digest = hashlib.sha256()
        for file in (self._go_mod, self._go_mod.with_name("go.sum")):
            digest.update(file.read_bytes())
        return CACHE / f"{self.tool}-{digest.hexdigest()[:16]}"

    @property
    def path(self) -> Path:
        """The executable, there or not."""
        return self.folder / self.name

    @property
    def crds(self) -> Path:
        """The folder of the CustomResourceDefinitions that this version of the program comes with."""
        return self.folder / f"{self.name}-crds"

    @property
    def sha256(self) -> str:
        """Of the executable."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def __str__(self) -> str:
        return f"{self.name} {self.version} sha256:{self.sha256}"

    @property
    def _go_mod(self) -> Path:
        return TOOLS / self.tool / "go.mod"


def _kubernetes(name: str) -> RealProgram:
    return RealProgram(name, f"k8s.io/kubernetes/cmd/{name}", "k8s.io/kubernetes", "kubernetes")


def _flux(name: str) -> RealProgram:
    # One go.mod for all of them: most of what they need is the same, and is compiled once.
    return RealProgram(name, f"github.com/fluxcd/{name}", f"github.com/fluxcd/{name}", "flux")


ETCD = RealProgram("etcd", "go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3", "etcd")
API_SERVER = _kubernetes("kube-apiserver")
KUBECTL = _kubernetes("kubectl")
CONTROLLERS = tuple(_flux(f"{name}-controller") for name in ("source", "notification", "kustomize"))
PROGRAMS = (ETCD, API_SERVER, KUBECTL, *CONTROLLERS)


def missing() -> list[RealProgram]:
    """The programs that are not in the cache."""
    return [program for program in PROGRAMS if not program.path.is_file()]


def assets() -> Path:
    """
    A folder with the programs of an API server side by side, as KUBEBUILDER_ASSETS names one.

    Its folder `crds` has Flux's CustomResourceDefinitions.
    """
    programs = {program.name: program.path for program in (API_SERVER, ETCD, KUBECTL)}
    crds = {f"crds/{file.name}": file for controller in CONTROLLERS for file in controller.crds.glob("*.yaml")}
    key = hashlib.sha256("".join(map(str, (programs | crds).values())).encode()).hexdigest()[:16]
    folder = CACHE / f"assets-{key}"
    (folder / "crds").mkdir(parents=True, exist_ok=True)
    for name, target in (programs | crds).items():
        link = folder / name
        if not link.is_symlink():
            link.symlink_to(target)
    return folder

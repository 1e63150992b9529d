"""Two tenants in namespaces of their own: whoever writes the one's objects must not touch what is the other's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from cronjob.sandbox.samples import CLUSTER, GROUP, NAMESPACE
from tests.worlds.program import Program, a_program

NEIGHBOUR = "neighbour"
TENANCY = [
    {"namespace": NAMESPACE, "projects": f"{GROUP}/{CLUSTER}/**"},
    {"namespace": NEIGHBOUR, "projects": f"{GROUP}/{NEIGHBOUR}/**"},
]


@contextmanager
def two_namespaces(tmp_path: Path, tenants: int = 3, **settings: Any) -> Iterator[Program]:
    """The program after a run; the namespace `neighbour` is read too and may name the projects of its own group."""
    with a_program(tenants, samples=False) as program:
        program.kubernetes.add_namespace(NEIGHBOUR)
        program.gitlab.add_group(f"{GROUP}/{NEIGHBOUR}")
        program.gitlab.add_project(f"{GROUP}/{NEIGHBOUR}/app")
        file = tmp_path / "settings.yaml"
        file.write_text(yaml.safe_dump({"namespace": [NAMESPACE, NEIGHBOUR], "tenancy": TENANCY, **settings}))
        program.environment["SYNCER_CONFIG"] = str(file)
        program.environment.pop("SYNCER_NAMESPACE", None)
        assert program.run().code == 0
        yield program


def apply(program: Program, kind: str, name: str, **parts: Any) -> None:
    """Create an object of Flux in the namespace `neighbour`."""
    groups = {"GitRepository": "source.toolkit.fluxcd.io/v1", "Receiver": "notification.toolkit.fluxcd.io/v1"}
    metadata = {"name": name, "namespace": NEIGHBOUR, **parts.pop("metadata", {})}
    program.kubernetes.apply({"apiVersion": groups[kind], "kind": kind, "metadata": metadata, **parts})

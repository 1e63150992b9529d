"""Two tenants for whom everything is right, and what `trace` says of the first one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from jsonschema import Draft202012Validator

from cronjob.reports import schemas
from cronjob.sandbox.fake_gitlab.records import Hook
from cronjob.sandbox.samples import (
    CLUSTER,
    GROUP,
    NAMESPACE,
    add_kustomization,
    reconcile_flux,
)
from reconcile.findings import Level
from tests.worlds.program import Done, Program, a_program

SCHEMA = json.loads(schemas.schema_file(schemas.TRACE).read_text())
NAME = "tenant-0001"
REF = f"GitRepository/{NAMESPACE}/{NAME}"
PATH = f"{GROUP}/{CLUSTER}/{NAME}"
RUN = f"flux-gitlab-syncer run --project {PATH}"


@contextmanager
def two_tenants() -> Iterator[Program]:
    """Two tenants for whom everything is right."""
    with a_program(2, samples=False) as ready:
        for name in (NAME, "tenant-0002"):
            add_kustomization(ready.sandbox, name)
        assert ready.run().code == 0
        reconcile_flux(ready.sandbox)
        ready.gitlab.deliver(the_hook(ready), "push_hooks")
        yield ready


def traced(program: Program, asked: str = NAME, *options: str, **environment: str) -> Done:
    return program("trace", asked, "-o", "json", *options, **environment)


def document_of(done: Done) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(done.out)
    Draft202012Validator(SCHEMA).validate(document)
    return document


def chain_of(done: Done) -> dict[str, Any]:
    [chain] = document_of(done)["chains"]
    found: dict[str, Any] = chain
    return found


def levels(done: Done) -> dict[str, str]:
    """The worst level at each link."""
    worst: dict[str, str] = {}
    for found in chain_of(done)["links"]:
        known = worst.get(found["link"], "ok")
        worst[found["link"]] = max(known, found["level"], key=[str(level) for level in Level].index)
    return worst


def at(done: Done, link: str) -> str:
    """All that was said at one link, with the objects."""
    found = [one for one in chain_of(done)["links"] if one["link"] == link]
    return " | ".join(f"{one['level']} {one['object']}: {one['message']}" for one in found)


def verdict_of(done: Done) -> str:
    """The one chain's verdict; the exit code is 0 for ok only."""
    document, chain = document_of(done), chain_of(done)
    verdict = str(chain["verdict"])
    assert done.code == (0 if verdict == "ok" else 1)
    assert document["summary"]["chains"] == document["summary"][verdict] == 1
    return verdict


def broken(done: Done) -> tuple[str, str | None]:
    """The first broken link, and the command that fixes it."""
    chain = chain_of(done)
    assert (chain["broken"] is not None) == (verdict_of(done) == "broken")
    first = next((found for found in chain["links"] if found["level"] == "fail"), {}) if chain["broken"] else {}
    assert first.get("link") == chain["broken"]
    return str(chain["broken"]), first.get("command")


def decided_at(done: Done, level: str) -> tuple[str, str | None]:
    """The first link with that level, and the command that fixes it."""
    first = next(found for found in chain_of(done)["links"] if found["level"] == level)
    return first["link"], first["command"]


def the_hook(program: Program) -> Hook:
    [hook] = program.gitlab.hooks_of(program.project(f"{CLUSTER}/{NAME}"))
    return hook


def rewrite(program: Program, kind: str, *, name: str = NAME, namespace: str = NAMESPACE, **spec: object) -> None:
    found = program.kubernetes.get(kind, namespace, name)
    assert found
    program.kubernetes.apply(found | {"spec": found["spec"] | spec})


def annotate(program: Program, kind: str, **annotations: str) -> None:
    found = program.kubernetes.get(kind, NAMESPACE, NAME)
    assert found
    names = {f"flux-gitlab-syncer/{key.replace('_', '-')}": value for key, value in annotations.items()}
    program.kubernetes.apply(found | {"metadata": found["metadata"] | {"annotations": names}})


def without_key(program: Program) -> None:
    project = program.project(f"{CLUSTER}/{NAME}")
    [(key, _)] = program.gitlab.keys_of(project)
    program.gitlab.detach_key(project, key)


def without_secret(program: Program) -> None:
    program.kubernetes.delete("Secret", NAMESPACE, f"{NAME}-ssh")

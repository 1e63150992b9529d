"""
The whole program against the embedded servers, as a user runs it; every report is checked against the schema.

Where HARM_TREE names another checkout, its program runs instead, as a child process with that checkout's `.venv`: so
`make harm` puts an old program to the tests of tests/flow/harm. An old report need not fit the schema.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from jsonschema import Draft202012Validator

from cronjob.cli import program
from cronjob.commands.sandbox_story import running
from cronjob.reports import schemas
from cronjob.sandbox.fake_gitlab.records import Request
from cronjob.sandbox.samples import GROUP, Sandbox, remove_tenant, sample_tenants

SCHEMA = json.loads(schemas.schema_file(schemas.REPORT).read_text())
VALIDATOR = Draft202012Validator(SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER)


@dataclass(frozen=True)
class Done:
    """How one invocation ended."""

    code: int
    out: str
    err: str
    requests: list[Request]

    @property
    def report(self) -> dict[str, Any]:
        """The JSON report on stdout, valid."""
        document: dict[str, Any] = json.loads(self.out)
        if _other_tree() is None:
            VALIDATOR.validate(document)
        return document

    @property
    def writes(self) -> list[str]:
        """What was written to GitLab, as `METHOD path`, in order."""
        return [f"{one.method} {one.path}" for one in self.requests if one.method != "GET"]


def program_under_test() -> tuple[Path, str]:
    """Return the checkout whose program runs, and its Python."""
    other = _other_tree()
    return (other, str(other / ".venv/bin/python")) if other else (Path(__file__).parents[2], sys.executable)


def _other_tree() -> Path | None:
    return Path(os.environ["HARM_TREE"]) if "HARM_TREE" in os.environ else None


def _run_as_child(arguments: tuple[str, ...], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    tree, python = program_under_test()
    return subprocess.run(
        [python, "-m", "cronjob", *arguments],
        cwd=tree,
        env={"PATH": os.environ["PATH"], **{name: value for name, value in environment.items() if value}},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


class Program:
    """Runs the program with only the environment that points at the sandbox, in this process if it is this tree's."""

    def __init__(self, sandbox: Sandbox, environment: dict[str, str]) -> None:
        self.sandbox = sandbox
        self.gitlab = sandbox.gitlab
        self.kubernetes = sandbox.kubernetes
        self.environment = environment

    def __call__(self, *arguments: str, **environment: str) -> Done:
        """Run it; *environment* adds to the sandbox's, an empty text takes a variable away."""
        before = len(self.gitlab.requests)
        names = {**self.environment, **environment}
        if _other_tree():
            ended = _run_as_child(arguments, names)
            return Done(ended.returncode, ended.stdout, ended.stderr, self.gitlab.requests[before:])
        result = CliRunner().invoke(
            program, list(arguments), env={name: value or None for name, value in names.items()}, catch_exceptions=False
        )
        return Done(result.exit_code, result.stdout, result.stderr, self.gitlab.requests[before:])

    def run(self, *options: str, **environment: str) -> Done:
        """`run -o json` and these options."""
        return self("run", "-o", "json", *options, **environment)

    def tenants_leave(self, numbers: range) -> None:
        """These ordinary tenants' objects are deleted."""
        for number in numbers:
            remove_tenant(self.sandbox, f"tenant-{number:04}")

    def project(self, path: str) -> Any:
        """The project at *path* below the tenants' group."""
        return self.gitlab.projects_by_path[f"{GROUP}/{path}".lower()]

    def titles(self, path: str) -> list[str]:
        """The titles of a project's deploy keys."""
        return [key.title for key, _ in self.gitlab.keys_of(self.project(path))]

    def urls(self, path: str) -> list[str]:
        """The URLs of a project's webhooks."""
        return [hook.url for hook in self.gitlab.hooks_of(self.project(path))]


@contextmanager
def a_program(tenants: int = 0, *, samples: bool = True) -> Iterator[Program]:
    """The program, and both servers with the sample tenants and *tenants* more."""
    sandbox = sample_tenants(tenants, samples=samples)
    with running(sandbox) as environment:
        if not samples:
            del environment["SYNCER_EXTRA_PROJECT"]
        yield Program(sandbox, {**environment, "SYNCER_LOG_FORMAT": "json"})

"""The commands of the documentation's pages: which are run, in which world, and which are not and why."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from cronjob.cli import program
from cronjob.commands import sandbox_story as story
from cronjob.sandbox import samples
from cronjob.sandbox.samples import (
    Sandbox,
    add_secret,
    add_tenant,
    reconcile_flux,
    remove_tenant,
    sample_tenants,
    ssh_key,
)

ROOT = Path(__file__).parents[2]
PAGES = ["README.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]
BIN = Path(sys.executable).parent
NAMESPACE, TENANTS = "tenant-config", ("canary", "sample-tenant", "shop", "wiki")
_BLOCK = re.compile(
    r"(?:^ *<!-- (?P<marker>[^\n]*) -->\n)?^(?P<indent> *)```(?P<kind>sh|yaml)\n(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
# Nobody listens there, and that is all that `check` may find out: no test leaves this machine.
_NOWHERE = {"SYNCER_RECEIVER_URL": "https://127.0.0.1:9"}
# Without what only a shell can do: variables, pipes, files, globs.
_PLAIN = re.compile(r"flux-gitlab-syncer [^$|<>;&*`'\"(){}\\]*")
_ENDS = re.compile(r"^(?P<command>.*?\S) +# exit code (?P<code>\d+)$")


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block; *marker* is what the page says about it to whoever runs it."""

    kind: str
    marker: str
    text: str

    @property
    def is_file(self) -> str:
        """The name of the file that a reader would have written with it; empty where there is none."""
        return self.marker.removeprefix("file: ") if self.marker.startswith("file: ") else ""

    @property
    def is_run(self) -> bool:
        """Whether it is one of ours to run."""
        begins = self.text.startswith("flux-gitlab-syncer") and not self.reason
        return self.kind == "sh" and (begins or self.marker == "run this")

    @property
    def reason(self) -> str:
        """Why it is not run, in the page's own words."""
        return self.marker.removeprefix("not run: ") if self.marker.startswith("not run: ") else ""


def blocks_of(page: str) -> Iterator[Block]:
    """All blocks of a page, in its order."""
    for found in _BLOCK.finditer((ROOT / page).read_text(encoding="utf-8")):
        lines = [line.removeprefix(found["indent"]) for line in found["text"].splitlines(keepends=True)]
        yield Block(found["kind"], found["marker"] or "", "".join(lines))


class Reader:
    """Somebody who follows a page, command by command, in a folder of their own."""

    def __init__(self, sandbox: Sandbox, environment: Mapping[str, str], folder: Path) -> None:
        self.sandbox = sandbox
        self._environment = environment
        self._folder = folder

    def follows(self, page: str) -> int:
        """Run what is to be run; how many blocks that were."""
        count = 0
        for block in blocks_of(page):
            if block.is_file:
                (self._folder / block.is_file).write_text(self._theirs(block.text), encoding="utf-8")
            _, _, event = block.reason.partition("; meanwhile ")
            if event:
                MEANWHILE[event](self)
            if block.is_run:
                self.runs(block.text)
                count += 1
        return count

    def _theirs(self, text: str) -> str:
        """The page's text with the reader's own GitLab and token in the places of the made-up ones."""
        text = text.replace("https://gitlab.example.com", self._environment["SYNCER_GITLAB_URL"])
        return text.replace("GITLAB_TOKEN=...", f"GITLAB_TOKEN={self.sandbox.token}").replace(".venv/bin/", "")

    def runs(self, text: str) -> None:
        """Run one block; a plain call of the program runs in this process, everything else in a shell."""
        lines = [line for line in self._theirs(text).replace("\\\n", " ").splitlines() if line.strip()]
        in_file = "--config settings.yaml" in text
        # A reader who wrote the settings into a file has not set them in the environment as well.
        given = {
            name: value for name, value in self._environment.items() if not (in_file and name.startswith("SYNCER_"))
        }
        environment = {**given, **(_NOWHERE if "flux-gitlab-syncer check" in text else {})}
        if all(_PLAIN.fullmatch(line) for line in lines):
            for line in lines:
                self._calls(line, environment)
        else:
            self._types(lines, environment)

    def _calls(self, line: str, environment: Mapping[str, str]) -> None:
        command, expected = _with_exit_code(line)
        with contextlib.chdir(self._folder):
            done = CliRunner().invoke(
                program, shlex.split(command, comments=True)[1:], env=environment, catch_exceptions=False
            )
        assert done.exit_code == int(expected or 0), f"{line}\nexit code {done.exit_code}\n{done.output[-3000:]}"

    def _types(self, lines: Iterable[str], environment: Mapping[str, str]) -> None:
        script = "\n".join(["set -euo pipefail", *map(_checked, lines)])
        done = subprocess.run(
            ["/bin/bash", "-c", script],
            env={**environment, "PATH": f"{BIN}:{os.defpath}"},
            cwd=self._folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, f"{script}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"


def _with_exit_code(line: str) -> tuple[str, str]:
    """A command and the exit code that the page says it has; empty where it says nothing."""
    found = _ENDS.match(line)
    return (found["command"], found["code"]) if found else (line, "")


def _checked(line: str) -> str:
    """A command of a shell with the exit code that the page says, 0 where it says nothing."""
    command, code = _with_exit_code(line)
    if not code:
        return line
    return f'if {command}; then code=0; else code=$?; fi; echo "exit code $code"; [ "$code" = {code} ]'


def _the_key_is_new(reader: Reader) -> None:
    add_secret(reader.sandbox, "sample-tenant-ssh", ssh_key())


def _the_token_is_new(reader: Reader) -> None:
    add_secret(reader.sandbox, "sample-tenant-webhook", {"token": "another-token"})
    reconcile_flux(reader.sandbox)


def _tenants_leave(reader: Reader) -> None:
    for name in TENANTS:
        remove_tenant(reader.sandbox, name)


def _a_run_has_been(reader: Reader) -> None:
    reader.runs("flux-gitlab-syncer run\n")


# What a command that is not run would have done to the world; named in the marker, after its reason.
MEANWHILE: Mapping[str, Callable[[Reader], None]] = {
    "the key is new": _the_key_is_new,
    "the token is new": _the_token_is_new,
    "tenants leave": _tenants_leave,
    "a run has been": _a_run_has_been,
}


@contextmanager
def a_reader(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reader]:
    """A reader whose GitLab and cluster have the names that the pages use, with nine tenants in them."""
    # Ordinary tenants' projects lie at GROUP/CLUSTER/NAME: here that is platform/tenants/NAME.
    for module, names in ((samples, ("GROUP", "CLUSTER", "NAMESPACE")), (story, ("NAMESPACE",))):
        for name in names:
            value = {"GROUP": "platform", "CLUSTER": "tenants", "NAMESPACE": NAMESPACE}[name]
            monkeypatch.setattr(module, name, value)
    sandbox = sample_tenants(6, samples=False)
    for name in TENANTS:
        add_tenant(sandbox, name)
    reconcile_flux(sandbox)
    with story.running(sandbox) as environment:
        del environment["SYNCER_EXTRA_PROJECT"]
        theirs = {
            "SYNCER_GROUP": "platform/tenants",
            "SYNCER_CLUSTER": "prod",
            "SYNCER_NAMESPACE": NAMESPACE,
            "SYNCER_RECEIVER_URL": "https://flux-webhook.example.com",
            "SYNCER_LOG_FORMAT": "text",
        }
        yield Reader(sandbox, {**environment, **theirs}, folder)

"""
`with a_program(3) as program: done = program.run("--adopt")`: the program as a child process, maybe an older one's.

The embedded servers are this tree's; HARM_TREE names the checkout whose `cronjob` runs, with its own `.venv`. What a
test imports is this tree's too, so an old program needs only to understand the options that the test passes.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.worlds.program import Done, Program
from tests.worlds.program import a_program as a_program_here

_HERE = Path(__file__).parents[3]
# In seconds; a run over a few tenants takes two.
_ENDS_WITHIN = 300


class ChildProgram(Program):
    """Runs the program as a child process; reports of an old program fit no schema of today: read them as JSON."""

    def __call__(self, *arguments: str, **environment: str) -> Done:
        """Run it; *environment* adds to the sandbox's, an empty text takes a variable away."""
        before = len(self.gitlab.requests)
        tree, python = program_under_test()
        names = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **self.environment, **environment}
        result = subprocess.run(
            [python, "-m", "cronjob", *arguments],
            cwd=tree,
            env={name: value for name, value in names.items() if value},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_ENDS_WITHIN,
            check=False,
        )
        return Done(result.returncode, result.stdout, result.stderr, self.gitlab.requests[before:])


def program_under_test() -> tuple[Path, str]:
    """Return the checkout whose program is run, and its Python."""
    tree = os.environ.get("HARM_TREE")
    return (Path(tree), str(Path(tree) / ".venv/bin/python")) if tree else (_HERE, sys.executable)


@contextmanager
def a_program(tenants: int = 0, *, samples: bool = False) -> Iterator[ChildProgram]:
    """The program, and both servers with *tenants* ordinary tenants, and the sample tenants where asked for."""
    with a_program_here(tenants, samples=samples) as program:
        yield ChildProgram(program.sandbox, program.environment)

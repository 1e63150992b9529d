"""docs/reports.md shows what is printed: four reports, of the sandbox's ordinary tenants."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from cronjob.sandbox.samples import CLUSTER
from tests.worlds.program import a_program

PAGE = Path(__file__).parents[2] / "docs" / "reports.md"
# Keys, ports and times are new in every sandbox, and with the keys the plan.
CHANGING = re.compile(r"SHA256:\S+|127\.0\.0\.1:\d+|\b[0-9a-f]{12}\b|\d+\.\d s|\d+ reads")
BLOCK = r"<!-- {name} -->\n(?:.*?\n)?<!-- /{name} -->"


def printed() -> Mapping[str, str]:
    """The four reports, by the name of their place on the page, each with the command before it."""
    shown = {}
    with a_program(1, samples=False) as program:
        shown["drift"] = _shown("run --dry-run", program("run", "--dry-run").out)
        project = program.project(f"{CLUSTER}/tenant-0001")
        program.gitlab.fail(
            method="POST", path=rf"/{project.id}/deploy_keys", status=403, body={"message": "403 Forbidden"}
        )
        shown["incomplete"] = _shown("run", program("run").out)
        program.run()
        shown["in sync"] = _shown("run", program("run").out)
    with a_program(30, samples=False) as program:
        program.run()
        program.tenants_leave(range(1, 26))
        shown["refused"] = _shown("run", program("run").out)
    return shown


def _shown(command: str, report: str) -> str:
    return f"```text\n$ flux-gitlab-syncer {command}\n{report}```"


def test_the_page_shows_what_is_printed(request: pytest.FixtureRequest) -> None:
    text = wanted = PAGE.read_text(encoding="utf-8")
    for name, report in printed().items():
        block = re.compile(BLOCK.format(name=name), re.DOTALL)
        whole = f"<!-- {name} -->\n{report}\n<!-- /{name} -->"
        before, after = block.split(wanted)
        wanted = f"{before}{whole}{after}"
    if request.config.getoption("--rewrite-golden"):
        PAGE.write_text(wanted, encoding="utf-8")
        return
    assert CHANGING.sub("…", text) == CHANGING.sub("…", wanted)

"""docs/deciding.md shows the tables of the decision as they stand in its code."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import pytest

from reconcile.plan import deploy_keys, plan, webhooks

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "deciding.md"
SHOWN = {"plan": plan, "deploy_keys": deploy_keys, "webhooks": webhooks}


def table_of(module: ModuleType) -> str:
    """The table in a module's docstring: its indented lines."""
    lines = [line[4:] for line in (module.__doc__ or "").splitlines() if line.startswith("    ")]
    return "\n".join(["```text", *lines, "```"])


def test_the_tables_are_those_of_the_code(request: pytest.FixtureRequest) -> None:
    text = wanted = PAGE.read_text(encoding="utf-8")
    for name, module in SHOWN.items():
        marker = f"reconcile/plan/{name}.py"
        before, after = re.split(rf"<!-- {marker} -->\n(?:.*?\n)?<!-- /{marker} -->", wanted, flags=re.DOTALL)
        wanted = f"{before}<!-- {marker} -->\n{table_of(module)}\n<!-- /{marker} -->{after}"
    if request.config.getoption("--rewrite-golden"):
        PAGE.write_text(wanted, encoding="utf-8")
        return
    assert text == wanted


@pytest.mark.parametrize("name", SHOWN)
def test_each_table_has_a_head_and_rows_of_as_many_cells(name: str) -> None:
    _, head, rule, *rows, _ = table_of(SHOWN[name]).splitlines()
    starts = [found.start() for found in re.finditer("-+", rule)]
    assert len(head.split("  ")) >= len(starts) == 3
    assert len(rows) >= 6
    # Each cell begins under its rule, after a blank.
    assert [row for row in rows for start in starts[1:] if row[start - 1] != " " or row[start] == " "] == []

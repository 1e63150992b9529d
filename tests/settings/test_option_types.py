"""The type checker compares the kind of each option with the annotation of the field that it fills."""

from __future__ import annotations

import re
from pathlib import Path

from mypy import api

ROOT = Path(__file__).parents[2]
# Lines that end in "wrong" must be errors, and no others.
TABLE = """
from cronjob.settings import value_kinds as kinds
from cronjob.settings.option import Group, option, repeated, switch

class Table:
    concurrency: int = option(kinds.number(1, 9), Group.GITLAB, "right", default="2")
    timeout: int = option(kinds.TEXT, Group.GITLAB, "wrong", default="2")
    cluster: str = option(kinds.LABEL, Group.SCOPE, "right", required=True)
    deadline: float | None = option(kinds.DURATION, Group.GITLAB, "right")
    context: str = option(kinds.TEXT, Group.GITLAB, "wrong: without a default it may be None")
    owned_keys: tuple[str, ...] = repeated(kinds.FINGERPRINT, Group.FILE, "right")
    hosts: tuple[int, ...] = repeated(kinds.HOST, Group.FILE, "wrong")
    user: str = repeated(kinds.TEXT, Group.FILE, "wrong")
    adopt: bool = switch(Group.WRITING, "right")
    output: str = switch(Group.OUTPUT, "wrong")
    report: str = option(kinds.TEXT, Group.OUTPUT, "wrong: `shorts` is no detail", default="x", shorts="o")
"""


def test_mypy_rejects_an_option_whose_kind_does_not_fit_its_field(tmp_path: Path) -> None:
    file = tmp_path / "table.py"
    file.write_text(TABLE, encoding="utf-8")
    wrong = {number for number, line in enumerate(TABLE.splitlines(), 1) if '"wrong' in line}

    found, trouble, _ = api.run(["--config-file", str(ROOT / "setup.cfg"), str(file)])

    assert trouble == ""
    assert {int(number) for number in re.findall(r"table\.py:(\d+): error", found)} == wrong, found

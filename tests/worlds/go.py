"""Run a small Go program, to ask Go itself how it reads something; its input and output are JSON."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

# The modules that Flux's controllers are built from.
FLUX_MODULES = Path(__file__).parents[1] / "real/tools/flux"


def ask_go(folder: Path, program: str, question: object, *modules: str) -> Any:
    """What *program* answers; *modules* are taken in the versions of Flux. Skips where Go or a module is missing."""
    go = shutil.which("go")
    (folder / "main.go").write_text(program)
    versions = (FLUX_MODULES / "go.mod").read_text()
    required = [re.search(rf"^\s{re.escape(module)} \S+", versions, re.MULTILINE) for module in modules]
    lines = [f"require {found[0].strip()}" for found in required if found]
    (folder / "go.mod").write_text("\n".join(["module question", "go 1.26", *lines, ""]))
    shutil.copy(FLUX_MODULES / "go.sum", folder)
    if go is None or subprocess.run([go, "mod", "download"], cwd=folder, check=False, capture_output=True).returncode:
        pytest.skip("go is not installed, or cannot fetch its modules")
    answer = subprocess.run(
        [go, "run", "."], cwd=folder, input=json.dumps(question), check=True, capture_output=True, text=True
    )
    return json.loads(answer.stdout)

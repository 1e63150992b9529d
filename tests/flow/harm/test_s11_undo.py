"""S11 (c): `undo` of an edited report attached any key, writable, to any project."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cronjob.sandbox.samples import CLUSTER
from tests.worlds.builders import a_public_key
from tests.worlds.program import a_program


@pytest.mark.parametrize("marked", [True, False])
def test_an_edited_report_attaches_nothing(tmp_path: Path, *, marked: bool) -> None:
    with a_program(3, samples=False) as program:
        program.run()
        program.tenants_leave(range(1, 2))
        report = tmp_path / "report.json"
        program.run("--report", f"json={report}")
        document = json.loads(report.read_text())
        key = a_public_key(66)
        for change in document["changes"]:
            if change["kind"] == "deploy_key":
                change["key"] |= {"public_key": key.text, "fingerprint": key.fingerprint, "can_push": True}
                if not marked:
                    change["key"]["title"] = "mine"
        report.write_text(json.dumps(document))

        done = program("undo", str(report), "-o", "json", "--confirm", CLUSTER)

        assert (done.code, done.writes) == (1, [])
        assert key.text not in [found.key for found in program.gitlab.keys.values()]

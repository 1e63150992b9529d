"""The files that settings name: certificates, reports, a reviewed plan."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cronjob.settings.values import ReportFile
from reconcile.plan.objections import Expected
from tests.worlds.settings_samples import (
    CHECKSUM,
    FINGERPRINT,
    complaint,
    read,
    write,
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "settings.yaml"


class TestFiles:
    def test_certificates_come_from_our_option_then_from_what_other_programs_use(
        self, tmp_path: Path, file: Path
    ) -> None:
        paths = {name: tmp_path / name for name in ("flag", "variable", "key", "requests", "openssl")}
        for path in paths.values():
            path.touch()
        text = {name: str(path) for name, path in paths.items()}
        others = {"SSL_CERT_FILE": text["openssl"]}
        assert read(environment=others).ca_file == paths["openssl"]
        others["REQUESTS_CA_BUNDLE"] = text["requests"]
        assert read(environment=others).ca_file == paths["requests"]
        config = write(file, ca_file=text["key"])
        assert read(environment=others, config=config).ca_file == paths["key"]
        others["SYNCER_CA_FILE"] = text["variable"]
        assert read(environment=others, config=config).ca_file == paths["variable"]
        assert read(environment=others, config=config, ca_file=text["flag"]).ca_file == paths["flag"]
        assert read().ca_file is None

    @pytest.mark.parametrize("name", ["SYNCER_CA_FILE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"])
    def test_certificates_that_do_not_exist_are_refused_by_the_name_that_was_used(self, name: str) -> None:
        assert complaint(environment={name: "/nowhere"}).startswith(
            f"{name} names '/nowhere' (No such file or directory)"
        )

    @pytest.mark.parametrize("path", ["/" + "x" * 5000, "/etc/passwd/x"])
    def test_a_path_that_no_file_can_have_is_refused(self, path: str) -> None:
        assert complaint(ca_file=path).startswith("--ca-file names")
        assert complaint(expect_plan=path).startswith("--expect-plan is neither")
        assert complaint(report=(f"json={path}/y",)).startswith("--report names")
        assert "cannot be read" in complaint(gitlab_token_file=path)
        assert "cannot be read" in complaint(config=path)

    def test_a_report_names_its_format_and_its_file(self, tmp_path: Path, file: Path) -> None:
        first, second = tmp_path / "a.json", tmp_path / "b=c.yaml"
        expected = (ReportFile("json", first), ReportFile("yaml", second))
        assert read(report=(f"json={first}", f"yaml={second}")).reports == expected
        assert read(environment={"SYNCER_REPORT": f"json={first},yaml={second}"}).reports == expected
        assert read(config=write(file, report=[f"json={first}", f"yaml={second}"])).reports == expected
        assert read().reports == ()

    @pytest.mark.parametrize("text", ["json", "=x", "json=", "pdf=x", "none=x", "x.json"])
    def test_a_report_of_another_form_is_refused(self, text: str) -> None:
        assert "write it as FORMAT=PATH, where FORMAT is text, json, yaml, markdown, html or csv" in complaint(
            report=(text,)
        )

    def test_a_report_in_a_directory_that_does_not_exist_is_refused(self, tmp_path: Path) -> None:
        assert "cannot be written" in complaint(report=(f"json={tmp_path}/none/x",))
        assert "cannot be written" in complaint(report=(f"json={tmp_path}",))

    def test_two_reports_need_two_files(self, tmp_path: Path) -> None:
        assert "twice" in complaint(report=(f"json={tmp_path}/x", f"yaml={tmp_path}/x"))
        assert len(read(report=(f"json={tmp_path}/x", f"json={tmp_path}/y")).reports) == 2

    @pytest.mark.parametrize("exists", [False, True])
    @pytest.mark.parametrize("other", ["./x", "folder/../x", "link/x", "//x", "hard", "soft"])
    def test_two_spellings_of_one_file_are_one_file(self, tmp_path: Path, other: str, *, exists: bool) -> None:
        (tmp_path / "folder").mkdir()
        (tmp_path / "link").symlink_to(tmp_path)
        (tmp_path / "soft").symlink_to(tmp_path / "x")
        if exists or other == "hard":
            (tmp_path / "x").touch()
            (tmp_path / "hard").hardlink_to(tmp_path / "x")

        assert "twice" in complaint(report=(f"json={tmp_path}/x", f"yaml={tmp_path}/{other}"))

    def test_links_to_two_files_are_two_files(self, tmp_path: Path) -> None:
        (tmp_path / "soft").symlink_to(tmp_path / "y")
        assert len(read(report=(f"json={tmp_path}/x", f"yaml={tmp_path}/soft")).reports) == 2


REPORT: dict[str, Any] = {
    "schema": "flux-gitlab-syncer/report/v1",
    "plan": CHECKSUM,
    "changes": [
        {"project": "a/b", "kind": "deploy_key", "action": "create", "key": {"fingerprint": FINGERPRINT}},
        {
            "project": "a/b",
            "kind": "webhook",
            "action": "delete",
            "webhook": {"url": "https://f.test/hook/01234567…"},
        },
        {"project": "a/c", "kind": "deploy_key", "action": "delete", "key": {"fingerprint": None}},
    ],
}


class TestTheExpectedPlan:
    def test_it_is_a_checksum_in_any_case(self) -> None:
        assert read(expect_plan="0123456789AB").run_options().expected == Expected(CHECKSUM)

    def test_it_is_a_report_with_its_changes(self, file: Path) -> None:
        file.write_text(json.dumps(REPORT))
        lines = (
            f"create deploy_key {FINGERPRINT} on a/b",
            "delete webhook https://f.test/hook/01234567… on a/b",
            "delete deploy_key  on a/c",
        )
        assert read(expect_plan=str(file)).expect_plan == Expected(CHECKSUM, lines)

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"schema": "flux-gitlab-syncer/report/v2"}, "not a report with the schema"),
            ({"schema": None}, "not a report with the schema"),
            ({"plan": None}, "decided nothing"),
            ({"plan": "xyz"}, "decided nothing"),
            ({"changes": None}, "changes cannot be read"),
            ({"changes": [{}]}, "changes cannot be read"),
            ({"changes": ["x"]}, "changes cannot be read"),
            ({"changes": [{**REPORT["changes"][0], "kind": "tag"}]}, "changes cannot be read"),
        ],
    )
    def test_another_report_is_refused(self, change: dict[str, object], words: str, file: Path) -> None:
        file.write_text(json.dumps({**REPORT, **change}))
        assert words in complaint(expect_plan=str(file))

    @pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b"{", b"[" * 100_000])
    def test_a_file_that_is_no_report_is_refused(self, content: bytes, file: Path) -> None:
        file.write_bytes(content)
        assert complaint(expect_plan=str(file)).startswith(f"--expect-plan names '{file}', which is no")

    @pytest.mark.parametrize("text", ["abc", "0123456789abc", "0123456789ag"])
    def test_what_is_neither_is_refused(self, text: str) -> None:
        assert "neither 12 hex digits nor a file" in complaint(expect_plan=text)

    def test_without_one_none_is_expected(self) -> None:
        assert read().run_options().expected is None

"""S10: a host that can be no host, or that this run does not know, prunes nothing that works."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cronjob.sandbox.samples import CLUSTER, GROUP, NAMESPACE
from tests.worlds.program import Program, a_program

NAME = "tenant-0001"
PROJECT = f"{CLUSTER}/{NAME}"


@pytest.fixture
def program() -> Iterator[Program]:
    with a_program(3, samples=False) as ready:
        ready.run()
        yield ready


def set_url(program: Program, url: str) -> None:
    repository = program.kubernetes.get("GitRepository", NAMESPACE, NAME)
    assert repository
    repository["spec"]["url"] = url
    program.kubernetes.apply(repository)


def problems(program: Program, *options: str) -> list[str]:
    return [problem["code"] for problem in program.run(*options).report["problems"]]


@pytest.mark.parametrize(
    "url",
    [
        "ssh://git@${GIT_HOST}/${GIT_PATH}/app.git",
        f"ssh://git@${{GIT_HOST}}/{GROUP}/{PROJECT}.git",
        f"ssh://git@<host>/{GROUP}/{PROJECT}.git",
        f"ssh://git@code.vt%20.edu/{GROUP}/{PROJECT}.git",
        f"ssh://git:pass/word@code.vt.edu/{GROUP}/{PROJECT}.git",
        f"ssh://git:pass?word@code.vt.edu/{GROUP}/{PROJECT}.git",
        f"ssh://to/ken@code.vt.edu/{GROUP}/{PROJECT}.git",
        f"ssh://git@code.vt.edu/{GROUP}/${{CLUSTER}}/{NAME}.git",
        f"ssh://git@code.vt.edu/{GROUP}/~{NAME}.git",
        f"ssh://git@[code.vt.edu]/{GROUP}/{PROJECT}.git",
    ],
)
def test_a_url_that_lost_a_part_keeps_key_and_webhook(program: Program, url: str) -> None:
    before = (program.titles(PROJECT), program.urls(PROJECT))
    set_url(program, url)

    done = program.run()

    assert [problem["code"] for problem in done.report["problems"]] == ["UrlUnusable"]
    assert (program.titles(PROJECT), program.urls(PROJECT)) == before
    assert done.code == 1
    assert not [request for request in done.requests if "%24" in request.path or "~" in request.path]


@pytest.mark.parametrize("path", [PROJECT, f"{CLUSTER}/former-name"], ids=["as it is", "as it was called"])
def test_a_host_that_a_forgotten_file_names_keeps_key_and_webhook(program: Program, path: str) -> None:
    before = (program.titles(PROJECT), program.urls(PROJECT))
    set_url(program, f"ssh://git@git.other-name.edu/{GROUP}/{path}.git")

    assert problems(program) == ["UrlUnusable"]
    assert (program.titles(PROJECT), program.urls(PROJECT)) == before


def test_a_repository_by_https_is_kept_for_its_receivers_sake(program: Program) -> None:
    set_url(program, f"https://git.other-name.edu/{GROUP}/{CLUSTER}/former-name.git")
    before = program.urls(PROJECT)

    assert problems(program) == ["UrlUnusable"]
    assert program.urls(PROJECT) == before


def test_a_tenant_that_moved_to_another_forge_is_let_go(program: Program) -> None:
    set_url(program, "ssh://git@github.com/somebody/app.git")

    assert problems(program) == ["ForeignHost"]
    assert (program.titles(PROJECT), program.urls(PROJECT)) == ([], [])


def test_so_is_one_on_a_host_that_the_settings_call_foreign(program: Program, tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text("foreign_hosts: [git.other-name.edu]\n")
    set_url(program, f"ssh://git@git.other-name.edu/{GROUP}/{PROJECT}.git")

    assert problems(program, "--config", str(file)) == ["ForeignHost"]
    assert (program.titles(PROJECT), program.urls(PROJECT)) == ([], [])

"""Help, version, shell completion, and the suggestions for misspelt words."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from cronjob.cli import program
from cronjob.exit_codes import ExitCode
from cronjob.settings.help_pages import PAGES, codes_of
from cronjob.settings.option import Group
from cronjob.settings.option_table import options_of

ROOT = Path(__file__).parents[2]
# The installed entry point, as a user has it.
INSTALLED = Path(sys.executable).parent / "flux-gitlab-syncer"
COMMANDS = list(program.commands)
WITH_OPTIONS = [command for command in COMMANDS if options_of(command)]


def printed(*arguments: str, width: int = 80) -> str:
    done = CliRunner().invoke(program, list(arguments), prog_name="flux-gitlab-syncer", terminal_width=width)
    assert done.exit_code == ExitCode.OK, done.output
    return done.stdout


def refused(*arguments: str) -> str:
    done = CliRunner().invoke(program, list(arguments), prog_name="flux-gitlab-syncer")
    assert done.exit_code == ExitCode.USAGE
    return done.stderr.splitlines()[-1]


def sections(page: str) -> dict[str, str]:
    """What stands under each heading of a page; what comes before the first one stands under nothing."""
    parts = re.split(r"^(\S.*):$", page, flags=re.MULTILINE)
    return {"": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}


def completed(words: str, index: int) -> list[str]:
    """What the installed program offers a shell for the word at *index*, as `type,word`."""
    environment = {
        "COMP_WORDS": words,
        "COMP_CWORD": str(index),
        "_FLUX_GITLAB_SYNCER_COMPLETE": "bash_complete",
        # Settings that no run would take: completing has nothing to do with them.
        "SYNCER_NONSENSE": "1",
    }
    return subprocess.run([INSTALLED], env=environment, capture_output=True, text=True, check=True).stdout.split()


@pytest.mark.parametrize("command", WITH_OPTIONS)
def test_each_option_stands_under_the_heading_of_its_group(command: str) -> None:
    page = sections(printed(command, "--help"))
    for group in Group:
        shown = re.findall(r"(?<!\S)--[a-z-]+", page.get(group.value, ""))
        wanted = [option.name for option in options_of(command) if option.group is group and option.flags]
        assert [name for name in wanted if f"--{name}" not in shown] == []
    assert list(page)[1:-3] == [group.value for group in Group if group.value in page]


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_shows_examples_of_itself(command: str) -> None:
    examples = sections(printed(command, "--help"))[""].partition("Examples:")[2]
    assert f"  flux-gitlab-syncer {command} " in examples


@pytest.mark.parametrize("command", COMMANDS)
def test_no_example_is_too_wide_for_a_terminal(command: str) -> None:
    page = sections(printed(command, "--help"))
    assert [line for line in page[""].splitlines() if len(line) > 80] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_says_what_it_exits_with(command: str) -> None:
    page = sections(printed(command, "--help"))["Exit codes"]
    assert all(re.search(rf"^  {code} +\S", page, re.MULTILINE) for code in codes_of(command))


def test_the_help_names_every_exit_code_of_the_readme() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    table = text.partition("<!-- exit codes -->")[2].partition("<!-- /exit codes -->")[0]
    documented = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
    assert sorted(code for codes in codes_of("run") for code in codes.split(", ")) == sorted(documented)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_says_where_more_is_written_and_it_is_there(command: str) -> None:
    text = sections(printed(command, "--help"))["Documentation"]
    pages = re.findall(r"[\w/-]+\.md", text)
    assert pages
    assert [page for page in pages if not (ROOT / page).exists()] == []
    assert set(PAGES) <= set(COMMANDS)


def test_the_programs_help_lists_the_commands_in_the_order_of_the_source_with_whole_sentences() -> None:
    page = sections(printed("--help"))["Commands"]
    assert re.findall(r"^  (\w+)", page, re.MULTILINE) == COMMANDS
    assert "..." not in page


def test_version_names_what_a_bug_report_needs() -> None:
    lines = printed("--version").splitlines()
    assert lines[0] == f"flux-gitlab-syncer {version('flux-gitlab-syncer')}"
    assert lines[1].startswith(f"Python {sys.version_info.major}.{sys.version_info.minor}.")
    assert lines[2:] == [f"{name} {version(name)}" for name in ("kubernetes", "requests", "urllib3", "cryptography")]


def test_version_says_what_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cronjob.commands.versions.LIBRARIES", ("no-such-library",))
    assert printed("--version").splitlines()[-1] == "no-such-library is not installed"


def test_a_misspelt_command_is_told_the_one_that_was_meant() -> None:
    assert refused("rnu") == "Error: No such command 'rnu'. Did you mean 'run'?"
    assert refused("chekc", "--dry-run") == "Error: No such command 'chekc'. Did you mean 'check'?"


def test_a_command_like_no_other_is_told_what_there_is() -> None:
    assert refused("apply") == f"Error: No such command 'apply'. The commands are {', '.join(COMMANDS)}."


def test_a_misspelt_option_is_told_the_one_that_was_meant() -> None:
    assert refused("run", "--dry-rnu") == "Error: No such option '--dry-rnu'. Did you mean '--dry-run'?"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_installed_program_prints_a_script_for_each_shell(shell: str) -> None:
    environment = {"_FLUX_GITLAB_SYNCER_COMPLETE": f"{shell}_source", "PATH": "/usr/bin:/bin"}
    done = subprocess.run([INSTALLED], env=environment, capture_output=True, text=True, check=True)
    assert f"_FLUX_GITLAB_SYNCER_COMPLETE={shell}_complete" in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("words", "index", "offered"),
    [
        ("flux-gitlab-syncer r", 1, ["plain,run", "plain,retire"]),
        ("flux-gitlab-syncer run --dry", 2, ["plain,--dry-run"]),
        ("flux-gitlab-syncer run --dryer", 2, []),
        ("flux-gitlab-syncer run --fail-on w", 3, ["plain,warning"]),
        ("flux-gitlab-syncer run --config ./s", 3, ["file,./s"]),
        ("flux-gitlab-syncer run --cluster p", 3, []),
        ("flux-gitlab-syncer sandbox --faults s", 3, ["plain,storm"]),
    ],
)
def test_a_shell_completes_commands_options_words_and_files(words: str, index: int, offered: list[str]) -> None:
    assert completed(words, index) == offered


def test_bash_itself_completes_with_the_script() -> None:
    script = (
        f'export PATH="{INSTALLED.parent}:$PATH"\n'
        'eval "$(_FLUX_GITLAB_SYNCER_COMPLETE=bash_source flux-gitlab-syncer)"\n'
        "COMP_WORDS=(flux-gitlab-syncer run --dry) COMP_CWORD=2\n"
        "_flux_gitlab_syncer_completion flux-gitlab-syncer\n"
        'echo "${COMPREPLY[@]}"\n'
    )
    done = subprocess.run(["/bin/bash", "-c", script], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("--dry-run\n", "")


def test_completing_and_the_version_import_neither_client() -> None:
    code = (
        "import os, sys\n"
        "from cronjob.cli import program\n"
        "try: program(sys.argv[1:], prog_name='flux-gitlab-syncer')\n"
        "except SystemExit: pass\n"
        "print(sorted({'kubernetes', 'requests', 'aiohttp', 'cryptography'} & set(sys.modules)), file=sys.stderr)\n"
    )
    completing = {"COMP_WORDS": "x run --", "COMP_CWORD": "2", "_FLUX_GITLAB_SYNCER_COMPLETE": "bash_complete"}
    for arguments, environment in (([], completing), (["--version"], {}), (["rnu"], {}), (["check", "--help"], {})):
        command = [sys.executable, "-c", code, *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        assert done.stderr.splitlines()[-1] == "[]"


def test_a_page_of_one_heading_calls_it_options() -> None:
    assert "Options" in sections(printed("sandbox", "--help"))
    assert "More" in sections(printed("run", "--help"))


def test_help_of_a_command_that_has_no_page_of_its_own_leads_to_the_readme() -> None:
    @click.command(cls=program.command_class)
    def fix() -> None:
        """Something new."""

    shown = CliRunner().invoke(fix, ["--help"], prog_name="fix").stdout
    assert sections(shown)["Documentation"].strip() == "README.md, in the source of this version."
    assert sections(shown)["Exit codes"].split()[0] == "0"

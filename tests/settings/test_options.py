"""The table of options, and what is made of it: click's flags and the README's tables."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

import click
import pytest
from click.testing import CliRunner

from cronjob.settings.click_options import as_markdown, with_options
from cronjob.settings.option import FILE_ONLY, FLAG_ONLY, PREFIX, Group, Option
from cronjob.settings.option_table import OPTIONS, options_of

FLAGGED = {command: [option for option in options_of(command) if option.flags] for command in ("run", "retire", "undo")}


def parameters(command: str, *arguments: str, environment: dict[str, str] | None = None) -> dict[str, object]:
    """What click hands over for *arguments*."""
    found: dict[str, object] = {}

    @click.command()
    @with_options(command)
    def program(**flags: object) -> None:
        found.update(flags)

    outcome = CliRunner().invoke(program, arguments, env=environment, auto_envvar_prefix=None, catch_exceptions=False)
    assert outcome.exit_code == 0, outcome.output
    return found


def arguments_for(option: Option) -> list[str]:
    name = f"--{option.name}"
    return [name] if option.kind.is_switch else [name, "something"]


def test_no_name_and_no_variable_stands_there_twice() -> None:
    for names in ([option.key for option in OPTIONS], [option.env for option in OPTIONS if option.env]):
        assert [name for name, count in Counter(names).items() if count > 1] == []


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_each_option_says_what_it_means_in_one_short_line(option: Option) -> None:
    assert option.help
    assert "\n" not in option.help
    assert not option.help.endswith(".")


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_each_default_is_a_value_that_the_option_itself_accepts(option: Option) -> None:
    if option.default is not None:
        option.kind.typed(option.default)


def test_the_variable_is_the_flag_in_capitals() -> None:
    variables = {option.name: option.env for option in OPTIONS}
    assert variables["gitlab-url"] == "SYNCER_GITLAB_URL"
    assert variables["webhook-tls-verification"] == "SYNCER_WEBHOOK_TLS_VERIFICATION"
    assert [env for env in variables.values() if env and not env.startswith(PREFIX)] == ["KUBECONFIG"]


def test_what_is_in_the_file_only_has_neither_flag_nor_variable() -> None:
    only = [option for option in OPTIONS if option.allowed == FILE_ONLY]
    assert [(option.flags, option.env) for option in only] == [((), None)] * 12


def test_a_confirmation_can_be_given_as_a_flag_only() -> None:
    confirm = next(option for option in OPTIONS if option.name == "confirm")
    assert (confirm.allowed, confirm.env) == (FLAG_ONLY, None)


@pytest.mark.parametrize("command", FLAGGED)
def test_what_is_not_given_is_none_or_an_empty_tuple(command: str) -> None:
    empty = {option.key: () if option.kind.several else None for option in FLAGGED[command]}
    assert parameters(command) == empty


@pytest.mark.parametrize(
    ("command", "option"), [(name, option) for name, options in FLAGGED.items() for option in options]
)
def test_each_flag_reaches_its_own_parameter_as_text(command: str, option: Option) -> None:
    value: object = True if option.kind.is_switch else "something"
    found = parameters(command, *arguments_for(option))
    assert {key: given for key, given in found.items() if given not in (None, ())} == {
        option.key: (value,) if option.kind.several else value
    }


def test_a_repeated_flag_keeps_its_order() -> None:
    assert parameters("run", "--group", "b", "--group", "a")["group"] == ("b", "a")


def test_two_flags_have_a_short_form() -> None:
    found = parameters("run", "-n", "tenants", "-o", "json")
    assert (found["namespace"], found["output"]) == (("tenants",), "json")


@pytest.mark.parametrize("name", ["prune", "webhook-tls-verification"])
def test_what_is_on_by_default_can_be_switched_off(name: str) -> None:
    assert parameters("run", f"--no-{name}")[name.replace("-", "_")] is False


def test_click_itself_does_not_read_our_variables() -> None:
    environment = {option.env: "true" for option in OPTIONS if option.env}
    assert parameters("run", environment=environment) == parameters("run")


def test_retire_knows_nothing_of_kubernetes_and_of_reviewed_plans() -> None:
    run, retire = ({option.name for option in FLAGGED[command]} for command in ("run", "retire"))
    assert {"namespace", "kubeconfig", "context", "expect-plan", "max-prune", "prune"} <= run - retire
    assert retire - run == {"confirm"}


def test_undo_knows_both_servers_and_nothing_of_what_a_run_decides() -> None:
    run, undo = ({option.name for option in FLAGGED[command]} for command in ("run", "undo"))
    assert {"namespace", "receiver-url", "lease", "lease-wait", "shards", "report", "dry-run", "project"} <= run & undo
    assert {
        "prune",
        "max-prune",
        "expect-plan",
        "adopt",
        "refresh-tokens",
        "heal-webhooks",
        "events",
        "pushgateway",
    } <= run - undo
    assert undo - run == {"confirm", "run-id"}


def test_the_help_names_the_variable_and_the_default() -> None:
    program = click.command()(with_options("run")(lambda: None))
    text = " ".join(CliRunner().invoke(program, ["--help"], terminal_width=200).output.split())
    assert "--timeout DURATION How long one answer may take [SYNCER_TIMEOUT; default: 30s]" in text
    assert "[SYNCER_CLUSTER; required]" in text
    assert "[SYNCER_DRY_RUN; default: off]" in text


def test_the_readme_has_one_row_for_each_option() -> None:
    rows = [line for line in as_markdown().splitlines() if line.startswith("| `")]
    assert len(rows) == len(OPTIONS)
    assert "| `--timeout DURATION` | `SYNCER_TIMEOUT` | 30s | how long one answer may take |" in rows
    assert all(row.count(" | ") == 3 for row in rows)


def test_the_readme_shows_both_forms_and_what_may_be_repeated() -> None:
    text = as_markdown()
    assert "| `--prune` / `--no-prune` | `SYNCER_PRUNE` | on |" in text
    assert "| `--namespace NAME`, `-n` (repeat) | `SYNCER_NAMESPACE` |" in text


def test_the_readme_names_the_choices_without_ending_the_cell() -> None:
    assert r"| `--output text\|json\|yaml\|markdown\|html\|csv\|none`, `-o` | `SYNCER_OUTPUT` | text |" in as_markdown()


def test_the_readme_has_a_table_for_each_group() -> None:
    assert [line.strip("*") for line in as_markdown().splitlines() if line.startswith("**")] == [*Group]


def test_the_settings_are_read_without_click_and_the_flags_without_the_clients() -> None:
    script = (
        "import sys, cronjob.settings.settings; print('click' in sys.modules);"
        "import cronjob.settings.click_options;"
        "print('click' in sys.modules, 'requests' in sys.modules, 'kubernetes' in sys.modules)"
    )
    outcome = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert outcome.stdout.split() == ["False", "True", "False", "False"]

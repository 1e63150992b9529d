"""How flags, environment, file and defaults become one value."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cronjob.settings.option import Option, Origin
from cronjob.settings.option_table import OPTIONS
from cronjob.settings.print_config import describe
from cronjob.settings.resolve import resolve
from cronjob.settings.settings import read_settings
from reconcile.errors import SettingsError
from reconcile.plan.limits import Limits
from reconcile.problems import Severity
from tests.worlds.settings_samples import (
    ELSEWHERE,
    NEEDED,
    SAMPLED,
    SAMPLES,
    TOKEN,
    complaint,
    complaints,
    flag_value,
    given_by,
    read,
    without,
    write,
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "settings.yaml"


def test_every_option_has_a_sample_here() -> None:
    assert {option.name for option in OPTIONS} == SAMPLES.keys() | ELSEWHERE


@pytest.mark.parametrize("option", given_by(Origin.FLAG), ids=lambda option: option.name)
def test_an_option_can_be_given_as_a_flag(option: Option) -> None:
    _, _, field, expected = SAMPLES[option.name]
    flags: dict[str, Any] = {option.key: flag_value(option)}
    assert getattr(read(without=without(option), **flags), field) == expected


@pytest.mark.parametrize("option", given_by(Origin.ENVIRONMENT), ids=lambda option: option.name)
def test_an_option_can_be_given_in_the_environment(option: Option) -> None:
    text, _, field, expected = SAMPLES[option.name]
    assert getattr(read(environment={str(option.env): text}, without=without(option)), field) == expected


@pytest.mark.parametrize("option", given_by(Origin.FILE), ids=lambda option: option.name)
def test_an_option_can_be_given_in_the_file(option: Option, file: Path) -> None:
    _, value, field, expected = SAMPLES[option.name]
    path = write(file, **{option.key: value})
    assert getattr(read(config=path, without=without(option)), field) == expected


@pytest.mark.parametrize(
    "option", [option for option in SAMPLED if option.key not in NEEDED], ids=lambda option: option.name
)
def test_an_option_that_nobody_gives_has_another_value_than_the_sample(option: Option) -> None:
    _, _, field, expected = SAMPLES[option.name]
    assert getattr(read(), field) != expected


def test_the_defaults_are_those_that_the_design_promises() -> None:
    settings = read()
    assert settings.max_prune == Limits(20, 25.0)
    assert (settings.concurrency, settings.timeout, settings.deadline) == (16, 30.0, None)
    assert (settings.prune, settings.dry_run, settings.webhook_tls_verification) == (True, False, True)
    assert (settings.output, settings.log_format, settings.log_level) == ("text", "auto", "info")
    assert (settings.fail_on, settings.drift_exit_code) == (Severity.ERROR, 0)
    assert (settings.receiver_url, settings.namespaces, settings.ca_file) == (None, (), None)


@given(st.sets(st.sampled_from(["flag", "environment", "file"])))
def test_flag_beats_environment_beats_file_beats_default(
    tmp_path_factory: pytest.TempPathFactory, where: set[str]
) -> None:
    path = write(tmp_path_factory.getbasetemp() / "precedence.yaml", **({"concurrency": 3} if "file" in where else {}))
    environment = {"SYNCER_CONCURRENCY": "2"} if "environment" in where else {}
    flags: dict[str, Any] = {"concurrency": "1"} if "flag" in where else {}
    strongest = next((number for name, number in (("flag", 1), ("environment", 2), ("file", 3)) if name in where), 16)
    assert read(environment=environment, config=path, **flags).concurrency == strongest


def test_a_repeated_flag_replaces_the_lists_below_it(file: Path) -> None:
    path = write(file, project=["c/*"])
    environment = {"SYNCER_PROJECT": "b/*"}
    assert read(environment=environment, config=path, project=("a/*", "z/*")).projects == ("a/*", "z/*")
    assert read(environment=environment, config=path).projects == ("b/*",)
    assert read(config=path).projects == ("c/*",)


def test_a_comma_separates_values_in_the_environment() -> None:
    assert read(environment={"SYNCER_GROUP": "a, b/c ,7"}, without=("group",)).groups == ("a", "b/c", "7")


def test_a_single_text_is_a_list_of_one_in_the_file(file: Path) -> None:
    assert read(config=write(file, group="a/b"), without=("group",)).groups == ("a/b",)


def test_a_value_given_twice_counts_once() -> None:
    assert read(group=("a", "a", "b")).groups == ("a", "b")


def test_a_switch_that_a_flag_sets_off_beats_the_environment() -> None:
    assert read(environment={"SYNCER_PRUNE": "true"}, prune=False).prune is False
    assert read(environment={"SYNCER_PRUNE": "false"}).prune is False


def test_the_file_can_be_named_by_flag_and_by_environment(file: Path, tmp_path: Path) -> None:
    other = write(tmp_path / "other.yaml", concurrency=3)
    path = write(file, concurrency=2)
    assert read(config=path, environment={"SYNCER_CONFIG": other}).concurrency == 2
    assert read(environment={"SYNCER_CONFIG": other}).concurrency == 3


def test_an_empty_file_says_nothing(file: Path) -> None:
    file.write_text("# nothing yet\n")
    assert read(config=str(file)).concurrency == 16


def test_the_settings_cannot_be_changed_and_do_not_show_the_token() -> None:
    settings = read()
    assert settings.token == TOKEN
    assert TOKEN not in repr(settings)
    name = "dry_run"
    with pytest.raises(FrozenInstanceError):
        setattr(settings, name, True)


class TestTheFile:
    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("- a\n", "holds no mapping"),
            ("a: [\n", "is not usable YAML (line 2: "),
            ("dry_run: true\ndry_run: false\n", "is not usable YAML (line 2: the key 'dry_run' is there twice)"),
            ("tenancy:\n- {namespace: a, namespace: b}\n", "is not usable YAML (line 2: the key 'namespace'"),
            ("a: 1\n---\nb: 2\n", "is not usable YAML"),
            ("a: !!python/object/apply:os.getcwd []\n", "is not usable YAML"),
            ("a: 2025-99-99\n", "is not usable YAML"),
            ("a: \x07\n", "is not usable YAML; correct it"),
            ("[a]: 1\n", "is not usable YAML"),
            ("a: &a [*a, {a: 1, a: 1}]\n", "is not usable YAML (line 1: the key 'a'"),
        ],
    )
    def test_what_is_no_mapping_in_yaml_is_refused(self, text: str, words: str, file: Path) -> None:
        file.write_text(text)
        assert complaint(config=str(file)).startswith(f"{file} {words}")

    def test_bytes_that_are_no_text_are_refused(self, file: Path) -> None:
        file.write_bytes(b"\xff\xfe\x00")
        assert "is not UTF-8 text" in complaint(config=str(file))

    def test_a_file_that_cannot_be_read_is_refused_and_nothing_counts_as_missing(self, file: Path) -> None:
        line = complaint(config=str(file), without=("group", "cluster", "gitlab_url"))
        assert line == f"{file} cannot be read (No such file or directory); correct --config or the file."

    def test_with_a_file_that_can_be_read_what_is_missing_is_named(self, file: Path) -> None:
        assert len(complaints(config=write(file), without=("group", "cluster", "gitlab_url"))) == 3

    def test_rules_that_an_unreadable_file_may_hold_are_not_missing(self, file: Path) -> None:
        assert "cannot be read" in complaint(config=str(file), namespace=("a", "b"))


class TestTheToken:
    def test_the_file_wins_over_the_variable_and_loses_its_outer_blanks(self, tmp_path: Path) -> None:
        path = tmp_path / "token"
        path.write_text("\n  from-the-file \r\n")
        assert read(gitlab_token_file=str(path)).token == "from-the-file"
        assert read().token == TOKEN

    def test_the_file_may_be_named_in_the_environment_and_in_the_file(self, tmp_path: Path, file: Path) -> None:
        (tmp_path / "token").write_text("t")
        name = str(tmp_path / "token")
        assert read(environment={"SYNCER_GITLAB_TOKEN_FILE": name}).token == "t"
        assert read(config=write(file, gitlab_token_file=name)).token == "t"

    @pytest.mark.parametrize("environment", [{}, {"GITLAB_TOKEN": ""}, {"GITLAB_TOKEN": " "}])
    def test_without_a_token_it_says_how_to_give_one(self, environment: dict[str, str]) -> None:
        with pytest.raises(
            SettingsError, match="A GitLab token is required: give --gitlab-token-file PATH or set GITLAB"
        ):
            read_settings("run", NEEDED, environment)

    @pytest.mark.parametrize(
        ("content", "words"),
        [(b" \n", "is empty"), (b"a b", "holds spaces"), (b"a\nb", "holds spaces"), (b"\xff", "is not UTF-8")],
    )
    def test_a_file_without_a_usable_token_is_refused(self, content: bytes, words: str, tmp_path: Path) -> None:
        (tmp_path / "token").write_bytes(content)
        assert words in complaint(gitlab_token_file=str(tmp_path / "token"))

    def test_a_file_that_cannot_be_read_is_refused_whatever_the_variable_says(self, tmp_path: Path) -> None:
        assert "cannot be read (No such file" in complaint(gitlab_token_file=str(tmp_path / "none"))

    def test_a_token_in_place_of_the_file_is_refused_and_not_repeated(self) -> None:
        assert "looks like a token itself" in complaint(gitlab_token_file=TOKEN)
        resolved = resolve("run", {**NEEDED, "gitlab_token_file": TOKEN}, {})
        assert TOKEN not in describe(resolved)
        assert len(resolved.complaints) == 1

    def test_a_variable_that_cannot_be_a_token_is_refused(self) -> None:
        assert complaint(environment={"GITLAB_TOKEN": "two words"}).startswith("GITLAB_TOKEN holds spaces")

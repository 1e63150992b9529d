"""Everything that is wrong is said at once, and by its name."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cronjob.settings.option import Option, Origin
from cronjob.settings.print_config import describe
from cronjob.settings.resolve import resolve
from cronjob.settings.settings import read_settings
from reconcile.errors import SettingsError
from tests.worlds.settings_samples import NEEDED, TOKEN, complaint, complaints, given_by, read, without, write

LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.dates() | st.binary()
ANYTHING = st.recursive(LEAVES, lambda leaf: st.lists(leaf) | st.dictionaries(st.text(max_size=9), leaf), max_leaves=6)
# An environment variable can hold anything but NUL.
VARIABLE_TEXTS = st.text(st.characters(exclude_characters="\0", codec="utf-8"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "settings.yaml"


class TestComplaints:
    def test_all_of_them_come_at_once(self, file: Path) -> None:
        path = write(file, grop="tenants", concurrency=[1])
        environment = {"SYNCER_DRYRUN": "true", "SYNCER_TIMEOUT": "soon", "SYNCER_CONFIG": path}
        flags = {"fail_on": "notice", "receiver_url": "https://flux.test/hook"}
        with pytest.raises(SettingsError) as caught:
            read_settings("run", flags, environment)
        lines = str(caught.value).splitlines()
        wanted = ["SYNCER_DRYRUN", "`grop`", "`concurrency`", "SYNCER_TIMEOUT", "--fail-on", "--receiver-url", "token"]
        wanted += ["--cluster", "--gitlab-url", "--group or --extra-project"]
        assert len(lines) == len(wanted)
        for word in wanted:
            assert any(word in line for line in lines), word
        assert all(line.endswith(".") for line in lines)

    def test_without_any_of_them_there_are_settings(self) -> None:
        assert read().cluster == "prod"

    @pytest.mark.parametrize(
        ("name", "hint"),
        [
            ("SYNCER_DRYRUN", "SYNCER_DRY_RUN"),
            ("syncer_dry_run", "SYNCER_DRY_RUN"),
            ("SYNCER_KUBECONFIG", "KUBECONFIG"),
            ("SYNCER_GITLAB_TOKEN", "GITLAB_TOKEN"),
        ],
    )
    def test_an_unknown_variable_is_refused_with_the_nearest_known_one(self, name: str, hint: str) -> None:
        assert complaint(environment={name: TOKEN}) == f"{name} is not known; did you mean {hint}? If not, remove it."

    def test_an_unknown_variable_that_resembles_nothing_is_refused_too(self) -> None:
        assert complaint(environment={"SYNCER_XQJ": "1"}) == "SYNCER_XQJ is not known; remove it."

    def test_a_variable_for_what_belongs_in_the_file_is_told_so(self) -> None:
        assert "write `tenancy` into the file" in complaint(environment={"SYNCER_TENANCY": "x"})

    def test_variables_of_other_programs_are_nobodys_business(self) -> None:
        assert read(environment={"SYNC_DRY_RUN": "x", "PATH": "/bin"}).dry_run is False

    def test_variables_for_another_command_are_known(self) -> None:
        environment = {"SYNCER_NAMESPACE": "a,b", "SYNCER_EXPECT_PLAN": "nonsense", "KUBECONFIG": "/nowhere"}
        assert read("retire", environment).namespaces == ()
        assert len(complaints("run", environment)) == 2

    def test_an_unknown_key_is_refused_with_the_nearest_known_one(self, file: Path) -> None:
        path = write(file, **{"dry-run": True})
        assert complaint(config=path) == f"`dry-run` in {path} is not known; did you mean `dry_run`? If not, remove it."

    @pytest.mark.parametrize("key", ["config", "print_config", "confirm"])
    def test_what_a_file_cannot_say_is_an_unknown_key(self, key: str, file: Path) -> None:
        assert f"`{key}`" in complaint(config=write(file, **{key: "x"}))

    @pytest.mark.parametrize("option", given_by(Origin.ENVIRONMENT), ids=lambda option: option.name)
    def test_an_empty_variable_is_refused(self, option: Option) -> None:
        if option.variable:
            assert getattr(read(environment={option.variable: ""}), option.key) is None
        else:
            environment = {str(option.env): ""}
            expected = f"{option.env} is empty; give it a value or leave it out."
            assert complaint(environment=environment, without=without(option)) == expected

    @pytest.mark.parametrize(
        "option",
        [option for option in given_by(Origin.FLAG) if not option.kind.is_switch],
        ids=lambda option: option.name,
    )
    def test_an_empty_flag_is_refused(self, option: Option) -> None:
        value = ("",) if option.kind.several else ""
        expected = f"--{option.name} is empty; give it a value or leave it out."
        assert complaint(**{option.key: value}) == expected

    @pytest.mark.parametrize("option", given_by(Origin.FILE), ids=lambda option: option.name)
    def test_a_key_without_a_value_is_refused(self, option: Option, file: Path) -> None:
        path = write(file, **{option.key: None})
        expected = f"`{option.key}` in {path} has no value; give it one or leave it out."
        assert complaint(config=path, without=without(option)) == expected

    def test_an_empty_item_of_a_list_is_refused(self) -> None:
        assert complaint(environment={"SYNCER_PROJECT": "a/b,"}).startswith("SYNCER_PROJECT is empty")

    @pytest.mark.parametrize("text", ["ture", "2", "y", "enabled", "-"])
    def test_anything_but_a_yes_or_a_no_is_refused_for_a_switch(self, text: str) -> None:
        assert complaint(environment={"SYNCER_DRY_RUN": text}).startswith(
            f"SYNCER_DRY_RUN is {text!r}, which is neither"
        )

    @pytest.mark.parametrize(
        ("key", "value", "words"),
        [
            ("group", True, "must be a list of texts, not true or false"),
            ("group", {"a": "b"}, "must be a list of texts, not a mapping"),
            ("dry_run", "yes", "must be true or false, not a text"),
            ("dry_run", 1, "must be true or false, not a number"),
            ("dry_run", [True], "must be true or false, not a list"),
            ("concurrency", "4", "must be a whole number, not a text"),
            ("concurrency", True, "must be a whole number, not true or false"),
            ("concurrency", 1.5, "must be a whole number, not a number with a fraction"),
            ("cluster", 7, "must be a text, not a number"),
            ("cluster", ["a"], "must be a text, not a list"),
            ("timeout", False, "must be a duration such as 30s, or a number of seconds, not true or false"),
            ("owned_keys", [None], "must be a list of texts, not nothing"),
            ("max_prune", 12.5, "must be a text such as 20,25% or a number, not a number with a fraction"),
        ],
    )
    def test_a_value_of_the_wrong_type_is_named_with_its_key(
        self, key: str, value: object, words: str, file: Path
    ) -> None:
        path = write(file, **{key: value})
        assert complaint(config=path, without=(key,)) == f"`{key}` in {path} {words}."

    def test_a_date_is_no_text(self, file: Path) -> None:
        file.write_text("cluster: 2025-01-01\n")
        assert complaint(config=str(file), without=("cluster",)).endswith("must be a text, not a date.")

    def test_what_a_stronger_source_replaces_is_not_looked_at(self, file: Path) -> None:
        path = write(file, concurrency="many")
        assert read(config=path, environment={"SYNCER_CONCURRENCY": "5"}).concurrency == 5
        assert "concurrency" in complaint(config=path)

    @pytest.mark.parametrize("key", ["context", "kubeconfig", "project", "ca_file", "gitlab_user"])
    def test_control_characters_are_refused(self, key: str, file: Path) -> None:
        path = write(file, **{key: "a\x1b[31m"})
        assert complaint(config=path) == f"`{key}` in {path} holds control characters; remove them."

    @given(st.dictionaries(st.sampled_from([option.key for option in given_by(Origin.FILE)]), ANYTHING, max_size=4))
    def test_no_value_in_the_file_fails_otherwise_than_by_a_complaint(
        self, tmp_path_factory: pytest.TempPathFactory, values: dict[str, object]
    ) -> None:
        path = write(tmp_path_factory.getbasetemp() / "anything.yaml", **values)
        resolved = resolve("run", {**NEEDED, "config": path}, {"GITLAB_TOKEN": TOKEN})
        assert all(line.isprintable() and line.endswith(".") for line in resolved.complaints)
        assert len(describe(resolved).splitlines()) == len(resolved.given) + 1

    @given(st.sampled_from(given_by(Origin.ENVIRONMENT)), VARIABLE_TEXTS)
    def test_no_value_in_the_environment_does_either(self, option: Option, text: str) -> None:
        resolved = resolve("run", NEEDED, {"GITLAB_TOKEN": TOKEN, str(option.env): text})
        assert all(line.isprintable() and line.endswith(".") for line in resolved.complaints)

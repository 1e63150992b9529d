"""How flags, environment, file and defaults become one value, or one complete list of complaints."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import FrozenInstanceError, asdict
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from cronjob.describing import describe
from cronjob.kinds import number
from cronjob.option_table import OPTIONS, Option, Place
from cronjob.parsing import ReportFile, duration, switch
from cronjob.resolving import resolve
from cronjob.settings import Settings, read_settings, settings_from
from reconcile.errors import SettingsError
from reconcile.guard import Expected, Limits
from reconcile.marks import Owner
from reconcile.problems import Severity
from reconcile.tenancy import Rule, Tenancy

TOKEN = "glpat-marker-of-a-secret"
NEEDED = {"group": ("tenants",), "cluster": "prod", "gitlab_url": "https://gitlab.test"}
CHECKSUM = "0123456789ab"
FINGERPRINT = "SHA256:" + "a" * 43


def read(
    command: str = "run", environment: dict[str, str] | None = None, *, without: tuple[str, ...] = (), **flags: Any
) -> Settings:
    """Settings with what is required, and *flags*."""
    needed = {key: value for key, value in NEEDED.items() if key not in without}
    return read_settings(command, {**needed, **flags}, {"GITLAB_TOKEN": TOKEN, **(environment or {})})


def complaints(*arguments: Any, **more: Any) -> list[str]:
    """What `read` complains about, in order."""
    with pytest.raises(SettingsError) as caught:
        read(*arguments, **more)
    assert TOKEN not in str(caught.value)
    return str(caught.value).splitlines()


def complaint(*arguments: Any, **more: Any) -> str:
    """The only thing `read` complains about."""
    lines = complaints(*arguments, **more)
    assert len(lines) == 1, lines
    return lines[0]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "settings.yaml"


def write(file: Path, **values: object) -> str:
    file.write_text(yaml.safe_dump(values), encoding="utf-8")
    return str(file)


# One value for each option: as text, as the file may have it, and as it ends in the settings.
SAMPLES: dict[str, tuple[str, object, str, object]] = {
    "group": ("platform/tenants", ["platform/tenants"], "groups", ("platform/tenants",)),
    "extra-project": ("shared/base", ["shared/base"], "extra_projects", ("shared/base",)),
    "cluster": ("staging-2", "staging-2", "cluster", "staging-2"),
    "receiver-url": ("https://flux.test/", "https://flux.test/", "receiver_url", "https://flux.test"),
    "project": ("tenants/*", ["tenants/*"], "projects", ("tenants/*",)),
    "dry-run": ("true", True, "dry_run", True),
    "prune": ("false", False, "prune", False),
    "max-prune": ("50", 50, "max_prune", Limits(50, None)),
    "expect-plan": (CHECKSUM, CHECKSUM, "expect_plan", Expected(CHECKSUM)),
    "adopt": ("yes", True, "adopt", True),
    "refresh-tokens": ("on", True, "refresh_tokens", True),
    "webhook-tls-verification": ("no", False, "webhook_tls_verification", False),
    "gitlab-url": (
        "https://other.test/gitlab/",
        "https://other.test/gitlab/",
        "gitlab_url",
        "https://other.test/gitlab",
    ),
    "concurrency": ("4", 4, "concurrency", 4),
    "max-requests-per-minute": ("300", 300, "max_requests_per_minute", 300),
    "timeout": ("1m30s", "1m30s", "timeout", 90.0),
    "deadline": ("540", 540, "deadline", 540.0),
    "namespace": ("tenants", ["tenants"], "namespaces", ("tenants",)),
    "kubeconfig": ("/etc/kube", "/etc/kube", "kubeconfig", "/etc/kube"),
    "context": ("kind-dev", "kind-dev", "context", "kind-dev"),
    "output": ("JSON", "json", "output", "json"),
    "show-foreign": ("1", True, "show_foreign", True),
    "drift-exit-code": ("3", 3, "drift_exit_code", 3),
    "fail-on": ("warning", "warning", "fail_on", Severity.WARNING),
    "log-format": ("text", "text", "log_format", "text"),
    "log-level": ("debug", "debug", "log_level", "debug"),
    "git_hosts": ("", ["SSH.gitlab.test"], "git_hosts", ("ssh.gitlab.test",)),
    "gitlab_user": ("", "flux-bot", "gitlab_user", "flux-bot"),
    "previous_clusters": ("", ["old"], "previous_clusters", ("old",)),
    "previous_namespaces": ("", ["flux"], "previous_namespaces", ("flux",)),
    "previous_receiver_urls": ("", ["http://old.test/"], "previous_receiver_urls", ("http://old.test",)),
    "receiver_url_is_ours": ("", True, "receiver_url_is_ours", True),
    "owned_keys": ("", [FINGERPRINT], "owned_keys", (FINGERPRINT,)),
    "can_push": ("", "read-only", "can_push", "read-only"),
    "tenancy": ("", [{"namespace": "*", "projects": "a/**"}], "tenancy", Tenancy((Rule("*", "a/**"),))),
    "cross_namespace_refs": ("", True, "cross_namespace_refs", True),
}
# These name files, so they have tests of their own; so have those of one place only.
ELSEWHERE = {"gitlab-token-file", "ca-file", "report", "config", "print-config", "confirm"}
SAMPLED = [option for option in OPTIONS if option.name in SAMPLES]


def of(*places: Place) -> list[Option]:
    return [option for option in SAMPLED if all(place in option.places for place in places)]


def without(option: Option) -> tuple[str, ...]:
    return (option.key,) if option.name != "extra-project" else ()


def flag_value(option: Option) -> object:
    text = SAMPLES[option.name][0]
    if option.kind.is_switch:
        return switch(text)
    return (text,) if option.kind.several else text


def test_every_option_has_a_sample_here() -> None:
    assert {option.name for option in OPTIONS} == SAMPLES.keys() | ELSEWHERE


@pytest.mark.parametrize("option", of(Place.FLAG), ids=lambda one: one.name)
def test_an_option_can_be_given_as_a_flag(option: Option) -> None:
    _, _, field, expected = SAMPLES[option.name]
    assert getattr(read(without=without(option), **{option.key: flag_value(option)}), field) == expected


@pytest.mark.parametrize("option", of(Place.ENVIRONMENT), ids=lambda one: one.name)
def test_an_option_can_be_given_in_the_environment(option: Option) -> None:
    text, _, field, expected = SAMPLES[option.name]
    assert getattr(read(environment={str(option.env): text}, without=without(option)), field) == expected


@pytest.mark.parametrize("option", of(Place.FILE), ids=lambda one: one.name)
def test_an_option_can_be_given_in_the_file(option: Option, file: Path) -> None:
    _, value, field, expected = SAMPLES[option.name]
    path = write(file, **{option.key: value})
    assert getattr(read(config=path, without=without(option)), field) == expected


@pytest.mark.parametrize("option", [one for one in SAMPLED if one.key not in NEEDED], ids=lambda one: one.name)
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
    flags = {"concurrency": "1"} if "flag" in where else {}
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
    with pytest.raises(FrozenInstanceError):
        settings.dry_run = True  # type: ignore[misc]  # that is the point


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

    @pytest.mark.parametrize("option", of(Place.ENVIRONMENT), ids=lambda one: one.name)
    def test_an_empty_variable_is_refused(self, option: Option) -> None:
        if option.variable:
            assert getattr(read(environment={option.variable: ""}), option.key) is None
        else:
            environment = {str(option.env): ""}
            expected = f"{option.env} is empty; give it a value or leave it out."
            assert complaint(environment=environment, without=without(option)) == expected

    @pytest.mark.parametrize(
        "option", [one for one in of(Place.FLAG) if not one.kind.is_switch], ids=lambda one: one.name
    )
    def test_an_empty_flag_is_refused(self, option: Option) -> None:
        value = ("",) if option.kind.several else ""
        expected = f"--{option.name} is empty; give it a value or leave it out."
        assert complaint(**{option.key: value}) == expected

    @pytest.mark.parametrize("option", of(Place.FILE), ids=lambda one: one.name)
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


class TestTheFile:
    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("- a\n", "holds no mapping"),
            ("a: [\n", "is not usable YAML (line 2: "),
            ("dry_run: true\ndry_run: false\n", "is not usable YAML (line 2: the key 'dry_run' stands there twice)"),
            ("a: 1\n---\nb: 2\n", "is not usable YAML"),
            ("a: !!python/object/apply:os.getcwd []\n", "is not usable YAML"),
            ("a: 2025-99-99\n", "is not usable YAML"),
            ("[a]: 1\n", "is not usable YAML"),
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
        [(b" \n", "is empty"), (b"a b", "holds blanks"), (b"a\nb", "holds blanks"), (b"\xff", "is not UTF-8")],
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
        assert complaint(environment={"GITLAB_TOKEN": "two words"}).startswith("GITLAB_TOKEN holds blanks")


class TestGitLabsAddress:
    @pytest.mark.parametrize(
        ("url", "normal", "host", "root"),
        [
            ("https://GitLab.test//", "https://gitlab.test", "gitlab.test", ""),
            ("https://gitlab.test:8443/Git/Lab/", "https://gitlab.test:8443/Git/Lab", "gitlab.test", "Git/Lab"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080", "127.0.0.1", ""),
            ("http://localhost", "http://localhost", "localhost", ""),
            ("http://[::1]:80/", "http://[::1]:80", "::1", ""),
            ("HTTPS://gitlab.test", "https://gitlab.test", "gitlab.test", ""),
        ],
    )
    def test_it_is_kept_with_its_root_and_without_a_slash_at_the_end(
        self, url: str, normal: str, host: str, root: str
    ) -> None:
        settings = read(gitlab_url=url)
        assert (settings.gitlab_url, settings.gitlab_host, settings.relative_root) == (normal, host, root)
        assert settings.rules().relative_root == root
        assert settings.orders().gitlab_host == host

    @pytest.mark.parametrize(
        ("url", "words"),
        [
            ("http://gitlab.test", "is plain http"),
            ("http://127.0.0.1.evil.test", "is plain http"),
            ("https://gitlab.test/api/v4", "names the API"),
            ("https://user:hunter2@gitlab.test", "holds a user name or password"),
            ("https://gitlab.test?hunter2=1", "holds a query or fragment"),
            ("https://gitlab.test/#hunter2", "holds a query or fragment"),
            ("gitlab.test", "is no URL"),
            ("https://", "is no URL"),
            ("ftp://gitlab.test", "is no URL"),
            ("https://gitlab.test:99999", "is no URL"),
            ("https://gitlab.test:0", "is no URL"),
            ("https://[::1", "is no URL"),
            ("https://gitlab.test/a b", "is no URL"),
            ("https://gitlab.test/a/../b", "is no URL"),
            ("https://gitlab.test/a//b", "is no URL"),
            ("https://git\nlab.test", "is no URL"),
            ("https://gitlab_test", "is no URL"),
        ],
    )
    def test_one_that_cannot_be_used_is_refused_and_not_repeated(self, url: str, words: str) -> None:
        line = complaint(gitlab_url=url)
        assert line.startswith(f"--gitlab-url {words}")
        assert "hunter2" not in line
        assert "hunter2" not in describe(resolve("run", {**NEEDED, "gitlab_url": url}, {}))


class TestTheReceiversAddress:
    @pytest.mark.parametrize("url", ["https://flux.test/", "http://flux.test:8080", "https://flux.test/webhooks"])
    def test_http_and_https_and_a_path_will_do(self, url: str) -> None:
        assert read(receiver_url=url).receiver_url == url.rstrip("/")

    @pytest.mark.parametrize("path", ["/hook", "/hook/", "/flux/hook", "/hook/" + "0" * 64])
    def test_one_that_ends_in_the_hook_is_refused_with_the_reason(self, path: str) -> None:
        assert "which Flux puts into every path itself" in complaint(receiver_url=f"https://flux.test{path}")

    def test_one_whose_host_is_called_hook_will_do(self) -> None:
        assert read(receiver_url="https://hook.test/hooks").receiver_url == "https://hook.test/hooks"

    @pytest.mark.parametrize(
        "url", ["https://a:b@flux.test", "https://flux.test?a", "https://flux.test/#a", "flux.test"]
    )
    def test_one_with_more_than_an_address_is_refused(self, url: str) -> None:
        assert complaint(receiver_url=url).startswith("--receiver-url")

    def test_former_ones_are_looked_at_in_the_same_way(self, file: Path) -> None:
        path = write(file, previous_receiver_urls=["https://old.test/hook"])
        assert complaint(config=path).startswith(f"`previous_receiver_urls` in {path} ends in /hook")


class TestNames:
    @pytest.mark.parametrize("name", ["prod", "0", "a-b", "a" * 63])
    def test_a_label_is_a_cluster(self, name: str) -> None:
        assert read(cluster=name).cluster == name

    @pytest.mark.parametrize("name", ["Prod", "a b", "a.b", "-a", "a-", "a" * 64, "é", "prod\n", "a/b"])
    def test_anything_else_is_none(self, name: str) -> None:
        assert complaint(cluster=name).startswith("--cluster is ")

    @pytest.mark.parametrize("key", ["namespace", "previous_clusters", "previous_namespaces"])
    def test_namespaces_and_former_names_are_labels_too(self, key: str, file: Path) -> None:
        assert "no RFC 1123 label" in complaint(config=write(file, **{key: ["A"]}))

    @pytest.mark.parametrize("group", ["platform", "platform/tenants", "42", "/a/b/", "a/b.c_d-e"])
    def test_a_group_is_a_path_or_an_id(self, group: str) -> None:
        assert read(group=(group,)).groups == (group.strip("/"),)

    def test_a_groups_id_may_be_a_number_in_the_file(self, file: Path) -> None:
        assert read(config=write(file, group=[42]), without=("group",)).groups == ("42",)

    @pytest.mark.parametrize("group", ["https://gitlab.test/a", "a b", "a//b", "a,b", "a/../b/é"])
    def test_anything_else_is_no_group(self, group: str) -> None:
        assert complaint(group=(group,)).startswith("--group is no group")

    @pytest.mark.parametrize("project", ["a", "42", "https://gitlab.test/a/b"])
    def test_a_single_project_needs_its_full_path(self, project: str) -> None:
        assert complaint(extra_project=(project,)).startswith("--extra-project is no project")

    def test_a_single_project_is_enough(self) -> None:
        assert read(without=("group",), extra_project=("a/b",)).extra_projects == ("a/b",)

    def test_neither_group_nor_project_is_too_little(self) -> None:
        assert complaint(without=("group",)).startswith("--group or --extra-project is required")

    @pytest.mark.parametrize("host", ["https://a.test", "a.test:22", "a/b", "git@a.test"])
    def test_a_git_host_is_a_name_only(self, host: str, file: Path) -> None:
        assert "is no host name" in complaint(config=write(file, git_hosts=[host]))

    @pytest.mark.parametrize("text", ["SHA256:abc", "MD5:" + "a" * 43, "a" * 43])
    def test_an_owned_key_is_a_fingerprint(self, text: str, file: Path) -> None:
        assert "which is no fingerprint" in complaint(config=write(file, owned_keys=[text]))


class TestNamespaces:
    RULES = ({"namespace": "*", "projects": "tenants/{namespace}/**"},)

    def test_the_pods_own_stands_in_for_what_nobody_gives(self, file: Path) -> None:
        pod = {"POD_NAMESPACE": "flux-tenants"}
        assert read(environment=pod).namespaces == ("flux-tenants",)
        assert read(environment=pod, config=write(file, namespace="other")).namespaces == ("other",)
        assert read(environment={"POD_NAMESPACE": ""}).namespaces == ()

    def test_more_than_one_needs_rules(self, file: Path) -> None:
        assert complaint(namespace=("a", "b")).startswith("--namespace names 2 namespaces, which needs `tenancy` rules")
        path = write(file, tenancy=list(self.RULES))
        assert read(namespace=("a", "b"), config=path).namespaces == ("a", "b")

    def test_an_empty_list_of_rules_is_none(self, file: Path) -> None:
        assert "needs `tenancy`" in complaint(namespace=("a", "b"), config=write(file, tenancy=[]))

    def test_one_needs_none(self) -> None:
        assert read(namespace=("a",)).rules(("a",)).tenancy == Tenancy()

    @pytest.mark.parametrize(
        "rules",
        [
            "x",
            {"namespace": "*", "projects": "*"},
            ["x"],
            [{"namespace": "*"}],
            [{"namespace": "*", "projects": 1}],
            [{"namespace": "*", "projects": ""}],
            [{"namespace": "*", "projects": "*", "group": "x"}],
        ],
    )
    def test_rules_of_another_shape_are_refused(self, rules: object, file: Path) -> None:
        assert "must be a list of rules" in complaint(config=write(file, tenancy=rules))

    def test_rules_of_the_wrong_shape_are_one_complaint_also_for_many_namespaces(self, file: Path) -> None:
        assert "must be a list of rules" in complaint(namespace=("a", "b"), config=write(file, tenancy="x"))


class TestNumbersAndTimes:
    @pytest.mark.parametrize(("text", "fits"), [("0", False), ("1", True), ("256", True), ("257", False), ("x", False)])
    def test_between_1_and_256_requests_run_at_a_time(self, text: str, fits: bool) -> None:  # noqa: FBT001 - a table
        if fits:
            assert read(concurrency=text).concurrency == int(text)
        else:
            assert complaint(concurrency=text).startswith(
                f"--concurrency is {text!r}; give a whole number from 1 to 256"
            )

    @pytest.mark.parametrize("code", ["1", "2", "4", "5", "256", "-1"])
    def test_an_exit_code_with_a_meaning_of_its_own_is_refused(self, code: str) -> None:
        assert "from 0 to 255 and none of 1, 2, 4, 5" in complaint(drift_exit_code=code)

    @pytest.mark.parametrize("code", ["0", "3", "6", "255"])
    def test_any_other_exit_code_will_do(self, code: str) -> None:
        assert read(drift_exit_code=code).drift_exit_code == int(code)

    @given(st.integers())
    def test_a_whole_number_is_taken_within_its_range_only(self, value: int) -> None:
        kind = number(10, 20)
        if 10 <= value <= 20:
            assert kind.typed(str(value)) == value
        else:
            with pytest.raises(ValueError, match="give a whole number from 10 to 20"):
                kind.typed(str(value))

    @pytest.mark.parametrize(
        ("text", "seconds"),
        [
            ("30s", 30),
            ("2m", 120),
            ("1h30m", 5400),
            ("500ms", 0.5),
            ("45", 45),
            ("0.5", 0.5),
            ("1.5s", 1.5),
            (" 1m1s ", 61),
        ],
    )
    def test_a_duration_is_written_in_units_or_in_seconds(self, text: str, seconds: float) -> None:
        assert duration(text) == seconds

    @pytest.mark.parametrize("text", ["soon", "1d", "30 s", "1s1m", "s", "1e3", "inf", "nan", "٣s", "9" * 400 + "h"])
    def test_anything_else_is_no_duration(self, text: str) -> None:
        assert "which is no duration" in complaint(timeout=text)

    @pytest.mark.parametrize("text", ["0", "0s", "0ms", "-1s", "-5"])
    def test_a_time_is_longer_than_nothing(self, text: str) -> None:
        assert "longer than 0" in complaint(timeout=text)

    @given(st.integers(0, 99), st.integers(0, 59), st.integers(0, 59), st.integers(0, 999))
    def test_the_parts_of_a_duration_add_up(self, hours: int, minutes: int, seconds: int, millis: int) -> None:
        whole = hours * 3600 + minutes * 60 + seconds + millis / 1000
        text = f"{hours}h{minutes}m{seconds}s{millis}ms"
        if whole:
            assert duration(text) == pytest.approx(whole)
        else:
            with pytest.raises(ValueError, match="longer than 0"):
                duration(text)

    @given(st.text())
    def test_no_text_makes_a_duration_or_a_switch_fail_otherwise(self, text: str) -> None:
        for parse in (duration, switch):
            with suppress(ValueError):
                assert parse(text) is not None

    @pytest.mark.parametrize("text", ["many", "25%%", "101%", "-1", "1.5", ""])
    def test_limits_of_another_form_are_refused(self, text: str) -> None:
        assert complaint(max_prune=text).startswith("--max-prune is ")

    @pytest.mark.parametrize("text", ["true", "TRUE", "1", "yes", "Yes", "on"])
    def test_a_yes_is_a_yes_in_any_case(self, text: str) -> None:
        assert read(environment={"SYNCER_DRY_RUN": text}).dry_run is True

    @pytest.mark.parametrize("text", ["false", "False", "0", "no", "NO", "off"])
    def test_a_no_is_a_no_in_any_case(self, text: str) -> None:
        assert read(environment={"SYNCER_PRUNE": text}).prune is False


class TestChoices:
    @pytest.mark.parametrize(
        ("key", "words"),
        [
            ("output", "choose text, json, yaml or none"),
            ("log_format", "choose auto, json or text"),
            ("log_level", "choose debug, info, warning or error"),
            ("fail_on", "choose error, warning or never"),
        ],
    )
    def test_an_unknown_word_is_answered_with_the_known_ones(self, key: str, words: str) -> None:
        assert complaint(**{key: "other"}) == f"--{key.replace('_', '-')} is 'other'; {words}."

    def test_write_access_can_be_taken_only(self, file: Path) -> None:
        assert complaint(config=write(file, can_push="always")).endswith("is 'always'; choose read-only.")

    def test_never_is_no_severity(self) -> None:
        assert read(fail_on="never").fail_on is None


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
        assert complaint(environment={name: "/nowhere"}).startswith(f"{name} names '/nowhere', which does not exist")

    def test_a_report_names_its_format_and_its_file(self, tmp_path: Path, file: Path) -> None:
        first, second = tmp_path / "a.json", tmp_path / "b=c.yaml"
        expected = (ReportFile("json", first), ReportFile("yaml", second))
        assert read(report=(f"json={first}", f"yaml={second}")).reports == expected
        assert read(environment={"SYNCER_REPORT": f"json={first},yaml={second}"}).reports == expected
        assert read(config=write(file, report=[f"json={first}", f"yaml={second}"])).reports == expected
        assert read().reports == ()

    @pytest.mark.parametrize("text", ["json", "=x", "json=", "pdf=x", "none=x", "x.json"])
    def test_a_report_of_another_form_is_refused(self, text: str) -> None:
        assert "write it as FORMAT=PATH, where FORMAT is text, json or yaml" in complaint(report=(text,))

    def test_a_report_in_a_directory_that_does_not_exist_is_refused(self, tmp_path: Path) -> None:
        assert "cannot be written" in complaint(report=(f"json={tmp_path}/none/x",))
        assert "cannot be written" in complaint(report=(f"json={tmp_path}",))

    def test_two_reports_need_two_files(self, tmp_path: Path) -> None:
        assert "twice" in complaint(report=(f"json={tmp_path}/x", f"yaml={tmp_path}/x"))
        assert len(read(report=(f"json={tmp_path}/x", f"json={tmp_path}/y")).reports) == 2


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
        assert read(expect_plan="0123456789AB").orders().expected == Expected(CHECKSUM)

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
            ({"schema": "flux-gitlab-syncer/report/v2"}, "no report of the schema"),
            ({"schema": None}, "no report of the schema"),
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
        assert read().orders().expected is None


class TestRulesAndOrders:
    def test_the_rules_say_whose_is_what(self, file: Path) -> None:
        path = write(
            file,
            previous_clusters=["old"],
            previous_namespaces=["flux"],
            previous_receiver_urls=["https://old.test"],
            receiver_url_is_ours=True,
            owned_keys=[FINGERPRINT],
            can_push="read-only",
            cross_namespace_refs=True,
            tenancy=[{"namespace": "*", "projects": "**"}],
        )
        flags = {"receiver_url": "https://flux.test", "webhook_tls_verification": False, "adopt": True}
        rules = read(config=path, refresh_tokens=True, **flags).rules(["tenants"])
        assert rules.identity.owner("flux-gitlab-syncer prod tenants/x") is Owner.OURS
        assert rules.identity.owner("flux-gitlab-syncer old flux/x") is Owner.OURS
        assert rules.identity.owner("flux-gitlab-syncer prod other/x") is Owner.OTHER_INSTANCE
        assert rules.counts(f"https://old.test/hook/{'0' * 64}")
        assert rules.owned_keys == {FINGERPRINT}
        assert rules.tenancy.rules == (Rule("*", "**"),)
        switches = (rules.receiver_url_is_ours, rules.read_only_keys, rules.cross_namespace_refs, rules.adopt)
        assert (*switches, rules.refresh_tokens, rules.tls_verification) == (True, True, True, True, True, False)

    def test_without_a_word_the_rules_are_the_cautious_ones(self) -> None:
        rules = read().rules(["tenants"])
        switches = (rules.receiver_url_is_ours, rules.read_only_keys, rules.cross_namespace_refs, rules.adopt)
        assert (*switches, rules.refresh_tokens, rules.tls_verification) == (False, False, False, False, False, True)
        assert rules.receiver_url is None

    def test_the_orders_name_what_may_be_written(self) -> None:
        orders = read(dry_run=True, prune=False, max_prune="3", show_foreign=True).orders()
        assert (orders.dry_run, orders.prune, orders.limits, orders.show_foreign) == (
            True,
            False,
            Limits(3, None),
            True,
        )

    @pytest.mark.parametrize(
        ("globs", "path", "acts"),
        [
            ((), "tenants/a", True),
            (("tenants/*",), "Tenants/A", True),
            (("TENANTS/*",), "tenants/a", True),
            (("tenants/*",), "tenants/a/b", False),
            (("tenants/**",), "tenants/a/b", True),
            (("a/b", "tenants/a"), "tenants/a", True),
            (("tenants/a",), "tenants/ab", False),
        ],
    )
    def test_a_run_acts_on_the_projects_that_a_glob_names_whole(
        self,
        globs: tuple[str, ...],
        path: str,
        acts: bool,  # noqa: FBT001 - a table
    ) -> None:
        assert read(project=globs).orders().acts_on(path) is acts


class TestRetire:
    def test_without_a_confirmation_it_is_a_dry_run(self) -> None:
        assert read("retire").orders().dry_run is True
        assert read("retire", confirm="prod").orders().dry_run is False

    def test_a_dry_run_that_was_asked_for_stays_one(self) -> None:
        assert read("retire", {"SYNCER_DRY_RUN": "true"}, confirm="prod").orders().dry_run is True

    def test_another_name_confirms_nothing(self) -> None:
        assert complaint("retire", confirm="staging") == (
            "--confirm is 'staging', but the cluster is 'prod'; to retire it, confirm exactly that name."
        )

    def test_a_run_needs_no_confirmation(self) -> None:
        assert read("run").orders().dry_run is False
        assert read("run", confirm="staging").confirm is None

    def test_every_namespace_is_ours_and_no_limit_holds(self) -> None:
        settings = read("retire", {"SYNCER_MAX_PRUNE": "1", "SYNCER_PRUNE": "false"})
        assert settings.rules().identity.owner("flux-gitlab-syncer prod any/x") is Owner.OURS
        assert settings.orders().limits.none
        assert settings.orders().prune is True
        assert read("run").rules().identity.owner("flux-gitlab-syncer prod any/x") is Owner.OTHER_INSTANCE
        assert not read("run").orders().limits.none

    def test_the_file_of_a_run_will_do(self, file: Path) -> None:
        path = write(file, namespace=["a", "b"], kubeconfig="/none", expect_plan="x", previous_clusters=["old"])
        assert read("retire", config=path).previous_clusters == ("old",)


class TestWhatIsShown:
    def test_each_line_names_the_value_and_where_it_comes_from(self, file: Path) -> None:
        path = write(file, timeout="2m", tenancy=[{"namespace": "*", "projects": "a/*"}], fail_on="never")
        environment = {"SYNCER_DRY_RUN": "yes", "POD_NAMESPACE": "flux", "GITLAB_TOKEN": TOKEN}
        lines = describe(resolve("run", {**NEEDED, "config": path}, environment)).splitlines()
        assert 'cluster: "prod"  # flag' in lines
        assert "dry_run: true  # environment SYNCER_DRY_RUN" in lines
        assert 'namespace: ["flux"]  # environment POD_NAMESPACE' in lines
        assert f'timeout: "2m"  # file {path}' in lines
        assert f'tenancy: [{{"namespace": "*", "projects": "a/*"}}]  # file {path}' in lines
        assert f'fail_on: "never"  # file {path}' in lines
        assert "concurrency: 16  # default" in lines
        assert "gitlab_token: (set)  # environment GITLAB_TOKEN" in lines

    def test_it_is_yaml_and_names_every_option_once(self) -> None:
        shown = yaml.safe_load(describe(resolve("run", NEEDED, {"GITLAB_TOKEN": TOKEN})))
        expected = {option.key for option in OPTIONS if "run" in option.commands} | {"gitlab_token"}
        assert shown.keys() == expected

    def test_what_is_shown_can_be_written_into_the_file(self, file: Path, tmp_path: Path) -> None:
        flags = {**NEEDED, "report": (f"json={tmp_path}/x",), "max_prune": "5", "project": ("a/*",), "prune": False}
        resolved = resolve("run", flags, {"GITLAB_TOKEN": TOKEN})
        shown = yaml.safe_load(describe(resolved))
        kept = {key: value for key, value in shown.items() if value not in (None, "(set)")}
        path = write(file, **{key: value for key, value in kept.items() if key != "print_config"})
        again = asdict(read_settings("run", {"config": path}, {"GITLAB_TOKEN": TOKEN}))
        apart = {"given", "config"}
        before = asdict(settings_from(resolved))
        assert {key for key in before if before[key] != again[key]} == apart

    def test_it_works_where_the_settings_are_incomplete(self) -> None:
        resolved = resolve("run", {"print_config": True, "timeout": "soon"}, {})
        assert resolved.print_config is True
        lines = describe(resolved).splitlines()
        assert "timeout: (refused)  # flag" in lines
        assert "cluster: null  # default" in lines
        assert "gitlab_token: (not set)  # nowhere" in lines
        with pytest.raises(SettingsError, match="--cluster is required"):
            settings_from(resolved)

    def test_no_secret_is_shown(self, tmp_path: Path) -> None:
        (tmp_path / "token").write_text(TOKEN)
        flags = {**NEEDED, "gitlab_token_file": str(tmp_path / "token")}
        resolved = resolve("run", flags, {"GITLAB_TOKEN": "another-secret"})
        text = describe(resolved) + repr(resolved) + repr(settings_from(resolved))
        assert TOKEN not in text
        assert "another-secret" not in text
        assert f"gitlab_token: (set)  # file {tmp_path}/token" in text

    def test_nobody_asks_to_see_the_settings_without_the_flag(self) -> None:
        assert resolve("run", NEEDED, {}).print_config is False

    def test_the_report_repeats_what_was_given_by_flag_and_environment(self, file: Path) -> None:
        path = write(file, timeout="2m")
        environment = {
            "SYNCER_MAX_PRUNE": "5",
            "SYNCER_PROJECT": "a/*,b/*",
            "KUBECONFIG": "/k",
            "POD_NAMESPACE": "flux",
        }
        assert read(environment=environment, config=path, dry_run=True).given == {
            "group": ["tenants"],
            "cluster": "prod",
            "gitlab-url": "https://gitlab.test",
            "config": path,
            "dry-run": True,
            "max-prune": "5",
            "project": ["a/*", "b/*"],
            "kubeconfig": "/k",
        }

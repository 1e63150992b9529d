"""What each kind of value may look like."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cronjob.settings.value_kinds import number
from cronjob.settings.values import duration, switch
from reconcile.tenancy import Tenancy
from tests.worlds.settings_samples import (
    complaint,
    read,
    write,
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "settings.yaml"


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
    def test_between_1_and_256_requests_run_at_a_time(self, text: str, *, fits: bool) -> None:
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
            ("output", "choose text, json, yaml, markdown, html, csv or none"),
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

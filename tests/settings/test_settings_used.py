"""What is made of the settings: rules, orders, what is shown."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from cronjob.settings.option_table import OPTIONS
from cronjob.settings.print_config import describe
from cronjob.settings.resolve import resolve
from cronjob.settings.settings import read_settings, settings_from
from reconcile.errors import SettingsError
from reconcile.marks import Mark, Owner
from reconcile.plan.limits import Limits
from reconcile.tenancy import Rule
from tests.worlds.settings_samples import (
    FINGERPRINT,
    NEEDED,
    TOKEN,
    complaint,
    read,
    write,
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "settings.yaml"


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
        flags: dict[str, Any] = {"receiver_url": "https://flux.test", "webhook_tls_verification": False, "adopt": True}
        rules = read(config=path, refresh_tokens=True, heal_webhooks=True, **flags).rules(["tenants"])
        assert rules.identity.owner(Mark.parse("flux-gitlab-syncer prod tenants/x")) is Owner.OURS
        assert rules.identity.owner(Mark.parse("flux-gitlab-syncer old flux/x")) is Owner.OURS
        assert rules.identity.owner(Mark.parse("flux-gitlab-syncer prod other/x")) is Owner.OTHER_INSTANCE
        assert rules.counts(f"https://old.test/hook/{'0' * 64}")
        assert rules.owned_keys == {FINGERPRINT}
        assert rules.tenancy.rules == (Rule("*", "**"),)
        switches = (rules.receiver_url_is_ours, rules.read_only_keys, rules.cross_namespace_refs, rules.adopt)
        assert (*switches, rules.refresh_tokens, rules.tls_verification) == (True, True, True, True, True, False)
        assert rules.heal_webhooks

    def test_without_a_word_the_rules_are_the_cautious_ones(self) -> None:
        rules = read().rules(["tenants"])
        switches = (rules.receiver_url_is_ours, rules.read_only_keys, rules.cross_namespace_refs, rules.adopt)
        assert (*switches, rules.refresh_tokens, rules.tls_verification) == (False, False, False, False, False, True)
        assert not rules.heal_webhooks
        assert rules.receiver_url is None

    def test_the_orders_name_what_may_be_written(self) -> None:
        orders = read(dry_run=True, prune=False, max_prune="3", show_foreign=True).run_options()
        assert (orders.dry_run, orders.prune, orders.limits, orders.show_foreign) == (
            True,
            False,
            Limits(3, None),
            True,
        )

    @pytest.mark.parametrize(
        ("given", "in_pod", "outside"),
        [({}, True, False), ({"events": True}, True, True), ({"events": False}, False, False)],
    )
    def test_events_are_written_in_a_pod_if_nobody_says_otherwise(
        self, given: dict[str, bool], *, in_pod: bool, outside: bool
    ) -> None:
        settings = read(**given)
        assert (settings.writes_events(in_pod=True), settings.writes_events(in_pod=False)) == (in_pod, outside)

    def test_a_dry_run_writes_none(self) -> None:
        assert not read(dry_run=True, events=True).writes_events(in_pod=True)

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
        self, globs: tuple[str, ...], path: str, *, acts: bool
    ) -> None:
        assert read(project=globs).run_options().acts_on(path) is acts


class TestConfirmed:
    @pytest.mark.parametrize("command", ["retire", "undo"])
    def test_without_a_confirmation_it_is_a_dry_run(self, command: str) -> None:
        assert read(command).run_options().dry_run is True
        assert read(command, confirm="prod").run_options().dry_run is False

    def test_a_dry_run_that_was_asked_for_stays_one(self) -> None:
        assert read("retire", {"SYNCER_DRY_RUN": "true"}, confirm="prod").run_options().dry_run is True

    def test_another_name_confirms_nothing(self) -> None:
        assert complaint("retire", confirm="staging") == (
            "--confirm is 'staging', but the cluster is 'prod'; confirm exactly that name, if you mean it."
        )

    @pytest.mark.parametrize(
        ("confirm", "former"), [("prod", []), ("prod,old", ["old"]), ("prod,old,older", ["old", "older"])]
    )
    def test_retire_includes_a_former_name_only_where_it_is_confirmed_too(
        self, file: Path, confirm: str, former: list[str]
    ) -> None:
        path = write(file, previous_clusters=["old", "older"])
        assert read("retire", config=path, confirm=confirm).rules().identity.previous_clusters == set(former)
        assert read("retire", config=path).rules().identity.previous_clusters == frozenset()
        assert read("run", config=path).rules().identity.previous_clusters == {"old", "older"}

    def test_a_former_name_that_is_none_is_refused(self, file: Path) -> None:
        path = write(file, previous_clusters=["old"])
        assert complaint("retire", config=path, confirm="prod,staging") == (
            "--confirm names 'staging', which is not under previous_clusters; list it there, if it is one."
        )

    def test_a_run_needs_no_confirmation(self) -> None:
        assert read("run").run_options().dry_run is False
        assert read("run", confirm="staging").confirm is None

    def test_a_run_without_pruning_in_the_environment_does_not_keep_it_from_removing(self) -> None:
        assert read("retire", {"SYNCER_PRUNE": "false"}).run_options().prune is True
        assert read("run", {"SYNCER_PRUNE": "false"}).run_options().prune is False

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
        assert "# gitlab_token: (set)  # environment GITLAB_TOKEN" in lines

    def test_it_names_every_option_once(self) -> None:
        lines = describe(resolve("run", NEEDED, {"GITLAB_TOKEN": TOKEN})).splitlines()
        keys = [line.removeprefix("# ").partition(":")[0] for line in lines]
        assert sorted(keys) == sorted({option.key for option in OPTIONS if "run" in option.commands} | {"gitlab_token"})

    def test_it_is_a_file_that_gives_the_same_settings(self, file: Path, tmp_path: Path) -> None:
        flags = {**NEEDED, "report": (f"json={tmp_path}/x",), "max_prune": "5", "project": ("a/*",), "prune": False}
        resolved = resolve("run", {**flags, "print_config": True}, {"GITLAB_TOKEN": TOKEN})
        file.write_text(describe(resolved))
        again = asdict(read_settings("run", {"config": str(file)}, {"GITLAB_TOKEN": TOKEN}))
        before = asdict(settings_from(resolved))
        assert {key for key in before if before[key] != again[key]} == {"given", "flags", "config", "print_config"}

    def test_it_works_where_the_settings_are_incomplete(self) -> None:
        resolved = resolve("run", {"print_config": True, "timeout": "soon"}, {})
        assert resolved.print_config is True
        lines = describe(resolved).splitlines()
        assert "# timeout: (refused)  # flag" in lines
        assert "# cluster: null  # default" in lines
        assert "# gitlab_token: (not set)  # nowhere" in lines
        with pytest.raises(SettingsError, match="--cluster is required"):
            settings_from(resolved)

    def test_no_secret_is_shown(self, tmp_path: Path) -> None:
        (tmp_path / "token").write_text(TOKEN)
        flags = {**NEEDED, "gitlab_token_file": str(tmp_path / "token")}
        resolved = resolve("run", flags, {"GITLAB_TOKEN": "another-secret"})
        text = describe(resolved) + repr(resolved) + repr(settings_from(resolved))
        assert TOKEN not in text
        assert "another-secret" not in text
        assert f"# gitlab_token: (set)  # file {tmp_path}/token" in text

    def test_nobody_asks_to_see_the_settings_without_the_flag(self) -> None:
        assert resolve("run", NEEDED, {}).print_config is False

    def test_flags_are_told_from_what_the_environment_says(self) -> None:
        read_one = read(environment={"SYNCER_MAX_PRUNE": "5"}, dry_run=True)
        assert "dry_run" in read_one.flags
        assert "max_prune" not in read_one.flags
        assert "max_prune" in read_one.given

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
            "gitlab_url": "https://gitlab.test",
            "config": path,
            "dry_run": True,
            "max_prune": "5",
            "project": ["a/*", "b/*"],
            "kubeconfig": "/k",
        }

"""`trace`: what is said of each link where it is neither whole nor simply broken."""

from __future__ import annotations

from pathlib import Path

import pytest

from cronjob.sandbox.samples import (
    CLUSTER,
    GROUP,
    NAMESPACE,
    add_secret,
    reconcile_flux,
    ssh_key,
)
from tests.worlds.program import Program, a_program
from tests.worlds.tracing import (
    NAME,
    PATH,
    RUN,
    annotate,
    at,
    broken,
    chain_of,
    levels,
    rewrite,
    traced,
    verdict_of,
    without_key,
    without_secret,
)

pytest_plugins = ["tests.worlds.trace_fixtures"]


class TestLinks:
    def test_after_the_key_flux_is_told_to_look_again(self, program: Program) -> None:
        without_key(program)
        reconcile_flux(program.sandbox)
        done = traced(program)

        assert broken(done) == ("deploy-key", RUN)
        assert "GitOperationFailed: GitLab does not accept the key" in at(done, "fetch")
        again = f"flux reconcile source git {NAME} --namespace {NAMESPACE}"
        assert program("trace", NAME).out.endswith(f"Broken at deploy-key. Next:\n  {RUN}\n  {again}\n\n"[:-1])

    def test_once_the_key_is_there_only_flux_has_not_seen_it(self, program: Program) -> None:
        without_key(program)
        reconcile_flux(program.sandbox)
        program.run()
        done = traced(program)

        assert broken(done) == ("fetch", f"flux reconcile source git {NAME} --namespace {NAMESPACE}")
        assert "Flux may wait up to 15 minutes before it tries again" in at(done, "fetch")

    @pytest.mark.parametrize(
        ("failure", "next_step", "has_command"),
        [
            ("ssh: handshake failed: knownhosts: key mismatch", "Replace `known_hosts`", False),
            ('couldn\'t find remote ref "refs/heads/none"', "Correct spec.ref", False),
            ("ssh: no key found", "Put the whole private key file there", False),
            ("dial tcp: lookup code.vt.edu on 10.96.0.10:53: no such host", "the DNS of the cluster", True),
            ("context deadline exceeded", "raise spec.timeout", True),
            ("something that nobody knows", "Flux could not clone it", True),
        ],
    )
    def test_fluxs_message_decides_what_to_do(
        self, program: Program, failure: str, next_step: str, *, has_command: bool
    ) -> None:
        message = f"failed to checkout: unable to clone 'ssh://git@code.vt.edu/{PATH}': {failure}"
        ready = {"type": "Ready", "status": "False", "reason": "GitOperationFailed", "message": message} | {
            "lastTransitionTime": program.kubernetes.now()
        }
        program.kubernetes.set_status("GitRepository", NAMESPACE, NAME, {"conditions": [ready]})
        done = traced(program)

        link, command = broken(done)
        assert (link, command is not None) == ("fetch", has_command)
        assert next_step in at(done, "fetch")
        assert "The key is on the project now" not in at(done, "fetch")

    def test_authentication_that_failed_is_the_secrets_business(self, program: Program) -> None:
        add_secret(program.sandbox, f"{NAME}-ssh", {"known_hosts": ""})
        reconcile_flux(program.sandbox)

        assert "AuthenticationFailed: the Secret has no `identity`" in at(traced(program), "fetch")

    def test_a_kustomization_that_waits_for_its_source_needs_no_command(self, program: Program) -> None:
        without_secret(program)
        program.kubernetes.set_status("GitRepository", NAMESPACE, NAME, {})
        reconcile_flux(program.sandbox)
        done = traced(program)

        assert "ArtifactFailed: its source has not been fetched yet" in at(done, "kustomization")
        assert chain_of(done)["links"][-1]["command"] is None

    def test_one_that_flux_has_not_looked_at_yet(self, program: Program) -> None:
        program.kubernetes.set_status("GitRepository", NAMESPACE, NAME, {})

        done = traced(program)

        assert (verdict_of(done), levels(done)["fetch"]) == ("unknown", "unknown")
        assert "Not known whether it holds at fetch. Next:\n" in program("trace", NAME).out

    def test_one_whose_newest_spec_flux_has_not_seen(self, program: Program) -> None:
        rewrite(program, "GitRepository", interval="1m")

        assert "has not seen its newest spec" in at(traced(program), "fetch")

    def test_a_url_that_flux_cannot_fetch_breaks_the_first_link_though_a_run_serves_it(self) -> None:
        with a_program() as program:
            done = traced(program, "docs-getting-started")

            assert broken(done) == ("gitrepository", None)
            assert levels(done)["project"] == "ok"
            assert "URLInvalid: Flux cannot read spec.url" in at(done, "fetch")
            assert f"Receiver/{NAMESPACE}/docs-gettings-started names something much like it" in at(done, "receiver")

    def test_a_foreign_host_is_left_alone_and_nothing_there_is_looked_at(self, program: Program) -> None:
        rewrite(program, "GitRepository", url="ssh://git@github.com/some/where.git")
        done = traced(program)

        assert broken(done) == ("gitrepository", None)
        assert "github.com is not a host of this GitLab" in at(done, "gitrepository")
        assert {levels(done)[link] for link in ("secret", "project", "deploy-key", "webhook")} == {"skip"}

    def test_an_unknown_host_with_a_path_of_the_group_may_be_another_name(self, program: Program) -> None:
        rewrite(program, "GitRepository", url=f"ssh://git@ssh.vt.edu/{PATH}.git")

        assert "list the host under git_hosts" in at(traced(program), "gitrepository")

    def test_what_the_tenancy_rules_forbid_is_not_looked_up(self, program: Program, tmp_path: Path) -> None:
        (tmp_path / "settings.yaml").write_text("tenancy:\n  - {namespace: '*', projects: 'some/other/**'}\n")
        done = traced(program, NAME, "--config", str(tmp_path / "settings.yaml"))

        assert broken(done)[0] == "gitrepository"
        assert "The tenancy rules do not let" in at(done, "gitrepository")
        assert [one.path for one in done.requests if "/projects/" in one.path] == []

    def test_a_project_that_has_moved_still_works_and_should_be_named_anew(self, program: Program) -> None:
        program.gitlab.move_project(program.project(f"{CLUSTER}/{NAME}"), f"{GROUP}/renamed")
        done = traced(program)

        assert broken(done) == ("None", None)
        assert f"{PATH} has moved to {GROUP}/renamed" in at(done, "project")
        assert levels(done)["project"] == "warn"

    def test_a_project_that_another_took_the_place_of(self, program: Program) -> None:
        annotate(program, "GitRepository", project_id="999999")

        assert broken(traced(program))[0] == "project"

    def test_an_archived_project_can_be_fetched(self, program: Program) -> None:
        program.project(f"{CLUSTER}/{NAME}").archived = True
        done = traced(program)

        assert broken(done) == ("None", None)
        assert "archived: Flux can fetch it, and nobody can push" in at(done, "project")

    def test_a_project_on_which_we_are_not_maintainer(self, program: Program) -> None:
        bot = program.gitlab.tokens[program.sandbox.token].user
        program.gitlab.groups_by_path[GROUP.lower()].members[bot.id] = 30
        done = traced(program)

        assert verdict_of(done) == "unknown"
        assert "Make the bot account a Maintainer there" in at(done, "project")
        assert levels(done)["deploy-key"] == levels(done)["webhook"] == "skip"

    def test_a_key_that_is_another_clusters_is_told(self, program: Program) -> None:
        [(key, _)] = program.gitlab.keys_of(program.project(f"{CLUSTER}/{NAME}"))
        key.title = f"flux-gitlab-syncer staging {NAMESPACE}/{NAME}-ssh"
        done = traced(program)

        assert broken(done) == ("None", None)
        assert "another cluster" in at(done, "deploy-key")
        assert "it works until its owner removes it" in at(done, "deploy-key")

    def test_a_key_put_there_by_hand_that_may_push_holds(self, program: Program) -> None:
        project = program.project(f"{CLUSTER}/{NAME}")
        [(key, _)] = program.gitlab.keys_of(project)
        key.title, project.keys[key.id] = "by hand", True
        done = traced(program)

        assert broken(done) == ("None", None)
        assert "without a mark, so put there by hand; it may push" in at(done, "deploy-key")
        assert levels(done)["deploy-key"] == "warn"

    def test_a_public_half_that_is_not_the_keys_is_only_a_warning(self, program: Program) -> None:
        secret = program.kubernetes.get("Secret", NAMESPACE, f"{NAME}-ssh")
        assert secret
        program.kubernetes.apply(secret | {"stringData": {"identity.pub": ssh_key()["identity.pub"]}})
        done = traced(program)

        assert broken(done) == ("None", None)
        assert "is not the public half of `identity`" in at(done, "secret")

    def test_ssh_without_a_secret_is_what_flux_refuses(self, program: Program) -> None:
        rewrite(program, "GitRepository", secretRef=None)

        assert broken(traced(program))[0] == "secret"
        assert "an ssh URL needs a Secret" in at(traced(program), "secret")
        assert levels(traced(program))["deploy-key"] == "skip"

    def test_another_provider_uses_no_key(self, program: Program) -> None:
        rewrite(program, "GitRepository", provider="azure", secretRef=None)

        assert "spec.provider is azure" in at(traced(program), "secret")
        assert at(traced(program), "deploy-key") == "ok None: none is needed"

    def test_one_that_is_switched_off_is_not_promised_a_run(self, program: Program) -> None:
        without_key(program)
        annotate(program, "GitRepository", reconcile="disabled")
        done = traced(program)

        assert "annotation flux-gitlab-syncer/reconcile says `disabled`" in at(done, "gitrepository")
        assert verdict_of(done) == "off"
        assert "no run puts it there, because of Disabled" in at(done, "deploy-key")

    def test_one_that_is_being_deleted(self, program: Program) -> None:
        found = program.kubernetes.get("GitRepository", NAMESPACE, NAME)
        assert found
        gone = found["metadata"] | {"deletionTimestamp": "2026-01-01T00:00:00Z"}
        program.kubernetes.apply(found | {"metadata": gone})

        assert broken(traced(program)) == ("gitrepository", None)

    def test_the_flags_that_were_given_are_in_the_command(self, program: Program) -> None:
        without_key(program)
        done = traced(program, NAME, "--cluster", CLUSTER, "--log-level", "error")

        assert broken(done)[1] == f"{RUN} --cluster {CLUSTER}"

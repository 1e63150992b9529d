"""`trace`: a whole chain once, and what may be asked for; nothing is ever changed."""

from __future__ import annotations

import json

import pytest
import yaml

from cronjob.sandbox.samples import (
    CLUSTER,
    GROUP,
    NAMESPACE,
    reconcile_flux,
)
from reconcile.chain.links import LINKS, Link
from tests.worlds.hurry import in_a_hurry
from tests.worlds.program import Program, a_program
from tests.worlds.secrets_shown import secrets_of, shown
from tests.worlds.tracing import (
    NAME,
    PATH,
    REF,
    SCHEMA,
    at,
    broken,
    chain_of,
    document_of,
    levels,
    rewrite,
    the_hook,
    traced,
)

pytest_plugins = ["tests.worlds.trace_fixtures"]


class TestAllIsWell:
    def test_every_link_holds(self, program: Program) -> None:
        done = traced(program)
        document = document_of(done)

        assert broken(done) == ("None", None)
        assert document["summary"]["by_link"]["webhook"] == {"ok": 1, "off": 0, "unknown": 0, "broken": 0}
        assert (document["result"], document["asked"], document["cluster"]) == ("ok", NAME, CLUSTER)
        chain = chain_of(done)
        assert (chain["repository"], chain["project"]) == (REF, PATH)
        assert levels(done) == {str(link): "ok" for link in LINKS}
        assert SCHEMA["$defs"]["link"]["enum"] == [str(link) for link in Link]

    def test_each_link_says_what_it_is(self, program: Program) -> None:
        done = traced(program)

        assert f"asks for {PATH} on code.vt.edu, branch master, every 5m" in at(done, "gitrepository")
        assert "holds the key ssh-ed25519 SHA256:" in at(done, "secret")
        assert f"as `flux-gitlab-syncer {CLUSTER} {NAMESPACE}/{NAME}-ssh`: ours; it may only read" in at(
            done, "deploy-key"
        )
        assert "fetched master@sha1:" in at(done, "fetch")
        assert "of type gitlab, for push, tag push" in at(done, "receiver")
        assert f"webhook {the_hook(program).id}: is at https://flux-webhook" in at(done, "webhook")
        assert "The only delivery was accepted" in at(done, "deliveries")
        assert f"from namespace {NAMESPACE}, as service account {NAME}/flux" in at(done, "kustomization")

    def test_nothing_is_written_anywhere(self, program: Program) -> None:
        program.kubernetes.requests.clear()
        done = traced(program, PATH)

        assert done.writes == []
        assert {one.method for one in program.kubernetes.requests} == {"GET"}

    def test_only_the_one_project_is_read_and_the_group_is_not_listed(self, program: Program) -> None:
        project, encoded = program.project(f"{CLUSTER}/{NAME}").id, PATH.replace("/", "%2F")
        base = f"/api/v4/projects/{project}"

        done = traced(program)

        assert [one.path for one in done.requests] == [
            "/api/v4/personal_access_tokens/self",
            "/api/v4/user",
            f"/api/v4/groups/{GROUP.replace('/', '%2F')}",
            f"/api/v4/groups/{next(iter(program.gitlab.groups_by_path[GROUP.lower()].lineage)).id}/projects",
            f"/api/v4/projects/{encoded}",
            base,
            f"{base}/deploy_keys",
            f"{base}/hooks",
            f"{base}/hooks/{the_hook(program).id}/events",
        ]
        assert done.requests[3].query["per_page"] == "1"

    def test_only_this_tenants_secrets_are_read(self, program: Program) -> None:
        program.kubernetes.requests.clear()
        traced(program)

        read = {one.path.rpartition("/")[2] for one in program.kubernetes.requests if "/secrets/" in one.path}
        assert read == {f"{NAME}-ssh", f"{NAME}-webhook"}

    def test_a_token_that_may_only_read_is_enough(self, program: Program) -> None:
        program.gitlab.tokens[program.sandbox.token].scopes = ("read_api",)

        assert broken(traced(program)) == ("None", None)

    def test_no_secret_is_shown(self, program: Program) -> None:
        program.gitlab.remove_hook(program.project(f"{CLUSTER}/{NAME}"), the_hook(program))
        done = traced(program, NAME, "--log-level", "debug")
        text = program("trace", NAME)

        assert shown(secrets_of(program.sandbox), done.out, done.err, text.out, text.err) == []

    def test_people_get_a_paragraph_for_each_link_and_no_command_when_all_is_well(self, program: Program) -> None:
        lines = program("trace", NAME).out.splitlines()

        assert lines[0] == REF
        assert [line.split()[1] for line in lines if line.startswith("   ok ")] == [str(link) for link in Link]
        assert lines[-1] == "Every link holds."
        assert all(len(line) <= 100 for line in lines)

    def test_yaml_is_the_same(self, program: Program) -> None:
        one, other = yaml.safe_load(program("trace", NAME, "-o", "yaml").out), json.loads(traced(program).out)
        assert one == other

    def test_an_https_repository_needs_no_key(self, program: Program) -> None:
        rewrite(program, "GitRepository", url=f"https://code.vt.edu/{PATH}.git", secretRef=None)
        reconcile_flux(program.sandbox)
        done = traced(program)

        assert "an https URL needs no SSH key" in at(done, "secret")
        assert at(done, "deploy-key") == "ok None: none is needed"

    def test_a_project_that_was_named_by_itself_is_no_stranger(self) -> None:
        with a_program() as program:
            program.run()
            reconcile_flux(program.sandbox)
            done = traced(program, "sample-tenant")

            assert levels(done)["project"] == "ok"
            assert broken(done) == ("None", None)


class TestAsking:
    @pytest.mark.parametrize(
        "asked",
        [
            NAME,
            f"{NAMESPACE}/{NAME}",
            REF,
            f"gitrepository/{NAMESPACE}/{NAME}",
            PATH,
            PATH.upper(),
            f"{PATH}.git",
            f"ssh://git@code.vt.edu/{PATH}.git",
            f"git@code.vt.edu:{PATH}.git",
            f"https://code.vt.edu/{PATH}",
            f"https://code.vt.edu/{PATH}/-/settings/repository",
            f"https://code.vt.edu/{PATH}.git?x=1#y",
        ],
    )
    def test_a_tenant_has_many_names(self, program: Program, asked: str) -> None:
        assert chain_of(traced(program, asked))["repository"] == REF

    def test_a_url_that_nobody_can_use_is_found_by_its_text(self, program: Program) -> None:
        url = f"ssh://git@/{NAME}"
        rewrite(program, "GitRepository", url=url)
        done = traced(program, url)

        assert chain_of(done)["repository"] == REF
        assert broken(done)[0] == "gitrepository"

    def test_a_project_has_an_id_and_a_page_at_the_address_of_the_api(self, program: Program) -> None:
        id_ = program.project(f"{CLUSTER}/{NAME}").id
        page = f"{program.environment['SYNCER_GITLAB_URL']}/{PATH}/-/hooks"

        assert chain_of(traced(program, str(id_)))["repository"] == REF
        assert chain_of(traced(program, page))["repository"] == REF

    def test_all_that_lead_to_a_project_are_traced(self, program: Program) -> None:
        rewrite(program, "GitRepository", name="tenant-0002", url=f"ssh://git@code.vt.edu/{PATH}")
        chains = document_of(traced(program, PATH))["chains"]

        assert [one["repository"] for one in chains] == [REF, f"GitRepository/{NAMESPACE}/tenant-0002"]
        counts = document_of(traced(program, PATH))["summary"]
        assert (counts["chains"], counts["ok"], counts["broken"]) == (2, 1, 1)
        text = program("trace", PATH).out
        assert text.count("Every link holds.") == 1
        assert text.count("Broken at ") == 1

    def test_a_former_path_of_the_project_leads_to_it(self, program: Program) -> None:
        program.gitlab.move_project(program.project(f"{CLUSTER}/{NAME}"), f"{GROUP}/renamed")
        rewrite(program, "GitRepository", url=f"ssh://git@code.vt.edu/{GROUP}/renamed")

        assert chain_of(traced(program, PATH))["repository"] == REF

    def test_so_does_its_new_path_while_the_url_still_has_the_former_one(self, program: Program) -> None:
        program.gitlab.move_project(program.project(f"{CLUSTER}/{NAME}"), f"{GROUP}/renamed")

        assert chain_of(traced(program, f"{GROUP}/renamed"))["repository"] == REF

    @pytest.mark.parametrize(
        ("asked", "hint"),
        [
            ("tenant-001", "Did you mean tenant-0001"),
            ("0002", f"Did you mean tenant-0002 or {NAMESPACE}/tenant-0002?"),
            (f"{GROUP}/{CLUSTER}/tenant-01", f"Did you mean {PATH}"),
            (f"ssh://git@code.vt.edu/{GROUP}/{CLUSTER}/tenant-01", f"Did you mean {PATH}"),
            ("ssh://git@github.com/some/where", "leads to such a project.\n"),
        ],
    )
    def test_what_nothing_is_called_ends_with_2_and_what_may_have_been_meant(
        self, program: Program, asked: str, hint: str
    ) -> None:
        done = traced(program, asked)

        assert (done.code, done.out) == (2, "")
        assert hint in done.err

    def test_a_project_that_no_gitrepository_names_is_a_chain_without_its_beginning(self, program: Program) -> None:
        program.gitlab.add_project(f"{GROUP}/alone")
        done = traced(program, f"{GROUP}/alone")

        assert broken(done)[0] == "gitrepository"
        assert chain_of(done)["repository"] is None
        assert f"No GitRepository in {NAMESPACE} names this project" in at(done, "gitrepository")
        assert program("trace", f"{GROUP}/alone").out.startswith(f"project {GROUP}/alone\n")

    def test_a_namespace_without_any_says_so(self, program: Program) -> None:
        program.kubernetes.add_namespace("empty")

        assert "There is no GitRepository in empty" in traced(program, NAME, "--namespace", "empty").err

    def test_without_gitlab_names_are_found_all_the_same(self, program: Program) -> None:
        program.gitlab.fail(status=503, times=None)
        with in_a_hurry():
            named, nobody, project = traced(program), traced(program, "nobody"), traced(program, f"{PATH}-2")

        assert chain_of(named)["repository"] == REF
        assert nobody.code == 2
        assert (project.code, document_of(project)["chains"]) == (1, [])
        assert f"GitLab did not say which project '{PATH}-2' is" in document_of(project)["error"]

    def test_an_argument_is_required(self, program: Program) -> None:
        assert program("trace").code == 2


def test_settings_that_are_missing_end_it_with_2(program: Program) -> None:
    done = traced(program, SYNCER_CLUSTER="")

    assert (done.code, done.out) == (2, "")
    assert "--cluster" in done.err

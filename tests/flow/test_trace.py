"""`trace`: a whole chain once, each link broken in turn, and what may be asked for; nothing is ever changed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hurry import in_a_hurry
from jsonschema import Draft202012Validator
from program import Done, Program, a_program
from secrets_shown import secrets_of, shown

from cronjob.sandbox.gitlab_records import Hook
from cronjob.sandbox.samples import (
    CLUSTER,
    GROUP,
    NAMESPACE,
    add_kustomization,
    add_secret,
    flux_looks,
    ssh_key,
)
from cronjob.trace.links import LINKS, Level, Link

SCHEMA = json.loads((Path(__file__).parent.parent.parent / "cronjob" / "trace.schema.json").read_text())
NAME = "tenant-0001"
REF = f"GitRepository/{NAMESPACE}/{NAME}"
PATH = f"{GROUP}/{CLUSTER}/{NAME}"
RUN = f"flux-gitlab-syncer run --project {PATH}"


@pytest.fixture
def program() -> Iterator[Program]:
    """Two tenants for whom everything is right."""
    with a_program(2, samples=False) as ready:
        for name in (NAME, "tenant-0002"):
            add_kustomization(ready.sandbox, name)
        assert ready.run().code == 0
        flux_looks(ready.sandbox)
        ready.gitlab.deliver(the_hook(ready), "push_hooks")
        yield ready


def traced(program: Program, asked: str = NAME, *options: str, **environment: str) -> Done:
    return program("trace", asked, "-o", "json", *options, **environment)


def document_of(done: Done) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(done.out)
    Draft202012Validator(SCHEMA).validate(document)
    return document


def chain_of(done: Done) -> dict[str, Any]:
    [chain] = document_of(done)["chains"]
    found: dict[str, Any] = chain
    return found


def levels(done: Done) -> dict[str, str]:
    """The worst level at each link."""
    worst: dict[str, str] = {}
    for one in chain_of(done)["links"]:
        known = worst.get(one["link"], "ok")
        worst[one["link"]] = max(known, one["level"], key=[str(level) for level in Level].index)
    return worst


def at(done: Done, link: str) -> str:
    """All that was said at one link, with the objects."""
    found = [one for one in chain_of(done)["links"] if one["link"] == link]
    return " | ".join(f"{one['level']} {one['object']}: {one['message']}" for one in found)


def broken(done: Done) -> tuple[str, str | None]:
    """The first broken link, and the command that mends it."""
    chain = chain_of(done)
    assert done.code == (1 if chain["broken"] else 0)
    first = next((one for one in chain["links"] if one["level"] == "fail"), {})
    assert first.get("link") == chain["broken"]
    return str(chain["broken"]), first.get("command")


def the_hook(program: Program) -> Hook:
    [hook] = program.gitlab.hooks_of(program.project(f"{CLUSTER}/{NAME}"))
    return hook


def rewrite(program: Program, kind: str, *, name: str = NAME, namespace: str = NAMESPACE, **spec: object) -> None:
    found = program.kubernetes.get(kind, namespace, name)
    assert found
    program.kubernetes.apply(found | {"spec": found["spec"] | spec})


def annotate(program: Program, kind: str, **annotations: str) -> None:
    found = program.kubernetes.get(kind, NAMESPACE, NAME)
    assert found
    names = {f"flux-gitlab-syncer/{key.replace('_', '-')}": value for key, value in annotations.items()}
    program.kubernetes.apply(found | {"metadata": found["metadata"] | {"annotations": names}})


class TestAllIsWell:
    def test_every_link_holds(self, program: Program) -> None:
        done = traced(program)
        document = document_of(done)

        assert broken(done) == ("None", None)
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
        flux_looks(program.sandbox)
        done = traced(program)

        assert "an https URL needs no SSH key" in at(done, "secret")
        assert at(done, "deploy-key") == "ok None: none is needed"

    def test_a_project_that_was_named_by_itself_is_no_stranger(self) -> None:
        with a_program() as program:
            program.run()
            flux_looks(program.sandbox)
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

    def test_a_project_has_an_id_and_a_page_at_the_address_of_the_api(self, program: Program) -> None:
        id_ = program.project(f"{CLUSTER}/{NAME}").id
        page = f"{program.environment['SYNCER_GITLAB_URL']}/{PATH}/-/hooks"

        assert chain_of(traced(program, str(id_)))["repository"] == REF
        assert chain_of(traced(program, page))["repository"] == REF

    def test_all_that_lead_to_a_project_are_traced(self, program: Program) -> None:
        rewrite(program, "GitRepository", name="tenant-0002", url=f"ssh://git@code.vt.edu/{PATH}")
        chains = document_of(traced(program, PATH))["chains"]

        assert [one["repository"] for one in chains] == [REF, f"GitRepository/{NAMESPACE}/tenant-0002"]
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
            done = traced(program, "nobody")

        assert done.code == 2
        assert "GitLab could not be asked" in done.err

    def test_an_argument_is_required(self, program: Program) -> None:
        assert program("trace").code == 2


def suspended(program: Program) -> None:
    rewrite(program, "GitRepository", suspend=True)


def without_secret(program: Program) -> None:
    program.kubernetes.delete("Secret", NAMESPACE, f"{NAME}-ssh")


def with_another_key(program: Program) -> None:
    add_secret(program.sandbox, f"{NAME}-ssh", ssh_key())


def with_a_broken_key(program: Program) -> None:
    add_secret(program.sandbox, f"{NAME}-ssh", ssh_key() | {"identity": "no key at all"})


def outside(program: Program) -> None:
    program.gitlab.add_group("elsewhere")
    bot = program.gitlab.tokens[program.sandbox.token].user
    program.gitlab.add_member(program.gitlab.groups_by_path["elsewhere"], bot, 40)
    program.gitlab.move_project(program.project(f"{CLUSTER}/{NAME}"), f"elsewhere/{NAME}")


def without_project(program: Program) -> None:
    program.gitlab.remove_project(program.project(f"{CLUSTER}/{NAME}"))


def without_key(program: Program) -> None:
    project = program.project(f"{CLUSTER}/{NAME}")
    [(key, _)] = program.gitlab.keys_of(project)
    program.gitlab.detach_key(project, key)


def with_an_expired_key(program: Program) -> None:
    [(key, _)] = program.gitlab.keys_of(program.project(f"{CLUSTER}/{NAME}"))
    key.expires_at = datetime.now(UTC) - timedelta(days=1)


def with_a_suspended_receiver(program: Program) -> None:
    rewrite(program, "Receiver", suspend=True)


def with_a_receiver_without_token(program: Program) -> None:
    program.kubernetes.delete("Secret", NAMESPACE, f"{NAME}-webhook")


def with_a_receiver_that_is_not_ready(program: Program) -> None:
    found = program.kubernetes.get("Receiver", NAMESPACE, NAME)
    assert found
    ready = {"type": "Ready", "status": "False", "reason": "ValidationFailed", "message": "no such thing"}
    program.kubernetes.set_status("Receiver", NAMESPACE, NAME, found["status"] | {"conditions": [ready]})


def with_a_new_token(program: Program) -> None:
    add_secret(program.sandbox, f"{NAME}-webhook", {"token": "a-token-that-flux-has-not-seen"})


def without_webhook(program: Program) -> None:
    program.gitlab.remove_hook(program.project(f"{CLUSTER}/{NAME}"), the_hook(program))


def with_a_spoilt_webhook(program: Program) -> None:
    the_hook(program).push_events = False


def with_a_webhook_switched_off(program: Program) -> None:
    program.gitlab.disable_hook(the_hook(program))


def with_failing_deliveries(program: Program) -> None:
    program.gitlab.receiver = lambda _hook, _trigger: 404
    program.gitlab.deliver(the_hook(program), "push_hooks")


def with_a_suspended_kustomization(program: Program) -> None:
    rewrite(program, "Kustomization", namespace=NAME, suspend=True)


def with_a_kustomization_that_cannot_be_built(program: Program) -> None:
    message = "kustomize build failed: no matches for kind Nonsense"
    ready = {"type": "Ready", "status": "False", "reason": "BuildFailed", "message": message}
    program.kubernetes.set_status("Kustomization", NAME, NAME, {"conditions": [ready]})


BREAKAGES: list[tuple[Callable[[Program], None], str, str | None, str]] = [
    (
        suspended,
        "gitrepository",
        f"flux resume source git {NAME} --namespace {NAMESPACE}",
        "Flux fetches nothing, however right all else is",
    ),
    (
        without_secret,
        "secret",
        f"flux create secret git {NAME}-ssh --namespace {NAMESPACE} --url=ssh://git@code.vt.edu/{PATH}.git",
        "does not exist",
    ),
    (with_another_key, "deploy-key", RUN, "which still has SHA256:"),
    (
        with_a_broken_key,
        "secret",
        f"flux create secret git {NAME}-ssh --namespace {NAMESPACE} --url=ssh://git@code.vt.edu/{PATH}.git",
        "is unusable",
    ),
    (outside, "project", None, f"elsewhere/{NAME} lies outside the group"),
    (without_project, "project", None, "GitLab has no project"),
    (without_key, "deploy-key", RUN, "The key is not on the project, which has no deploy key"),
    (with_an_expired_key, "deploy-key", None, "has expired and opens nothing"),
    (
        with_a_suspended_receiver,
        "receiver",
        f"flux resume receiver {NAME} --namespace {NAMESPACE}",
        "It is suspended",
    ),
    (with_a_receiver_without_token, "receiver", None, "create it with the key `token`"),
    (
        with_a_receiver_that_is_not_ready,
        "receiver",
        f"kubectl describe receiver {NAME} --namespace {NAMESPACE}",
        "Flux says it is not ready: no such thing",
    ),
    (
        with_a_new_token,
        "receiver",
        f"flux reconcile receiver {NAME} --namespace {NAMESPACE}",
        "is newer than status.webhookPath",
    ),
    (without_webhook, "webhook", RUN, "The project has no webhook at"),
    (with_a_spoilt_webhook, "webhook", RUN, "push_events is false, not true"),
    (with_a_webhook_switched_off, "webhook", None, "GitLab has switched webhook"),
    (with_failing_deliveries, "deliveries", None, "answered 404: Flux knows no Receiver at this path"),
    (
        with_a_suspended_kustomization,
        "kustomization",
        f"flux resume kustomization {NAME} --namespace {NAME}",
        "nothing new is applied",
    ),
    (
        with_a_kustomization_that_cannot_be_built,
        "kustomization",
        f"flux reconcile kustomization {NAME} --namespace {NAME} --with-source",
        "Flux says: kustomize build failed: no matches for kind Nonsense",
    ),
]


class TestBroken:
    @pytest.mark.parametrize(
        ("breakage", "link", "command", "message"), BREAKAGES, ids=[one[0].__name__ for one in BREAKAGES]
    )
    def test_a_broken_link_is_the_first_one_named_with_what_mends_it(
        self, program: Program, breakage: Callable[[Program], None], link: str, command: str | None, message: str
    ) -> None:
        breakage(program)
        done = traced(program)

        assert broken(done) == (link, command)
        assert message in at(done, link)
        before = list(Link)[: list(Link).index(Link(link))]
        assert {levels(done)[one] for one in before if one in levels(done)} <= {"ok", "note", "skip"}
        assert done.writes == []

    @pytest.mark.parametrize("breakage", [one[0] for one in BREAKAGES], ids=[one[0].__name__ for one in BREAKAGES])
    def test_people_see_an_arrow_there_and_the_command_last(
        self, program: Program, breakage: Callable[[Program], None]
    ) -> None:
        breakage(program)
        link, command = broken(traced(program))
        lines = program("trace", NAME).out.splitlines()

        [arrow] = [line for line in lines if line.startswith("-> ")]
        assert arrow.split()[1:3] == ["fail", link]
        end = lines.index(f"Broken at {link}.{' Next:' if command else ''}")
        assert [line.strip() for line in lines[end + 1 :]][:1] == ([command] if command else [])

    def test_after_the_key_flux_is_told_to_look_again(self, program: Program) -> None:
        without_key(program)
        flux_looks(program.sandbox)
        done = traced(program)

        assert broken(done) == ("deploy-key", RUN)
        assert "GitOperationFailed: GitLab said no: usually the key is not on the project yet" in at(done, "fetch")
        again = f"flux reconcile source git {NAME} --namespace {NAMESPACE}"
        assert program("trace", NAME).out.endswith(f"Broken at deploy-key. Next:\n  {RUN}\n  {again}\n\n"[:-1])

    def test_once_the_key_is_there_only_flux_has_not_seen_it(self, program: Program) -> None:
        without_key(program)
        flux_looks(program.sandbox)
        program.run()
        done = traced(program)

        assert broken(done) == ("fetch", f"flux reconcile source git {NAME} --namespace {NAMESPACE}")
        assert "Flux may wait up to 15 minutes before it tries again" in at(done, "fetch")

    def test_authentication_that_failed_is_the_secrets_business(self, program: Program) -> None:
        add_secret(program.sandbox, f"{NAME}-ssh", {"known_hosts": ""})
        flux_looks(program.sandbox)

        assert "AuthenticationFailed: Flux could not put its credentials together" in at(traced(program), "fetch")

    def test_a_kustomization_that_waits_for_its_source_needs_no_command(self, program: Program) -> None:
        without_secret(program)
        program.kubernetes.set_status("GitRepository", NAMESPACE, NAME, {})
        flux_looks(program.sandbox)
        done = traced(program)

        assert "ArtifactFailed: its source was not fetched" in at(done, "kustomization")
        assert chain_of(done)["links"][-1]["command"] is None

    def test_one_that_flux_has_not_looked_at_yet(self, program: Program) -> None:
        program.kubernetes.set_status("GitRepository", NAMESPACE, NAME, {})

        assert levels(traced(program))["fetch"] == "warn"

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

        assert "list it under git_hosts" in at(traced(program), "gitrepository")

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

        assert broken(done)[0] == "project"
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

    def test_one_that_is_switched_off_is_not_promised_a_run(self, program: Program) -> None:
        without_key(program)
        annotate(program, "GitRepository", reconcile="disabled")
        done = traced(program)

        assert "annotation flux-gitlab-syncer/reconcile says `disabled`" in at(done, "gitrepository")
        assert broken(done) == ("deploy-key", None)
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


class TestPushes:
    def test_without_a_receiver_flux_only_looks_now_and_then(self, program: Program) -> None:
        program.kubernetes.delete("Receiver", NAMESPACE, NAME)
        done = traced(program)

        assert broken(done) == ("None", None)
        assert "Flux hears of no push and looks only every 5m" in at(done, "receiver")
        assert levels(done)["webhook"] == "skip"

    def test_without_a_receiver_url_nothing_is_missing(self, program: Program) -> None:
        done = traced(program, SYNCER_RECEIVER_URL="")

        assert broken(done) == ("None", None)
        assert "Without --receiver-url webhooks are neither made nor removed" in at(done, "webhook")

    def test_a_receiver_of_another_type_is_told(self, program: Program) -> None:
        rewrite(program, "Receiver", type="github")

        assert "GitLab cannot feed a Receiver of type github" in at(traced(program), "receiver")

    def test_each_receiver_has_its_own_links(self, program: Program) -> None:
        found = program.kubernetes.get("Receiver", NAMESPACE, NAME)
        assert found
        program.kubernetes.apply(
            {
                "apiVersion": found["apiVersion"],
                "kind": "Receiver",
                "metadata": {"name": "another", "namespace": NAMESPACE},
                "spec": found["spec"] | {"secretRef": {"name": "tenant-0002-webhook"}},
            }
        )
        flux_looks(program.sandbox)
        done = traced(program)

        assert broken(done) == ("webhook", RUN)
        assert at(done, "receiver").count("is Ready") == 2
        assert at(done, "webhook").count("as it should be") == 1

    def test_a_receiver_that_reaches_into_the_namespace_without_being_allowed_to(self, program: Program) -> None:
        resources = [{"kind": "GitRepository", "name": NAME, "namespace": NAMESPACE}]
        program.kubernetes.apply(
            {
                "apiVersion": "notification.toolkit.fluxcd.io/v1",
                "kind": "Receiver",
                "metadata": {"name": "reaching", "namespace": "other"},
                "spec": {"type": "gitlab", "secretRef": {"name": "x"}, "resources": resources},
            }
        )
        (settings := Path(program.environment["KUBECONFIG"]).with_name("settings.yaml")).write_text(
            f"tenancy:\n  - {{namespace: '*', projects: '{GROUP}/**'}}\nnamespace: [{NAMESPACE}, other]\n"
        )
        done = traced(program, NAME, "--config", str(settings), SYNCER_NAMESPACE="")

        assert f"Receiver/other/reaching: spec.resources reaches into namespace {NAMESPACE}" in at(done, "receiver")

    def test_a_webhook_of_another_cluster_at_the_same_url(self, program: Program) -> None:
        the_hook(program).description = f"flux-gitlab-syncer staging {NAMESPACE}/{NAME}"

        assert broken(traced(program))[0] == "webhook"
        assert "which is not this instance's" in at(traced(program), "webhook")

    @pytest.mark.parametrize(
        ("spoilt", "level"),
        [
            ({"tag_push_events": False}, "fail"),
            ({"push_events_branch_filter": "main"}, "fail"),
            ({"issues_events": True}, "warn"),
            ({"description": None}, "warn"),
            ({"enable_ssl_verification": False}, "warn"),
        ],
    )
    def test_a_webhook_breaks_the_chain_only_where_flux_would_miss_a_push(
        self, program: Program, spoilt: dict[str, object], level: str
    ) -> None:
        for name, value in spoilt.items():
            setattr(the_hook(program), name, value)
        done = traced(program)

        assert levels(done)["webhook"] == level
        assert f"not as it should be: {next(iter(spoilt))} is" in at(done, "webhook")

    def test_a_webhook_of_ours_elsewhere(self, program: Program) -> None:
        the_hook(program).url = "https://old.example/hook/1"
        done = traced(program)

        assert "The project has no webhook at" in at(done, "webhook")
        assert "carries our mark and points to https://old.example" in at(done, "webhook")

    @pytest.mark.parametrize(
        ("statuses", "level", "text"),
        [
            ([200] * 24, "ok", "The last 25 deliveries were accepted, within 7 days"),
            ([200] * 10 + [404], "fail", "Of the last 12 within 7 days: 92% 2xx, 8% 4xx."),
            ([503, 503, 200], "warn", "50% 5xx. 503: the Receiver was suspended"),
            ([503] + [200] * 10, "note", "8% 5xx. 503"),
            ([400], "fail", "`run --refresh-tokens` writes the token again"),
            ([418], "fail", "418: something refuses them"),
            ([301], "fail", "301: it is redirected"),
            (["Connection refused"], "fail", "internal error: GitLab could not connect"),
        ],
    )
    def test_the_last_delivery_decides_and_shares_are_told(
        self, program: Program, statuses: list[int | str], level: str, text: str
    ) -> None:
        for status in statuses:
            program.gitlab.receiver = lambda _hook, _trigger, status=status: status
            program.gitlab.deliver(the_hook(program), "push_hooks")
        done = traced(program)

        assert levels(done)["deliveries"] == level
        assert text in at(done, "deliveries")

    def test_no_more_than_a_hundred_deliveries_are_read(self, program: Program) -> None:
        for _ in range(130):
            program.gitlab.deliver(the_hook(program), "push_hooks")
        done = traced(program)

        assert "The last 100" in at(done, "deliveries")
        assert sum("/events" in one.path for one in done.requests) == 5

    def test_a_gitlab_that_does_not_tell_of_deliveries(self, program: Program) -> None:
        program.gitlab.version = "17.2.0"
        assert at(traced(program), "deliveries").startswith("note")

        program.gitlab.version = "18.4.0"
        program.gitlab.fail(path="/events", status=403)
        assert "GitLab does not tell: GitLab answered 403" in at(traced(program), "deliveries")

    def test_a_webhook_that_has_delivered_nothing_is_no_trouble(self, program: Program) -> None:
        the_hook(program).deliveries.clear()

        assert at(traced(program), "deliveries").startswith("note")


class TestApplied:
    def test_where_kustomizations_may_not_be_read_the_chain_goes_on(self, program: Program) -> None:
        program.kubernetes.deny(verb="*", resource="kustomizations")
        done = traced(program)

        assert broken(done) == ("None", None)
        assert at(done, "kustomization").startswith("note")
        assert "needs `get,list` on kustomizations.kustomize.toolkit.fluxcd.io" in at(done, "kustomization")

    def test_those_of_the_own_namespace_may_still_be_read(self, program: Program) -> None:
        found = program.kubernetes.get("Kustomization", NAME, NAME)
        assert found
        program.kubernetes.apply(found | {"metadata": {"name": "beside", "namespace": NAMESPACE}})
        program.kubernetes.deny(verb="list", resource="kustomizations", namespace=NAME)
        done = traced(program)

        assert f"Kustomization/{NAMESPACE}/beside: is Ready" in at(done, "kustomization")
        assert "Others were not looked at" in at(done, "kustomization")
        assert f"Kustomization/{NAME}/{NAME}" not in at(done, "kustomization")

    def test_without_kustomize_controller_the_chain_ends_earlier(self, program: Program) -> None:
        program.kubernetes.uninstall("kustomize.toolkit.fluxcd.io")

        assert "kustomize-controller is not installed" in at(traced(program), "kustomization")

    def test_without_a_kustomization_nothing_is_applied(self, program: Program) -> None:
        program.kubernetes.delete("Kustomization", NAME, NAME)

        assert levels(traced(program))["kustomization"] == "warn"

    def test_one_without_a_service_account_of_its_own(self, program: Program) -> None:
        rewrite(program, "Kustomization", namespace=NAME, serviceAccountName=None)

        assert "as no service account of its own" in at(traced(program), "kustomization")

    def test_one_that_says_nothing_yet(self, program: Program) -> None:
        program.kubernetes.set_status("Kustomization", NAME, NAME, {})

        assert levels(traced(program))["kustomization"] == "warn"

    def test_many_are_read_page_by_page_and_again_when_the_list_expires(self, program: Program) -> None:
        for number in range(150):
            add_kustomization(program.sandbox, f"other-{number:03}")
        assert levels(traced(program))["kustomization"] == "ok"

        program.kubernetes.fail(path="continue=", status=410)
        assert levels(traced(program))["kustomization"] == "ok"

        program.kubernetes.fail(path="/kustomizations.*continue=", status=410, times=None)
        assert "410 Gone, again and again" in at(traced(program), "kustomization")


class TestUnreadable:
    def test_a_kubernetes_that_does_not_answer_is_the_whole_answer(self, program: Program) -> None:
        program.kubernetes.deny(verb="list", resource="gitrepositories")
        done = traced(program)
        document = document_of(done)

        assert (done.code, document["result"], document["chains"]) == (1, "fail", [])
        assert "refuses to list gitrepositories" in document["error"]
        assert "refuses to list gitrepositories" in " ".join(program("trace", NAME).out.split())

    def test_without_gitlab_the_links_in_the_cluster_are_told(self, program: Program) -> None:
        program.gitlab.fail(status=503, times=None)
        with in_a_hurry():
            done = traced(program)

        assert broken(done)[0] == "project"
        assert "GitLab did not say whether" in at(done, "project")
        assert levels(done)["secret"] == levels(done)["fetch"] == levels(done)["kustomization"] == "ok"

    def test_a_deadline_that_passes_is_the_whole_answer(self, program: Program) -> None:
        program.gitlab.fail(status=503, times=None)
        done = traced(program, NAME, SYNCER_DEADLINE="1s")

        assert (done.code, document_of(done)["chains"]) == (1, [])
        assert "--deadline had passed" in document_of(done)["error"]

    def test_a_token_that_is_refused_is_told_at_the_project(self, program: Program) -> None:
        done = traced(program, GITLAB_TOKEN="glpat-somebodys-old-one")

        assert broken(done)[0] == "project"
        assert "GitLab does not accept the token" in at(done, "project")

    def test_secrets_that_may_not_be_read(self, program: Program) -> None:
        program.kubernetes.deny(verb="get", resource="secrets")
        done = traced(program)

        assert broken(done) == ("secret", f"kubectl auth can-i get secrets --namespace {NAMESPACE}")

    def test_what_controllers_write_cannot_steer_a_terminal_nor_show_a_password(self, program: Program) -> None:
        message = "\x1b[31mcannot clone https://bot:hunter2-and-more@code.vt.edu/a/b and ssh://git:pw@code.vt.edu/a"
        ready = {"type": "Ready", "status": "False", "reason": "GitOperationFailed", "message": message}
        program.kubernetes.set_status("GitRepository", NAMESPACE, NAME, {"conditions": [ready]})
        text = program("trace", NAME).out

        assert "\x1b" not in text
        assert "hunter2" not in text
        assert "pw@" not in text
        assert "https://…@code.vt.edu/a/b" in text


def test_settings_that_are_missing_end_it_with_2(program: Program) -> None:
    done = traced(program, SYNCER_CLUSTER="")

    assert (done.code, done.out) == (2, "")
    assert "--cluster" in done.err

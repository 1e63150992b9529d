"""`check`: all green once, and each thing that can be broken named with what to do; nothing is ever changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web
from jsonschema import Draft202012Validator

from cronjob.commands.check.document import CHECKS
from cronjob.reports import schemas
from cronjob.sandbox.samples import CLUSTER, GROUP, MAINTAINER, NAMESPACE
from cronjob.sandbox.serving import serving
from tests.worlds.program import Done, Program, a_program
from tests.worlds.secrets_shown import secrets_of, shown

DEVELOPER = 30
SCHEMA = schemas.schema_file(schemas.CHECK)


@dataclass
class Receiver:
    """What stands at the receiver's URL."""

    url: str = ""
    status: int = 404
    asked: list[web.Request] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request)
        return web.Response(status=self.status, headers={"Location": "https://elsewhere.example/"})


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", made.answer)
    with serving(app) as made.url:
        yield made


@pytest.fixture
def program(receiver: Receiver) -> Iterator[Program]:
    with a_program(2, samples=False) as ready:
        for resource in ("secrets", "gitrepositories", "receivers"):
            for verb in ("create", "update", "delete"):
                ready.kubernetes.deny(verb=verb, resource=resource)
        ready.kubernetes.deny(verb="list", resource="secrets")
        ready.kubernetes.deny(verb="get", resource="secrets", namespace="kube-system")
        ready.environment["SYNCER_RECEIVER_URL"] = receiver.url
        yield ready


def checked(program: Program, *options: str, **environment: str) -> Done:
    return program("check", "-o", "json", *options, **environment)


def found(done: Done, check: str) -> list[tuple[str, str]]:
    """Level and message of the findings of one check."""
    return [(one["level"], one["message"]) for one in json.loads(done.out)["findings"] if one["check"] == check]


def the_one(done: Done, check: str, level: str) -> str:
    """The message of the one finding of that level."""
    [message] = [message for found_level, message in found(done, check) if found_level == level]
    return message


class TestAllIsWell:
    def test_every_check_is_ok(self, program: Program) -> None:
        done = checked(program)
        document = json.loads(done.out)

        schema = json.loads(SCHEMA.read_text())
        Draft202012Validator(schema).validate(document)
        assert schema["properties"]["findings"]["items"]["properties"]["check"]["enum"] == list(CHECKS)
        assert done.code == 0
        assert (document["schema"], document["cluster"]) == ("flux-gitlab-syncer/check/v1", CLUSTER)
        assert {one["check"] for one in document["findings"]} == set(CHECKS)
        assert [one for one in document["findings"] if one["level"] != "ok"] == []
        assert document["result"] == "ok"

    def test_nothing_is_written_anywhere(self, program: Program, receiver: Receiver) -> None:
        checked(program)

        assert program.gitlab.writes == []
        assert program.kubernetes.writes == []
        posts = {one.path for one in program.kubernetes.requests if one.method != "GET"}
        assert {path.rpartition("/")[2] for path in posts} == {"selfsubjectaccessreviews", "selfsubjectreviews"}
        [asked] = receiver.asked
        assert (asked.method, asked.path) == ("GET", "/hook/" + "0" * 64)
        assert not {"Authorization", "Private-Token", "X-Gitlab-Token"} & set(asked.headers)

    def test_no_secret_is_shown(self, program: Program) -> None:
        done = checked(program, "--log-level", "debug")
        text = program("check")

        assert shown(secrets_of(program.sandbox), done.out, done.err, text.out, text.err) == []

    def test_people_get_a_line_for_each(self, program: Program) -> None:
        lines = program("check").out.splitlines()

        assert lines[0].startswith("ok   kubernetes  Kubernetes v1.32.0")
        assert lines[-1] == "Ready."
        assert all(len(line) <= 100 for line in lines)

    def test_yaml_is_the_same(self, program: Program) -> None:
        one, other = yaml.safe_load(program("check", "-o", "yaml").out), json.loads(checked(program).out)
        assert one == other


class TestKubernetes:
    def test_one_that_is_not_there_does_not_keep_gitlab_from_being_checked(
        self, program: Program, tmp_path: Path
    ) -> None:
        config = yaml.safe_load(Path(program.environment["KUBECONFIG"]).read_text())
        config["clusters"][0]["cluster"]["server"] = "http://127.0.0.1:9"
        (tmp_path / "config").write_text(yaml.safe_dump(config))

        done = checked(program, KUBECONFIG=str(tmp_path / "config"))

        assert done.code == 1
        assert "does not answer (the connection was refused)" in the_one(done, "kubernetes", "fail")
        assert found(done, "role") == [("ok", "Maintainer on all 2 projects")]
        assert found(done, "rights") == []

    def test_one_that_does_not_know_us(self, program: Program, tmp_path: Path) -> None:
        program.kubernetes.token = "another"
        kubeconfig = Path(program.environment["KUBECONFIG"]).read_text().replace("user: {}", "user: {token: expired}")
        (tmp_path / "config").write_text(kubeconfig)

        assert "Nobody is logged in" in the_one(checked(program), "kubernetes", "fail")
        expired = checked(program, KUBECONFIG=str(tmp_path / "config"))
        assert "answers 401 Unauthorized" in the_one(expired, "kubernetes", "fail")

    def test_without_flux(self, program: Program) -> None:
        program.kubernetes.fail(path="/apis/notification", status=404, times=None, body="404 page not found\n")
        done = checked(program)

        assert "Flux's notification-controller is not installed" in the_one(done, "flux", "fail")
        assert found(done, "objects") == []
        assert done.code == 1

    def test_with_an_old_flux(self, program: Program) -> None:
        program.kubernetes.served["source.toolkit.fluxcd.io"] = ["v1beta2"]

        done = checked(program)

        assert "are served as v1beta2 at best" in the_one(done, "flux", "warn")
        assert done.code == 0

    def test_a_namespace_that_does_not_exist(self, program: Program) -> None:
        done = checked(program, "--namespace", "nowhere")

        assert "Namespace nowhere does not exist" in the_one(done, "objects", "fail")

    def test_a_namespace_without_repositories(self, program: Program) -> None:
        program.kubernetes.add_namespace("empty")

        assert "a run has nothing to do there" in the_one(checked(program, "--namespace", "empty"), "objects", "warn")

    @pytest.mark.parametrize(
        ("verb", "resource", "rule"),
        [
            ("get", "gitrepositories", '["source.toolkit.fluxcd.io"], resources: [gitrepositories], verbs: [get]'),
            ("list", "gitrepositories", '["source.toolkit.fluxcd.io"], resources: [gitrepositories], verbs: [list]'),
            ("get", "receivers", '["notification.toolkit.fluxcd.io"], resources: [receivers], verbs: [get]'),
            ("list", "receivers", '["notification.toolkit.fluxcd.io"], resources: [receivers], verbs: [list]'),
            ("get", "secrets", '[""], resources: [secrets], verbs: [get]'),
            ("update", "leases", "resources: [leases], resourceNames: [flux-gitlab-syncer], verbs: [update]"),
        ],
    )
    def test_a_right_that_is_missing_is_named_with_its_rule(
        self, program: Program, verb: str, resource: str, rule: str
    ) -> None:
        program.kubernetes.deny(verb=verb, resource=resource, namespace=NAMESPACE)

        done = checked(program)

        message = the_one(done, "rights", "fail")
        assert message.startswith(f"may not {verb} {resource}")
        assert rule in message
        assert done.code == 1

    def test_a_dry_run_needs_no_lease(self, program: Program) -> None:
        program.kubernetes.deny(verb="*", resource="leases")

        assert checked(program, "--dry-run").code == 0
        assert checked(program).code == 1

    def test_a_lease_of_another_cluster(self, program: Program) -> None:
        program.run()
        other = ("--cluster", "staging")

        assert f"belongs to cluster '{CLUSTER}'" in the_one(checked(program, *other), "lease", "fail")
        assert checked(program, *other).code == 1
        assert "exists" in the_one(checked(program), "lease", "ok")

    def test_each_shard_needs_its_lease_and_all_of_them_the_one_of_all(self, program: Program) -> None:
        program.kubernetes.deny(verb="create", resource="leases")

        leases = found(checked(program, "--shards", "3"), "lease")

        assert [level for level, _ in leases] == ["fail"] * 4
        names = [message.partition(",")[0].rpartition("/")[2] for _, message in leases]
        assert sorted(names) == ["flux-gitlab-syncer", *(f"flux-gitlab-syncer-{index}" for index in range(3))]

    def test_a_lease_that_nobody_may_make_must_be_there(self, program: Program) -> None:
        program.kubernetes.deny(verb="create", resource="leases")
        assert "create an empty one" in the_one(checked(program), "lease", "fail")

        program.kubernetes.apply(
            {
                "apiVersion": "coordination.k8s.io/v1",
                "kind": "Lease",
                "metadata": {"name": "flux-gitlab-syncer", "namespace": NAMESPACE},
            }
        )
        assert checked(program).code == 0

    def test_without_the_right_to_write_events_there_are_none(self, program: Program) -> None:
        program.kubernetes.deny(verb="patch", resource="events")

        assert "no Events are written" in the_one(checked(program, "--events"), "rights", "warn")
        assert found(checked(program), "rights")[0][0] == "ok"

    def test_rights_that_are_too_many_are_named(self, program: Program) -> None:
        program.kubernetes.denials.clear()

        warnings = [message for level, message in found(checked(program), "excess") if level == "warn"]

        assert f"may list, create, update, delete secrets in namespace {NAMESPACE}, which no run needs" in warnings[0]
        assert [one for one in warnings if "get secrets in namespace kube-system" in one]
        assert [one for one in warnings if "get secrets in all namespaces" in one]

    def test_one_that_does_not_say_what_is_allowed(self, program: Program) -> None:
        program.kubernetes.fail(path="selfsubjectaccessreviews", status=201, body={}, times=None)

        assert "it does not say what is allowed" in the_one(checked(program), "kubernetes", "fail")


class TestGitLab:
    def test_one_that_is_not_there_does_not_keep_kubernetes_from_being_checked(self, program: Program) -> None:
        done = checked(program, SYNCER_GITLAB_URL="http://127.0.0.1:9", SYNCER_DEADLINE="2s")

        assert done.code == 1
        assert the_one(done, "gitlab", "fail").endswith("see --gitlab-url, and that GitLab is up.")
        assert "ok" in dict(found(done, "rights"))

    def test_something_else_at_its_address(self, program: Program) -> None:
        program.gitlab.fail(path="/version", status=404, body="<html>")
        assert "Something in front of GitLab answered" in the_one(checked(program), "gitlab", "fail")

        program.gitlab.fail(path="/version", status=200, body={"hello": "world"})
        assert "it does not tell its version" in the_one(checked(program), "gitlab", "fail")

    def test_an_old_one(self, program: Program) -> None:
        program.gitlab.fail(path="/version", status=200, body={"version": "13.12.15"})
        assert "GitLab 13.12.15 is not supported" in the_one(checked(program), "gitlab", "warn")

    def test_a_token_that_is_refused(self, program: Program) -> None:
        done = checked(program, GITLAB_TOKEN="glpat-somebodys-old-one")

        assert "does not accept the token" in the_one(done, "token", "fail")
        assert done.code == 1

    def test_a_token_that_may_only_read_is_enough_for_a_dry_run(self, program: Program) -> None:
        program.gitlab.tokens[program.sandbox.token].scopes = ("read_api",)

        assert "this needs api" in the_one(checked(program), "token", "fail")
        assert "is enough for a dry run" in the_one(checked(program, "--dry-run"), "token", "ok")

    def test_a_token_that_ends_soon(self, program: Program) -> None:
        token = program.gitlab.tokens[program.sandbox.token]
        token.expires_at = (datetime.now(UTC) + timedelta(days=3)).date().isoformat()
        assert f"expires on {token.expires_at}" in the_one(checked(program), "token", "warn")

        token.expires_at = (datetime.now(UTC) + timedelta(days=300)).date().isoformat()
        assert found(checked(program), "token")[0][0] == "ok"
        assert len(found(checked(program), "token")) == 1

    def test_somebody_elses_token(self, program: Program, tmp_path: Path) -> None:
        (tmp_path / "settings.yaml").write_text("gitlab_user: another-bot\n")

        done = checked(program, "--config", str(tmp_path / "settings.yaml"))

        assert "gitlab_user in the settings is another-bot" in the_one(done, "token", "fail")

    def test_an_administrators_token(self, program: Program) -> None:
        program.gitlab.tokens[program.sandbox.token].user.admin = True

        assert "is an administrator" in the_one(checked(program), "token", "warn")

    def test_a_project_access_tokens_bot(self, program: Program) -> None:
        program.gitlab.tokens[program.sandbox.token].kind = "project"

        assert "deletes the bot and its deploy keys" in the_one(checked(program), "token", "warn")

    def test_a_group_that_is_not_there(self, program: Program) -> None:
        done = checked(program, "--group", "no/such")

        assert "Group no/such cannot be read" in the_one(done, "projects", "fail")
        assert found(done, "role") == []

    def test_an_empty_group(self, program: Program) -> None:
        bot = program.gitlab.tokens[program.sandbox.token].user
        program.gitlab.add_member(program.gitlab.add_group("empty"), bot, MAINTAINER)

        assert "there is no project in empty" in the_one(checked(program, "--group", "empty"), "projects", "warn")

    def test_an_extra_project_that_is_not_there(self, program: Program) -> None:
        assert "no such project" in the_one(checked(program, "--extra-project", "a/b"), "projects", "warn")

    def test_a_role_that_is_too_small_names_the_projects(self, program: Program) -> None:
        bot = program.gitlab.tokens[program.sandbox.token].user
        lower = program.gitlab.add_group("lower")
        program.gitlab.add_member(lower, bot, DEVELOPER)
        for number in range(5):
            program.gitlab.add_project(f"lower/p{number}")

        done = checked(program, "--group", GROUP, "--group", "lower")

        assert the_one(done, "role", "fail").startswith(
            "not Maintainer on 5 of 7 projects (lower/p0, lower/p1, lower/p2 and 2 more)"
        )

    @pytest.mark.parametrize(("level", "code"), [(DEVELOPER, 1), (MAINTAINER, 0)])
    def test_on_an_extra_project_the_role_counts_too(self, program: Program, level: int, code: int) -> None:
        bot = program.gitlab.tokens[program.sandbox.token].user
        program.gitlab.add_user("someone")
        project = program.gitlab.add_project("someone/own")
        program.gitlab.add_member(project, bot, level)

        assert checked(program, "--extra-project", "someone/own").code == code


class TestSources:
    def test_hosts_that_are_not_this_gitlab_are_counted(self, program: Program) -> None:
        self._rewrite(program, "ssh://git@github.com/a/b")

        assert "1 on github.com" in found(checked(program), "hosts")[1][1]

    @pytest.mark.parametrize(
        ("url", "says"),
        [
            ("ssh://git@code.vt.edu/../b", "No project can be read"),
            (f"ssh://git@alias.test/{GROUP}/{CLUSTER}/tenant-0002.git", "alias.test is not known as a host"),
            (f"ssh://git@code.vt.edu:{GROUP}/{CLUSTER}/tenant-0001.git", "Flux cannot fetch this URL"),
        ],
    )
    def test_what_is_wrong_with_a_url_is_said(self, program: Program, url: str, says: str) -> None:
        self._rewrite(program, url)

        message = the_one(checked(program), "hosts", "warn")
        assert message.startswith(f"GitRepository/{NAMESPACE}/tenant-0001: ")
        assert says in message

    @staticmethod
    def _rewrite(program: Program, url: str) -> None:
        item: Any = program.kubernetes.get("GitRepository", NAMESPACE, "tenant-0001")
        program.kubernetes.denials.clear()
        program.kubernetes.apply(item | {"spec": {**item["spec"], "url": url}})


class TestTheReceiver:
    @pytest.mark.parametrize(
        ("status", "says"),
        [
            (200, "with 200, but Flux answers 404"),
            (301, "redirects (301)"),
            (401, "asks for credentials (401)"),
            (403, "asks for credentials (403)"),
            (503, "answers 503"),
        ],
    )
    def test_an_answer_that_is_not_fluxs(self, program: Program, receiver: Receiver, status: int, says: str) -> None:
        receiver.status = status
        done = checked(program)

        assert says in the_one(done, "receiver", "warn")
        assert done.code == 0
        assert len(receiver.asked) == 1

    def test_one_that_cannot_be_reached_from_here(self, program: Program) -> None:
        done = checked(program, SYNCER_RECEIVER_URL="https://127.0.0.1:9")

        assert "cannot be reached from here" in the_one(done, "receiver", "warn")

    def test_without_one_webhooks_are_off(self, program: Program) -> None:
        assert found(checked(program, SYNCER_RECEIVER_URL=""), "receiver") == [
            ("ok", "no --receiver-url: webhooks are off, deploy keys only")
        ]


def test_settings_that_are_missing_end_it_with_2(program: Program) -> None:
    done = checked(program, SYNCER_CLUSTER="")

    assert (done.code, done.out) == (2, "")
    assert "--cluster" in done.err


@pytest.mark.parametrize("output", ["markdown", "html", "csv"])
def test_formats_that_are_made_for_a_plan_are_refused_before_anything_is_asked(program: Program, output: str) -> None:
    done = program("check", "-o", output)
    assert (done.code, done.out, done.requests) == (2, "", [])
    assert f"--output is {output}, but check prints text, json, yaml or none only." in done.err


class TestTheSettings:
    def test_a_receiver_url_of_plain_http_is_named_where_the_network_can_read_it(self, program: Program) -> None:
        done = checked(program, SYNCER_RECEIVER_URL="http://flux.invalid")

        messages = [message for level, message in found(done, "receiver") if level == "warn"]
        assert messages[0].startswith("http://flux.invalid is plain http")
        assert done.code == 0

    def test_a_group_that_is_not_the_tenants_fails(self, program: Program) -> None:
        bot = next(user for user in program.gitlab.users.values() if user.username == "flux-bot")
        program.gitlab.add_member(program.gitlab.add_group("others"), bot, MAINTAINER)
        for number in range(3):
            program.gitlab.add_project(f"others/p{number}")

        done = checked(program, SYNCER_GROUP="others")
        assert done.code == 1
        message = the_one(done, "hosts", "fail")
        assert message.startswith("2 of 2 GitRepositories name projects of this GitLab outside the groups")
        assert "--group" in message

    def test_a_path_below_the_group_that_no_project_has_is_not_outside(self, program: Program) -> None:
        for number in (1, 2):
            program.gitlab.move_project(program.project(f"{CLUSTER}/tenant-000{number}"), f"{GROUP}/moved-{number}")

        assert [level for level, _ in found(checked(program), "hosts")] == ["ok"]

"""What a run did and found wrong stands in Kubernetes Events, under the object concerned."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from cronjob.sandbox.samples import (
    CLUSTER,
    GROUP,
    MAINTAINER,
    NAMESPACE,
    add_secret,
    reconcile_flux,
    remove_tenant,
    ssh_key,
)
from tests.worlds.program import Done, Program, a_program
from tests.worlds.secrets_shown import secrets_of, shown

ONE = "tenant-0001"
PROJECT = f"it-common-platform/tenants/{CLUSTER}/{ONE}"


@pytest.fixture
def program() -> Iterator[Program]:
    with a_program(2, samples=False) as ready:
        yield ready


def events(program: Program, kind: str = "", name: str = ONE) -> list[dict[str, Any]]:
    """The Events of one object, or of all."""
    return [
        event
        for event in program.kubernetes.list("Event", NAMESPACE)
        if not kind or (event["involvedObject"]["kind"], event["involvedObject"]["name"]) == (kind, name)
    ]


def reasons(program: Program, kind: str) -> list[str]:
    return [event["reason"] for event in events(program, kind)]


def told(done: Done, message: str) -> list[dict[str, Any]]:
    """The log's lines with that message."""
    lines = [json.loads(line) for line in done.err.splitlines()]
    return [line for line in lines if line["msg"] == message]


def event_requests(program: Program) -> list[str]:
    return [one.method for one in program.kubernetes.requests if "/events" in one.path]


class TestChanges:
    def test_what_was_added_is_said_of_the_object_that_wants_it(self, program: Program) -> None:
        assert program.run("--events").code == 0

        [key] = events(program, "GitRepository")
        [webhook] = events(program, "Receiver")
        assert (key["reason"], key["type"], key["count"]) == ("DeployKeyAdded", "Normal", 1)
        assert (webhook["reason"], webhook["type"], webhook["count"]) == ("WebhookAdded", "Normal", 1)
        assert key["message"].startswith("Deploy key SHA256:")
        assert key["message"].endswith(f" was added to {PROJECT}: missing.")
        # A Receiver has no URL of its own that names the project.
        assert webhook["message"].endswith("… was added to its project: missing.")
        assert len(events(program)) == 4

    def test_each_refers_to_the_object_as_kubectl_describe_looks_for_it(self, program: Program) -> None:
        program.run("--events")

        for kind in ("GitRepository", "Receiver"):
            [event] = events(program, kind)
            item = program.kubernetes.get(kind, NAMESPACE, ONE)
            assert item is not None
            assert event["involvedObject"] == {
                "apiVersion": item["apiVersion"],
                "kind": kind,
                "namespace": NAMESPACE,
                "name": ONE,
                "uid": item["metadata"]["uid"],
            }
            assert event["source"] == {"component": "flux-gitlab-syncer"}
            assert event["firstTimestamp"] == event["lastTimestamp"]

    def test_a_corrected_webhook_is_said(self, program: Program) -> None:
        program.run()
        [hook] = program.gitlab.hooks_of(program.project(f"{CLUSTER}/{ONE}"))
        hook.push_events = False

        program.run("--events")

        assert reasons(program, "Receiver") == ["WebhookUpdated"]

    def test_a_replaced_key_is_said_of_the_repository_that_names_the_secret(self, program: Program) -> None:
        program.run()
        add_secret(program.sandbox, f"{ONE}-ssh", ssh_key())

        program.run("--events")

        assert sorted(reasons(program, "GitRepository")) == ["DeployKeyAdded", "DeployKeyRemoved"]

    def test_a_replaced_webhook_is_said(self, program: Program) -> None:
        program.run()
        add_secret(program.sandbox, f"{ONE}-webhook", {"token": "another-token-of-one"})
        reconcile_flux(program.sandbox)

        program.run("--events")

        assert sorted(reasons(program, "Receiver")) == ["WebhookAdded", "WebhookRemoved"]

    def test_of_an_object_that_has_gone_nothing_is_said(self, program: Program) -> None:
        program.run()
        remove_tenant(program.sandbox, ONE)

        done = program.run("--events")

        assert len(done.writes) == 2
        assert events(program) == []

    def test_what_was_not_made_is_not_said(self, program: Program) -> None:
        program.gitlab.fail(method="POST", status=403, body={"message": "403 Forbidden"}, times=None)

        assert program.run("--events").code == 1
        assert events(program) == []


class TestProblems:
    def test_a_lasting_one_is_one_event_whose_count_rises(self, program: Program) -> None:
        program.kubernetes.delete("Secret", NAMESPACE, f"{ONE}-ssh")
        for _ in range(3):
            program.run("--events")

        [event] = events(program, "GitRepository")
        assert (event["reason"], event["type"], event["count"]) == ("SecretNotFound", "Warning", 3)
        assert f"Secret/{NAMESPACE}/{ONE}-ssh does not exist" in event["message"]

    def test_another_one_is_another_event(self, program: Program) -> None:
        program.kubernetes.delete("Secret", NAMESPACE, f"{ONE}-ssh")
        program.run("--events")
        add_secret(program.sandbox, f"{ONE}-ssh", {"identity": "no key"})

        program.run("--events")

        assert sorted(reasons(program, "GitRepository")) == ["KeyUnusable", "SecretNotFound"]
        assert {event["count"] for event in events(program, "GitRepository")} == {1}

    def test_an_object_that_is_made_anew_has_events_of_its_own(self, program: Program) -> None:
        program.kubernetes.delete("Secret", NAMESPACE, f"{ONE}-ssh")
        program.run("--events")
        item = program.kubernetes.get("GitRepository", NAMESPACE, ONE)
        assert item is not None
        program.kubernetes.delete("GitRepository", NAMESPACE, ONE)
        program.kubernetes.apply({**item, "metadata": {"name": ONE, "namespace": NAMESPACE}})

        program.run("--events")

        assert [event["count"] for event in events(program, "GitRepository")] == [1, 1]

    def test_a_notice_is_no_warning(self, program: Program) -> None:
        receiver = program.kubernetes.get("Receiver", NAMESPACE, ONE)
        assert receiver is not None
        program.kubernetes.apply(receiver | {"spec": receiver["spec"] | {"suspend": True}})
        reconcile_flux(program.sandbox)

        program.run("--events")

        assert [(event["reason"], event["type"]) for event in events(program, "Receiver")] == [("Suspended", "Normal")]

    def test_a_long_message_is_cut(self, program: Program) -> None:
        item = program.kubernetes.get("GitRepository", NAMESPACE, ONE)
        assert item is not None
        url = f"ssh://git@code.vt.edu/it-common-platform/{'long/' * 400}path.git"
        program.kubernetes.apply(item | {"spec": item["spec"] | {"url": url}})

        program.run("--events")

        [event] = events(program, "GitRepository")
        assert len(event["message"]) == 1024
        assert event["message"].endswith("…")


class TestWhetherAtAll:
    @pytest.mark.parametrize("options", [(), ("--no-events",), ("--dry-run", "--events")])
    def test_a_dry_run_and_a_run_outside_a_pod_write_none(self, program: Program, options: tuple[str, ...]) -> None:
        program.kubernetes.delete("Secret", NAMESPACE, f"{ONE}-ssh")

        program.run(*options)

        assert event_requests(program) == []

    def test_no_secret_is_in_them(self, program: Program) -> None:
        program.run("--events")
        add_secret(program.sandbox, f"{ONE}-webhook", {"token": "another-token-of-one"})
        reconcile_flux(program.sandbox)
        program.run("--events")

        assert shown(secrets_of(program.sandbox), json.dumps(events(program))) == []
        assert len(events(program)) == 6


class TestBestEffort:
    @pytest.mark.parametrize("verb", ["create", "patch"])
    def test_a_refusal_is_one_notice_and_no_failure(self, program: Program, verb: str) -> None:
        program.kubernetes.deny(verb=verb, resource="events")

        done = program.run("--events")

        assert done.code == 0
        [line] = told(done, "Kubernetes Events were left out")
        assert line["level"] == "info"
        assert line["error"] == (
            f"Kubernetes refuses to {verb} events in namespace {NAMESPACE} (403 Forbidden); "
            "give the service account `create,patch` on events, or pass --no-events"
        )
        assert done.report["result"] == "applied"

    @pytest.mark.parametrize("failure", [{"status": 500}, {"drop": True}, {"status": 200, "body": "<html>"}])
    def test_other_trouble_is_no_failure_either(self, program: Program, failure: dict[str, Any]) -> None:
        program.kubernetes.fail(path="/events", times=None, **failure)

        done = program.run("--events")

        assert done.code == 0
        assert len(told(done, "Kubernetes Events were left out")) == 1

    def test_the_trouble_of_one_is_told_though_others_were_written(self, program: Program) -> None:
        program.kubernetes.fail(path="/events", method="PATCH", status=500)

        done = program.run("--events")

        [line] = told(done, "Kubernetes Events were left out")
        assert "refuses to patch events" in line["error"]

    def test_after_the_first_trouble_no_more_are_tried(self) -> None:
        with a_program(60, samples=False) as program:
            program.kubernetes.deny(verb="patch", resource="events")
            program.run("--events")

            # Those that were under way when the first one was refused.
            assert 1 <= len(event_requests(program)) <= 32

    def test_one_that_another_program_made_meanwhile_is_no_trouble(self, program: Program) -> None:
        program.kubernetes.fail(path="/events", method="POST", status=409, times=None)

        assert told(program.run("--events"), "Kubernetes Events were left out") == []

    def test_the_summary_is_still_the_last_line(self, program: Program) -> None:
        program.kubernetes.deny(verb="patch", resource="events")

        done = program.run("--events")

        assert json.loads(done.err.splitlines()[-1])["msg"].startswith("Applied: ")


class TestPathsOfOthers:
    """Whoever writes a URL can make GitLab look its path up, and may not be told where that leads now."""

    def test_where_a_moved_project_is_now_is_not_said(self, program: Program) -> None:
        program.gitlab.add_group(f"{GROUP}/private-team")
        program.gitlab.move_project(program.project(f"{CLUSTER}/{ONE}"), f"{GROUP}/private-team/secret-plan")

        done = program.run("--events")

        assert "private-team/secret-plan" in done.out
        texts = [event["message"] for event in events(program)]
        assert "ProjectMoved" in reasons(program, "GitRepository")
        assert [text for text in texts if "private-team" in text or "secret-plan" in text] == []
        [moved] = [event for event in events(program, "GitRepository") if event["reason"] == "ProjectMoved"]
        assert moved["message"].startswith(f"{PROJECT} has moved to another path;")
        [added] = [event for event in events(program, "GitRepository") if event["reason"] == "DeployKeyAdded"]
        assert added["message"].endswith(" was added to its project: missing.")

    def test_where_a_project_outside_the_group_is_now_is_not_said(self, program: Program) -> None:
        program.gitlab.add_group("elsewhere")
        project = program.project(f"{CLUSTER}/{ONE}")
        program.gitlab.move_project(project, "elsewhere/secret-plan")
        program.gitlab.add_member(project, next(iter(program.gitlab.users.values())), MAINTAINER)

        done = program.run("--events")

        assert "elsewhere/secret-plan" in done.out
        [event] = events(program, "GitRepository")
        assert event["reason"] == "ProjectOutsideGroup"
        assert "secret-plan" not in event["message"]
        assert event["message"].startswith("another path lies outside the group")
        assert f"{PROJECT}" not in event["message"]

    def test_the_objects_own_path_is_said_whatever_its_case(self, program: Program) -> None:
        item = program.kubernetes.get("GitRepository", NAMESPACE, ONE)
        assert item is not None
        item["spec"]["url"] = f"ssh://git@code.vt.edu/{PROJECT.upper()}.git"
        program.kubernetes.apply(item)

        program.run("--events")

        [key] = events(program, "GitRepository")
        assert key["message"].endswith(f" was added to {PROJECT}: missing.")

"""`trace`: each link broken in turn is the first one named, with what fixes it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from cronjob.sandbox.samples import (
    CLUSTER,
    NAMESPACE,
    add_secret,
    ssh_key,
)
from reconcile.chain.links import Link
from tests.worlds.program import Program
from tests.worlds.tracing import (
    NAME,
    PATH,
    RUN,
    annotate,
    at,
    broken,
    decided_at,
    levels,
    rewrite,
    the_hook,
    traced,
    verdict_of,
    without_key,
    without_secret,
)

pytest_plugins = ["tests.worlds.trace_fixtures"]


def suspended(program: Program) -> None:
    rewrite(program, "GitRepository", suspend=True)


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


def with_an_expired_key(program: Program) -> None:
    [(key, _)] = program.gitlab.keys_of(program.project(f"{CLUSTER}/{NAME}"))
    key.expires_at = datetime.now(UTC) - timedelta(days=1)


def with_a_suspended_receiver(program: Program) -> None:
    rewrite(program, "Receiver", suspend=True)


def with_a_disabled_receiver_and_no_webhook(program: Program) -> None:
    annotate(program, "Receiver", reconcile="disabled")
    without_webhook(program)


def with_a_receiver_without_token(program: Program) -> None:
    program.kubernetes.delete("Secret", NAMESPACE, f"{NAME}-webhook")


def with_a_receiver_that_is_not_ready(program: Program) -> None:
    found = program.kubernetes.get("Receiver", NAMESPACE, NAME)
    assert found
    ready = {"type": "Ready", "status": "False", "reason": "ValidationFailed", "message": "no such thing"} | {
        "lastTransitionTime": program.kubernetes.now()
    }
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
    ready = {"type": "Ready", "status": "False", "reason": "BuildFailed", "message": message} | {
        "lastTransitionTime": program.kubernetes.now()
    }
    program.kubernetes.set_status("Kustomization", NAME, NAME, {"conditions": [ready]})


BREAKAGES: list[tuple[Callable[[Program], None], str, str | None, str]] = [
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
    def test_a_broken_link_is_the_first_one_named_with_what_fixes_it(
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


SWITCHED_OFF: list[tuple[Callable[[Program], None], str, str, str]] = [
    (
        suspended,
        "gitrepository",
        f"flux resume source git {NAME} --namespace {NAMESPACE}",
        "Flux fetches nothing until it is resumed",
    ),
    (
        with_a_suspended_receiver,
        "receiver",
        f"flux resume receiver {NAME} --namespace {NAMESPACE}",
        "It is suspended",
    ),
    (
        with_a_disabled_receiver_and_no_webhook,
        "receiver",
        f"kubectl annotate receiver {NAME} --namespace {NAMESPACE} flux-gitlab-syncer/reconcile-",
        "says `disabled`",
    ),
]


class TestSwitchedOff:
    @pytest.mark.parametrize(
        ("switch_off", "link", "command", "message"), SWITCHED_OFF, ids=[row[0].__name__ for row in SWITCHED_OFF]
    )
    def test_what_is_switched_off_is_neither_ok_nor_broken(
        self, program: Program, switch_off: Callable[[Program], None], link: str, command: str, message: str
    ) -> None:
        switch_off(program)
        done = traced(program)

        assert verdict_of(done) == "off"
        assert decided_at(done, "off") == (link, command)
        assert message in at(done, link)
        text = program("trace", NAME).out
        assert text.endswith(f"Switched off at {link}. Next:\n  {command}\n")
        assert "Every link holds" not in text

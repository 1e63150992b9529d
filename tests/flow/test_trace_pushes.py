"""`trace`: the links that tell Flux of a push, and what is applied in the end."""

from __future__ import annotations

from pathlib import Path

import pytest

from cronjob.sandbox.samples import (
    GROUP,
    NAMESPACE,
    add_kustomization,
    reconcile_flux,
)
from tests.worlds.program import Program
from tests.worlds.tracing import (
    NAME,
    PATH,
    RUN,
    at,
    broken,
    levels,
    rewrite,
    the_hook,
    traced,
    verdict_of,
)

pytest_plugins = ["tests.worlds.trace_fixtures"]


class TestPushes:
    def test_without_a_receiver_flux_only_looks_now_and_then(self, program: Program) -> None:
        program.kubernetes.delete("Receiver", NAMESPACE, NAME)
        done = traced(program)

        assert broken(done) == ("None", None)
        assert "Flux hears of no push and looks only once in 5m" in at(done, "receiver")
        assert levels(done)["webhook"] == "note"
        assert "hears of no push: the project has no webhook for it." in program("trace", NAME).out

    def test_without_a_receiver_url_nobody_can_say_which_webhook_is_needed(self, program: Program) -> None:
        done = traced(program, SYNCER_RECEIVER_URL="")

        assert (verdict_of(done), levels(done)["webhook"]) == ("unknown", "unknown")
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
        reconcile_flux(program.sandbox)
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
        hook = the_hook(program)
        another = {"description": hook.description, "push_events": True}
        beside = program.gitlab.add_hook(
            program.gitlab.projects_by_path[PATH], f"https://old.example/hook/{1:064}", **another
        )
        assert levels(traced(program))["webhook"] == "warn"

        program.gitlab.remove_hook(program.gitlab.projects_by_path[PATH], beside)
        hook.url = f"https://old.example/hook/{1:064}"
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
        done = traced(program)
        assert at(done, "deliveries").startswith("skip")
        assert verdict_of(done) == "ok"

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
        assert at(done, "kustomization").startswith("skip")
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

        program.kubernetes.fail(query="continue=", status=410)
        assert levels(traced(program))["kustomization"] == "ok"

        program.kubernetes.fail(path="/kustomizations", query="continue=", status=410, times=None)
        assert "410 Gone" in at(traced(program), "kustomization")

"""The life of a tenant, from its first commit to its last webhook, with real programs all the way."""

from __future__ import annotations

import time

import pytest

from tests.real.tenants import Tenant, new_tenant
from tests.real.world import RealWorld, wait_for

LINKS = (
    "gitrepository",
    "secret",
    "project",
    "deploy-key",
    "fetch",
    "receiver",
    "webhook",
    "deliveries",
    "kustomization",
)
HEALTHY = dict.fromkeys(LINKS, "ok")


def settled(tenant: Tenant, text: str = "first") -> Tenant:
    """The tenant with its key and its webhook in place, and *text* applied."""
    tenant.push(text)
    tenant.wait_ready("Receiver")
    report = tenant.run()
    assert (report["result"], report["problems"]) == ("applied", [])
    tenant.reconcile("GitRepository")
    tenant.wait_applied(text)
    return tenant


def assert_healthy(tenant: Tenant, **but: str) -> None:
    """The trace finds nothing *but* that, a run has nothing to do, and the project has one key and one webhook."""
    levels, messages = tenant.trace()
    assert levels == HEALTHY | but, messages
    report = tenant.run()
    assert (report["result"], report["problems"]) == ("in_sync", [])
    assert tenant.key_titles == [tenant.mark()]
    [hook] = tenant.hooks
    assert hook.url == tenant.world.receiver_url + tenant.get("Receiver")["status"]["webhookPath"]


def test_a_new_tenant_is_fetched_and_applied_after_one_run(world: RealWorld) -> None:
    tenant = new_tenant(world, "newcomer")
    tenant.push("first")
    condition = tenant.wait_ready("GitRepository", "False")
    assert condition["reason"] == "GitOperationFailed"
    assert tenant.trace()[0]["deploy-key"] == "fail"
    tenant.wait_ready("Receiver")

    report = tenant.run()

    assert [(change["action"], change["status"]) for change in report["changes"]] == [("create", "applied")] * 2
    # Flux tries again by itself.
    tenant.wait_ready("GitRepository")
    tenant.wait_applied("first")
    tenant.push("second")
    tenant.wait_applied("second")
    assert_healthy(tenant)


def test_a_push_arrives_by_webhook_long_before_the_interval(
    world: RealWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    tenant = settled(new_tenant(world, "pusher"))
    seconds = []
    for number in range(5):
        began = time.monotonic()
        tenant.push(f"push {number}")
        tenant.wait_applied(f"push {number}")
        seconds.append(time.monotonic() - began)

    assert tenant.get("GitRepository")["spec"]["interval"] == "15m"
    with capsys.disabled():
        print("\nfrom a push to the applied manifest:", ", ".join(f"{each:.1f} s" for each in seconds))  # noqa: T201
    assert_healthy(tenant)


def test_a_new_token_keeps_the_old_webhook_until_flux_has_the_new_path(world: RealWorld) -> None:
    tenant = settled(new_tenant(world, "new-token"))
    [old] = tenant.hooks
    tenant.set_secret("webhook", {"token": "another-token-of-the-receiver"})

    report = tenant.run()
    assert [problem["code"] for problem in report["problems"]] == ["RotationInFlight"]
    assert (report["changes"], tenant.hooks) == ([], [old])
    tenant.push("with the old token")
    # Flux compares with the Secret as it is now.
    assert tenant.last_delivery == 400

    tenant.reconcile("Receiver")
    tenant.push("at the old path")
    assert tenant.last_delivery == 404
    assert tenant.run()["result"] == "applied"
    tenant.push("at the new path")
    assert tenant.last_delivery == 200
    tenant.wait_applied("at the new path")
    assert old not in tenant.hooks
    assert_healthy(tenant)


def test_a_new_key_in_place_is_a_gap_that_the_next_run_closes(world: RealWorld) -> None:
    tenant = settled(new_tenant(world, "new-key"))
    [old] = tenant.public_keys
    tenant.set_secret("ssh", tenant.new_key())
    tenant.reconcile("GitRepository")
    assert tenant.wait_ready("GitRepository", "False")["reason"] == "GitOperationFailed"
    assert tenant.trace()[0]["deploy-key"] == "fail"

    report = tenant.run()

    assert sorted(change["action"] for change in report["changes"]) == ["create", "delete"]
    assert old not in tenant.public_keys
    tenant.reconcile("GitRepository")
    tenant.wait_ready("GitRepository")
    tenant.push("with the new key")
    tenant.wait_applied("with the new key")
    assert_healthy(tenant)


def test_a_new_key_by_a_second_suspended_repository_leaves_no_gap(world: RealWorld) -> None:
    tenant = settled(new_tenant(world, "no-gap"))
    [old] = tenant.public_keys
    tenant.set_secret("next", tenant.new_key())
    found = tenant.get("GitRepository")
    second = {"name": f"{tenant.name}-next", "namespace": found["metadata"]["namespace"]}
    spec = {**found["spec"], "secretRef": {"name": f"{tenant.name}-next"}, "suspend": True}
    world.apply({"apiVersion": found["apiVersion"], "kind": "GitRepository", "metadata": second, "spec": spec})

    assert tenant.run()["result"] == "applied"
    assert len(tenant.public_keys) == 2
    tenant.reconcile("GitRepository")
    tenant.wait_ready("GitRepository")
    tenant.patch("GitRepository", secretRef={"name": f"{tenant.name}-next"})
    tenant.wait_ready("GitRepository")
    world.kubectl("delete", "gitrepository", second["name"], "-n", second["namespace"])
    assert tenant.run()["result"] == "applied"

    assert old not in tenant.public_keys
    assert tenant.key_titles == [tenant.mark("next")]
    tenant.push("with the next key")
    tenant.wait_applied("with the next key")
    levels, messages = tenant.trace()
    assert levels == HEALTHY, messages


def test_a_receiver_that_is_suspended_keeps_its_webhook_and_answers_503(world: RealWorld) -> None:
    tenant = settled(new_tenant(world, "suspended"))
    [hook] = tenant.hooks
    tenant.patch("Receiver", suspend=True)
    wait_for(lambda: tenant.get("Receiver")["spec"].get("suspend"), bool)
    tenant.push("while suspended")

    assert tenant.last_delivery == 503
    report = tenant.run()
    assert (report["changes"], tenant.hooks) == ([], [hook])
    assert tenant.trace()[0]["receiver"] != "ok"

    tenant.patch("Receiver", suspend=False)
    tenant.wait_ready("Receiver")
    tenant.push("again")
    assert tenant.last_delivery == 200
    tenant.wait_applied("again")
    # The refused delivery is in GitLab's log for a week.
    assert_healthy(tenant, deliveries="warn")


def test_a_receiver_that_is_deleted_takes_its_webhook_along(world: RealWorld) -> None:
    tenant = settled(new_tenant(world, "no-receiver"))
    world.kubectl("delete", "receiver", tenant.name, "-n", "tenant-config")

    report = tenant.run()

    assert [change["action"] for change in report["changes"]] == ["delete"]
    assert (tenant.hooks, tenant.key_titles) == ([], [tenant.mark()])
    levels, messages = tenant.trace()
    assert levels["deploy-key"] == levels["fetch"] == "ok", messages
    assert levels["receiver"] != "ok"


def test_a_receiver_that_is_renamed_has_one_webhook_with_the_new_path(world: RealWorld) -> None:
    tenant = settled(new_tenant(world, "renamed"))
    [old] = tenant.hooks
    found = tenant.get("Receiver")
    world.kubectl("delete", "receiver", tenant.name, "-n", "tenant-config")
    metadata = {"name": "renamed-again", "namespace": "tenant-config"}
    world.apply({**found, "metadata": metadata, "status": None})
    path = wait_for(
        lambda: world.get("Receiver", found["apiVersion"], "renamed-again").get("status", {}).get("webhookPath"), bool
    )

    tenant.run()

    [hook] = tenant.hooks
    assert hook.url == world.receiver_url + path != old.url
    tenant.push("to the renamed one")
    assert tenant.last_delivery == 200
    tenant.wait_applied("to the renamed one")
    levels, messages = tenant.trace()
    assert levels == HEALTHY, messages


def test_a_project_that_is_renamed_and_moved_is_still_fetched_by_its_old_path(world: RealWorld) -> None:
    tenant = settled(new_tenant(world, "mover"))
    world.forge.gitlab.add_group("platform/tenants/elsewhere")
    world.forge.gitlab.move_project(tenant.project, "platform/tenants/elsewhere/moved")

    report = tenant.run()

    assert "ProjectMoved" in [problem["code"] for problem in report["problems"]]
    assert report["changes"] == []
    tenant.push("from elsewhere")
    assert tenant.last_delivery == 200
    tenant.wait_applied("from elsewhere")
    assert "elsewhere/moved" in tenant.trace()[1]

    tenant.patch("GitRepository", url=world.forge.ssh.url("platform/tenants/elsewhere/moved"))
    tenant.wait_ready("GitRepository")
    assert_healthy(tenant)


def test_a_webhook_with_a_wrong_token_is_written_once_more_on_request(world: RealWorld) -> None:
    tenant = settled(new_tenant(world, "wrong-token"))
    [hook] = tenant.hooks
    hook.token = "somebody-edited-it"
    for number in range(4):
        tenant.push(f"refused {number}")
        assert tenant.last_delivery == 400
    # GitLab lets it rest after four failures, so nothing is sent any more.
    assert hook.alert_status == "temporarily_disabled"
    assert "fail" in {tenant.trace()[0]["deliveries"], tenant.trace()[0]["webhook"]}

    report = tenant.run("--refresh-tokens")
    assert [problem["code"] for problem in report["problems"]] == ["WebhookDisabled"]
    assert (tenant.run("--heal-webhooks")["result"], tenant.last_delivery) == ("applied", 200)

    assert hook.alert_status == "executable"
    tenant.push("accepted")
    tenant.wait_applied("accepted")
    assert_healthy(tenant, deliveries="warn")


def test_a_key_that_was_revoked_is_made_anew(world: RealWorld) -> None:
    tenant = settled(new_tenant(world, "revoked"))
    [(key, _)] = world.forge.gitlab.keys_of(tenant.project)
    world.forge.gitlab.detach_key(tenant.project, key)
    tenant.push("not fetched")
    assert tenant.wait_ready("GitRepository", "False")["reason"] == "GitOperationFailed"
    assert tenant.trace()[0]["deploy-key"] == "fail"

    report = tenant.run()

    assert [change["action"] for change in report["changes"]] == ["create"]
    tenant.reconcile("GitRepository")
    tenant.wait_applied("not fetched")
    assert_healthy(tenant)

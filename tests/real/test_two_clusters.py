"""Two clusters that use one GitLab, and the end of each."""

from __future__ import annotations

import json

from tests.real.tenants import Tenant, new_tenant
from tests.real.world import RealWorld


def running(tenant: Tenant, text: str) -> None:
    """Wait until the tenant's cluster has applied *text*."""
    tenant.wait_ready("GitRepository")
    tenant.wait_applied(text)


def test_each_cluster_has_its_own_key_and_webhook_and_takes_only_these_along(
    world: RealWorld, second: RealWorld
) -> None:
    first, other = (new_tenant(cluster, "in-both") for cluster in (world, second))
    first.push("from one project")
    for tenant in (first, other):
        tenant.wait_ready("Receiver")
        report = tenant.run()
        assert (report["result"], report["problems"]) == ("applied", [])
        tenant.reconcile("GitRepository")
        running(tenant, "from one project")
    assert sorted(first.key_titles) == sorted([first.mark(), other.mark()])
    assert {hook.url.partition("/hook/")[0] for hook in first.hooks} == {world.receiver_url, second.receiver_url}

    first.push("to both")
    for tenant in (first, other):
        running(tenant, "to both")
        assert tenant.run()["result"] == "in_sync"
        assert set(tenant.trace()[0].values()) == {"ok"}

    dry = json.loads(second.ask("retire").out)
    assert (dry["result"], len(dry["changes"])) == ("drift", 2)
    assert len(first.hooks) == 2
    done = second.ask("retire", "--confirm", "stage")
    assert done.code == 0, done.err
    assert first.key_titles == [first.mark()]
    [hook] = first.hooks
    assert hook.url.startswith(world.receiver_url)
    first.push("to the one that is left")
    running(first, "to the one that is left")
    assert first.run()["result"] == "in_sync"


def test_retire_leaves_nothing_of_the_cluster_and_everything_of_others(world: RealWorld) -> None:
    tenant = new_tenant(world, "at-the-end")
    gitlab = world.forge.gitlab
    foreign_hook = gitlab.add_hook(tenant.project, "https://ci.example.org/gitlab", push_events=False)
    foreign_key = gitlab.add_deploy_key(tenant.project, tenant.new_key()["identity.pub"], title="a person's laptop")
    tenant.push("last words")
    tenant.wait_ready("Receiver")
    tenant.run()
    tenant.reconcile("GitRepository")
    running(tenant, "last words")

    done = world.ask("retire", "--confirm", "prod")

    assert done.code == 0, done.err
    assert tenant.hooks == [foreign_hook]
    assert [key for key, _ in gitlab.keys_of(tenant.project)] == [foreign_key]
    left = [
        key.title for project in gitlab.projects.values() for key, _ in gitlab.keys_of(project) if "prod" in key.title
    ]
    assert left == []
    assert [hook.url for one in gitlab.projects.values() for hook in gitlab.hooks_of(one)] == [foreign_hook.url]
    # What is applied stays, and Flux says that it cannot fetch any more.
    tenant.reconcile("GitRepository")
    assert tenant.wait_ready("GitRepository", "False")["reason"] == "GitOperationFailed"
    assert tenant.applied() == "last words"
    assert tenant.trace()[0]["deploy-key"] == "fail"

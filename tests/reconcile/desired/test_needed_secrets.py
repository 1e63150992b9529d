"""Which Secrets a shard reads: those that can matter to its own projects, and no more."""

from __future__ import annotations

from typing import Any

import pytest

from reconcile.actual import Actual, FoundWebhook, Items
from reconcile.desired.needed_secrets import SecretsToRead, secrets_to_read
from reconcile.desired.receivers import receiver_requests_from
from reconcile.marks import Mark, Owner
from reconcile.shares import Share
from tests.worlds.builders import HOST, NAMESPACE, RECEIVER_URL, an_identity, some_rules
from tests.worlds.desired_inputs import APP, WEB, Inputs
from tests.worlds.objects import a_git_repository, a_path, a_receiver, pin_to

SHARDS = 2
OF_APP = next(Share(index, SHARDS) for index in range(SHARDS) if Share(index, SHARDS).has(APP.id))
OF_WEB = next(Share(index, SHARDS) for index in range(SHARDS) if Share(index, SHARDS).has(WEB.id))
WEB_URL = f"ssh://git@{HOST}/{WEB.path}.git"


def two_tenants(**more: Any) -> Inputs:
    """App and web, each with a key and a token, in two shards."""
    return Inputs(
        repositories=[a_git_repository(secret="app-key"), a_git_repository("web", WEB_URL, secret="web-key")],
        receivers=[
            a_receiver(secret="app-token"),
            a_receiver("web", ["web"], token=b"web", secret="web-token"),
        ],
        **more,
    )


def needs(world: Inputs, share: Share, *webhooks: FoundWebhook, seen: bool = True) -> SecretsToRead:
    world.rules = some_rules(
        share=share, identity=world.rules.identity, previous_receiver_urls=("https://old.example",)
    )
    actual = Actual((Items(WEB, (), webhooks),)) if seen else None
    return secrets_to_read(world.requests(), receiver_requests_from(world.receivers), world.rules, actual)


def names(needed: SecretsToRead) -> tuple[set[str], set[str]]:
    return {ref.name for ref in needed.keys}, {ref.name for ref in needed.tokens}


def a_webhook(url: str = "https://chat.example/", description: str = "") -> FoundWebhook:
    return FoundWebhook(1, url, {}, Mark.parse(description), Owner.OURS, description=description)


def test_app_and_web_are_in_two_shards() -> None:
    assert OF_APP != OF_WEB


def test_without_shards_everything_is_needed() -> None:
    world = two_tenants()
    needed = secrets_to_read(world.requests(), receiver_requests_from(world.receivers), world.rules)

    assert names(needed) == ({"app-key", "web-key"}, {"app-token", "web-token"})
    assert needed.others == set()


@pytest.mark.parametrize("seen", [True, False])
def test_a_shard_needs_the_secrets_of_its_own_tenants_only(*, seen: bool) -> None:
    needed = needs(two_tenants(), OF_WEB, seen=seen)

    assert names(needed) == ({"web-key"}, {"web-token"})
    assert {ref.name for ref in needed.others} == {"app-key", "app-token"}


def test_what_leads_to_no_project_is_every_shards_concern() -> None:
    world = two_tenants(places={})

    assert (
        names(needs(world, OF_WEB))
        == names(needs(world, OF_APP))
        == ({"app-key", "web-key"}, {"app-token", "web-token"})
    )


def test_what_is_pinned_to_another_project_may_hold_a_key_anywhere() -> None:
    world = two_tenants()
    world.repositories[0]["metadata"]["annotations"] = pin_to(99)

    keys, _ = names(needs(world, OF_WEB))

    assert keys == {"app-key", "web-key"}


def test_a_receiver_that_names_a_project_of_ours_needs_all_that_it_names() -> None:
    world = two_tenants()
    world.receivers = [a_receiver("both", ["app", "web"], secret="both-token")]

    assert names(needs(world, OF_WEB)) == ({"app-key", "web-key"}, {"both-token"})


def test_a_receiver_of_several_projects_is_the_first_shards_concern_too() -> None:
    elsewhere = next(
        Share(index, 9) for index in range(1, 9) if not any(Share(index, 9).has(one.id) for one in (APP, WEB))
    )
    world = two_tenants()
    world.receivers = [a_receiver("both", ["app", "web"], secret="both-token")]

    assert names(needs(world, elsewhere)) == (set(), set())
    assert names(needs(world, Share(0, 9))) == ({"app-key", "web-key"}, {"both-token"})


def test_a_receiver_that_names_nothing_that_exists_is_everybodys_concern() -> None:
    world = two_tenants()
    world.receivers[0]["spec"]["resources"] = [{"kind": "GitRepository", "name": "gone"}]

    _, tokens = names(needs(world, OF_WEB))

    assert tokens == {"app-token", "web-token"}


@pytest.mark.parametrize(
    "webhook",
    [
        a_webhook(RECEIVER_URL + a_path()),
        a_webhook("https://old.example" + a_path()),
        a_webhook(description=f"flux-gitlab-syncer prod {NAMESPACE}/app"),
        a_webhook(description="flux-gitlab-syncer prod former/app"),
        a_webhook(description="flux-gitlab-syncer staging former/app"),
    ],
)
def test_what_another_shards_receiver_has_left_on_our_project_needs_its_secrets(webhook: FoundWebhook) -> None:
    world = two_tenants()
    world.rules = some_rules(identity=an_identity(previous_namespaces=frozenset({"former"})))

    assert names(needs(world, OF_WEB, webhook)) == ({"app-key", "web-key"}, {"app-token", "web-token"})


def test_a_mark_that_was_cut_still_leads_to_its_receiver() -> None:
    long = "app" + "x" * 240
    world = two_tenants()
    world.receivers[0] = a_receiver(long, secret="app-token")
    cut = str(Mark("prod", NAMESPACE, long))
    assert "~" in cut

    assert names(needs(world, OF_WEB, a_webhook(description=cut)))[1] == {"app-token", "web-token"}


@pytest.mark.parametrize(
    "webhook",
    [
        a_webhook(),
        a_webhook(RECEIVER_URL + a_path(b"another")),
        a_webhook(description=f"flux-gitlab-syncer prod {NAMESPACE}/other"),
        a_webhook(description="flux-gitlab-syncer prod elsewhere/app"),
    ],
)
def test_what_leads_to_no_receiver_needs_nothing_more(webhook: FoundWebhook) -> None:
    assert names(needs(two_tenants(), OF_WEB, webhook)) == ({"web-key"}, {"web-token"})

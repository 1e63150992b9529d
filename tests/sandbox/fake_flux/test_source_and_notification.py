import base64
from typing import Any

import pytest

from cronjob.sandbox.fake_flux.git_failures import GitFailure
from cronjob.sandbox.fake_flux.source_and_notification import (
    reconcile_git_repositories,
    reconcile_receivers,
    webhook_path,
)
from cronjob.sandbox.fake_kubernetes.kinds import BY_KIND
from cronjob.sandbox.fake_kubernetes.world import KubernetesWorld
from tests.worlds.objects import an_applied_receiver, an_applied_repository

URL = "ssh://git@gitlab.test/tenants/docs.git"


def a_secret(name: str, **data: str) -> dict:
    metadata = {"name": name, "namespace": "tenants"}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data}


def with_token(**spec: Any) -> dict[str, Any]:
    return an_applied_receiver(**{"secretRef": {"name": "token"}, **spec})


def with_key(url: str = URL, **spec: Any) -> dict[str, Any]:
    return an_applied_repository(url=url, **{"secretRef": {"name": "key"}, **spec})


def a_world(*manifests: dict, flux: str = "2.6") -> KubernetesWorld:
    world = KubernetesWorld(flux=flux)
    for manifest in manifests:
        world.apply(manifest)
    return world


def the(world: KubernetesWorld, kind: str) -> dict:
    found = world.get(kind, "tenants", "docs")
    assert found is not None
    return found


def conditions(world: KubernetesWorld, kind: str) -> dict[str, tuple[str, str]]:
    status = the(world, kind)["status"]
    return {each["type"]: (each["status"], each["reason"]) for each in status.get("conditions", [])}


def stored_status(world: KubernetesWorld) -> dict:
    """The status with the fields of all versions."""
    return world.store.rows(BY_KIND["Receiver"], "tenants")[0][1]["status"]


@pytest.mark.parametrize(
    ("token", "name", "namespace", "digest"),
    [
        # The first two stand in Flux's own test data, for `flux create secret receiver`.
        (
            "dGVzdC10b2tlbg==",
            "receiver-secret",
            "my-namespace",
            "106120121d366c2f67e93200f6c1dbe938235eb588daa5e8c0516d3a77ac1dee",
        ),
        (
            "dGVzdC10b2tlbg==",
            "gcr-secret",
            "my-namespace",
            "6d6c55e9affb9d1e0d101ce604ae4270880ec1ff24d1bd2d928fcd64243d21a4",
        ),
        ("dG9r", "a", "bc", "d7d3a4d1bcb9bda2a4cf6dcbfae54705093836a670317e9eb639c9fca66ff307"),
        ("dG9r", "ab", "c", "d7d3a4d1bcb9bda2a4cf6dcbfae54705093836a670317e9eb639c9fca66ff307"),
        (
            "cMOkJCQtd8O2cmQg4pyT",
            "webapp.frontend",
            "team-a",
            "be02c77844ba5c571bd796a99bf46c62408cd75cc9b19104c010b49203af198f",
        ),
        (
            "/wCAQQ==",
            "bin-token",
            "team-a",
            "900bc6bcdaac927703535edb63793991bb5e37a2389630bd58735a6bf485691b",
        ),
        ("", "my-receiver", "default", "83579a735892e34a07366333c25cb279278d29531730c414ea9870a01885f586"),
    ],
)
def test_a_webhook_path_is_the_digest_of_token_name_and_namespace(
    token: str, name: str, namespace: str, digest: str
) -> None:
    assert webhook_path(base64.b64decode(token), name, namespace) == f"/hook/{digest}"


def test_a_receiver_with_its_token_is_ready_and_has_a_path() -> None:
    world = a_world(with_token(), a_secret("token", token="geheim"))

    reconcile_receivers(world)

    path = webhook_path(b"geheim", "docs", "tenants")
    status = the(world, "Receiver")["status"]
    assert status["webhookPath"] == path
    assert status["observedGeneration"] == 1
    assert conditions(world, "Receiver") == {"Ready": ("True", "Succeeded")}
    assert path in status["conditions"][0]["message"]


def test_an_empty_token_is_a_token() -> None:
    world = a_world(with_token(), a_secret("token", token=""))

    reconcile_receivers(world)

    assert the(world, "Receiver")["status"]["webhookPath"] == webhook_path(b"", "docs", "tenants")


@pytest.mark.parametrize("secret", [None, a_secret("token", other="x"), a_secret("another", token="x")])
def test_a_receiver_without_its_token_is_not_ready(secret: dict | None) -> None:
    world = a_world(with_token(), *([secret] if secret else []))

    reconcile_receivers(world)

    assert conditions(world, "Receiver") == {
        "Ready": ("False", "TokenNotFound"),
        "Reconciling": ("True", "ProgressingWithRetry"),
    }
    assert "webhookPath" not in the(world, "Receiver")["status"]
    assert the(world, "Receiver")["status"]["observedGeneration"] == -1


def test_a_lost_token_clears_the_path_and_a_found_one_brings_it_back() -> None:
    world = a_world(with_token(), a_secret("token", token="geheim"))
    reconcile_receivers(world)
    world.delete("Secret", "tenants", "token")

    reconcile_receivers(world)
    assert "webhookPath" not in the(world, "Receiver")["status"]

    world.apply(a_secret("token", token="neu"))
    reconcile_receivers(world)
    assert the(world, "Receiver")["status"]["webhookPath"] == webhook_path(b"neu", "docs", "tenants")
    assert conditions(world, "Receiver") == {"Ready": ("True", "Succeeded")}


def test_a_rotated_token_moves_the_path() -> None:
    world = a_world(with_token(), a_secret("token", token="alt"))
    reconcile_receivers(world)
    world.apply(a_secret("token", token="neu"))
    assert the(world, "Receiver")["status"]["webhookPath"] == webhook_path(b"alt", "docs", "tenants")

    reconcile_receivers(world)

    assert the(world, "Receiver")["status"]["webhookPath"] == webhook_path(b"neu", "docs", "tenants")


def test_a_suspended_receiver_keeps_its_old_path() -> None:
    world = a_world(with_token(), a_secret("token", token="alt"))
    reconcile_receivers(world)
    world.apply(with_token(suspend=True))
    world.apply(a_secret("token", token="neu"))

    reconcile_receivers(world)

    assert the(world, "Receiver")["status"]["webhookPath"] == webhook_path(b"alt", "docs", "tenants")
    assert conditions(world, "Receiver") == {"Ready": ("True", "Succeeded")}


def test_a_receiver_that_is_being_deleted_is_left_alone() -> None:
    leaving = with_token()
    leaving["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    world = a_world(leaving, a_secret("token", token="geheim"))

    reconcile_receivers(world)

    assert the(world, "Receiver")["status"] == {"observedGeneration": -1}


def test_a_receiver_that_trusts_an_identity_provider_needs_no_secret() -> None:
    world = a_world(with_token(type="generic-oidc", secretRef=None), flux="2.9")

    reconcile_receivers(world)

    assert the(world, "Receiver")["status"]["webhookPath"] == webhook_path(b"", "docs", "tenants")


@pytest.mark.parametrize(
    ("flux", "fields", "reason"),
    [
        ("0.37", {"url"}, "Initialized"),
        ("0.41", {"url", "webhookPath"}, "Succeeded"),
        ("2.6", {"webhookPath"}, "Succeeded"),
        ("2.9", {"webhookPath"}, "Succeeded"),
    ],
)
def test_every_flux_writes_the_path_where_it_did(flux: str, fields: set[str], reason: str) -> None:
    world = a_world(with_token(), a_secret("token", token="geheim"), flux=flux)

    reconcile_receivers(world)

    assert {name for name in ("url", "webhookPath") if name in stored_status(world)} == fields
    assert conditions(world, "Receiver") == {"Ready": ("True", reason)}


@pytest.mark.parametrize(("flux", "left"), [("0.37", {"url"}), ("0.41", set())])
def test_the_oldest_flux_leaves_a_stale_path(flux: str, left: set[str]) -> None:
    world = a_world(with_token(), a_secret("token", token="geheim"), flux=flux)
    reconcile_receivers(world)
    world.delete("Secret", "tenants", "token")

    reconcile_receivers(world)

    assert {name for name in ("url", "webhookPath") if name in stored_status(world)} == left
    assert conditions(world, "Receiver")["Ready"] == ("False", "TokenNotFound")


def test_without_flux_nothing_is_reconciled() -> None:
    world = a_world(with_token(), a_secret("token", token="geheim"), flux="")

    reconcile_receivers(world)

    assert the(world, "Receiver")["status"] == {"observedGeneration": -1}


def test_a_second_look_writes_nothing() -> None:
    secrets = a_secret("token", token="geheim"), a_secret("key", identity="pem", known_hosts="x")
    world = a_world(with_token(), with_key(), *secrets)
    reconcile_receivers(world)
    reconcile_git_repositories(world, lambda _url, _identity: None)
    before = world.store.resource_version
    assert before > a_world(with_token(), with_key(), *secrets).store.resource_version

    reconcile_receivers(world)
    reconcile_git_repositories(world, lambda _url, _identity: None)

    assert world.store.resource_version == before


def test_a_repository_whose_key_has_access_is_ready() -> None:
    world = a_world(with_key(), a_secret("key", identity="pem", known_hosts="x"))
    calls: list[tuple[str, str]] = []

    def fetch(url: str, identity: str) -> None:
        calls.append((url, identity))

    reconcile_git_repositories(world, fetch)

    assert calls == [(URL, "pem")]
    assert conditions(world, "GitRepository") == dict.fromkeys(("Ready", "ArtifactInStorage"), ("True", "Succeeded"))
    status = the(world, "GitRepository")["status"]
    assert status["observedGeneration"] == 1
    assert status["artifact"]["revision"].startswith("master@sha1:")


def test_a_repository_without_access_fails_until_it_has() -> None:
    world = a_world(with_key(), a_secret("key", identity="pem", known_hosts="x"))

    reconcile_git_repositories(world, lambda _url, _identity: GitFailure.UNKNOWN_KEY)
    assert conditions(world, "GitRepository") == {
        "Ready": ("False", "GitOperationFailed"),
        "Reconciling": ("True", "ProgressingWithRetry"),
        "FetchFailed": ("True", "GitOperationFailed"),
    }
    assert the(world, "GitRepository")["status"]["observedGeneration"] == -1

    reconcile_git_repositories(world, lambda _url, _identity: None)
    assert conditions(world, "GitRepository") == dict.fromkeys(("Ready", "ArtifactInStorage"), ("True", "Succeeded"))


@pytest.mark.parametrize(
    "secret",
    [
        None,
        a_secret("key", identity="pem"),
        a_secret("key", known_hosts="x"),
        a_secret("key", identity="", known_hosts="x"),
        a_secret("another", identity="pem", known_hosts="x"),
    ],
)
def test_a_repository_without_a_usable_secret_fails_to_authenticate(secret: dict | None) -> None:
    world = a_world(with_key(), *([secret] if secret else []))

    reconcile_git_repositories(world, lambda _url, _identity: None)

    assert conditions(world, "GitRepository")["Ready"] == ("False", "AuthenticationFailed")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ssh://git@gitlab.test:tenants/docs.git", "URLInvalid"),
        ("ssh://git@gitlab.test:12ab/docs.git", "URLInvalid"),
        ("ssh://git@gitlab.test:/tenants/docs.git", "Succeeded"),
        ("ssh://git@gitlab.test:2222/tenants/docs.git", "Succeeded"),
        ("ssh://git@[2001:db8::1]:2222/tenants/docs", "Succeeded"),
        ("ssh://git@[2001:db8::1]/tenants/docs", "Succeeded"),
        ("ssh://gitlab.test/tenants/docs:a", "Succeeded"),
        ("https://user:password@gitlab.test/tenants/docs", "Succeeded"),
        ("https://gitlab.test:https/tenants/docs", "URLInvalid"),
    ],
)
def test_a_port_must_be_a_number(url: str, reason: str) -> None:
    world = a_world(with_key(url), a_secret("key", identity="pem", known_hosts="x"))

    reconcile_git_repositories(world, lambda _url, _identity: None)

    assert conditions(world, "GitRepository")["Ready"][1] == reason


def test_an_invalid_url_stalls() -> None:
    url = "ssh://git@gitlab.test:tenants/docs.git"
    world = a_world(with_key(url), a_secret("key", identity="pem", known_hosts="x"))

    reconcile_git_repositories(world, lambda _url, _identity: None)

    assert conditions(world, "GitRepository") == {
        "Ready": ("False", "URLInvalid"),
        "Stalled": ("True", "URLInvalid"),
        "FetchFailed": ("True", "URLInvalid"),
    }
    status = the(world, "GitRepository")["status"]
    assert status["observedGeneration"] == 1
    assert 'invalid port ":tenants" after host' in status["conditions"][0]["message"]


def test_https_needs_no_identity_but_the_secret_that_it_names() -> None:
    world = a_world(with_key("https://gitlab.test/tenants/docs", secretRef=None))
    reconcile_git_repositories(world, lambda _url, identity: GitFailure.UNKNOWN_KEY if identity else None)
    assert conditions(world, "GitRepository")["Ready"] == ("True", "Succeeded")

    world.apply(with_key("https://gitlab.test/tenants/docs"))
    reconcile_git_repositories(world, lambda _url, identity: GitFailure.UNKNOWN_KEY if identity else None)
    assert conditions(world, "GitRepository")["Ready"] == ("False", "AuthenticationFailed")


@pytest.mark.parametrize("spec", [{"suspend": True}, {"provider": "github"}])
def test_a_suspended_or_foreign_repository_is_left_alone(spec: dict) -> None:
    world = a_world(with_key(**spec), a_secret("key", identity="pem", known_hosts="x"))

    reconcile_git_repositories(world, lambda _url, _identity: None)
    assert the(world, "GitRepository")["status"] == {"observedGeneration": -1}

    world.apply(with_key())
    reconcile_git_repositories(world, lambda _url, _identity: None)
    assert conditions(world, "GitRepository")["Ready"] == ("True", "Succeeded")


def test_a_new_branch_is_a_new_artifact() -> None:
    world = a_world(with_key(), a_secret("key", identity="pem", known_hosts="x"))
    reconcile_git_repositories(world, lambda _url, _identity: None)
    world.apply(with_key(ref={"branch": "main"}))

    reconcile_git_repositories(world, lambda _url, _identity: None)

    assert the(world, "GitRepository")["status"]["artifact"]["revision"].startswith("main@sha1:")

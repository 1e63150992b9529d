"""The budget of a namespace's passphrases, counted from the headers of its keys."""

from __future__ import annotations

import pytest

from cronjob.flux import secrets as flux_secrets
from cronjob.flux.cluster import FluxCluster
from cronjob.flux.key_budget import FREE_KEYS, SHARED_ROUNDS, over_budget
from cronjob.flux.private_keys import KeyUnusable, passphrase_rounds
from cronjob.sandbox.fake_kubernetes.world import KubernetesWorld
from reconcile.errors import ReadError
from reconcile.model import PublicKey, Ref
from tests.worlds.key_samples import KEYS, TRADITIONAL, openssh, sealed, string
from tests.worlds.kube_builders import TENANTS, ref
from tests.worlds.objects import a_secret

pytest_plugins = ["tests.worlds.kube_fixtures"]

USUAL, DEAR = 24, 128
PUBLIC = string(b"ssh-ed25519") + string(bytes(32))


def refs(count: int, namespace: str = "red") -> list[Ref]:
    return [Ref("Secret", namespace, f"key-{number:04}") for number in range(count)]


def test_the_usual_keys_of_a_namespace_are_free_up_to_a_number() -> None:
    assert over_budget(dict.fromkeys(refs(FREE_KEYS), USUAL)) == frozenset()


def test_beyond_it_they_share_a_budget_and_the_first_by_name_are_opened() -> None:
    names = refs(FREE_KEYS + SHARED_ROUNDS // 24 + 2)
    assert over_budget(dict.fromkeys(names, USUAL)) == frozenset(names[-2:])


def test_dear_keys_are_never_free() -> None:
    names = refs(20)
    assert over_budget(dict.fromkeys(names, DEAR)) == frozenset(names[16:])


def test_the_cheapest_are_opened_first() -> None:
    names = refs(17)
    works = dict.fromkeys(names, DEAR) | {names[16]: 25}
    assert over_budget(works) == frozenset({names[15]})


def test_a_dear_key_takes_nothing_from_the_usual_ones() -> None:
    names = refs(100)
    works = dict.fromkeys(names[:50], DEAR) | dict.fromkeys(names[50:], USUAL)
    assert over_budget(works) == frozenset(names[16:50])


def test_another_namespaces_budget_is_its_own() -> None:
    hostile, honest = refs(100, "hostile"), refs(16, "honest")
    assert over_budget(dict.fromkeys([*hostile, *honest], DEAR)) == frozenset(hostile[16:])


def test_keys_without_a_passphrase_cost_nothing() -> None:
    assert over_budget(dict.fromkeys(refs(10_000), 0)) == frozenset()


@pytest.mark.parametrize(
    ("identity", "rounds"),
    [
        pytest.param(openssh(PUBLIC, rounds=16), 16, id="OpenSSH"),
        pytest.param(openssh(PUBLIC), 0, id="OpenSSH without a passphrase"),
        pytest.param(openssh(PUBLIC, rounds=129), 0, id="over the limit, so never tried"),
        pytest.param(sealed(TRADITIONAL, KEYS["p256"]), 0, id="the traditional format, whose passphrase costs nothing"),
        pytest.param(b"no key", 0, id="no key"),
        pytest.param(b"", 0, id="nothing"),
        pytest.param(openssh(PUBLIC, rounds=16) + bytes(20_000), 0, id="too large to be read"),
    ],
)
def test_the_work_is_read_from_what_is_not_encrypted(identity: bytes, rounds: int) -> None:
    assert passphrase_rounds(identity) == rounds


@pytest.mark.parametrize("rounds", [None, 16, 128], ids=["without a passphrase", "usual keys", "dear keys"])
def test_after_a_signal_no_further_key_is_opened(
    world: KubernetesWorld, flux: FluxCluster, monkeypatch: pytest.MonkeyPatch, rounds: int | None
) -> None:
    opened: list[bytes] = []

    def opens_one_and_is_stopped(identity: bytes, _passphrase: bytes | None) -> PublicKey:
        opened.append(identity)
        flux.api.stop_control.stop.set()
        raise KeyUnusable("it is made up")

    monkeypatch.setattr(flux_secrets, "public_key_from_private", opens_one_and_is_stopped)
    for number in range(5):
        world.apply(a_secret(f"key-{number}", TENANTS, identity=openssh(PUBLIC, rounds=rounds), password=b"x"))

    with pytest.raises(ReadError, match="a signal stopped the run"):
        flux.read_secrets([ref(f"key-{number}") for number in range(5)], [])
    assert len(opened) == 1

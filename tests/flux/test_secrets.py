import logging
from collections.abc import Callable
from typing import Any

import pytest

from cronjob.flux import secrets as flux_secrets
from cronjob.flux.cluster import FluxCluster
from cronjob.flux.private_keys import public_key_from_private
from cronjob.kube.client import KubeApi
from cronjob.sandbox.fake_kubernetes.world import KubernetesWorld
from reconcile.causes import MALFORMED, Cause, CauseCode
from reconcile.model import Secret, SecretMissing, SecretUnreadable
from tests.worlds.kube_builders import TENANTS, a_key_pair, asked, ref
from tests.worlds.objects import a_secret

pytest_plugins = ["tests.worlds.kube_fixtures"]

Connect = Callable[..., KubeApi]
GIT_GROUP, HOOK_GROUP = "source.toolkit.fluxcd.io", "notification.toolkit.fluxcd.io"
LIST_GIT = rf"/namespaces/{TENANTS}/gitrepositories"


class TestSecrets:
    def test_a_key_gives_its_public_half_only(self, world: KubernetesWorld, flux: FluxCluster) -> None:
        private, public = a_key_pair()
        world.apply(a_secret("key", identity=private, identity_pub=public.text.encode(), token=b"t"))

        assert flux.read_secrets([ref("key")], []) == {
            ref("key"): Secret(has_identity=True, public_key=public, declared=public, has_declared=True)
        }

    def test_a_receivers_secret_gives_its_token_only(self, world: KubernetesWorld, flux: FluxCluster) -> None:
        private, _ = a_key_pair()
        world.apply(a_secret("hook", identity=private, token=b"\xff\n"))

        assert flux.read_secrets([], [ref("hook")]) == {ref("hook"): Secret(token=b"\xff\n")}

    def test_a_secret_for_both_is_fetched_once(self, world: KubernetesWorld, flux: FluxCluster) -> None:
        private, public = a_key_pair()
        world.apply(a_secret("both", identity=private, token=b"t"))

        answers = flux.read_secrets([ref("both")], [ref("both")])

        assert answers == {ref("both"): Secret(has_identity=True, public_key=public, token=b"t")}
        assert len(asked(world, "/secrets/both")) == 1

    @pytest.mark.parametrize("data", [{}, {"known_hosts": b"x"}])
    def test_a_secret_without_the_keys_says_so(
        self, world: KubernetesWorld, flux: FluxCluster, data: dict[str, bytes]
    ) -> None:
        world.apply(a_secret("bare", **data))

        assert flux.read_secrets([ref("bare")], [ref("bare")]) == {ref("bare"): Secret()}

    def test_a_secret_without_data_is_bare_too(self, world: KubernetesWorld, flux: FluxCluster) -> None:
        world.fail(path="/secrets/bare", status=200, body={"kind": "Secret", "metadata": {"name": "bare"}})

        assert flux.read_secrets([ref("bare")], []) == {ref("bare"): Secret()}

    def test_a_key_that_is_unusable_says_why(self, world: KubernetesWorld, flux: FluxCluster) -> None:
        world.apply(a_secret("key", identity=b"", identity_pub=b"garbage"))

        assert flux.read_secrets([ref("key")], []) == {
            ref("key"): Secret(has_identity=True, key_problem="it is empty", has_declared=True)
        }

    def test_the_passphrase_comes_from_the_same_secret(
        self, world: KubernetesWorld, flux: FluxCluster, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        private, public = a_key_pair(1)
        other_private, other_public = a_key_pair(2)
        read: set[tuple[bytes, bytes | None]] = set()

        def reads(identity: bytes, passphrase: bytes | None) -> Any:
            read.add((identity, passphrase))
            return public_key_from_private(identity, passphrase)

        monkeypatch.setattr(flux_secrets, "public_key_from_private", reads)
        world.apply(a_secret("locked", identity=private, password=b"p"))
        world.apply(a_secret("open", identity=other_private))

        answers = flux.read_secrets([ref("locked"), ref("open")], [])

        assert {name: answer.public_key for name, answer in answers.items() if isinstance(answer, Secret)} == {
            ref("locked"): public,
            ref("open"): other_public,
        }
        assert read == {(private, b"p"), (other_private, None)}

    def test_a_key_behind_a_passphrase_is_derived_once_until_its_secret_changes(
        self, world: KubernetesWorld, flux: FluxCluster, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        derived: list[bytes] = []

        def read(identity: bytes, passphrase: bytes | None) -> Any:
            derived.append(identity)
            return public_key_from_private(identity, passphrase)

        monkeypatch.setattr(flux_secrets, "public_key_from_private", read)
        world.apply(a_secret("key", identity=a_key_pair(1)[0], password=b"p"))
        world.apply(a_secret("broken", identity=b"x", password=b"p"))
        refs = [ref("key"), ref("broken")]
        before = flux.read_secrets(refs, [])

        assert flux.read_secrets(refs, []) == before
        assert len(derived) == 2
        world.apply(a_secret("key", identity=a_key_pair(2)[0], password=b"p"))
        after = flux.read_secrets(refs, [])[ref("key")]

        assert isinstance(after, Secret)
        assert after.public_key == a_key_pair(2)[1]
        assert len(derived) == 3

    def test_a_key_without_one_is_not_remembered(self, world: KubernetesWorld, flux: FluxCluster) -> None:
        world.apply(a_secret("key", identity=a_key_pair(1)[0]))

        before = flux.read_secrets([ref("key")], [])

        assert flux.read_secrets([ref("key")], []) == before
        assert flux._secrets._derived == {}

    def test_a_missing_secret_is_missing(self, world: KubernetesWorld, flux: FluxCluster) -> None:
        world.apply(a_secret("key", "elsewhere", identity=a_key_pair()[0]))

        assert flux.read_secrets([ref("key")], []) == {ref("key"): SecretMissing()}

    @pytest.mark.parametrize("name", ["..", ".", "a/b", "a?b", "Upper", "", "a" * 254, "a\n"])
    def test_a_name_that_no_secret_can_have_is_missing_without_a_request(
        self, world: KubernetesWorld, flux: FluxCluster, name: str
    ) -> None:
        assert flux.read_secrets([ref(name)], []) == {ref(name): SecretMissing()}
        assert world.requests == []

    def test_a_missing_right_is_named(self, world: KubernetesWorld, flux: FluxCluster) -> None:
        world.apply(a_secret("key", identity=a_key_pair()[0]))
        world.apply(a_secret("other", token=b"t"))
        world.deny(verb="get", resource="secrets", name="key")

        assert flux.read_secrets([ref("key")], [ref("other")]) == {
            ref("key"): SecretUnreadable(
                f"403 Forbidden: the job's Role lacks `get` on secrets in namespace {TENANTS}",
                Cause(CauseCode.RBAC_MISSING),
            ),
            ref("other"): Secret(token=b"t"),
        }

    @pytest.mark.parametrize(
        ("failure", "reason"),
        [
            ({"status": 401}, "401 Unauthorized: the job's token is not valid"),
            ({"status": 500}, "500 Internal Server Error"),
            ({"status": 503}, "503 Service Unavailable"),
            ({"drop": True}, "gave no answer (the connection broke off)"),
            ({"status": 200, "body": "<html>"}, "the API server's answer is no Secret"),
            ({"status": 200, "body": "{}"}, "the API server's answer is no Secret"),
            (
                {"status": 200, "body": {"metadata": {"name": "key"}, "data": "x"}},
                "the API server's answer is no Secret",
            ),
            (
                {"status": 200, "body": {"metadata": {"name": "key"}, "data": []}},
                "the API server's answer is no Secret",
            ),
            ({"status": 200, "body": "[" * 100_000}, "the API server's answer is no Secret"),
        ],
    )
    def test_any_other_answer_makes_it_unreadable(
        self, world: KubernetesWorld, connected: Connect, failure: dict[str, Any], reason: str
    ) -> None:
        flux = FluxCluster(connected(token="bearer"), [TENANTS])
        world.apply(a_secret("key", token=b"t"))
        world.fail(path="/secrets/key", times=None, **failure)

        answer = flux.read_secrets([], [ref("key")])[ref("key")]

        assert isinstance(answer, SecretUnreadable)
        assert reason in answer.reason
        assert not answer.reason.endswith(".")

    def test_a_passing_failure_is_asked_again(self, world: KubernetesWorld, flux: FluxCluster) -> None:
        world.apply(a_secret("key", token=b"t"))
        world.fail(path="/secrets/key", times=2, status=503)

        assert flux.read_secrets([], [ref("key")]) == {ref("key"): Secret(token=b"t")}

    @pytest.mark.parametrize("value", ["not base64!", "YQ", 7, None, ["a"], {}, True, "\ud800"])
    def test_broken_base64_makes_it_unreadable(self, world: KubernetesWorld, flux: FluxCluster, value: object) -> None:
        secret = a_secret("key", token=b"t")
        world.apply(secret | {"data": secret["data"] | {"identity": value}})

        assert flux.read_secrets([ref("key")], []) == {
            ref("key"): SecretUnreadable("its `identity` is not base64", MALFORMED)
        }
        assert flux.read_secrets([], [ref("key")]) == {ref("key"): Secret(token=b"t")}

    @pytest.mark.parametrize("version", [7, ["1"], {}, None])
    def test_an_odd_version_is_none(self, world: KubernetesWorld, flux: FluxCluster, version: object) -> None:
        private, public = a_key_pair()
        metadata = {"name": "key", "namespace": TENANTS, "resourceVersion": version}
        world.fail(path="/secrets/key", status=200, body=a_secret("key", identity=private) | {"metadata": metadata})

        assert flux.read_secrets([ref("key")], []) == {ref("key"): Secret(has_identity=True, public_key=public)}

    def test_many_are_read_at_the_same_time(self, world: KubernetesWorld, flux: FluxCluster) -> None:
        refs = [ref(f"s{number:02}") for number in range(40)]
        for one in refs:
            world.apply(a_secret(one.name, token=one.name.encode()))
        world.latency = 0.05

        answers = flux.read_secrets([], refs)

        assert answers == {one: Secret(token=one.name.encode()) for one in refs}
        assert flux.api.requests == {"GET": 40}

    def test_none_are_read_without_a_request(self, world: KubernetesWorld, flux: FluxCluster) -> None:
        assert flux.read_secrets([], []) == {}
        assert world.requests == []

    def test_secrets_are_never_listed(self, world: KubernetesWorld, flux: FluxCluster) -> None:
        world.deny(verb="list", resource="secrets")
        world.apply(a_secret("key", token=b"t"))

        assert flux.read_secrets([], [ref("key")]) == {ref("key"): Secret(token=b"t")}


def test_nothing_of_a_secret_is_in_a_repr_or_a_log(
    world: KubernetesWorld, connected: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    private, _ = a_key_pair()
    encoded = a_secret("key", identity=private, token=b"hook-token")
    world.apply(encoded)
    world.token = "bearer-token"
    api = connected(token="bearer-token")
    flux = FluxCluster(api, [TENANTS])
    world.fail(path="/secrets/", status=500)

    answers = flux.read_secrets([ref("key")], [ref("key")])

    told = [repr(answers), repr(flux), repr(api), repr(vars(flux)), repr(api.get("/api")), caplog.text]
    lines = private.decode().splitlines()[1:-1]
    for marker in [*lines, *encoded["data"].values(), "hook-token", "bearer-token"]:
        assert not any(marker in text for text in told), marker
    assert isinstance(answers[ref("key")], Secret)


class TestExpectedSecrets:
    def test_what_was_begun_is_fetched_once_and_answers_the_next_reading(
        self, world: KubernetesWorld, flux: FluxCluster
    ) -> None:
        world.apply(a_secret("hook", token=b"t"))

        flux.expect_secrets([], [ref("hook")])
        answers = flux.read_secrets([], [ref("hook")])

        assert answers == {ref("hook"): Secret(token=b"t")}
        assert len(asked(world, "/secrets/hook")) == 1

    def test_the_reading_after_that_asks_again(self, world: KubernetesWorld, flux: FluxCluster) -> None:
        world.apply(a_secret("hook", token=b"t"))
        flux.expect_secrets([], [ref("hook")])
        flux.read_secrets([], [ref("hook")])
        world.apply(a_secret("hook", token=b"newer"))

        assert flux.read_secrets([], [ref("hook")]) == {ref("hook"): Secret(token=b"newer")}

    def test_other_secrets_than_the_expected_ones_are_fetched_for_themselves(
        self, world: KubernetesWorld, flux: FluxCluster
    ) -> None:
        world.apply(a_secret("one", token=b"1"))
        world.apply(a_secret("two", token=b"2"))

        flux.expect_secrets([], [ref("one")])

        assert flux.read_secrets([], [ref("two")]) == {ref("two"): Secret(token=b"2")}

    def test_what_is_given_up_is_not_fetched_any_more(self, world: KubernetesWorld, flux: FluxCluster) -> None:
        world.latency = 0.05
        refs = [ref(f"secret-{number}") for number in range(200)]

        flux.expect_secrets([], refs)
        flux.close()

        assert flux.read_secrets([], refs[:1]) == {refs[0]: SecretMissing()}
        assert len(asked(world, "/secrets/")) < len(refs)

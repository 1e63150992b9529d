"""Keys and tokens are replaced without a moment in which a clone, or a push's delivery, would fail."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest

from cronjob.sandbox.samples import CLUSTER, RECEIVER_URL, add_secret, reconcile_flux, ssh_key
from tests.worlds.program import Program, a_program

PROJECT = f"{CLUSTER}/tenant-0001"


@pytest.fixture
def program() -> Iterator[Program]:
    with a_program(3, samples=False) as ready:
        ready.run()
        yield ready


def rotate_token(program: Program) -> str:
    """A new token; the URL that Flux will give it."""
    add_secret(program.sandbox, "tenant-0001-webhook", {"token": "a-new-token"})
    return RECEIVER_URL + "/hook/" + hashlib.sha256(b"a-new-tokentenant-0001platform-flux-tenant-config").hexdigest()


def test_a_new_key_is_on_before_the_old_one_goes_off(program: Program) -> None:
    [(old, _)] = program.gitlab.keys_of(program.project(PROJECT))
    add_secret(program.sandbox, "tenant-0001-ssh", ssh_key())

    done = program.run()

    assert [write.split()[0] for write in done.writes] == ["POST", "DELETE"]
    assert done.writes[1].endswith(f"/deploy_keys/{old.id}")
    [(new, _)] = program.gitlab.keys_of(program.project(PROJECT))
    assert new.id != old.id
    assert done.report["objections"] == []


def test_a_token_in_flight_leaves_the_webhook_untouched(program: Program) -> None:
    before = program.urls(PROJECT)
    rotate_token(program)

    done = program.run()

    assert done.writes == []
    assert program.urls(PROJECT) == before
    assert [one["code"] for one in done.report["problems"]] == ["RotationInFlight"]
    assert [one["because"] for one in done.report["kept"]] == ["RotationInFlight"]
    assert done.code == 0


def test_once_flux_has_seen_it_the_new_webhook_comes_first_and_the_old_one_goes(program: Program) -> None:
    url = rotate_token(program)
    program.run()
    reconcile_flux(program.sandbox)

    done = program.run()

    assert [write.split()[0] for write in done.writes] == ["POST", "DELETE"]
    [hook] = program.gitlab.hooks_of(program.project(PROJECT))
    assert (hook.url, hook.token) == (url, "a-new-token")


def test_one_key_for_many_tenants_is_created_once_and_joined(program: Program) -> None:
    shared = ssh_key()
    for number in (1, 2, 3):
        add_secret(program.sandbox, f"tenant-000{number}-ssh", shared)

    done = program.run()

    ids = {
        key.id
        for number in (1, 2, 3)
        for key, _ in program.gitlab.keys_of(program.project(f"{CLUSTER}/tenant-000{number}"))
    }
    assert len(ids) == 1
    assert done.report["result"] == "applied"
    assert program.run().report["result"] == "in_sync"

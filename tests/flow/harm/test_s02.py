"""S2: a Receiver that names a Secret with a credential makes it no webhook's token."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from cronjob.sandbox.samples import CLUSTER, NAMESPACE, add_secret, reconcile_flux
from tests.worlds.program import Done, Program, a_program

NAME = "tenant-0001"
PROJECT = f"{CLUSTER}/{NAME}"


@pytest.fixture
def program() -> Iterator[Program]:
    with a_program(2, samples=False) as ready:
        yield ready


def a_json_web_token() -> str:
    parts = ({"alg": "RS256"}, {"sub": "system:serviceaccount:a:b"})
    return ".".join(
        [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts] + ["x"]
    )


def problems(done: Done) -> list[dict[str, Any]]:
    return [problem for problem in done.report["problems"] if problem["code"] == "TokenUnusable"]


@pytest.mark.parametrize("spelling", ["{}", "{}\n", "base64", "x{}y"])
def test_the_jobs_own_token_is_sent_to_no_webhook(program: Program, spelling: str) -> None:
    own = program.sandbox.token
    token = base64.b64encode(own.encode()).decode() if spelling == "base64" else spelling.format(own)
    add_secret(program.sandbox, f"{NAME}-webhook", {"token": token})
    reconcile_flux(program.sandbox)

    done = program.run()

    [problem] = problems(done)
    assert f"Secret/{NAMESPACE}/{NAME}-webhook" in problem["message"]
    assert "revoke" not in problem["message"]
    assert own not in done.out + done.err
    assert program.urls(PROJECT) == []
    assert len(program.urls(f"{CLUSTER}/tenant-0002")) == 1
    assert done.code == 1


@pytest.mark.parametrize("token", ["glrt-0123456789", "GR1348941abcdef", a_json_web_token()])
def test_another_credential_is_sent_to_no_webhook(program: Program, token: str) -> None:
    add_secret(program.sandbox, f"{NAME}-webhook", {"token": token})
    reconcile_flux(program.sandbox)

    assert len(problems(program.run())) == 1
    assert program.urls(PROJECT) == []


def test_a_service_accounts_token_is_sent_to_no_webhook(program: Program) -> None:
    program.kubernetes.delete("Secret", NAMESPACE, f"{NAME}-webhook")
    program.kubernetes.apply(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": f"{NAME}-webhook", "namespace": NAMESPACE},
            "type": "kubernetes.io/service-account-token",
            "stringData": {"token": "of no special form"},
        }
    )
    reconcile_flux(program.sandbox)

    [problem] = problems(program.run())
    assert "service account" in problem["message"]
    assert program.urls(PROJECT) == []


def test_where_a_webhook_has_it_already_it_stays_and_is_to_be_revoked(program: Program) -> None:
    token = "glpat-that-an-older-release-sent"
    program.run()
    add_secret(program.sandbox, f"{NAME}-webhook", {"token": token})
    reconcile_flux(program.sandbox)
    receiver = program.kubernetes.get("Receiver", NAMESPACE, NAME)
    assert receiver
    path = receiver["status"]["webhookPath"]
    [hook] = program.gitlab.hooks_of(program.project(PROJECT))
    hook.url = hook.url.partition("/hook/")[0] + path

    done = program.run()

    [problem] = problems(done)
    assert "revoke the credential now" in problem["message"]
    assert done.writes == []


def test_check_names_the_receiver_and_the_secret(program: Program) -> None:
    add_secret(program.sandbox, f"{NAME}-webhook", {"token": program.sandbox.token})

    done = program("check", "-o", "json")

    found = [each for each in json.loads(done.out)["findings"] if each["check"] == "credentials"]
    assert [each["level"] for each in found] == ["fail"]
    assert f"Receiver/{NAMESPACE}/{NAME} takes its token from Secret/{NAMESPACE}/{NAME}-webhook" in found[0]["message"]
    assert program.sandbox.token not in done.out + done.err


@pytest.mark.parametrize(("key", "level"), [("token", "warn"), ("gitlab-token", "ok")])
def test_check_warns_of_the_jobs_secret_where_a_receiver_could_name_it(program: Program, key: str, level: str) -> None:
    add_secret(program.sandbox, "flux-gitlab-syncer-token", {key: program.sandbox.token})

    done = program("check", "-o", "json")

    assert [each["level"] for each in json.loads(done.out)["findings"] if each["check"] == "credentials"] == [level]

"""S8: what one namespace asks for is bounded, and the tenants of the others are served in the same run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cronjob.flux import secrets as flux_secrets
from cronjob.sandbox.samples import CLUSTER, GROUP
from tests.flow.harm.tenancies import NEIGHBOUR, apply, two_namespaces
from tests.worlds.key_samples import openssh, string
from tests.worlds.program import Done, Program

HONEST = f"{CLUSTER}/tenant-0001"


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    with two_namespaces(tmp_path) as ready:
        for hook in ready.gitlab.hooks_of(ready.project(HONEST)):
            ready.gitlab.remove_hook(ready.project(HONEST), hook)
        yield ready


def over_budget(done: Done) -> list[str]:
    return [problem["message"] for problem in done.report["problems"] if problem["code"] == "OverBudget"]


def is_served(program: Program) -> bool:
    return len(program.titles(HONEST)) == len(program.urls(HONEST)) == 1


def add_repository(program: Program, name: str, path: str, **spec: Any) -> None:
    url = f"ssh://git@code.vt.edu/{GROUP}/{NEIGHBOUR}/{path}.git"
    apply(program, "GitRepository", name, spec={"interval": "5m", "url": url, **spec})


def test_dear_keys_are_opened_as_far_as_the_budget_of_their_namespace_goes(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[bytes] = []
    real = flux_secrets.public_key_from_private

    def counted(identity: bytes, passphrase: bytes | None) -> Any:
        opened.append(identity)
        return real(identity, passphrase)

    monkeypatch.setattr(flux_secrets, "public_key_from_private", counted)
    # A cipher that the library refuses: what is opened here costs nothing, and is counted all the same.
    dear = openssh(string(b"ssh-ed25519") + string(bytes(32)), rounds=128, cipher=b"none-such")
    for number in range(40):
        metadata = {"name": f"dear-{number:02}", "namespace": NEIGHBOUR}
        data = {"identity": dear.decode(), "password": "x"}
        program.kubernetes.apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data})
        add_repository(program, f"dear-{number:02}", "app", secretRef={"name": f"dear-{number:02}"})

    done = program.run()

    assert is_served(program)
    assert len([identity for identity in opened if identity == dear]) == 16
    [message] = over_budget(done)
    assert f"Namespace {NEIGHBOUR}" in message
    assert "and 21 more" in message


def test_names_that_do_not_exist_make_few_problems_and_few_events(program: Program) -> None:
    resources = [{"kind": "GitRepository", "name": f"tenant-{number:05}"} for number in range(3000)]
    spec = {"type": "gitlab", "secretRef": {"name": "missing"}, "resources": resources}
    apply(program, "Receiver", "loud", spec=spec)
    before = len(program.kubernetes.requests)

    done = program.run("--events")

    assert is_served(program)
    assert len(done.report["problems"]) == 21
    assert len(over_budget(done)) == 1
    events = [request for request in program.kubernetes.requests[before:] if "/events" in request.path]
    # Each is a PATCH, and a POST where it is new: five about the Receiver, one about the honest tenant's webhook.
    assert len(events) == 2 * 6


def test_paths_that_do_not_exist_are_looked_up_a_thousand_times_at_most(program: Program) -> None:
    for number in range(1010):
        add_repository(program, f"absent-{number:04}", f"absent-{number:04}")

    done = program.run("--dry-run")

    look_ups = [request for request in done.requests if "absent-" in request.path]
    assert len(look_ups) == 1000
    [message] = over_budget(done)
    assert f"GitRepository/{NEIGHBOUR}/absent-1000" in message
    assert done.report["summary"]["create"] == 1


def test_large_objects_are_listed_a_few_at_a_time(program: Program) -> None:
    for number in range(60):
        annotations = {"large": "x" * 500_000}
        metadata = {"annotations": annotations}
        url = f"ssh://git@code.vt.edu/{GROUP}/{NEIGHBOUR}/app.git"
        apply(program, "GitRepository", f"large-{number:02}", metadata=metadata, spec={"interval": "5m", "url": url})
    before = len(program.kubernetes.requests)

    program.run("--dry-run")

    lists = [request for request in program.kubernetes.requests[before:] if request.path.endswith("/gitrepositories")]
    limits = [int(request.query["limit"]) for request in lists if f"/{NEIGHBOUR}/" in request.path]
    # The first is given up at 8 MiB.
    assert max(limits[1:]) <= 17

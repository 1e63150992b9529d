"""S4: webhooks that people made by hand for a listed Receiver are never removed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cronjob.sandbox.samples import CLUSTER, NAMESPACE, RECEIVER_URL, add_secret, reconcile_flux
from tests.worlds.program import Program, a_program

PROJECT = f"{CLUSTER}/tenant-0001"


@pytest.fixture
def program() -> Iterator[Program]:
    with a_program(2, samples=False) as ready:
        ready.run()
        yield ready


def add_receiver(program: Program, kind: str, name: str, **spec: Any) -> str:
    """A Receiver that Flux has made ready and that names only an object of that kind; its webhook's URL."""
    add_secret(program.sandbox, "by-hand", {"token": "a-token"})
    resources = [{"kind": kind, "name": name}]
    receiver = {
        "apiVersion": "notification.toolkit.fluxcd.io/v1",
        "kind": "Receiver",
        "metadata": {"name": "by-hand", "namespace": NAMESPACE},
        "spec": {"type": "gitlab", "secretRef": {"name": "by-hand"}, "resources": resources},
    }
    program.kubernetes.apply(receiver)
    reconcile_flux(program.sandbox)
    ready = program.kubernetes.get("Receiver", NAMESPACE, "by-hand")
    program.kubernetes.apply({**ready, "spec": {**ready["spec"], **spec}})
    return RECEIVER_URL + str(ready["status"]["webhookPath"])


@pytest.fixture(params=["adopt", "receiver_url_is_ours", "both"])
def removing(request: pytest.FixtureRequest, tmp_path: Path) -> list[str]:
    """The options with which a run removes unmarked webhooks."""
    adopt = ["--adopt"] if request.param != "receiver_url_is_ours" else []
    if request.param == "adopt":
        return adopt
    settings = tmp_path / "settings.yaml"
    settings.write_text("receiver_url_is_ours: true\n")
    return [*adopt, "--config", str(settings)]


@pytest.mark.parametrize("kind", ["ImageRepository", "OCIRepository", "Bucket"])
def test_a_webhook_for_a_receiver_that_names_another_kind_stays(
    program: Program, removing: list[str], kind: str
) -> None:
    url = add_receiver(program, kind, "app")
    program.gitlab.add_hook(program.project(PROJECT), url)

    done = program.run(*removing)

    assert done.writes == []
    assert url in program.urls(PROJECT)
    assert [one["code"] for one in done.report["problems"]] == ["WebhookInUse"]


def test_a_webhook_by_hand_on_another_project_than_the_receivers_stays(program: Program, removing: list[str]) -> None:
    [url] = program.urls(f"{CLUSTER}/tenant-0002")
    program.gitlab.add_hook(program.project(PROJECT), url)

    done = program.run(*removing)

    assert (done.writes, url in program.urls(PROJECT)) == ([], True)


@pytest.mark.parametrize("state", [{"suspend": True}, {"type": "generic"}, {"type": "github"}])
def test_in_whatever_state_the_receiver_is(program: Program, removing: list[str], state: dict[str, Any]) -> None:
    url = add_receiver(program, "ImageRepository", "app", **state)
    program.gitlab.add_hook(program.project(PROJECT), url)

    done = program.run(*removing)

    assert (done.writes, url in program.urls(PROJECT)) == ([], True)


def test_once_the_receiver_is_gone_its_webhook_goes(program: Program, removing: list[str]) -> None:
    url = add_receiver(program, "ImageRepository", "app")
    program.gitlab.add_hook(program.project(PROJECT), url)
    program.kubernetes.delete("Receiver", NAMESPACE, "by-hand")

    done = program.run(*removing)

    assert [write.split()[0] for write in done.writes] == ["DELETE"]
    assert url not in program.urls(PROJECT)

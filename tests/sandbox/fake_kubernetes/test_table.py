from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import requests

from cronjob.sandbox.fake_kubernetes.app import kubernetes_app
from cronjob.sandbox.fake_kubernetes.world import KubernetesWorld
from cronjob.sandbox.serving import serving

# What kubectl sends: a table if the server can, else the objects.
TABLE = (
    "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json"
)


@pytest.fixture
def world() -> KubernetesWorld:
    return KubernetesWorld()


@pytest.fixture
def url(world: KubernetesWorld) -> Iterator[str]:
    with serving(kubernetes_app(world)) as address:
        yield address


def get(url: str, **query: str) -> dict:
    return requests.get(url, params=query, headers={"Accept": TABLE}, timeout=10).json()


def a_secret(name: str, **metadata: str) -> dict:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "tenants", **metadata}}


def cells(table: dict) -> list[list[object]]:
    assert table["kind"] == "Table"
    return [row["cells"] for row in table["rows"]]


def test_a_list_is_a_table_where_that_is_asked_for(world: KubernetesWorld, url: str) -> None:
    world.apply(a_secret("a") | {"stringData": {"token": "x"}})

    table = get(f"{url}/api/v1/namespaces/tenants/secrets")

    assert [column["name"] for column in table["columnDefinitions"]] == ["Name", "Type", "Data", "Age"]
    assert cells(table)[0][:3] == ["a", "Opaque", 1]
    assert table["rows"][0]["object"]["kind"] == "PartialObjectMetadata"
    assert table["rows"][0]["object"]["metadata"]["namespace"] == "tenants"
    assert "data" not in table["rows"][0]["object"]


def test_one_object_is_a_table_of_one_row(world: KubernetesWorld, url: str) -> None:
    world.apply(a_secret("a"))
    world.apply(a_secret("b"))

    table = get(f"{url}/api/v1/namespaces/tenants/secrets/b")

    assert [row[0] for row in cells(table)] == ["b"]


def test_a_table_comes_in_chunks_too(world: KubernetesWorld, url: str) -> None:
    world.apply(a_secret("a"))
    world.apply(a_secret("b"))
    secrets = f"{url}/api/v1/secrets"

    first = get(secrets, limit="1")
    second = get(secrets, limit="1", **{"continue": first["metadata"]["continue"]})

    assert [row[0] for row in cells(first) + cells(second)] == ["a", "b"]


@pytest.mark.parametrize(
    ("seconds", "text"), [(45, "45s"), (110, "110s"), (125, "2m"), (3 * 3600, "3h"), (50 * 3600, "2d")]
)
def test_an_age_is_coarse(world: KubernetesWorld, url: str, seconds: int, text: str) -> None:
    created = datetime.now(UTC) - timedelta(seconds=seconds)
    world.apply(a_secret("a", creationTimestamp=created.isoformat()))

    age = cells(get(f"{url}/api/v1/secrets"))[0][3]

    # A slow machine may see the next second.
    assert age in {text, f"{seconds + 1}s"}


def test_an_event_names_its_object(world: KubernetesWorld, url: str) -> None:
    event = {
        "metadata": {"name": "docs.1", "namespace": "tenants"},
        "involvedObject": {"kind": "GitRepository", "name": "docs"},
        "type": "Normal",
        "reason": "DeployKeyCreated",
        "message": "added",
    }
    world.apply({"apiVersion": "v1", "kind": "Event"} | event)

    row = cells(get(f"{url}/api/v1/events"))[0]

    assert row[2:] == ["Normal", "DeployKeyCreated", "gitrepository/docs", "added"]


def test_what_has_no_condition_yet_has_empty_cells(world: KubernetesWorld, url: str) -> None:
    spec = {"url": "ssh://git@gitlab.test/a/b", "interval": "1m"}
    metadata = {"name": "docs", "namespace": "tenants"}
    world.apply({"kind": "GitRepository", "metadata": metadata, "spec": spec})
    repositories = f"{url}/apis/source.toolkit.fluxcd.io/v1/gitrepositories"
    assert cells(get(repositories))[0][3:] == [None, None]

    ready = {"type": "Ready", "status": "True", "message": "stored"}
    world.set_status("GitRepository", "tenants", "docs", {"conditions": [{"type": "Stalled"}, ready]})

    assert cells(get(repositories))[0][3:] == ["True", "stored"]

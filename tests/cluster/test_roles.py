"""The program with the rights that components and pages add to the base's, which test_the_job.py is about."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
import yaml

from cronjob.sandbox.fake_kubernetes.authorization import Denial
from cronjob.sandbox.samples import CLUSTER, NAMESPACE, add_kustomization, reconcile_flux
from tests.cluster.grants import Grants
from tests.cluster.manifests import FOLDER, Manifest, loaded, of_kind
from tests.worlds.program import Program, a_program


def only(program: Program, *roles: tuple[Manifest, str | None]) -> None:
    """From now on the program has these rights and no others."""
    program.kubernetes.denials[:] = [cast("Denial", Grants(roles))]


BASE = of_kind("Role", "base")["flux-gitlab-syncer"]
EVERYWHERE = of_kind("ClusterRole", "components/multi-namespace")["flux-gitlab-syncer"]
IN_TENANTS = of_kind("Role", "components/multi-namespace")["flux-gitlab-syncer"]


@pytest.fixture
def program() -> Iterator[Program]:
    with a_program(2, samples=False) as ready:
        lease = of_kind("Lease", "base")["flux-gitlab-syncer"]
        ready.kubernetes.apply({**lease, "metadata": {**lease["metadata"], "namespace": NAMESPACE}})
        yield ready


def levels(program: Program, *options: str) -> dict[str, str]:
    """The worst level of each check."""
    found: dict[str, str] = {}
    for one in json.loads(program("check", "-o", "json", *options, SYNCER_RECEIVER_URL="").out)["findings"]:
        found[one["check"]] = max(found.get(one["check"], "ok"), one["level"], key=("ok", "warn", "fail").index)
    return found


def test_a_trace_tells_all_but_the_last_link_with_it_and_that_with_the_right_that_the_page_names(
    program: Program,
) -> None:
    page = (Path(__file__).parents[2] / "docs" / "trace.md").read_text(encoding="utf-8")
    more = yaml.safe_load(page.split("```yaml\n")[1].split("```")[0])
    program.run()
    reconcile_flux(program.sandbox)
    add_kustomization(program.sandbox, "tenant-0001")

    def links() -> list[tuple[str, str]]:
        [chain] = json.loads(program("trace", "tenant-0001", "-o", "json").out)["chains"]
        return [(one["link"], one["level"]) for one in chain["links"] if one["level"] != "ok"]

    only(program, (BASE, NAMESPACE))
    assert links() == [("deliveries", "note"), ("kustomization", "skip")]
    only(program, (BASE, NAMESPACE), (more, None))
    reconcile_flux(program.sandbox)
    assert links() == [("deliveries", "note")]


def test_each_shard_can_do_its_part_with_the_role_that_the_component_makes(program: Program) -> None:
    leases = of_kind("Lease", "components/sharded")
    for lease in leases.values():
        program.kubernetes.apply({**lease, "metadata": {**lease["metadata"], "namespace": NAMESPACE}})
    [component] = loaded(FOLDER / "components/sharded/kustomization.yaml")
    [patch] = [yaml.safe_load(one["patch"]) for one in component["patches"] if one["target"]["kind"] == "Role"]
    names = {"resourceNames": patch[-1]["value"]}
    rules = [rule | (names if "resourceNames" in rule else {}) for rule in BASE["rules"]]
    only(program, ({**BASE, "rules": rules}, NAMESPACE))

    done = [program.run("--events", "--shards", "4", JOB_COMPLETION_INDEX=str(index)) for index in range(4)]

    assert [one.code for one in done] == [0, 0, 0, 0]
    assert sum(len(one.writes) for one in done) == 4
    assert set(levels(program, "--events", "--shards", "4").values()) == {"ok"}
    # With the base's role alone each shard lacks its Lease, and a check says so.
    only(program, (BASE, NAMESPACE))
    assert program.run("--shards", "4", JOB_COMPLETION_INDEX="0").code == 1
    assert levels(program, "--events", "--shards", "4")["rights"] == "fail"


def test_many_namespaces_need_a_role_in_each(program: Program) -> None:
    namespaces = ("--namespace", NAMESPACE, "--namespace", "team-red")
    program.kubernetes.add_namespace("team-red")
    program.kubernetes.apply(
        {
            "apiVersion": "source.toolkit.fluxcd.io/v1",
            "kind": "GitRepository",
            "metadata": {"name": "red", "namespace": "team-red"},
            "spec": {
                "interval": "5m",
                "url": f"ssh://git@code.vt.edu/it-common-platform/tenants/{CLUSTER}/tenant-0001.git",
                "secretRef": {"name": "red-ssh"},
            },
        }
    )
    only(program, (BASE, NAMESPACE), (EVERYWHERE, None))
    assert "Secret" in _problem(program, *namespaces)
    assert "403" in _problem(program, *namespaces)

    only(program, (BASE, NAMESPACE), (EVERYWHERE, None), (IN_TENANTS, "team-red"))
    assert "does not exist" in _problem(program, *namespaces)


def _problem(program: Program, *options: str) -> str:
    """What is said of the tenant's GitRepository in the other namespace."""
    path = Path(program.environment["KUBECONFIG"]).with_name("settings.yaml")
    path.write_text('tenancy: [{namespace: "*", projects: "**"}]\n', encoding="utf-8")
    problems = program.run("--dry-run", "--config", str(path), *options).report["problems"]
    return " ".join(one["message"] for one in problems if one["object"] == "GitRepository/team-red/red")

"""A tenant with a namespace of its own tries to get at a neighbour's project, through whatever it may write itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from cronjob.sandbox.samples import CLUSTER, GROUP, MAINTAINER, NAMESPACE, add_tenant, reconcile_flux, ssh_key, token_of
from tests.chaos.expectations import Platform
from tests.worlds.program import Done, Program, a_program

HOST = "code.vt.edu"
INSIDE = f"{GROUP}/{CLUSTER}"
VICTIM = f"{INSIDE}/victim"
OWN = f"{INSIDE}/mallory/own"
RULES = f"""\
tenancy:
  - {{namespace: {NAMESPACE}, projects: {INSIDE}/**}}
  - {{namespace: mallory, projects: "{INSIDE}/{{namespace}}/**"}}
"""
# What a run asks for, whatever the tenants wrote.
USUAL = re.compile(
    r"/api/v4/(personal_access_tokens/self|user|groups/[^/?]+(/projects)?|projects/\d+(/(deploy_keys|hooks))?)"
)


class Neighbours:
    """A platform with a victim, everything of whose is in place, and with Mallory, who has a project of their own."""

    def __init__(self, program: Program, folder: Path) -> None:
        self.program = program
        self._settings = folder / "settings.yaml"
        self.settings("")
        gitlab = program.gitlab
        add_tenant(program.sandbox, "victim")
        gitlab.add_group(f"{INSIDE}/mallory")
        gitlab.add_group(f"{INSIDE}-evil")
        bot = next(user for user in gitlab.users.values() if user.username == "flux-bot")
        gitlab.add_member(gitlab.add_group(f"{GROUP}-evil"), bot, MAINTAINER)
        for path in (OWN, f"{GROUP}-evil/trap", f"{INSIDE}-evil/trap", f"{INSIDE}/mallory/was"):
            gitlab.add_project(path)
        gitlab.move_project(program.project(f"{CLUSTER}/mallory/was"), f"{INSIDE}/neighbour")
        program.kubernetes.add_namespace("mallory")
        reconcile_flux(program.sandbox)
        assert self.run().code == 0

    def settings(self, more: str) -> None:
        self._settings.write_text(RULES + more)

    def run(self) -> Done:
        return self.program.run("--config", str(self._settings), "--namespace", NAMESPACE, "--namespace", "mallory")

    def everything(self) -> dict[str, Any]:
        """All items by project."""
        platform = Platform(self.program)
        return {
            project.path_with_namespace: deepcopy(platform.items(project))
            for project in self.program.gitlab.projects.values()
        }

    def mallory_writes(self, url: str, *, resources: list[dict[str, str]] | None = None) -> None:
        """A GitRepository and a Receiver, each with a good Secret."""
        for name, data in (("grab-ssh", ssh_key()), ("grab-webhook", {"token": token_of("mallory")})):
            self._apply("v1", "Secret", name, stringData=data)
        source = {"interval": "5m", "url": url, "secretRef": {"name": "grab-ssh"}}
        self._apply("source.toolkit.fluxcd.io/v1", "GitRepository", "grab", spec=source)
        receiver = {
            "type": "gitlab",
            "events": ["Push Hook"],
            "secretRef": {"name": "grab-webhook"},
            "resources": resources or [{"kind": "GitRepository", "name": "grab"}],
        }
        self._apply("notification.toolkit.fluxcd.io/v1", "Receiver", "grab", spec=receiver)
        reconcile_flux(self.program.sandbox)

    def _apply(self, version: str, kind: str, name: str, **rest: Any) -> None:
        metadata = {"name": name, "namespace": "mallory"}
        self.program.kubernetes.apply({"apiVersion": version, "kind": kind, "metadata": metadata, **rest})


@pytest.fixture(scope="module")
def neighbours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Neighbours]:
    with a_program(0, samples=False) as program:
        yield Neighbours(program, tmp_path_factory.mktemp("settings"))


# By what the URL tries: the URL, and what is said of it.
TRICKS = {
    "the neighbour's own path": (f"ssh://git@{HOST}/{VICTIM}.git", "NotAllowed"),
    "the same in capitals": (f"ssh://git@{HOST}/{VICTIM.upper()}.git", "NotAllowed"),
    "an old path that leads to a neighbour": (f"ssh://git@{HOST}/{INSIDE}/mallory/was.git", "NotAllowed"),
    "dots": (f"ssh://git@{HOST}/{INSIDE}/mallory/../victim.git", "UrlUnusable"),
    "encoded dots": (f"ssh://git@{HOST}/{INSIDE}/mallory/%2e%2e/victim.git", "UrlUnusable"),
    "dots encoded twice": (f"ssh://git@{HOST}/{INSIDE}/mallory/%252e%252e/victim.git", "UrlUnusable"),
    "encoded slashes": (f"ssh://git@{HOST}/{INSIDE}/mallory/own%2F..%2F..%2Fvictim", "UrlUnusable"),
    "an empty segment": (f"ssh://git@{HOST}/{INSIDE}/mallory//victim.git", "UrlUnusable"),
    "a backslash": (f"ssh://git@{HOST}/{INSIDE}/mallory\\..\\victim.git", "UrlUnusable"),
    "full-width dots": (f"ssh://git@{HOST}/{INSIDE}/mallory/\uff0e\uff0e/victim.git", "UrlUnusable"),
    "an id": (f"ssh://git@{HOST}/1000", "UrlUnusable"),
    "an id as GitLab's API has it": (f"https://{HOST}/api/v4/projects/1000", "NotAllowed"),
    "a path of GitLab's web pages": (f"ssh://git@{HOST}/{OWN}/-/../../../victim", "UrlUnusable"),
    "a group with a longer name": (f"ssh://git@{HOST}/{GROUP}-evil/trap.git", "NotAllowed"),
    "a subgroup with a longer name": (f"ssh://git@{HOST}/{INSIDE}-evil/trap.git", "NotAllowed"),
    "a namespace with a longer name": (f"ssh://git@{HOST}/{INSIDE}/mallory-evil/trap.git", "NotAllowed"),
    "GitLab as the user": (f"ssh://{HOST}@elsewhere.example/{VICTIM}.git", "UrlUnusable"),
    "GitLab as user and password": (f"https://{HOST}:443@elsewhere.example/{VICTIM}.git", "UrlUnusable"),
    "a slash in the user's name": (f"https://{HOST}%2F@elsewhere.example/a/b", "ForeignHost"),
    "a host that goes on": (f"ssh://git@{HOST}.elsewhere.example/a/b.git", "ForeignHost"),
    "a host in Cyrillic": (f"ssh://git@c\u043ede.vt.edu/{OWN}.git", "UrlUnusable"),
    "a host with a dot behind": (f"ssh://git@{HOST}./{OWN}.git", "UrlUnusable"),
    "another scheme": (f"file:///{OWN}.git", "UrlUnusable"),
    "an option of ssh": (f"ssh://-oProxyCommand=touch@{HOST}:-x/{VICTIM}", "NotAllowed"),
    "a line break": (f"ssh://git@{HOST}/{OWN}.git\nssh://git@{HOST}/{VICTIM}.git", "UrlUnusable"),
    "a NUL": (f"ssh://git@{HOST}/{VICTIM}\0/{OWN}.git", "UrlUnusable"),
    "a URL without end": (f"ssh://git@{HOST}/{INSIDE}/mallory/{'a' * 5000}", "UrlUnusable"),
    "segments without end": (f"ssh://git@{HOST}/{INSIDE}/mallory/{'a/' * 1900}a", "ProjectNotFound"),
}


@pytest.mark.parametrize("trick", TRICKS)
def test_no_url_leads_to_a_neighbour_or_out_of_the_group(neighbours: Neighbours, trick: str) -> None:
    url, code = TRICKS[trick]
    before = neighbours.everything()
    neighbours.mallory_writes(url)

    done = neighbours.run()

    assert neighbours.everything() == before
    assert done.writes == []
    assert code in {
        problem["code"] for problem in done.report["problems"] if problem["object"] == "GitRepository/mallory/grab"
    }
    # Beside what every run asks, and a moved project's id, there is at most the look-up of one path, as one segment.
    for request in done.requests:
        path = request.path.partition("?")[0]
        if not USUAL.fullmatch(path):
            assert path.startswith(f"/api/v4/projects/{quote(f'{INSIDE}/mallory/', safe='')}")
            assert ".." not in path
            assert "%2F%2F" not in path


# Each means Mallory's own project.
HARMLESS = {
    "the usual form": f"ssh://git@{HOST}/{OWN}.git",
    "a port": f"ssh://git@{HOST}:2222/{OWN}.git",
    "mixed case": f"ssh://git@CODE.vt.EDU/{OWN.title()}.git",
    "any user": f"ssh://elsewhere.example@{HOST}/{OWN}.git",
    "a path behind the path": f"ssh://git@{HOST}/{OWN}.git?/../../victim#/../victim",
    "an encoded letter": f"ssh://git@{HOST}/{OWN[:-1]}%6e.git",
}


@pytest.mark.parametrize("form", HARMLESS)
def test_a_url_of_ones_own_project_is_served_there_and_nowhere_else(tmp_path: Path, form: str) -> None:
    with a_program(0, samples=False) as program:
        neighbours = Neighbours(program, tmp_path)
        before = neighbours.everything()
        neighbours.mallory_writes(HARMLESS[form])

        assert neighbours.run().code == 0

        after = neighbours.everything()
        keys, hooks = after.pop(OWN)
        assert [key["title"] for key in keys.values()] == [f"flux-gitlab-syncer {CLUSTER} mallory/grab-ssh"]
        assert len(hooks) == 1
        del before[OWN]
        assert after == before


@pytest.mark.parametrize("allowed", [False, True])
def test_a_receiver_gets_a_webhook_on_a_neighbours_project_only_where_the_settings_say_so(
    tmp_path: Path, *, allowed: bool
) -> None:
    with a_program(0, samples=False) as program:
        neighbours = Neighbours(program, tmp_path)
        neighbours.mallory_writes(
            f"ssh://git@{HOST}/{OWN}.git",
            resources=[{"kind": "GitRepository", "name": "victim", "namespace": NAMESPACE}],
        )
        if allowed:
            neighbours.settings("cross_namespace_refs: true\n")

        done = neighbours.run()

        marks = [hook.description for hook in program.gitlab.hooks_of(program.project(f"{CLUSTER}/victim"))]
        named = [f"flux-gitlab-syncer {CLUSTER} {NAMESPACE}/victim", f"flux-gitlab-syncer {CLUSTER} mallory/grab"]
        assert marks == (named if allowed else named[:1])
        assert ("NotAllowed" in {problem["code"] for problem in done.report["problems"]}) is not allowed


def test_who_leaves_takes_nothing_of_a_neighbours_along(tmp_path: Path) -> None:
    with a_program(0, samples=False) as program:
        neighbours = Neighbours(program, tmp_path)
        before = neighbours.everything()
        neighbours.mallory_writes(f"ssh://git@{HOST}/{OWN}.git")
        neighbours.run()
        neighbours.mallory_writes(f"ssh://git@{HOST}/{VICTIM}.git")

        done = neighbours.run()

        assert len(done.writes) == 2
        assert neighbours.everything() == before
